"""A1 to A5: where and how a server is reached."""

import socket
import ssl

import endpoint
import payloads
import pytest
import rpc
from doors import JSON, PATHS, PROTOBUF, probe, response_of, status_of

HTTP_SIGNALS = ["traces", "metrics", "logs"]


# --- A1 -------------------------------------------------------------------------------------------


@probe("A1", "the address given answers")
@pytest.mark.parametrize("which", ["grpc", "http"])
def test_address_answers(server, which):
    outcome = server.door(which).send(payloads.body())
    assert outcome.kind == "ok", str(outcome)


@probe("A1", "the default ports are 4317 and 4318")
@pytest.mark.parametrize(("which", "port"), [("grpc", 4317), ("http", 4318)])
def test_default_port(server, which, port):
    if not server.options.defaults:
        pytest.skip("--defaults was not given: the server need not run on its default ports")
    assert server.address(which).rpartition(":")[2] == str(port)


@probe("A1", "by default only the loopback is listened on")
@pytest.mark.parametrize("which", ["grpc", "http"])
def test_loopback_only(server, which):
    if not server.options.defaults:
        pytest.skip("--defaults was not given: the server need not run on its default addresses")
    port = int(server.address(which).rpartition(":")[2])
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), port, type=socket.SOCK_STREAM)}
    others = {host for host in others if not host.startswith("127.") and host != "::1"}
    if not others:
        pytest.skip("this machine has no address but the loopback's")
    for host in others:
        with pytest.raises(OSError):
            socket.create_connection((host, port), timeout=5).close()


# --- A2 -------------------------------------------------------------------------------------------


@probe("A2", "requests are taken plain and packed by gzip")
@pytest.mark.parametrize("packed", [False, True], ids=["none", "gzip"])
def test_compression(door, packed):
    outcome = door.send(payloads.json_body() if door.json else payloads.body(), packed=packed)
    assert outcome.kind == "ok", str(outcome)


@probe("A2", "a request of some hundred spans is taken plain and packed by gzip")
@pytest.mark.parametrize("packed", [False, True], ids=["none", "gzip"])
def test_compression_of_many_spans(door, packed):
    request = payloads.traces(*(payloads.span() for _ in range(300)))
    outcome = door.send(payloads.json_of(request) if door.json else request.SerializeToString(), packed=packed)
    assert outcome.kind == "ok", str(outcome)


@probe("A2", "gRPC's own client is served, plain and with gzip")
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_grpc_library(server, compression):
    import grpc
    address = server.address("grpc")
    options = [("grpc.use_local_subchannel_pool", 1)]
    kind = {"none": grpc.Compression.NoCompression, "gzip": grpc.Compression.Gzip}[compression]
    if server.tls:
        with open(server.tls.ca, "rb") as ca:
            credentials = grpc.ssl_channel_credentials(ca.read())
        if server.tls.certificate:
            pytest.skip("probed without the client's certificate only")
        channel = grpc.secure_channel(address, credentials, options, kind)
    else:
        channel = grpc.insecure_channel(address, options, kind)
    with channel:
        answer = channel.unary_unary(rpc.EXPORT)(payloads.body(), timeout=endpoint.patience_s(), metadata=server.fields)
    payloads.RESPONSES["traces"].FromString(answer)


# --- A3, A4 -----------------------------------------------------------------------------------------


@probe("A3", "Export of each signal is served, or UNIMPLEMENTED and says why")
@pytest.mark.parametrize("signal", list(rpc.SERVICES))
def test_grpc_signal(server, signal):
    with server.http2("grpc") as peer:
        answer = rpc.call(peer, rpc.prefixed(b""), f"/{rpc.SERVICES[signal]}/Export", server.fields)
    assert answer.http_status == 200
    if signal == "traces" or answer.code == rpc.OK:
        assert answer.code == rpc.OK, answer.message
        assert len(answer.messages) == 1
    else:
        assert answer.code == rpc.UNIMPLEMENTED
        assert answer.message


@probe("A4", "POST to each signal's path is served, or a 404 with a Status that says why")
@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
@pytest.mark.parametrize("signal", list(PATHS))
def test_http_signal(server, signal, content_type):
    with server.http1() as peer:
        body = b"{}" if content_type == JSON else b""
        answer = peer.request("POST", PATHS[signal], body, server.fields, content_type)
    if signal == "traces" or answer.status == 200:
        assert answer.status == 200
    else:
        assert answer.status == 404
        assert status_of(answer.get("content-type"), answer.body).message


@probe("A4", "paths that nobody serves are a 404 with a Status")
@pytest.mark.parametrize("path", ["/", "/v1", "/v1/spans", "/v1/traces/more", "/v2/traces", "/V1/Traces"])
def test_unknown_path(server, path):
    with server.http1() as peer:
        answer = peer.request("POST", path, payloads.body(), server.fields)
    assert answer.status == 404
    status_of(answer.get("content-type"), answer.body)


@probe("A4", "HTTP/1.1 is served")
@pytest.mark.parametrize("signal", HTTP_SIGNALS)
def test_http1(server, signal):
    outcome = server.require(signal, server.door("http")).send(b"", signal)
    assert outcome.kind == "ok", str(outcome)


@probe("A4", "HTTP/2 with prior knowledge (or, with TLS, by ALPN) is served")
@pytest.mark.parametrize("signal", HTTP_SIGNALS)
def test_http2(server, signal):
    server.require(signal, server.door("http"))
    assert server.speaks_http2(), "the connection is closed"
    outcome = server.door("h2").send(b"", signal)
    assert outcome.kind == "ok", str(outcome)


@probe("A4", "many requests may share one HTTP/2 connection")
def test_http2_requests_at_once(server):
    server.require_http2()
    with server.http2("http") as peer:
        streams = []
        for _ in range(20):
            stream = peer.new_stream()
            peer.send(peer.fields(stream, [(":method", "POST"), (":scheme", peer.scheme), (":path", "/v1/traces"),
                                           (":authority", peer.authority), ("content-type", PROTOBUF), *server.fields]))
            streams.append(stream)
        for stream in reversed(streams):
            peer.data(stream, payloads.body())
        for stream in streams:
            assert peer.finish(stream).status == 200


@probe("A4", "with TLS, the protocol is what ALPN agreed on")
@pytest.mark.parametrize("offered", [("h2",), ("http/1.1",), ("h2", "http/1.1"), ("http/1.1", "h2"), ()],
                         ids=lambda offered: " ".join(offered) or "none")
def test_alpn(server, offered):
    if not server.tls:
        pytest.skip("the doors are plain: --tls-ca was not given")
    with endpoint.connect(server.address("http"), server.tls, offered) as connection:
        chosen = connection.selected_alpn_protocol()
        assert chosen in (offered or (None,)) if len(offered) < 2 else chosen in offered
    if chosen != "h2":
        with server.http1() as peer:
            assert peer.request("POST", "/v1/traces", payloads.body(), server.fields).status == 200


@probe("A4", "fields' names are matched whatever their case")
def test_field_names_in_any_case(server):
    with server.http1() as peer:
        body = payloads.body()
        fields = [("hOST", peer.host), ("CONTENT-type", PROTOBUF), ("content-LENGTH", len(body)), *server.fields]
        peer.send(peer.head("POST", "/v1/traces", fields) + body)
        assert peer.response().status == 200


# --- A5 -------------------------------------------------------------------------------------------


@probe("A5", "protobuf and JSON may follow each other on one connection")
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_both_encodings_on_one_connection(server, version):
    if version == "2":
        server.require_http2()
    with server.http1() if version == "1.1" else server.http2("http") as peer:
        for content_type, body in [(PROTOBUF, payloads.body()), (JSON, payloads.json_body())] * 3:
            if version == "1.1":
                answer = peer.request("POST", "/v1/traces", body, server.fields, content_type)
            else:
                answer = response_of(peer.post("/v1/traces", body, server.fields, content_type))
            assert answer.status == 200
            assert answer.get("content-type").partition(";")[0] == content_type


# --- C21 ------------------------------------------------------------------------------------------


@probe("C21", "versions of TLS before 1.2 are refused, 1.2 and 1.3 served")
@pytest.mark.parametrize("which", ["grpc", "http"])
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_tls_version(server, which, version):
    if not server.tls:
        pytest.skip("the doors are plain: --tls-ca was not given")
    context = server.tls.context(("h2",))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    host, _, port = server.address(which).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=endpoint.patience_s()) as plain:
        if version in ("TLSv1", "TLSv1_1"):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(plain, server_hostname=host)
        else:
            context.wrap_socket(plain, server_hostname=host).close()


@probe("C21", "bytes that are no TLS end the connection, and harm nobody")
@pytest.mark.parametrize("which", ["grpc", "http"])
def test_plain_bytes_to_tls(server, which):
    if not server.tls:
        pytest.skip("the doors are plain: --tls-ca was not given")
    with endpoint.connect(server.address(which)) as plain:
        endpoint.send(plain, b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        answer = b""
        while part := endpoint.receive(plain):
            answer += part
        assert b" 200 " not in answer[:16]
    server.assert_serves()


@probe("C21", "gRPC's door agrees on h2 by ALPN")
def test_grpc_alpn(server):
    if not server.tls:
        pytest.skip("the doors are plain: --tls-ca was not given")
    with endpoint.connect(server.address("grpc"), server.tls, ("h2",)) as connection:
        assert connection.selected_alpn_protocol() == "h2"
