"""OTLP/HTTP as clients see it: curl, http.client and httpx against the real daemon, and raw sockets."""

import gzip
import http.client
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.otlp_http import JSON, PROTOBUF, Http1, Http2, json_of, zstd_of  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
START = 1_700_000_000_000_000_000
TRACES = "/v1/traces"
BOTH = pytest.mark.parametrize("client", [Http1, Http2])


def call_of(number, name="call"):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, name, START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def request(number=0, name="call"):
    return request_of(call_of(number, name))


def logged(log, message):
    """The lines of the log with that message."""
    return [line for line in log.splitlines() if f'msg="{message}"' in line or f"msg={message} " in line]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def raw(endpoint, data, until_closed=True):
    """What comes back for these bytes over one socket."""
    host, _, port = endpoint.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as peer:
        peer.sendall(data)
        if until_closed:
            peer.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := peer.recv(65536):
            answer += piece
    return answer


# --- Requests and answers ---------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
def test_spans_are_counted(client, kind):
    with Daemon(FAST) as daemon, client(daemon.http) as sender:
        for number in range(20):
            body = request(number)
            body = body.SerializeToString() if kind == PROTOBUF else json_of(body)
            answer = sender.post(TRACES, body, kind)
            assert (answer.status, answer.type) == (200, kind)
            assert answer.body == (b"" if kind == PROTOBUF else b"{}")
        graph = daemon.wait_for_counted(40)
        edge, = graph["edges"]
        assert (edge["client"], edge["server"]) == ("service//shop", "service//stock")
        assert edge["requests"] == 20
        metrics = daemon.metrics()
        version = "http/1.1" if client is Http1 else "http/2"
        form = "protobuf" if kind == PROTOBUF else "json"
        assert metrics[f'spanmap_receiver_messages_total{{transport="{version}",format="{form}"}}'] == 20
        assert metrics['spanmap_receiver_http_requests_total{status="200"}'] == 20


@BOTH
@pytest.mark.parametrize("coding, pack", [
    ("gzip", gzip.compress), ("x-gzip", gzip.compress), ("GZIP", gzip.compress),
    ("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    ("deflate", zlib.compress), ("zstd", zstd_of), ("identity", bytes), ("", bytes)])
def test_encodings(client, coding, pack):
    with Daemon(FAST) as daemon, client(daemon.http) as sender:
        answer = sender.post(TRACES, pack(request().SerializeToString()), Content_Encoding=coding)
        assert answer.status == 200
        daemon.wait_for_counted(2)


@BOTH
def test_refusals_are_statuses_in_the_request_s_format(client):
    with Daemon() as daemon, client(daemon.http) as sender:
        for kind in (PROTOBUF, JSON):
            answer = sender.post(TRACES, b"\x0a\x05\x01", kind)
            assert (answer.status, answer.type) == (400, kind)
            status = answer.rpc_status()
            assert status.code == 3 and "ExportTraceServiceRequest" in status.message
            bad = error_details_pb2.BadRequest()
            assert status.details[0].Unpack(bad)
            assert bad.field_violations[0].description == status.message
            for path, word in (("/v1/metrics", "signals.metrics: discard"),
                               ("/v1/logs", "signals.logs: discard"),
                               ("/v1development/profiles", "profiles"), ("/v1/trace", "/v1/traces")):
                answer = sender.post(path, b"", kind)
                assert (answer.status, answer.type) == (404, kind)
                assert word in answer.rpc_status().message
        answer = sender.post(TRACES, b"", "text/plain")
        assert (answer.status, answer.type) == (415, JSON) and answer.rpc_status().message
        answer = sender.post(TRACES, b"x", Content_Encoding="br")
        assert (answer.status, answer.type) == (415, PROTOBUF) and answer.rpc_status().message
        answer = sender.send("GET", TRACES)
        assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
        assert answer.rpc_status().message
        assert sender.post(TRACES, b"", JSON).status == 400
        assert sender.post(TRACES, b"[]", JSON).status == 400
        assert sender.post(TRACES, b"{}x", JSON).status == 400
        assert sender.post(TRACES, b"\xef\xbb\xbf{}", JSON).status == 400
        answer = sender.post(TRACES, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND'
                                     b'_SERVER"}]}]}]}', JSON)
        assert answer.status == 400 and ".kind:" in answer.rpc_status().message


@BOTH
def test_warnings_are_partial_success_with_nothing_rejected(client):
    with Daemon() as daemon, client(daemon.http) as sender:
        answer = sender.post(TRACES, b'{"resource_spans": []}', JSON)
        told = json.loads(answer.body)["partialSuccess"]
        assert answer.status == 200 and list(told) == ["errorMessage"]
        assert "resource_spans" in told["errorMessage"]


@BOTH
def test_sizes_are_bounded_before_and_after_inflating(client):
    with Daemon({"receiver.message_bytes_max": "64KiB"}) as daemon, client(daemon.http) as sender:
        for body, coding in ((b"\xfa\x01\x80\x80\x04" + b"x" * 65536, "identity"),
                             (gzip.compress(b"x" * 200_000), "gzip"),
                             (zlib.compress(b"x" * 200_000), "deflate")):
            answer = sender.post(TRACES, body, Content_Encoding=coding)
            assert answer.status == 413
            assert "receiver.message_bytes_max" in answer.rpc_status().message
        whole = b"\xfa\x01" + b"\xfb\xff\x03" + b"x" * 65531
        assert len(whole) == 65536 and sender.post(TRACES, whole).status == 200
        assert daemon.metrics()["spanmap_receiver_body_bytes"] == 0


def test_overload_says_when_to_come_back():
    with Daemon({"memory.limit": "64MiB", "receiver.memory_max": "1MiB",
                 "receiver.message_bytes_max": "900KiB"}) as daemon:
        host, _, port = daemon.http.rpartition(":")
        body = b"\xfa\x01\xfc\xcf\x24" + b"x" * 600_000
        head = (f"POST {TRACES} HTTP/1.1\r\nHost: h\r\nContent-Type: {PROTOBUF}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode()
        peers = [socket.create_connection((host, int(port)), timeout=PATIENCE_S) for _ in range(8)]
        for peer in peers:
            peer.sendall(head + body[:200_000])
        wait_until(lambda: daemon.metrics()['spanmap_receiver_http_requests_total{status="503"}'],
                   "some are refused")
        refused = None
        for peer in peers:
            peer.settimeout(0.2)
            try:
                answer = peer.recv(65536)
            except TimeoutError:
                answer = b""  # It is held back, or still to send.
            if answer.startswith(b"HTTP/1.1 503 "):
                refused = answer
            peer.close()
        assert re.search(rb"\r\nretry-after: [12]\r\n", refused)
        wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"] == 0, "nothing is held")
        with Http1(daemon.http) as sender:
            assert sender.post(TRACES, request().SerializeToString()).status == 200


# --- HTTP/1.1 ---------------------------------------------------------------------------------------


def test_pipelined_requests_are_answered_in_order():
    body = json_of(request())
    good = (b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)) + body
    chunked = (b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n" +
               b"".join(b"%x\r\n%b\r\n" % (len(body[at:at + 50]), body[at:at + 50])
                        for at in range(0, len(body), 50)) + b"0\r\n\r\n")
    bad = b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"
    with Daemon(FAST) as daemon:
        answer = raw(daemon.http, (good + bad + chunked) * 50)
        statuses = re.findall(rb"HTTP/1.1 (\d+) ", answer)
        assert statuses == [b"200", b"404", b"200"] * 50
        daemon.wait_for_counted(200)


def test_bodies_may_come_byte_by_byte():
    body = request().SerializeToString()
    head = (b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body))
    with Daemon(FAST) as daemon:
        host, _, port = daemon.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(head + body)):
                peer.sendall((head + body)[at:at + 1])
            assert peer.recv(100).startswith(b"HTTP/1.1 200 ")
        daemon.wait_for_counted(2)


def test_an_unread_body_does_not_take_the_answer_away():
    with Daemon({"receiver.message_bytes_max": "64KiB"}) as daemon, Http1(daemon.http) as sender:
        for _ in range(3):
            assert sender.post(TRACES, b"x" * 300_000).status == 413


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
@pytest.mark.parametrize("options", [
    ["--http1.1"], ["--http2-prior-knowledge"], ["--http1.1", "-H", "Expect: 100-continue"],
    ["--http1.1", "-H", "Transfer-Encoding: chunked"], ["--http1.0"], ["--http2"]])
def test_curl(options, tmp_path):
    body = tmp_path / "body.json"
    body.write_bytes(json_of(request(name="x" * 2000)))
    with Daemon(FAST) as daemon:
        # curl 7.88 cannot use a connection of prior knowledge twice.
        urls = [f"http://{daemon.http}{TRACES}"] * (1 if "knowledge" in options[0] else 2)
        done = subprocess.run(
            ["curl", "-sS", "--max-time", str(PATIENCE_S), "-H", f"Content-Type: {JSON}", *options,
             "--data-binary", f"@{body}", "-w", "%{http_code}", *urls],
            capture_output=True, text=True, check=True)
        assert done.stdout == "{}200" * len(urls)
        daemon.wait_for_counted(2 * len(urls))


def test_unix_socket(tmp_path):
    path = tmp_path / "http.sock"
    body = request().SerializeToString()
    with Daemon({**FAST, "listen.http": f"unix:{path}"}) as daemon:
        assert daemon.http == f"unix:{path}"
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(path))
            peer.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-protobuf"
                         b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            assert peer.recv(100).startswith(b"HTTP/1.1 200 ")
        daemon.wait_for_counted(2)


# --- Doors ------------------------------------------------------------------------------------------


def test_one_address_may_serve_both():
    address = f"127.0.0.1:{free_port()}"
    with Daemon({**FAST, "listen.grpc": address, "listen.http": address}) as daemon:
        assert daemon.grpc == daemon.http == address
        with Sender(address) as sender, Http1(address) as one, Http2(address) as two:
            sender.send(call_of(1))
            assert one.post(TRACES, request(2).SerializeToString()).status == 200
            assert two.post(TRACES, json_of(request(3)), JSON).status == 200
        daemon.wait_for_counted(6)


@BOTH
def test_the_wrong_door_tells_the_way(client):
    with Daemon() as daemon:
        with client(daemon.grpc) as sender:
            answer = sender.post(TRACES, request().SerializeToString())
            assert (answer.status, answer.type) == (415, PROTOBUF)
            assert f"{daemon.http} (listen.http)" in answer.rpc_status().message
        with Sender(daemon.http) as sender, pytest.raises(grpc.RpcError) as caught:
            sender.raw(b"")
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert f"{daemon.grpc} (listen.grpc)" in caught.value.details()


def test_http_may_be_off():
    with Daemon({"listen.http": "off"}) as daemon:
        assert daemon.http is None
        with Http1(daemon.grpc) as sender:
            assert "listen.http is off" in sender.post(TRACES, b"").rpc_status().message


# --- Signals ----------------------------------------------------------------------------------------


def metrics_request():
    message = metrics_service_pb2.ExportMetricsServiceRequest()
    metrics = message.resource_metrics.add().scope_metrics.add().metrics
    points = metrics.add(name="n").sum.data_points
    points.add(time_unix_nano=5, as_int=-3).attributes.add(key="k").value.bool_value = True
    points.add(as_double=1.5)  # No time.
    points.add(time_unix_nano=5)  # No value,
    points.add(time_unix_nano=5, flags=1)  # and said so.
    points = metrics.add(name="h").histogram.data_points
    points.add(time_unix_nano=5, count=3, sum=1, bucket_counts=[1, 2], explicit_bounds=[0.5])
    points.add(time_unix_nano=5, bucket_counts=[1, 2], explicit_bounds=[2, 1])
    points.add(time_unix_nano=5, bucket_counts=[1], explicit_bounds=[1])
    point = metrics.add(name="e").exponential_histogram.data_points.add(
        time_unix_nano=5, scale=-3, zero_count=1)
    point.negative.offset = -7
    point.negative.bucket_counts.extend([1, 300])
    point.exemplars.add(as_int=1, span_id=b"12345678", trace_id=b"1" * 16)
    metrics.add(name="s").summary.data_points.add(time_unix_nano=5).quantile_values.add(quantile=0.5)
    return message


def logs_request():
    message = logs_service_pb2.ExportLogsServiceRequest()
    records = message.resource_logs.add().scope_logs.add().log_records
    records.add(severity_number=9).body.string_value = "text"
    records.add(trace_id=b"short")
    return message


SIGNALS = {
    "metrics": ("/v1/metrics", metrics_request, metrics_service_pb2.ExportMetricsServiceResponse,
                "metrics.v1.MetricsService", 9, 4),
    "logs": ("/v1/logs", logs_request, logs_service_pb2.ExportLogsServiceResponse,
             "logs.v1.LogsService", 2, 0),
}


@pytest.mark.parametrize("signal", SIGNALS)
def test_signals_are_checked_counted_and_discarded(signal):
    path, make, kind, service, items, rejected = SIGNALS[signal]
    data = make().SerializeToString()
    with Daemon({"signals": "{logs: discard, metrics: discard}"}) as daemon, \
            Http1(daemon.http) as one, Http2(daemon.http) as two, \
            grpc.insecure_channel(daemon.grpc) as channel:
        export = channel.unary_unary(f"/opentelemetry.proto.collector.{service}/Export")
        answers = [kind.FromString(export(data, timeout=PATIENCE_S))]
        for client, body, form in ((one, data, PROTOBUF), (one, json_of(make()), JSON),
                                   (two, data, PROTOBUF), (two, json_of(make()), JSON)):
            answer = client.post(path, body, form)
            assert answer.status == 200, answer.body
            answers.append(answer.message_of(kind))
        assert all(answer == answers[0] for answer in answers)
        told = answers[0].partial_success
        assert answers[0].HasField("partial_success") == bool(rejected)
        if rejected:
            assert told.rejected_data_points == rejected and "has no time" in told.error_message
        metrics = daemon.metrics()
        label = f'{{signal="{signal}"}}'
        assert metrics[f"spanmap_receiver_discarded_requests_total{label}"] == 5
        assert metrics[f"spanmap_receiver_discarded_items_total{label}"] == 5 * items
        assert metrics[f"spanmap_receiver_discarded_rejected_total{label}"] == 5 * rejected
        assert one.post(path, data[:-1]).status == 400
        assert one.post(path, b"").body == b"" and one.post(path, b"{}", JSON).body == b"{}"
        with pytest.raises(grpc.RpcError) as caught:
            export(data[:-1], timeout=PATIENCE_S)
        assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("signal", SIGNALS)
def test_signals_are_refused_by_default_and_told_how(signal):
    with Daemon() as daemon, grpc.insecure_channel(daemon.grpc) as channel:
        export = channel.unary_unary(f"/opentelemetry.proto.collector.{SIGNALS[signal][3]}/Export")
        with pytest.raises(grpc.RpcError) as caught:
            export(b"", timeout=PATIENCE_S)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert f"signals.{signal}: discard" in caught.value.details()


# --- Browsers ---------------------------------------------------------------------------------------


@BOTH
def test_cors(client):
    options = {"cors.origins": "[https://*.shop.example]", "cors.headers": "[X-Key]"}
    origin = {"Origin": "https://www.shop.example"}
    with Daemon(options) as daemon, client(daemon.http) as sender:
        ask = {**origin, "Access-Control-Request-Method": "POST",
               "Access-Control-Request-Headers": "content-type,x-key"}
        answer = sender.send("OPTIONS", TRACES, headers=ask)
        assert (answer.status, answer.body) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == origin["Origin"]
        assert answer.headers["access-control-max-age"] == "7200"
        assert answer.headers["vary"] == "origin"
        assert "X-Key" in answer.headers["access-control-allow-headers"]
        for headers, status in (({"Content-Type": JSON}, 200), ({}, 415)):
            answer = sender.send("POST", TRACES, b"{}", {**origin, **headers})
            assert answer.status == status
            assert answer.headers["access-control-allow-origin"] == origin["Origin"]
            assert answer.headers["access-control-allow-credentials"] == "true"
        answer = sender.send("POST", TRACES, b"{}", {"Content-Type": JSON, "Origin": "https://x.example"})
        assert answer.status == 200 and "access-control-allow-origin" not in answer.headers


# --- Hostile peers, many peers, the way down --------------------------------------------------------


def test_property_broken_requests_cost_their_connection_only():
    broken = [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"POST\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
              b"\r\n\r\n0\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\nGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
              b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 20_000 + b"\r\n\r\n",
              b"POST /" + b"p" * 9_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n"]
    with Daemon(FAST) as daemon, Http1(daemon.http) as sender:
        for data in broken:
            answer = raw(daemon.http, data)
            assert re.match(rb"HTTP/1.1 (400|414|431|501|505) ", answer), (data[:60], answer)
            assert b"\r\nconnection: close\r\n" in answer and b'{"code":3,' in answer
            assert answer.count(b"HTTP/1.1 ") == 1
        assert sender.post(TRACES, request().SerializeToString()).status == 200
        assert daemon.metrics()["spanmap_receiver_protocol_errors_total"] == len(broken)
        faults = logged(daemon.log(), "connection ended for its peer's fault")
        assert faults and "HTTP" in faults[0]
        daemon.wait_for_counted(2)


def test_the_log_says_what_a_sender_does_wrong():
    with Daemon() as daemon, Http1(daemon.http) as sender, Sender(daemon.grpc) as other:
        for _ in range(50):
            assert sender.post("/v1/trace", b"").status == 404
        with pytest.raises(grpc.RpcError):
            other.raw(b"\x07")
        lines = logged(daemon.log(), "request refused")
        assert 1 <= len(lines) <= 16  # One a thread and while, whatever the flood.
        assert any("transport=OTLP/HTTP status=404" in line and "/v1/traces" in line for line in lines)


def test_slow_heads_and_bodies_end():
    with Daemon({"receiver.request_timeout": "300ms"}) as daemon:
        head = b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
        assert raw(daemon.http, head, until_closed=False).startswith(b"HTTP/1.1 408 ")
        answer = raw(daemon.http, head + b"Content-Length: 9\r\n\r\n{", until_closed=False)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after" in answer


@BOTH
def test_many_senders_at_once(client):
    def send(first):
        with client(daemon.http) as sender:
            for number in range(first, first + 20):
                assert sender.post(TRACES, request(number).SerializeToString()).status == 200

    with Daemon(FAST) as daemon:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(send, range(0, 640, 20)))
        assert daemon.wait_for_counted(1280)["edges"][0]["requests"] == 640


def test_drain_answers_what_was_begun():
    body = json_of(request())
    with Daemon(FAST) as daemon:
        host, _, port = daemon.http.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as peer, \
                socket.create_connection((host, int(port)), timeout=PATIENCE_S) as idle:
            idle.sendall(b"GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
            assert idle.recv(65536)
            peer.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
            wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"], "it is under way")
            stopping = threading.Thread(target=daemon.stop)
            stopping.start()
            assert idle.recv(1) == b""  # Who is idle is let go at once.
            peer.sendall(body[-1:])
            answer = peer.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ") and b"connection: close" in answer
        stopping.join()
        assert " received=2 " in logged(daemon.log(), "done")[0]


# Not by httpx, which forgets what is under way when it is told that the connection will end.
def test_drain_counts_what_it_answered_and_nothing_else():
    taken, started = [0] * 8, threading.Barrier(9)

    def send(index):
        with Http1(daemon.http) as sender:
            assert sender.post(TRACES, request(index).SerializeToString()).status == 200
            taken[index] += 1
            started.wait()
            try:
                for number in range(index + 8, 1_000_000, 8):
                    if sender.post(TRACES, request(number).SerializeToString()).status != 200:
                        return
                    taken[index] += 1
            except (OSError, http.client.HTTPException):
                return  # It is gone.

    with Daemon(FAST) as daemon:
        threads = [threading.Thread(target=send, args=(index,)) for index in range(8)]
        for thread in threads:
            thread.start()
        started.wait()
        daemon.wait_until_metric("spanmap_receiver_message_bytes_total", 20_000)
        daemon.stop()
        for thread in threads:
            thread.join()
        assert f" received={2 * sum(taken)} " in logged(daemon.log(), "done")[0]
