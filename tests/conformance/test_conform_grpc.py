"""C6 to C12: gRPC over HTTP/2."""

import base64
import gzip
import struct
import time
import zlib

import endpoint
import http2
import payloads
import pytest
import rpc
from doors import probe
from http2 import DATA, END_STREAM, frame


def one(server, body=None, **how):
    """One call on a connection of its own."""
    fields = [*server.fields, *how.pop("fields", ())]
    with server.http2("grpc") as peer:
        return rpc.call(peer, rpc.prefixed(payloads.body()) if body is None else body, fields=fields, **how)


def assert_goes_on(server, peer):
    assert rpc.call(peer, rpc.prefixed(payloads.body()), fields=server.fields).code == rpc.OK


# --- C6 -------------------------------------------------------------------------------------------


@probe("C6", "the content types of gRPC are taken")
@pytest.mark.parametrize("content_type", ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8",
                                          "application/grpc+proto;a=b"])
def test_content_type(server, content_type):
    assert one(server, fields=[("content-type", content_type)]).code == rpc.OK


@probe("C6", "any other content type is HTTP 415")
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", "application/grpcx", "application/grp", "application/grpc-web",
                                          "application/x-www-form-urlencoded"])
def test_other_content_type(server, content_type):
    assert one(server, fields=[("content-type", content_type)]).http_status == 415


@probe("C6", "no content type is HTTP 415")
def test_no_content_type(server):
    assert one(server, drop=("content-type",)).http_status == 415


@probe("C6", "a method other than POST is refused")
@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "HEAD"])
def test_method(server, method):
    with server.http2("grpc") as peer:
        stream = peer.finish(rpc.start(peer, fields=[*server.fields, (":method", method)], end=True))
        assert stream.status in (405, 400, 415) or rpc.answer_of(stream).code in (rpc.INTERNAL, rpc.UNIMPLEMENTED) or stream.reset
        assert_goes_on(server, peer)


@probe("C6", "a call without `te: trailers` is taken")
def test_no_te(server):
    assert one(server, drop=("te",)).code == rpc.OK


@probe("C6", "fields of a connection are an error of the stream, not of the connection")
@pytest.mark.parametrize("field", [("connection", "keep-alive"), ("transfer-encoding", "chunked"), ("upgrade", "h2c"),
                                   ("keep-alive", "5"), ("te", "gzip")], ids=lambda field: field[0])
def test_connection_fields(server, field):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=[*server.fields, field])
        try:
            peer.data(stream, rpc.prefixed(payloads.body()))
        except endpoint.Closed:
            pass
        found = peer.finish(stream)
        assert found.reset == http2.PROTOCOL_ERROR or found.status == 400 or rpc.answer_of(found).code == rpc.INTERNAL
        assert_goes_on(server, peer)


@probe("C6", "fields that no request may have are an error of the stream")
@pytest.mark.parametrize("what", ["upper case", "pseudo field twice", "unknown pseudo field", "pseudo field behind", "no path",
                                  "empty path", "no method", "no scheme", "NUL in a value", "newline in a value", "two hosts"])
def test_malformed_fields(server, what):
    sound = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", rpc.EXPORT),
             ("content-type", "application/grpc"), ("te", "trailers")]
    fields = {"upper case": [*sound, ("X-Upper", "1")], "pseudo field twice": [(":path", "/x"), *sound],
              "unknown pseudo field": [(":unknown", "1"), *sound], "pseudo field behind": [*sound[1:], sound[0]],
              "no path": [pair for pair in sound if pair[0] != ":path"],
              "empty path": [(name, "" if name == ":path" else value) for name, value in sound],
              "no method": sound[1:], "no scheme": [pair for pair in sound if pair[0] != ":scheme"],
              "NUL in a value": [*sound, ("x", "a\0b")], "newline in a value": [*sound, ("x", "a\nb")],
              "two hosts": [*sound, ("host", "a"), ("host", "b")]}[what]
    with server.http2("grpc") as peer:
        stream = peer.new_stream()
        peer.send(peer.fields(stream, fields, http2.END_HEADERS | END_STREAM))
        found = peer.finish(stream)
        assert found.reset is not None or found.status >= 400 or rpc.answer_of(found).code != rpc.OK
        assert_goes_on(server, peer)


# --- C7 -------------------------------------------------------------------------------------------


@probe("C7", "a timeout in each unit is understood")
@pytest.mark.parametrize("value", ["1H", "5M", "30S", "30000m", "30000000u", "99999999n", "00000030S", "99999999H"])
def test_timeout(server, value):
    code = one(server, fields=[("grpc-timeout", value)]).code
    assert code == rpc.OK or value.endswith("n") and code == rpc.DEADLINE_EXCEEDED


@probe("C7", "a timeout that is malformed is refused")
@pytest.mark.parametrize("value", ["", "5", "S", "5X", "-5S", "+5S", "5.5S", "123456789S", " 5S", "5 S", "0x5S", "5SS"])
def test_malformed_timeout(server, value):
    answer = one(server, fields=[("grpc-timeout", value)])
    assert answer.code in (rpc.INTERNAL, rpc.INVALID_ARGUMENT) or answer.http_status == 400


@probe("C7", "when the time is over the call ends, as DEADLINE_EXCEEDED or cancelled")
@pytest.mark.parametrize("value", ["200m", "1n", "0S"])
def test_timeout_passes(server, value):
    with server.http2("grpc") as peer:
        before = time.monotonic()
        stream = rpc.start(peer, fields=[*server.fields, ("grpc-timeout", value)])
        peer.send(frame(DATA, 0, stream, rpc.prefixed(payloads.body())[:9]))
        found = peer.finish(stream)
        assert found.reset == http2.CANCEL or rpc.answer_of(found).code == rpc.DEADLINE_EXCEEDED
        assert value != "200m" or time.monotonic() - before > 0.15
        assert_goes_on(server, peer)


# --- C8 -------------------------------------------------------------------------------------------


@probe("C8", "a flag other than 0 and 1 is INTERNAL")
@pytest.mark.parametrize("flag", [2, 3, 128, 255])
def test_flag(server, flag):
    assert one(server, rpc.prefixed(payloads.body(), flag)).code == rpc.INTERNAL


@probe("C8", "a packed message without grpc-encoding, or with identity, is INTERNAL")
@pytest.mark.parametrize("encoding", [None, "identity"])
def test_packed_without_encoding(server, encoding):
    fields = [("grpc-encoding", encoding)] if encoding else []
    assert one(server, rpc.gzipped(payloads.body()), fields=fields).code == rpc.INTERNAL


@probe("C8", "a message that is not packed is taken whatever the encoding")
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_plain_with_encoding(server, encoding):
    assert one(server, fields=[("grpc-encoding", encoding)]).code == rpc.OK


@probe("C8", "an unknown encoding is UNIMPLEMENTED, and the known are named")
@pytest.mark.parametrize("encoding", ["none-such", "br", "gzip, gzip"])
def test_unknown_encoding(server, encoding):
    answer = one(server, rpc.prefixed(b"x", 1), fields=[("grpc-encoding", encoding)])
    assert answer.code == rpc.UNIMPLEMENTED
    accepted = {**answer.headers, **answer.trailers}.get("grpc-accept-encoding", "")
    assert "gzip" in accepted


@probe("C8", "a stream that does not unpack is INTERNAL")
@pytest.mark.parametrize("what", ["text", "cut", "checksum", "empty", "header alone"])
def test_corrupt_stream(server, what):
    packed = gzip.compress(payloads.body())
    body = {"text": b"no gzip", "cut": packed[:-9], "checksum": packed[:-8] + b"\0" * 4 + packed[-4:], "empty": b"",
            "header alone": packed[:10]}[what]
    assert one(server, rpc.prefixed(body, 1), fields=[("grpc-encoding", "gzip")]).code in (rpc.INTERNAL, rpc.INVALID_ARGUMENT)


@probe("C8", "the prefix alone decides about a message that is too large")
@pytest.mark.parametrize("length", ["limit+1", "2^31", "2^32-1"])
def test_prefix_decides(server, length):
    size = {"limit+1": server.limit + 1, "2^31": 1 << 31, "2^32-1": (1 << 32) - 1}[length]
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=server.fields)
        peer.send(frame(DATA, 0, stream, struct.pack(">BI", 0, size)))
        assert rpc.answer_of(peer.finish(stream)).code == rpc.RESOURCE_EXHAUSTED
        assert_goes_on(server, peer)


def pieces(peer, stream, body, size, padding=None):
    for at in range(0, len(body), size):
        last = at + size >= len(body)
        part = body[at:at + size]
        flags = (END_STREAM if last else 0) | (http2.PADDED if padding is not None else 0)
        peer.send(frame(DATA, flags, stream, part if padding is None else bytes((padding,)) + part + b"\0" * padding))


@probe("C8", "frames may end anywhere: 1-byte DATA, padded DATA, empty DATA in between")
@pytest.mark.parametrize("what", ["1 byte", "3 bytes", "prefix apart", "padded", "padded to the full", "empty in between",
                                  "empty at the end"])
def test_data_boundaries(server, what):
    body = rpc.prefixed(payloads.body())
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=server.fields)
        if what == "empty in between":
            for at in range(0, len(body), 10):
                peer.send(frame(DATA, 0, stream, body[at:at + 10]) + frame(DATA, 0, stream))
            peer.send(frame(DATA, END_STREAM, stream))
        elif what == "empty at the end":
            peer.send(frame(DATA, 0, stream, body) + frame(DATA, END_STREAM, stream))
        else:
            size, padding = {"1 byte": (1, None), "3 bytes": (3, None), "prefix apart": (5, None), "padded": (10, 3),
                             "padded to the full": (10, 255)}[what]
            pieces(peer, stream, body, size, padding)
        assert rpc.answer_of(peer.finish(stream)).code == rpc.OK


@probe("C8", "encodings that the server names are understood")
def test_named_encodings(server):
    answer = one(server, rpc.prefixed(b"x", 1), fields=[("grpc-encoding", "none-such")])
    named = {name.strip() for name in {**answer.headers, **answer.trailers}.get("grpc-accept-encoding", "").split(",")}
    assert "gzip" in named
    if "deflate" in named:
        body = rpc.prefixed(zlib.compress(payloads.body()), 1)
        assert one(server, body, fields=[("grpc-encoding", "deflate")]).code == rpc.OK


# --- C9, C10 ----------------------------------------------------------------------------------------


@probe("C9", "no message, or two, are not taken for one")
@pytest.mark.parametrize("count", [0, 2, 3])
def test_cardinality(server, count):
    answer = one(server, rpc.prefixed(payloads.body()) * count)
    assert answer.code in (rpc.UNIMPLEMENTED, rpc.INTERNAL), f"code {answer.code}"


@probe("C9", "no DATA at all is no message")
def test_no_data(server):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=server.fields, end=True)
        assert rpc.answer_of(peer.finish(stream)).code in (rpc.UNIMPLEMENTED, rpc.INTERNAL)


@probe("C9", "a stream that ends inside its message is INTERNAL")
@pytest.mark.parametrize("size", [1, 4, 5, 6, -1])
def test_cut_message(server, size):
    answer = one(server, rpc.prefixed(payloads.body())[:size])
    assert answer.code in (rpc.INTERNAL, rpc.INVALID_ARGUMENT)


@probe("C9", "bytes behind the message are INTERNAL")
@pytest.mark.parametrize("more", [b"\0", b"\0\0\0\0", b"rubbish"], ids=["1", "4", "7"])
def test_trailing_bytes(server, more):
    answer = one(server, rpc.prefixed(payloads.body()) + more)
    assert answer.code in (rpc.INTERNAL, rpc.UNIMPLEMENTED)


PATHS = ["/no.such.Service/Export", "/opentelemetry.proto.collector.trace.v1.TraceService/NoSuch",
         "/opentelemetry.proto.collector.trace.v1.TraceService/", "/opentelemetry.proto.collector.trace.v1.TraceService/export",
         "/opentelemetry.proto.collector.trace.v1.TraceService/Export/", "//Export", "/", "/x"]


@probe("C10", "unknown services and methods are UNIMPLEMENTED, on a stream of status 200")
@pytest.mark.parametrize("path", PATHS)
def test_unknown_path(server, path):
    answer = one(server, path=path)
    assert answer.code == rpc.UNIMPLEMENTED
    assert answer.http_status == 200


@probe("C10", "they are answered before the body's end, and the stream closed without an error")
def test_unknown_path_early(server):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, "/no.such.Service/Export", server.fields)
        found = peer.finish(stream)
        assert rpc.answer_of(found).code == rpc.UNIMPLEMENTED
        assert found.reset in (None, http2.NO_ERROR)
        assert_goes_on(server, peer)


# --- C11, C12 ---------------------------------------------------------------------------------------


@probe("C11", "a success is HEADERS with 200 and application/grpc, DATA, and trailers")
def test_success_frames(server):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=server.fields)
        peer.data(stream, rpc.prefixed(payloads.body()))
        found = peer.finish(stream)
        kinds = [kind for kind, _, number in peer.frames if number == stream and kind in (http2.HEADERS, DATA)]
        assert kinds == [http2.HEADERS, DATA, http2.HEADERS]
        assert found.headers[":status"] == "200"
        assert found.headers["content-type"].startswith("application/grpc")
        assert "grpc-status" not in found.headers
        assert found.trailers["grpc-status"] == "0"
        assert ":status" not in found.trailers


@probe("C11", "grpc-status is a plain decimal, and grpc-message percent-encoded ASCII")
@pytest.mark.parametrize("what", ["bad data", "unknown service", "bad flag"])
def test_status_text(server, what):
    answer = {"bad data": lambda: one(server, rpc.prefixed(b"\xff\xff")), "unknown service": lambda: one(server, path="/\u00e9/%41"),
              "bad flag": lambda: one(server, rpc.prefixed(b"", 9))}[what]()
    assert answer.trailers["grpc-status"] == str(int(answer.trailers["grpc-status"]))
    text = answer.trailers.get("grpc-message", "")
    assert text
    assert all(" " <= letter <= "~" for letter in text)


@probe("C11", "a Trailers-Only response is one HEADERS frame with END_STREAM")
def test_trailers_only(server):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, "/no.such.Service/Export", server.fields)
        peer.data(stream, rpc.prefixed(b""))
        peer.finish(stream)
        frames = [(kind, flags) for kind, flags, number in peer.frames if number == stream and kind in (http2.HEADERS, DATA)]
        assert [kind for kind, _ in frames] == [http2.HEADERS]
        assert frames[0][1] & END_STREAM


@probe("C11", "many calls on one connection are each answered")
@pytest.mark.parametrize("count", [1000])
def test_many_calls(server, count):
    with server.http2("grpc") as peer:
        for _ in range(count):
            assert_goes_on(server, peer)


@probe("C11", "calls at once are answered each, in whatever order they end")
def test_calls_at_once(server):
    with server.http2("grpc") as peer:
        streams = [rpc.start(peer, fields=server.fields) for _ in range(50)]
        for stream in reversed(streams):
            peer.data(stream, rpc.prefixed(payloads.body()))
        assert {rpc.answer_of(peer.finish(stream)).code for stream in streams} == {rpc.OK}


METADATA = {
    "padded": ("x-bin", base64.b64encode(b"1234").decode()), "unpadded": ("x-bin", base64.b64encode(b"1234").decode().rstrip("=")),
    "list": ("x-bin", "AAA=,AAE=,"), "empty": ("x-bin", ""), "long": ("x-text", "v" * 3000), "reserved": ("grpc-no-such", "1"),
    "tags": ("grpc-tags-bin", "AAAA"), "trace": ("grpc-trace-bin", "AAAA"), "cookie": ("cookie", "a=b"), "user agent": ("user-agent", "x/1"),
    "Latin-1": ("x-text", "caf\u00e9"), "tab": ("x-text", "a\tb"), "blanks": ("x-text", "  a  "), "dots": ("x.y_z-0", "1"),
}


@probe("C12", "metadata in each form are taken or ignored")
@pytest.mark.parametrize("what", list(METADATA))
def test_metadata(server, what):
    with server.http2("grpc") as peer:
        stream = peer.new_stream()
        block = peer.encoder.encode([(":method", "POST"), (":scheme", peer.scheme), (":authority", peer.authority),
                                     (":path", rpc.EXPORT), ("content-type", "application/grpc"), ("te", "trailers"),
                                     *server.fields])
        # By hand, since the value need be no text: a literal that is not indexed.
        name, value = (part.encode("latin-1") for part in METADATA[what])
        block += b"\0" + number(len(name), 7) + name + number(len(value), 7) + value
        peer.send(frame(http2.HEADERS, http2.END_HEADERS, stream, block))
        peer.data(stream, rpc.prefixed(payloads.body()))
        answer = rpc.answer_of(peer.finish(stream))
        assert answer.code == rpc.OK or what in ("Latin-1", "tab", "blanks")
        assert_goes_on(server, peer)


def number(value, bits):
    """HPACK's integer behind a prefix of no flags."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((value,))
    out, value = bytearray((most,)), value - most
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes((*out, value))


@probe("C12", "binary metadata that is no base64 fails the call at most, never the connection")
@pytest.mark.parametrize("value", ["!!!!", "A", "AAA", "====", "\x7f"])
def test_bad_base64(server, value):
    with server.http2("grpc") as peer:
        rpc.call(peer, rpc.prefixed(payloads.body()), fields=[*server.fields, ("x-bin", value)])
        assert_goes_on(server, peer)
