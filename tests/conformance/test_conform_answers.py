"""A9 to A16: successes, partial successes and refusals."""

import gzip
import json

import endpoint
import http2
import malformed
import payloads
import pytest
import rpc
import wire
from doors import JSON, PROTOBUF, probe, status_of

# --- A9, A10 ----------------------------------------------------------------------------------------

EMPTY_PROTOBUF = {"nothing": b"", "resource_spans": wire.block(1, b""),
                  "resource": wire.block(1, wire.block(1, b"")),
                  "scope_spans": wire.block(1, wire.block(2, b"")),
                  "scope": wire.block(1, wire.block(2, wire.block(1, b""))),
                  "many": wire.block(1, b"") * 100}
EMPTY_JSON = {"nothing": {}, "array": {"resourceSpans": []}, "null": {"resourceSpans": None},
              "resourceSpans": {"resourceSpans": [{}]}, "resource": {"resourceSpans": [{"resource": {}}]},
              "scopeSpans": {"resourceSpans": [{"scopeSpans": []}]},
              "scope": {"resourceSpans": [{"scopeSpans": [{"scope": {}}]}]},
              "spans": {"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}}


@probe("A9", "a request without a span succeeds")
@pytest.mark.parametrize("what", list(EMPTY_PROTOBUF))
def test_empty_protobuf(binary_door, what):
    outcome = binary_door.send(EMPTY_PROTOBUF[what])
    assert outcome.kind == "ok", str(outcome)


@probe("A9", "a request without a span succeeds as JSON")
@pytest.mark.parametrize("what", list(EMPTY_JSON))
def test_empty_json(server, what):
    outcome = server.door("json").send(json.dumps(EMPTY_JSON[what]).encode())
    assert outcome.kind == "ok", str(outcome)


@probe("A9", "an empty request of the other signals succeeds, where they are taken")
@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_empty_of_signal(door, server, signal):
    server.require(signal, door)
    outcome = door.send(b"{}" if door.json else b"", signal)
    assert outcome.kind == "ok", str(outcome)


@probe("A9", "nothing, packed by gzip, is still nothing")
def test_empty_packed(binary_door):
    outcome = binary_door.send(b"", packed=True)
    assert outcome.kind == "ok", str(outcome)


@probe("A10", "a success on gRPC is one message of no bytes, and status 0 in the trailers")
def test_grpc_success(server):
    outcome = server.door("grpc").send(payloads.body())
    assert outcome.kind == "ok", str(outcome)
    assert outcome.raw.messages == [b""], "partial_success is set, or something else is"
    assert outcome.raw.http_status == 200
    assert outcome.raw.trailers["grpc-status"] == "0"


@probe("A10", "a success on HTTP is 200 and no bytes of protobuf, or {} of JSON")
def test_http_success(http_door):
    outcome = http_door.send(payloads.json_body() if http_door.json else payloads.body())
    assert outcome.code == 200
    assert outcome.raw.body == (b"{}" if http_door.json else b""), "partial_success is set, or something else is"


@probe("A10", "so is the success of an empty request")
def test_success_of_nothing(door):
    outcome = door.send(b"{}" if door.json else b"")
    body = outcome.raw.messages[0] if door.name == "grpc" else outcome.raw.body
    assert body == (b"{}" if door.json else b""), "partial_success is set, or something else is"


@probe("A10", "so is the success of the other signals, where they are taken")
@pytest.mark.parametrize("signal", ["metrics", "logs"])
def test_success_of_signal(door, server, signal):
    server.require(signal, door)
    outcome = door.send(b"{}" if door.json else b"", signal)
    body = outcome.raw.messages[0] if door.name == "grpc" else outcome.raw.body
    assert body == (b"{}" if door.json else b""), "partial_success is set, or something else is"


# --- A11, A12 ---------------------------------------------------------------------------------------


@probe("A11", "one bad span among good ones is rejected alone, with its number and a message, as a success")
def test_partial_success(door):
    request = payloads.traces(payloads.span(), payloads.bad_span(), payloads.span())
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.kind == "partial", str(outcome)
    assert outcome.rejected == 1
    assert outcome.message
    assert outcome.code == (0 if door.name == "grpc" else 200)


@probe("A11", "rejected_spans counts spans, over all blocks")
def test_partial_success_counts(door):
    request = payloads.traces(*(payloads.span() if i % 3 else payloads.bad_span() for i in range(30)))
    more = payloads.traces(*(payloads.bad_span() for _ in range(7)))
    request.resource_spans.extend(more.resource_spans)
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString())
    assert outcome.rejected == 17, str(outcome)


@probe("A11", "partial success in JSON is lowerCamelCase")
def test_partial_success_json(server):
    outcome = server.door("json").send(payloads.json_body(payloads.json_span(traceId="")))
    answer = json.loads(outcome.raw.body)
    assert set(answer) == {"partialSuccess"}
    assert int(answer["partialSuccess"]["rejectedSpans"]) == 1
    assert answer["partialSuccess"]["errorMessage"]


@probe("A11", "partial success of packed requests is told too")
def test_partial_success_packed(door):
    request = payloads.traces(payloads.span(), payloads.bad_span())
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString(), packed=True)
    assert (outcome.kind, outcome.rejected) == ("partial", 1), str(outcome)


@probe("A12", "where partial_success is set with nothing rejected, there is a message")
@pytest.mark.parametrize("what", ["sound", "empty", "unknown field", "old kind", "strindex"])
def test_warning_has_a_message(binary_door, what):
    body = {"sound": payloads.body(), "empty": b"", "unknown field": payloads.with_bytes("span", wire.number(999, 1)),
            "old kind": payloads.body(payloads.span(kind=0)),
            "strindex": payloads.with_bytes("value", wire.number(8, 1))}[what]
    outcome = binary_door.send(body)
    assert outcome.kind in ("ok", "warning"), str(outcome)
    raw = outcome.raw.messages[0] if binary_door.name == "grpc" else outcome.raw.body
    response = payloads.RESPONSES["traces"].FromString(raw)
    if response.HasField("partial_success"):
        assert response.partial_success.error_message


# --- A13, A14, A15, A18 -------------------------------------------------------------------------------


@probe("A13", "good spans before the damage do not make a success of it")
def test_damage_at_the_end_is_seen(door):
    if door.json:
        outcome = door.send(payloads.json_body()[:-1] + b',"x":')
    else:
        outcome = door.send(payloads.body(*(payloads.span() for _ in range(20))) + b"\x0a\x7f")
    assert outcome.kind == "refused", str(outcome)
    assert not outcome.retryable


@probe("A13", "a request without END_STREAM is not answered before it")
def test_no_answer_before_the_end(server):
    with server.http2("grpc") as peer:
        stream = rpc.start(peer, fields=server.fields)
        peer.data(stream, rpc.prefixed(payloads.body()), end=False)
        peer.ping()
        assert not peer.stream(stream).over
        peer.send(http2.frame(http2.DATA, http2.END_STREAM, stream))
        assert rpc.answer_of(peer.finish(stream)).code == rpc.OK


@probe("A14", "what is no request is INVALID_ARGUMENT")
@pytest.mark.parametrize("what", list(malformed.PROTOBUF))
def test_grpc_bad_data(server, what):
    outcome = server.door("grpc").send(malformed.PROTOBUF[what])
    assert outcome.code == rpc.INVALID_ARGUMENT, str(outcome)


@probe("A14", "it is told in words, and details are a Status of the same code that asks for no retry")
def test_grpc_bad_data_details(server):
    answer = server.door("grpc").send(b"\xff\xff").raw
    assert answer.message
    if answer.details:
        assert answer.details.code == answer.code
        assert all("BadRequest" in detail.type_url for detail in answer.details.details)
    assert answer.retry_info() is None


@probe("A15", "what will never be taken is refused by a code that says so")
@pytest.mark.parametrize("what", ["bad data", "too large", "too large packed", "unknown service", "bad gzip"])
def test_grpc_permanent_refusal(server, what):
    with server.http2("grpc") as peer:
        large = wire.pad(payloads.body(), server.limit + 1)
        packed = [*server.fields, ("grpc-encoding", "gzip")]
        answer = {"bad data": lambda: rpc.call(peer, rpc.prefixed(b"\xff"), fields=server.fields),
                  "too large": lambda: rpc.call(peer, rpc.prefixed(large), fields=server.fields),
                  "too large packed": lambda: rpc.call(peer, rpc.gzipped(large), fields=packed),
                  "unknown service": lambda: rpc.call(peer, rpc.prefixed(b""), "/no.Service/Export", server.fields),
                  "bad gzip": lambda: rpc.call(peer, rpc.prefixed(b"no gzip", 1), fields=packed)}[what]()
    assert answer.code != rpc.OK
    assert not answer.retryable, f"code {answer.code} may be tried again"


@probe("A15", "a stream beyond the number allowed is refused so that it may be tried again")
def test_streams_beyond_their_number(server):
    with server.http2("grpc") as peer:
        peer.ping()
        most = peer.settings.get(http2.MAX_CONCURRENT_STREAMS)
        if most is None or most > 5000:
            pytest.skip("the server bounds its streams nowhere near")
    with server.http2("grpc") as peer:
        # It has not seen the server's SETTINGS yet, so nothing forbids these streams.
        peer.acknowledges = False
        streams = [rpc.start(peer, fields=server.fields) for _ in range(most + 1)]
        peer.ping()
        last = peer.finish(streams[-1])
        assert last.reset == http2.REFUSED_STREAM or rpc.answer_of(last).code == rpc.UNAVAILABLE
        peer.data(streams[0], rpc.prefixed(payloads.body()))
        assert rpc.answer_of(peer.finish(streams[0])).code == rpc.OK


@probe("A18", "what is no request is 400")
@pytest.mark.parametrize("what", list(malformed.PROTOBUF))
def test_http_bad_protobuf(server, what):
    outcome = server.door("http").send(malformed.PROTOBUF[what])
    assert outcome.code == 400, str(outcome)


@probe("A18", "its details, where there are any, contain a BadRequest")
@pytest.mark.parametrize("name", ["http", "json"])
def test_http_bad_data_details(server, name):
    answer = server.door(name).send(b"\xff{").raw
    assert answer.status == 400
    status = status_of(answer.get("content-type"), answer.body)
    assert all("BadRequest" in detail.type_url for detail in status.details)
    assert not answer.get("retry-after")


# --- A16 and A18: overload ----------------------------------------------------------------------------

OVERLOAD_BYTES = 96 << 20


@pytest.fixture(scope="module")
def overloaded(server):
    """Refusals, by transport, of a server that is made to hold unfinished bodies of many connections."""
    body = wire.pad(payloads.body(), server.limit)
    found = {"grpc": [], "http": []}
    for which in found:
        if not getattr(server, which):
            continue
        peers, held = [], 0
        try:
            while held < OVERLOAD_BYTES and len(peers) < 400 and not found[which]:
                part = body[:-1][:4 << 20]
                peer = server.http2(which) if which == "grpc" else server.http1()
                peers.append(peer)
                held += hold_grpc(server, peer, part) if which == "grpc" else hold_http(server, peer, part, len(body))
                found[which] = [answer for peer in peers[-1:] for answer in refusals(which, peer)]
        finally:
            for peer in peers:
                peer.socket.close()
    server.assert_serves()
    return found


def hold_grpc(server, peer, part):
    peer.read()
    stream = rpc.start(peer, fields=server.fields)
    window = peer.settings.get(http2.INITIAL_WINDOW_SIZE, 65535)
    piece = rpc.prefixed(part)[:min(window, 65535)]
    peer.data(stream, piece, end=False)
    return len(piece)


def hold_http(server, peer, part, size):
    fields = [("Host", peer.host), ("Content-Type", PROTOBUF), ("Content-Length", size), *server.fields]
    peer.socket.settimeout(0.3)
    try:
        peer.send(peer.head("POST", "/v1/traces", fields) + part)
    except (TimeoutError, endpoint.Closed):
        pass  # It reads no more: that is one way to bear with it; or it has answered.
    return len(part)


def refusals(which, peer):
    if which == "grpc":
        while peer.read(0.01):
            pass
        return [rpc.answer_of(stream) for stream in peer.streams.values() if stream.over]
    peer.socket.settimeout(0.01)
    try:
        return [peer.response()]
    except (TimeoutError, endpoint.Closed):
        return []


@probe("A16", "an overloaded server's refusal may be tried again, and a RetryInfo gives some time")
def test_grpc_overload(overloaded):
    if not overloaded["grpc"]:
        pytest.skip(f"{OVERLOAD_BYTES >> 20} MiB of unfinished bodies did not make the server refuse any")
    for answer in overloaded["grpc"]:
        assert answer.code == rpc.UNAVAILABLE or answer.code == rpc.RESOURCE_EXHAUSTED and answer.retryable
        if answer.retry_info() is not None:
            assert 0.01 <= answer.retry_info() <= 300


@probe("A18", "an overloaded server's refusal is 429 or 503, and Retry-After is in whole seconds, 1 at least")
def test_http_overload(overloaded):
    if not overloaded["http"]:
        pytest.skip(f"{OVERLOAD_BYTES >> 20} MiB of unfinished bodies did not make the server refuse any")
    for answer in overloaded["http"]:
        assert answer.status in (429, 503)
        status_of(answer.get("content-type"), answer.body)
        if answer.get("retry-after"):
            assert int(answer.get("retry-after")) >= 1


@probe("A18", "no permanent refusal is by a status that asks for a retry")
@pytest.mark.parametrize("what", ["bad data", "bad JSON", "too large", "bad gzip", "unknown path", "unknown type",
                                  "unknown encoding", "wrong method"])
def test_http_permanent_refusal(server, what):
    with server.http1() as peer:
        def post(body, content_type=PROTOBUF, path="/v1/traces", fields=(), method="POST"):
            return peer.request(method, path, body, [*server.fields, *fields], content_type)
        answer = {"bad data": lambda: post(b"\xff\xff"), "bad JSON": lambda: post(b"{", JSON),
                  "too large": lambda: post(gzip.compress(wire.pad(payloads.body(), server.limit + 1)),
                                            fields=[("Content-Encoding", "gzip")]),
                  "bad gzip": lambda: post(b"no gzip", fields=[("Content-Encoding", "gzip")]),
                  "unknown path": lambda: post(b"", path="/v1/nothing"), "unknown type": lambda: post(b"", "text/html"),
                  "unknown encoding": lambda: post(b"x", fields=[("Content-Encoding", "none-such")]),
                  "wrong method": lambda: post(b"", method="PUT")}[what]()
    assert 400 <= answer.status < 500
    assert answer.status != 429
    assert not answer.get("retry-after")
