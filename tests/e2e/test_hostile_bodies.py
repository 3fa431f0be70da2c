"""Bodies that inflate, nest and multiply, by gRPC, HTTP/1.1 and HTTP/2: refused or taken, counted, within the
memory limit, and the exporter beside them loses nothing."""

import gzip
import random
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile import BOMBS, FAST, JSON, PROTOBUF, beside, gzip_bomb, post, refused  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.h2_raw import DATA, END_STREAM, RawPeer, frame  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import SERVER, Span  # noqa: E402

# A machine of some size; and a small one, where such bodies do not fit.
LARGE = {**FAST, "memory.limit": "1GiB"}
SMALL = {**FAST, "memory.limit": "128MiB"}
START = 1_700_000_000_000_000_000
MIB = 1 << 20
# Refusals of bodies that are too large, no request, or too much at this moment.
CODES = {"RESOURCE_EXHAUSTED", "INVALID_ARGUMENT", "UNAVAILABLE", "INTERNAL", "413", "400", "503"}


def block(field, body):
    """A message within a message."""
    length, size = bytearray(), len(body)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((field << 3 | 2, *length, size)) + body


def in_span(body):
    return block(1, block(2, block(2, body)))


def send_packed(daemon, door, body, encoding):
    """One request whose packed body fits a first window; its answer's code, as the counters have it."""
    if door == "http1":
        return str(post(daemon.http, body, encoding=encoding)[0])
    with RawPeer(daemon.grpc if door == "grpc" else daemon.http) as peer:
        peer.read()
        if door == "grpc":
            peer.send(peer.headers(1, grpc_encoding=encoding))
            body = struct.pack(">BI", 1, len(body)) + body
        else:
            peer.send(peer.headers(1, path="/v1/traces", content_type=PROTOBUF, content_encoding=encoding))
        assert len(body) < 65535
        for at in range(0, len(body), 16384):
            peer.send(frame(DATA, END_STREAM if at + 16384 >= len(body) else 0, 1, body[at:at + 16384]))
        peer.wait_for(lambda: 1 in peer.ended or 1 in peer.resets)
        fields = peer.fields[1]
        return grpc_name(int(fields["grpc-status"])) if door == "grpc" else fields[":status"]


def grpc_name(code):
    return {status.value[0]: status.name for status in grpc.StatusCode}[code]


def send_plain(daemon, door, body):
    """One large request as it is."""
    if door == "http1":
        return str(post(daemon.http, body)[0])
    channel = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(daemon.grpc, channel) as opened:
        try:
            opened.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")(body, timeout=60)
            return "OK"
        except grpc.RpcError as error:
            return error.code().name


DOORS = ["grpc", "http1", "http2"]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("encoding", BOMBS)
def test_property_bomb_is_refused_and_counted(door, encoding):
    name = encoding.partition(" ")[0]
    size = 256 * MIB if name == "zstd" or encoding == name and door == "http1" else 60 * MIB
    packed = BOMBS[encoding](size)
    if door != "http1" and len(packed) > 60_000:
        packed = BOMBS[encoding](48 * MIB)
    with Daemon({**SMALL, "receiver.message_bytes_max": "4MiB"}) as daemon, beside(daemon):
        codes = [send_packed(daemon, door, packed, name) for _ in range(3)]
        if door == "grpc" and codes[0] == "UNIMPLEMENTED":
            assert name not in ("gzip",)
        else:
            assert set(codes) <= {"RESOURCE_EXHAUSTED", "413"}, codes
        assert refused(daemon) == {codes[0]: 3}


@pytest.mark.parametrize("door", ["http1", "http2"])
def test_property_zstd_window_without_bounds_is_refused(door):
    with Daemon(SMALL) as daemon, beside(daemon):
        code = send_packed(daemon, door, BOMBS["zstd"](MIB, window=0xF8), "zstd")  # 2 TiB
        assert code in ("400", "413")
        assert refused(daemon) == {code: 1}


def noise(size):
    """Bytes that gzip makes some hundred times smaller, not a thousand."""
    return random.Random(1).randbytes(16 << 10) * (size // (16 << 10))


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("what", ["zeros", "noise"])
def test_property_hundred_messages_inflate_at_once(door, what):
    """Each to just below the limit of one message, many times what the memory allows together."""
    packed = gzip_bomb(62 * MIB) if what == "zeros" else gzip.compress(b"\xfa\x01\x80\x80\x80\x03" + noise(6 * MIB))
    with Daemon(SMALL) as daemon, beside(daemon):
        with ThreadPoolExecutor(50) as pool:
            codes = list(pool.map(lambda _: send_packed(daemon, door, packed, "gzip"), range(100)))
        taken = sum(code in ("OK", "200") for code in codes)
        assert set(codes) <= CODES | {"OK", "200"}, set(codes)
        assert taken == 0 if what == "zeros" else taken > 0, set(codes)
        assert sum(refused(daemon).values()) == 100 - taken


EMPTIES = {"spans": lambda count: block(1, block(2, b"\x12\x00" * count)),
           "attributes": lambda count: in_span(b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8 + b"\x4a\x00" * count),
           "resources": lambda count: b"\x0a\x00" * count,
           "links": lambda count: in_span(b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8 + b"\x6a\x00" * count)}


@pytest.mark.parametrize("door", ["grpc", "http1"])
@pytest.mark.parametrize("what", EMPTIES)
@pytest.mark.parametrize("machine", ["large", "small"])
def test_sixty_mebibytes_of_empties(door, what, machine):
    body = EMPTIES[what](30 * MIB)
    with Daemon(LARGE if machine == "large" else SMALL) as daemon, beside(daemon):
        codes = [send_plain(daemon, door, body) for _ in range(2)]
        assert set(codes) <= CODES | {"OK", "200"}, codes
        failures = sum(code not in ("OK", "200") for code in codes)
        assert sum(refused(daemon).values()) >= failures
        if what == "spans" and failures < 2:
            rejected = daemon.accounting()["rejected"]
            assert sum(rejected.values()) == (2 - failures) * 30 * MIB, rejected


def test_sixty_mebibytes_of_empty_json():
    for text in (b"{}," * (20 * MIB), b"[]," * (20 * MIB), b'{"attributes":[{}]},' * (3 * MIB)):
        body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + text[:-1] + b"]}]}]}"
        with Daemon(SMALL) as daemon, beside(daemon):
            status, answer = post(daemon.http, body, JSON)
            assert str(status) in CODES | {"200"}, answer
            assert status == 200 or refused(daemon) == {str(status): 1}


def nested(depth, kind):
    """An attribute whose value is so deep."""
    heads, size = [], 0
    for _ in range(depth):
        for field in (1, 5) if kind == "array" else (2, 1, 6):
            length, rest = bytearray(), size
            while rest > 0x7F:
                length.append(rest & 0x7F | 0x80)
                rest >>= 7
            heads.append(bytes((field << 3 | 2, *length, rest)))
            size += len(heads[-1])
    return in_span(b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8 + block(9, block(2, b"".join(reversed(heads)))))


@pytest.mark.parametrize("door", ["grpc", "http1"])
@pytest.mark.parametrize("kind", ["array", "map"])
def test_value_nested_a_hundred_thousand_deep(door, kind):
    body = nested(100_000, kind)
    with Daemon(SMALL) as daemon, beside(daemon):
        codes = {send_plain(daemon, door, body) for _ in range(3)}
        assert codes <= {"INVALID_ARGUMENT", "400"}, codes
        assert sum(refused(daemon).values()) == 3


@pytest.mark.parametrize("text", [b'{"arrayValue":{"values":[', b'{"kvlistValue":{"values":[{"value":', b"[", b'{"a":'])
def test_json_nested_a_hundred_thousand_deep(text):
    body = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + text * 100_000
    with Daemon(SMALL) as daemon, beside(daemon):
        assert post(daemon.http, body, JSON)[0] == 400
        assert refused(daemon) == {"400": 1}


def small_request():
    span = Span("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "", SERVER, "serve", START, START + 1_000_000,
                resource={"service.name": "stock"}, attributes={"http.route": "/a"})
    return request_of([span]).SerializeToString()


@pytest.mark.parametrize("value", ["0", "+1", "-1", "255"])
def test_wrong_bytes_at_every_offset_of_a_message(value):
    """On gRPC and on HTTP alike: each is answered once, by the same outcome."""
    sound = small_request()
    change = {"0": lambda byte: 0, "+1": lambda byte: byte + 1 & 255, "-1": lambda byte: byte - 1 & 255,
              "255": lambda byte: 255}[value]
    bodies = [sound[:at] + bytes((change(sound[at]),)) + sound[at + 1:] for at in range(len(sound))]
    bodies += [sound[:at] for at in range(len(sound))]
    with Daemon(SMALL) as daemon, beside(daemon):
        with Sender(daemon.grpc) as sender:
            calls = [sender.call.future(body, timeout=60, wait_for_ready=True) for body in bodies]
            by_grpc = [outcome(call) for call in calls]
        by_http = [{200: "OK", 400: "INVALID_ARGUMENT"}[post(daemon.http, body)[0]] for body in bodies]
        assert by_grpc == by_http
        assert refused(daemon) == {"INVALID_ARGUMENT": by_grpc.count("INVALID_ARGUMENT"),
                                   "400": by_http.count("INVALID_ARGUMENT")}


def outcome(call):
    return "OK" if call.code() == grpc.StatusCode.OK else call.code().name


@pytest.mark.parametrize("door", ["grpc", "http1"])
def test_wrong_lengths_around_a_message(door):
    """The prefix of gRPC and Content-Length tell another length than came."""
    sound = small_request()
    with Daemon({**SMALL, "receiver.request_timeout": "1s"}) as daemon, beside(daemon):
        for told in (0, 1, len(sound) - 1, len(sound) + 1, 2 * len(sound), 1 << 20, (1 << 32) - 1):
            if door == "grpc":
                with RawPeer(daemon.grpc) as peer:
                    peer.send(peer.headers(1) + frame(DATA, END_STREAM, 1, struct.pack(">BI", 0, told) + sound))
                    assert peer.status(1) not in (0, 14), told
            else:
                lying_length(daemon, told, sound)


def lying_length(daemon, told, sound):
    from hostile import connect, ended, head
    with connect(daemon.http) as connection:
        connection.sendall(head(length=told) + sound)
        connection.shutdown(1)
        answer = ended(connection)
    statuses = {line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")}
    # No bytes are an empty request; one byte of it is none. What never comes is not answered with success.
    assert statuses <= ({b"200", b"400", b"501"} if told == 0 else {b"400", b"408", b"413", b"501", b"503"}), (told, answer)
