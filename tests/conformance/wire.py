"""wire: protobuf by hand, for messages that no library would write."""

import struct

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def tag(field, kind):
    return varint(field << 3 | kind)


def number(field, value):
    return tag(field, VARINT) + varint(value)


def fixed64(field, value=0):
    return tag(field, FIXED64) + struct.pack("<Q", value)


def fixed32(field, value=0):
    return tag(field, FIXED32) + struct.pack("<I", value)


def block(field, body):
    """A message, string or bytes."""
    return tag(field, BYTES) + varint(len(body)) + body


def group(field, body=b""):
    return tag(field, GROUP) + body + tag(field, END_GROUP)


def each_kind(field):
    """One field of that number of each wire type."""
    return {"varint": number(field, 1 << 63), "fixed64": fixed64(field, 7), "bytes": block(field, b"\xff\x00x"),
            "group": group(field, number(1, 2) + group(2, block(3, b"y"))), "fixed32": fixed32(field, 9)}


def pad(message, size):
    """The message, filled up to exactly so many bytes by a field that nobody knows."""
    for length_bytes in range(1, 6):
        body = size - len(message) - 2 - length_bytes
        if 0 <= body < 1 << 7 * length_bytes:
            length = bytes(body >> 7 * i & 0x7F | (0x80 if i + 1 < length_bytes else 0) for i in range(length_bytes))
            return message + b"\xfa\x01" + length + noise(body)
    raise ValueError(f"{len(message)} bytes cannot become {size}")


def noise(size, period=16 << 10):
    """Bytes that gzip makes smaller, but not a thousand times."""
    state, out = 1, bytearray()
    while len(out) < min(size, period):
        state = (state * 6364136223846793005 + 1442695040888963407) & (1 << 64) - 1
        out += struct.pack("<I", state >> 32)
    return (bytes(out[:period]) * (size // period + 1))[:size]


# --- Reading --------------------------------------------------------------------------------------


def split(message):
    """field, wire type, the bytes before the value, the value, what follows."""
    at, key = read_varint(message, 0)
    kind = key & 7
    if kind == VARINT:
        end, _ = read_varint(message, at)
    elif kind == BYTES:
        at, length = read_varint(message, at)
        end = at + length
    else:
        end = at + (8 if kind == FIXED64 else 4)
    return key >> 3, kind, message[:at], message[at:end], message[end:]


def read_varint(message, at):
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return at, value


def values(message, field):
    """The values of a field: bytes of a message or string, or a varint's number."""
    out = []
    while message:
        number_, kind, _, value, message = split(message)
        if number_ == field:
            out.append(read_varint(value, 0)[1] if kind == VARINT else value)
    return out
