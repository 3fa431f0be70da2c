"""A6 to A8: limits of requests and responses."""

import gzip
import json

import endpoint
import http2
import payloads
import pytest
import rpc
import wire
from doors import JSON, PROTOBUF, probe, response_of, status_of
from http1 import chunked


def message_of(door, size):
    """A sound request of exactly that size."""
    if not door.json:
        return wire.pad(payloads.body(), size)
    tree = payloads.json_traces(payloads.json_span())
    tree["filler"] = ""
    room = size - len(json.dumps(tree))
    tree["filler"] = (wire.noise(room // 2 + 1).hex())[:room]
    out = json.dumps(tree).encode()
    assert len(out) == size
    return out


def item_of(door):
    return "A6" if door.name == "grpc" else "A7"


PACKED = pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])


@probe("A6", "a message of exactly the limit is taken: the prefix does not count, nor does what it was packed to")
@PACKED
def test_grpc_at_the_limit(server, packed):
    door = server.door("grpc")
    outcome = door.send(message_of(door, server.limit), packed=packed)
    assert outcome.kind == "ok", str(outcome)


@probe("A6", "one byte more is RESOURCE_EXHAUSTED, without RetryInfo")
@PACKED
def test_grpc_beyond_the_limit(server, packed):
    door = server.door("grpc")
    outcome = door.send(message_of(door, server.limit + 1), packed=packed)
    assert outcome.code == rpc.RESOURCE_EXHAUSTED, str(outcome)
    assert outcome.raw.retry_info() is None
    assert not outcome.retryable
    assert outcome.message


@probe("A6", "far beyond the limit it is RESOURCE_EXHAUSTED too, and the connection goes on")
@PACKED
def test_grpc_far_beyond_the_limit(server, packed):
    body = wire.pad(payloads.body(), 4 * server.limit)
    body = rpc.gzipped(body) if packed else rpc.prefixed(body)
    with server.http2("grpc") as peer:
        answer = rpc.call(peer, body,
                          fields=[*server.fields, ("grpc-encoding", "gzip")] if packed else server.fields)
        assert answer.code == rpc.RESOURCE_EXHAUSTED, answer.message
        assert not answer.retryable
        assert rpc.call(peer, rpc.prefixed(payloads.body()), fields=server.fields).code == rpc.OK


@probe("A7", "a body of exactly the limit is taken, whatever it was packed to")
@PACKED
def test_http_at_the_limit(http_door, server, packed):
    outcome = http_door.send(message_of(http_door, server.limit), packed=packed)
    assert outcome.kind == "ok", str(outcome)


@probe("A7", "one byte more is 413 with a Status")
@PACKED
def test_http_beyond_the_limit(http_door, server, packed):
    outcome = http_door.send(message_of(http_door, server.limit + 1), packed=packed)
    assert outcome.code == 413, str(outcome)
    assert status_of(outcome.raw.get("content-type"), outcome.raw.body).message


@probe("A7", "chunks are counted as they come")
def test_http_chunks_beyond_the_limit(server):
    body = chunked(wire.pad(payloads.body(), server.limit + 1), 60_000)
    with server.http1() as peer:
        fields = [("Host", peer.host), ("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked"), *server.fields]
        peer.send(peer.head("POST", "/v1/traces", fields))
        try:
            peer.send(body)
        except endpoint.Closed:
            pass  # It may answer, and close, before it has all.
        assert peer.response().status == 413


@probe("A7", "a body of exactly the limit is taken in chunks")
def test_http_chunks_at_the_limit(server):
    body = chunked(wire.pad(payloads.body(), server.limit), 60_000)
    with server.http1() as peer:
        fields = [("Host", peer.host), ("Content-Type", PROTOBUF), ("Transfer-Encoding", "chunked"), *server.fields]
        peer.send(peer.head("POST", "/v1/traces", fields) + body)
        assert peer.response().status == 200


@probe("A7", "a Content-Length beyond the limit is refused, when the body goes beyond it at the latest")
@pytest.mark.parametrize("length", ["limit+1", "2^40", "2^63-1"])
def test_http_announced_beyond_the_limit(server, length):
    size = {"limit+1": server.limit + 1, "2^40": 1 << 40, "2^63-1": (1 << 63) - 1}[length]
    with server.http1() as peer:
        fields = [("Host", peer.host), ("Content-Type", PROTOBUF), ("Content-Length", size), *server.fields]
        peer.send(peer.head("POST", "/v1/traces", fields))
        try:
            peer.send(wire.pad(payloads.body(), server.limit + 1))
        except endpoint.Closed:
            pass
        assert peer.response().status == 413


@probe("A7", "over HTTP/2 a body without Content-Length is counted as it comes, and the connection goes on")
@PACKED
def test_http2_beyond_the_limit(server, packed):
    server.require_http2()
    body = wire.pad(payloads.body(), server.limit + 1)
    with server.http2("http") as peer:
        fields = [*server.fields, ("content-encoding", "gzip")] if packed else server.fields
        assert peer.post("/v1/traces", gzip.compress(body) if packed else body, fields).status == 413
        assert peer.post("/v1/traces", payloads.body(), server.fields).status == 200


@probe("A6", "by default the limit is the recommended 64 MiB")
def test_default_limit(server):
    if not server.options.defaults:
        pytest.skip("--defaults was not given: the limit is what --limit says")
    outcome = server.door("grpc").send(wire.pad(payloads.body(), 64 << 20))
    assert outcome.kind == "ok", str(outcome)


@probe("A8", "however much was rejected, and however long its names, the response is small")
def test_response_is_bounded(door, server):
    count = min(2000, server.limit // 400)
    spans = [payloads.bad_span(name="n" * 200 + str(i)) for i in range(count)]
    request = payloads.traces(*spans)
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    body = outcome.raw.messages[0] if door.name == "grpc" and outcome.raw.messages else getattr(outcome.raw, "body", b"")
    assert len(body) <= 4 << 20
    assert outcome.kind == "partial", str(outcome)
    assert outcome.rejected == count


@probe("A8", "what a client sends comes back only in part in an error")
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_error_is_bounded(server, content_type):
    filler = b"x" * min(server.limit // 2, 1 << 20)
    body = b'{"' + filler + b'":' if content_type == JSON else wire.block(1, b"\xff" + filler)
    with server.http1() as peer:
        answer = peer.request("POST", "/v1/traces", body, server.fields, content_type)
    assert answer.status == 400
    assert len(answer.body) < 64 << 10


@probe("A8", "fields of a response stay small: grpc-message too")
def test_grpc_message_is_bounded(server):
    with server.http2("grpc") as peer:
        answer = rpc.call(peer, rpc.prefixed(wire.block(1, b"\xff" * min(server.limit // 2, 1 << 20))), fields=server.fields)
        assert answer.code != rpc.OK
        assert len(answer.trailers["grpc-message"]) < 4096
        peer.ping()


@probe("A7", "an answer before the body's end leaves the stream in order")
def test_http2_early_answer(server):
    server.require_http2()
    with server.http2("http") as peer:
        stream = peer.new_stream()
        peer.send(peer.fields(stream, [(":method", "POST"), (":scheme", peer.scheme), (":path", "/v1/traces"),
                                       (":authority", peer.authority), ("content-type", PROTOBUF),
                                       ("content-length", str(server.limit + 1)), *server.fields]))
        assert response_of(peer.finish(stream)).status == 413
        assert peer.stream(stream).reset in (None, http2.NO_ERROR)
        assert peer.post("/v1/traces", payloads.body(), server.fields).status == 200
