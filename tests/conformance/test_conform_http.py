"""A17 to A22: OTLP/HTTP's errors, types, encodings and connections."""

import gzip
import zlib

import endpoint
import payloads
import pytest
from doors import JSON, PROTOBUF, probe, response_of, status_of
from http1 import chunked

# --- A17 ------------------------------------------------------------------------------------------


def exchange(server, version, method="POST", path="/v1/traces", body=b"", content_type=PROTOBUF, fields=()):
    fields = [*server.fields, *fields]
    if version == "2":
        server.require_http2()
        with server.http2("http") as peer:
            return response_of(peer.post(path, body, fields, content_type, method))
    with server.http1() as peer:
        return peer.request(method, path, body, fields, content_type)


ERRORS = {  # what -> (status, the type its Status must have or None, how)
    "bad protobuf": (400, PROTOBUF, {"body": b"\xff\xff"}),
    "bad JSON": (400, JSON, {"body": b"{", "content_type": JSON}),
    "unknown path, protobuf": (404, PROTOBUF, {"path": "/v1/nothing"}),
    "unknown path, JSON": (404, JSON, {"path": "/v1/nothing", "content_type": JSON, "body": b"{}"}),
    "unknown path, no type": (404, JSON, {"path": "/v1/nothing", "content_type": None}),
    "unknown type": (415, JSON, {"content_type": "text/plain", "body": b"hello"}),
    "no type": (415, JSON, {"content_type": None, "body": payloads.body()}),
    "unknown encoding, protobuf": (415, PROTOBUF, {"body": b"x", "fields": [("Content-Encoding", "none-such")]}),
    "unknown encoding, JSON": (415, JSON, {"body": b"x", "fields": [("Content-Encoding", "none-such")],
                                           "content_type": JSON}),
    "bad gzip, protobuf": (400, PROTOBUF, {"body": b"no gzip", "fields": [("Content-Encoding", "gzip")]}),
    "bad gzip, JSON": (400, JSON, {"body": b"no gzip", "fields": [("Content-Encoding", "gzip")], "content_type": JSON}),
    "GET": (405, None, {"method": "GET", "content_type": None}),
    "PUT": (405, PROTOBUF, {"method": "PUT", "body": payloads.body()}),
    "DELETE": (405, None, {"method": "DELETE", "content_type": None}),
    "PATCH": (405, JSON, {"method": "PATCH", "body": b"{}", "content_type": JSON}),
}


@probe("A17", "each error has the right status, and its body is a Status in the request's encoding, else in JSON")
@pytest.mark.parametrize("version", ["1.1", "2"])
@pytest.mark.parametrize("what", list(ERRORS))
def test_error_body(server, what, version):
    status, content_type, how = ERRORS[what]
    answer = exchange(server, version, **how)
    assert answer.status == status
    assert status_of(answer.get("content-type"), answer.body).message
    if content_type:
        assert answer.get("content-type").partition(";")[0].strip() == content_type


@probe("A17", "405 names the methods that are allowed")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "TRACE"])
def test_allow(server, method):
    answer = exchange(server, "1.1", method, content_type=None)
    assert answer.status == 405
    allowed = {word.strip() for word in answer.get("allow").split(",")}
    assert "POST" in allowed


@probe("A17", "an answer to HEAD has no body")
def test_head(server):
    with server.http1() as peer:
        peer.request("HEAD", "/v1/traces", b"", server.fields, None, length=False)
        assert not peer.unread
        assert peer.request("POST", "/v1/traces", payloads.body(), server.fields).status == 200


# --- A19 ------------------------------------------------------------------------------------------

TYPES = {"application/x-protobuf": PROTOBUF, "Application/X-Protobuf": PROTOBUF, "APPLICATION/X-PROTOBUF": PROTOBUF,
         "application/x-protobuf; charset=utf-8": PROTOBUF, "application/x-protobuf;a=b;c=\"d;e\"": PROTOBUF,
         "application/x-protobuf ; x=y": PROTOBUF, "application/json": JSON, "application/JSON": JSON,
         "application/json; charset=utf-8": JSON, "application/json;charset=UTF-8": JSON, "Application/Json ;a=b": JSON}


@probe("A19", "media types are matched whatever their case and parameters, and the response has the request's")
@pytest.mark.parametrize("content_type", list(TYPES))
def test_content_type(server, content_type):
    kind = TYPES[content_type]
    answer = exchange(server, "1.1", body=payloads.json_body() if kind == JSON else payloads.body(),
                      content_type=content_type)
    assert answer.status == 200
    assert answer.get("content-type").partition(";")[0] == kind


@probe("A19", "a type that is neither is 415")
@pytest.mark.parametrize("content_type", ["text/plain", "text/html", "application/octet-stream", "application/xml",
                                          "application/jsonx", "application/x-protobuf2", "application/grpc",
                                          "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
                                          "application/json, application/x-protobuf", "*/*", "json", ";", None])
def test_unknown_content_type(server, content_type):
    assert exchange(server, "1.1", body=payloads.body(), content_type=content_type).status == 415


# --- A20 ------------------------------------------------------------------------------------------


@probe("A20", "the response is packed only by what Accept-Encoding allows, and unpacks to the same")
@pytest.mark.parametrize("what", ["success", "partial success", "error"])
@pytest.mark.parametrize("accepted", [None, "gzip", "identity", "gzip;q=0", "*;q=0, identity", "br", "gzip, deflate, br"])
def test_response_encoding(server, accepted, what):
    body = {"success": payloads.body(), "error": b"\xff",
            "partial success": payloads.body(*(payloads.bad_span() for _ in range(50)))}[what]
    answer = exchange(server, "1.1", body=body, fields=[("Accept-Encoding", accepted)] if accepted else [])
    encoding = answer.get("content-encoding", "identity").lower()
    assert encoding in (("identity", "gzip") if accepted in ("gzip", "gzip, deflate, br") else ("identity",))
    unpacked = gzip.decompress(answer.body) if encoding == "gzip" else answer.body
    if what == "error":
        assert status_of(answer.get("content-type"), unpacked).message
    else:
        payloads.RESPONSES["traces"].FromString(unpacked)


# --- A21 ------------------------------------------------------------------------------------------


def encoded(server, body, *encodings, content_type=PROTOBUF):
    return exchange(server, "1.1", body=body, content_type=content_type,
                    fields=[("Content-Encoding", encoding) for encoding in encodings])


@probe("A21", "gzip is known by any of its names, in any case")
@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "Gzip", "x-gzip"])
def test_gzip_names(server, encoding):
    assert encoded(server, gzip.compress(payloads.body()), encoding).status == 200


@probe("A21", "identity, an empty field and none are no encoding")
@pytest.mark.parametrize("encodings", [(), ("identity",), ("Identity",), ("",)], ids=["none", "identity", "Identity", "empty"])
def test_no_encoding(server, encodings):
    assert encoded(server, payloads.body(), *encodings).status == 200


@probe("A21", "an unknown encoding, or several, is 415")
@pytest.mark.parametrize("encodings", [("none-such",), ("compress",), ("gzip, gzip",), ("gzip, identity",),
                                       ("gzip", "gzip"), ("gzip;q=1",), ("gzipx",)], ids=" + ".join)
def test_unknown_encoding(server, encodings):
    assert encoded(server, gzip.compress(payloads.body()), *encodings).status == 415


@probe("A21", "each member of a gzip stream is decoded")
@pytest.mark.parametrize("name", ["grpc", "http", "json"])
@pytest.mark.parametrize("members", [2, 3, 100])
def test_gzip_members(server, name, members):
    door = server.door(name)
    # The last span is a bad one: who stops early answers with full success, or cannot parse the rest.
    request = payloads.traces(*(payloads.span() for _ in range(5)), payloads.bad_span())
    body = payloads.json_of(request) if door.json else request.SerializeToString()
    size = len(body) // members + 1
    packed = b"".join(gzip.compress(body[at:at + size]) for at in range(0, len(body), size))
    assert_unpacked(server, door, packed)


@probe("A21", "members of whole messages join too")
def test_gzip_members_of_messages(server):
    packed = gzip.compress(payloads.body()) + gzip.compress(payloads.body(payloads.bad_span()))
    assert_unpacked(server, server.door("http"), packed)


def assert_unpacked(server, door, packed):
    """These packed bytes end in one bad span, which is told."""
    if door.name == "grpc":
        import rpc
        with server.http2("grpc") as peer:
            answer = rpc.call(peer, rpc.prefixed(packed, 1), fields=[*server.fields, ("grpc-encoding", "gzip")])
        assert answer.code == 0, answer.message
        response = payloads.RESPONSES["traces"].FromString(answer.messages[0])
        assert response.partial_success.rejected_spans == 1
    else:
        answer = encoded(server, packed, "gzip", content_type=door.content_type)
        assert answer.status == 200, answer.body
        assert b"1" in answer.body if door.json else \
            payloads.RESPONSES["traces"].FromString(answer.body).partial_success.rejected_spans == 1


def named_gzip(body):
    """With a name, extra bytes and a comment in its header."""
    packed = gzip.compress(body)
    return packed[:3] + bytes((4 | 8 | 16,)) + packed[4:10] + b"\4\0abcd" + b"name\0" + b"comment\0" + packed[10:]


@probe("A21", "gzip's optional fields and every level are decoded")
@pytest.mark.parametrize("what", ["fields", "level 0", "level 1", "level 9"])
def test_gzip_forms(server, what):
    body = payloads.body(*(payloads.span() for _ in range(50)))
    packed = named_gzip(body) if what == "fields" else gzip.compress(body, int(what[-1]))
    assert encoded(server, packed, "gzip").status == 200


DAMAGED = {"cut in half": lambda packed: packed[:len(packed) // 2], "cut by a byte": lambda packed: packed[:-1],
           "cut header": lambda packed: packed[:5], "wrong checksum": lambda packed: packed[:-8] + b"\0\0\0\0" + packed[-4:],
           "wrong length": lambda packed: packed[:-4] + b"\0\0\0\1", "rubbish behind": lambda packed: packed + b"rubbish",
           "wrong method": lambda packed: packed[:2] + b"\7" + packed[3:], "zlib": lambda packed: zlib.compress(b"x"),
           "plain": lambda packed: payloads.body(), "second member cut": lambda packed: packed + packed[:20]}


@probe("A21", "damaged gzip is 400")
@pytest.mark.parametrize("what", list(DAMAGED))
def test_damaged_gzip(server, what):
    assert encoded(server, DAMAGED[what](gzip.compress(payloads.body())), "gzip").status == 400


@probe("A21", "other encodings are decoded, or 415")
@pytest.mark.parametrize("encoding", ["deflate", "zstd", "snappy", "lz4", "br"])
def test_other_encodings(server, encoding):
    answer = encoded(server, b"\x00no such stream", encoding)
    assert answer.status in (400, 415)
    if encoding == "deflate":
        assert encoded(server, zlib.compress(payloads.body()), encoding).status == (200 if answer.status == 400 else 415)


# --- A22 ------------------------------------------------------------------------------------------


@probe("A22", "a connection is kept")
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_keep_alive(server, content_type):
    with server.http1() as peer:
        for _ in range(20):
            body = payloads.json_body() if content_type == JSON else payloads.body()
            assert peer.request("POST", "/v1/traces", body, server.fields, content_type).status == 200


def whole(server, peer, body=None, fields=(), content_type=PROTOBUF, path="/v1/traces", method="POST"):
    body = payloads.body() if body is None else body
    return peer.head(method, path, [("Host", peer.host), ("Content-Type", content_type), ("Content-Length", len(body)),
                                    *server.fields, *fields]) + body


@probe("A22", "requests that follow each other at once are answered in order")
@pytest.mark.parametrize("count", [2, 20])
def test_pipelining(server, count):
    with server.http1() as peer:
        peer.send(b"".join(whole(server, peer) if i % 2 else
                           whole(server, peer, payloads.json_body(payloads.json_span(traceId="")), (), JSON)
                           for i in range(count)))
        for i in range(count):
            answer = peer.response()
            assert answer.status == 200
            assert answer.get("content-type").partition(";")[0] == (PROTOBUF if i % 2 else JSON)


@probe("A22", "an error with a body that was read keeps the connection in step")
@pytest.mark.parametrize("what", ["bad protobuf", "bad JSON", "unknown type", "unknown path, protobuf", "bad gzip, protobuf"])
def test_keep_alive_after_error(server, what):
    status, _, how = ERRORS[what]
    with server.http1() as peer:
        args = {"method": "POST", "path": "/v1/traces", "content_type": PROTOBUF, "fields": (), **how}
        args["fields"] = [*server.fields, *args["fields"]]
        answer = peer.request(**args)
        assert answer.status == status
        if answer.get("connection").lower() == "close":
            assert peer.is_closed()
        else:
            assert peer.request("POST", "/v1/traces", payloads.body(), server.fields).status == 200


@probe("A22", "Connection: close is kept to")
def test_connection_close(server):
    with server.http1() as peer:
        assert peer.request("POST", "/v1/traces", payloads.body(), [*server.fields, ("Connection", "close")]).status == 200
        assert peer.is_closed()


@probe("A22", "HTTP/1.0 is answered, and its connection ended")
def test_http_1_0(server):
    with server.http1() as peer:
        body = payloads.body()
        peer.send(peer.head("POST", "/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", len(body)),
                                                   *server.fields], "HTTP/1.0") + body)
        assert peer.response().status == 200
        assert peer.is_closed()


@probe("A22", "chunked bodies are taken, in chunks of any size")
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_chunked(server, size):
    with server.http1() as peer:
        for _ in range(2):
            head = peer.head("POST", "/v1/traces", [("Host", peer.host), ("Content-Type", PROTOBUF),
                                                    ("Transfer-Encoding", "chunked"), *server.fields])
            peer.send(head + chunked(payloads.body(), size))
            assert peer.response().status == 200


@probe("A22", "chunks may have extensions, and trailers behind them")
def test_chunk_extensions(server):
    with server.http1() as peer:
        body = payloads.body()
        peer.send(peer.head("POST", "/v1/traces", [("Host", peer.host), ("Content-Type", PROTOBUF),
                                                   ("Transfer-Encoding", "chunked"), *server.fields]) +
                  b"%X;name=value\r\n%s\r\n0\r\nX-Trailer: x\r\n\r\n" % (len(body), body))
        assert peer.response().status == 200
        assert peer.request("POST", "/v1/traces", payloads.body(), server.fields).status == 200


@probe("A22", "Expect: 100-continue is answered, before the body or at its end")
def test_expect_continue(server):
    with server.http1() as peer:
        request = whole(server, peer, fields=[("Expect", "100-continue")])
        head, _, body = request.partition(b"\r\n\r\n")
        peer.send(head + b"\r\n\r\n")
        assert peer.response(interim=True).status == 100
        peer.send(body)
        assert peer.response().status == 200


@probe("A22", "what will be refused is refused instead of 100")
def test_expect_continue_refused(server):
    with server.http1() as peer:
        peer.send(peer.head("POST", "/v1/nothing", [("Host", peer.host), ("Content-Type", PROTOBUF), *server.fields,
                                                    ("Content-Length", 1000), ("Expect", "100-continue")]))
        assert peer.response(interim=True).status == 404


@probe("A22", "a request that comes byte by byte is as good as any")
def test_byte_by_byte(server):
    with server.http1() as peer:
        for byte in whole(server, peer):
            peer.send(bytes((byte,)))
        assert peer.response().status == 200


SMUGGLED = {
    "two lengths": [("Content-Length", "5"), ("Content-Length", "6")],
    "length and chunked": [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
    "length is no number": [("Content-Length", "5x")],
    "length is negative": [("Content-Length", "-5")],
    "length has a sign": [("Content-Length", "+5")],
    "length is too large": [("Content-Length", "99999999999999999999999")],
    "unknown transfer coding": [("Transfer-Encoding", "none-such")],
    "chunked is not last": [("Transfer-Encoding", "chunked, identity")],
    "space before the colon": [("Content-Length ", "5")],
    "name with a bad character": [("X\x01Y", "5")],
}


@probe("A22", "a body whose length is in doubt is refused, and the connection ended")
@pytest.mark.parametrize("what", list(SMUGGLED))
def test_smuggling(server, what):
    with server.http1() as peer:
        peer.send(peer.head("POST", "/v1/traces", [("Host", peer.host), ("Content-Type", PROTOBUF), *server.fields,
                                                   *SMUGGLED[what]]) + b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
        try:
            assert peer.response().status in (400, 413, 501)
        except endpoint.Closed:
            pass
        assert peer.is_closed()


@probe("A22", "bytes that are no HTTP end the connection")
@pytest.mark.parametrize("what", ["text", "TLS", "zeros", "line without end", "old version"])
def test_no_http(server, what):
    data = {"text": b"hello\r\n\r\n", "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64 + b"\r\n\r\n", "zeros": b"\0" * 64 + b"\r\n\r\n",
            "line without end": b"POST /" + b"x" * 4_000_000, "old version": b"POST /v1/traces HTTP/3.7\r\n\r\n"}[what]
    with server.http1() as peer:
        try:
            peer.send(data)
            assert peer.response().status in (400, 414, 431, 501, 505)
        except endpoint.Closed:
            pass
        assert peer.is_closed()


@probe("A22", "fields without bounds are refused")
@pytest.mark.parametrize("what", ["one large", "many"])
def test_large_fields(server, what):
    more = [("X-Large", "x" * 4_000_000)] if what == "one large" else [(f"X-{i}", "y" * 20) for i in range(200_000)]
    with server.http1() as peer:
        try:
            peer.send(whole(server, peer, fields=more))
        except endpoint.Closed:
            pass
        try:
            assert peer.response().status in (400, 413, 431)
        except endpoint.Closed:
            pass
    server.assert_serves()


@probe("A22", "HTTP/1.1 without Host is 400")
def test_no_host(server):
    with server.http1() as peer:
        peer.send(peer.head("POST", "/v1/traces", [("Content-Type", PROTOBUF), ("Content-Length", "0"), *server.fields]))
        assert peer.response().status == 400


@probe("A22", "a client that closes its side still has its answer")
def test_half_closed(server):
    import socket
    if server.tls:
        pytest.skip("TLS ends both sides at once")
    with server.http1() as peer:
        peer.send(whole(server, peer))
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.response().status == 200
