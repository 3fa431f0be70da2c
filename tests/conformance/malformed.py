"""malformed: bytes that are no OTLP request."""

import payloads
import wire

SOUND = payloads.body()

PROTOBUF = {
    "cut tag": b"\x8a",
    "cut length": b"\x0a",
    "length beyond the end": wire.tag(1, wire.BYTES) + b"\x05abc",
    "length of 2^31": wire.tag(1, wire.BYTES) + wire.varint(1 << 31) + b"abc",
    "length of 2^32": wire.tag(1, wire.BYTES) + wire.varint(1 << 32) + b"abc",
    "length of 2^63": wire.tag(1, wire.BYTES) + wire.varint(1 << 63) + b"abc",
    "length of 2^64-1": wire.tag(1, wire.BYTES) + wire.varint((1 << 64) - 1) + b"abc",
    "cut in half": SOUND[:len(SOUND) // 2],
    "cut by a byte": SOUND[:-1],
    "field number 0": wire.tag(0, wire.VARINT) + b"\1",
    "field number 0 in a span": payloads.span_bytes(payloads.span().SerializeToString() + b"\0\1"),
    "wire type 6": b"\x0e",
    "wire type 7": b"\x0f",
    "wire type 7 in a span": payloads.span_bytes(payloads.span().SerializeToString() + wire.tag(99, 7)),
    "group without an end": wire.tag(99, wire.GROUP) + wire.number(1, 1),
    "end of no group": wire.tag(99, wire.END_GROUP),
    "end of another group": wire.tag(99, wire.GROUP) + wire.tag(98, wire.END_GROUP),
    "group that ends outside of its message": payloads.span_bytes(wire.tag(99, wire.GROUP)) + wire.tag(99, wire.END_GROUP),
    "varint of 11 bytes": wire.tag(99, wire.VARINT) + b"\xff" * 10 + b"\1",
    "varint without an end": wire.tag(99, wire.VARINT) + b"\xff",
    "cut fixed64": wire.tag(99, wire.FIXED64) + b"\0" * 7,
    "cut fixed32": wire.tag(99, wire.FIXED32) + b"\0" * 3,
    "span beyond its scope": wire.block(1, wire.block(2, wire.tag(2, wire.BYTES) + b"\x30" + b"\0" * 16)),
    "text": b"hello, this is no protobuf",
    "JSON": payloads.json_body(),
}
