"""A36: browsers' SDKs on other origins."""

import pytest
import payloads
from doors import JSON, PROTOBUF, probe

OTHER = "https://evil.example"


@pytest.fixture
def origin(server):
    if not server.options.cors_origin:
        pytest.skip("--cors-origin was not given: the server need not let any in")
    return server.options.cors_origin


def preflight(server, origin, method="POST", headers="content-type", path="/v1/traces"):
    with server.http1() as peer:
        fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
        if headers:
            fields.append(("Access-Control-Request-Headers", headers))
        return peer.request("OPTIONS", path, b"", fields, None, length=False)


@probe("A36", "the preflight of an allowed origin is a 204 that says what is allowed")
@pytest.mark.parametrize("path", ["/v1/traces", "/v1/metrics", "/v1/logs"])
def test_preflight(server, origin, path):
    answer = preflight(server, origin, path=path)
    assert answer.status == 204
    assert answer.get("access-control-allow-origin") in (origin, "*")
    assert "POST" in answer.get("access-control-allow-methods")
    assert "content-type" in answer.get("access-control-allow-headers").lower()


@probe("A36", "the fields that SDKs send are allowed")
@pytest.mark.parametrize("headers", ["content-type", "content-type,content-encoding", "content-encoding, content-type",
                                     "authorization,content-type", "content-type,user-agent,x-requested-with"])
def test_preflight_headers(server, origin, headers):
    answer = preflight(server, origin, headers=headers)
    allowed = answer.get("access-control-allow-headers").lower()
    names = {name.strip() for name in allowed.split(",")}
    for name in headers.split(","):
        if name.strip() in ("content-type", "content-encoding"):
            assert name.strip() in names or "*" in names, f"{name.strip()}: {allowed!r}"


@probe("A36", "a preflight may be remembered for some time")
def test_max_age(server, origin):
    assert int(preflight(server, origin).get("access-control-max-age")) > 0


@probe("A36", "answers differ by origin, and say so to caches")
@pytest.mark.parametrize("what", ["preflight", "post"])
def test_vary(server, origin, what):
    if what == "preflight":
        answer = preflight(server, origin)
    else:
        with server.http1() as peer:
            answer = peer.request("POST", "/v1/traces", payloads.body(), [*server.fields, ("Origin", origin)])
    if answer.get("access-control-allow-origin") != "*":
        assert "origin" in ", ".join(answer.all("vary")).lower()


ANSWERS = {"success": (200, {"body": payloads.body()}), "bad data": (400, {"body": b"\xff"}),
           "bad JSON": (400, {"body": b"{", "content_type": JSON}), "unknown type": (415, {"content_type": "text/plain"}),
           "unknown encoding": (415, {"body": b"x", "encoding": "none-such"}), "unknown path": (404, {"path": "/v1/nothing"}),
           "wrong method": (405, {"method": "PUT"})}


@probe("A36", "every answer to an allowed origin can be read there, errors too")
@pytest.mark.parametrize("what", list(ANSWERS))
def test_answers(server, origin, what):
    status, how = ANSWERS[what]
    fields = [*server.fields, ("Origin", origin)]
    if "encoding" in how:
        fields.append(("Content-Encoding", how["encoding"]))
    with server.http1() as peer:
        answer = peer.request(how.get("method", "POST"), how.get("path", "/v1/traces"), how.get("body", b""), fields,
                              how.get("content_type", PROTOBUF))
    assert answer.get("access-control-allow-origin") in (origin, "*"), f"{answer.status} cannot be read"


@probe("A36", "sendBeacon, which sends credentials, is let in by name")
def test_credentials(server, origin):
    with server.http1() as peer:
        answer = peer.request("POST", "/v1/traces", payloads.body(), [*server.fields, ("Origin", origin)])
    assert answer.get("access-control-allow-origin") == origin
    assert answer.get("access-control-allow-credentials") == "true"


@probe("A36", "no other origin is let in")
@pytest.mark.parametrize("other", [OTHER, "null", "https://app.example.evil.example", "https://notapp.example",
                                   "http://app.example", "https://app.example:8443", ""])
def test_other_origin(server, origin, other):
    answers = [preflight(server, other)]
    with server.http1() as peer:
        answers.append(peer.request("POST", "/v1/traces", payloads.body(), [*server.fields, ("Origin", other)]))
    for answer in answers:
        assert "access-control-allow-origin" not in dict(answer.fields)
        assert "access-control-allow-credentials" not in dict(answer.fields)


@probe("A36", "an Origin cannot write fields of the answer")
def test_origin_injection(server, origin):
    with server.http1() as peer:
        answer = peer.request("POST", "/v1/traces", payloads.body(), [*server.fields, ("Origin", origin + "\tX-Evil: 1")])
    assert "x-evil" not in dict(answer.fields)
    assert answer.get("access-control-allow-origin") in ("", "*")


@probe("A36", "a request without Origin is served as ever")
def test_no_origin(server):
    with server.http1() as peer:
        answer = peer.request("POST", "/v1/traces", payloads.body(), server.fields)
    assert answer.status == 200
    assert answer.get("access-control-allow-origin") in ("", "*")


@probe("A36", "without a word about origins in its configuration nobody is let in")
def test_off_by_default(server):
    if server.options.cors_origin:
        pytest.skip("--cors-origin was given: the server lets one in")
    answer = preflight(server, OTHER)
    assert "access-control-allow-origin" not in dict(answer.fields)
