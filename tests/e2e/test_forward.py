"""Passing requests on: what was taken leaves unchanged by OTLP/gRPC, what cannot leave is counted, and
nobody who sends waits for it."""

import gzip
import json
import os
import signal
import socket
import sys
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.backend import Backend, refused, rejected, retry_after, unavailable  # noqa: E402
from lib.certificates import Authority, replace  # noqa: E402
from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000
FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "forward.retry_initial": "20ms",
        "forward.retry_interval_max": "100ms"}
OUTCOMES = ["sent", "queue_full", "no_memory", "refused", "gave_up", "superseded", "shutdown"]


def call_of(number):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}, attributes={"number": number}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def body_of(number):
    return request_of(call_of(number)).SerializeToString()


def options_for(backend, **more):
    return {**FAST, "forward.endpoint": backend.endpoint,
            **{key.replace("__", "."): value for key, value in more.items()}}


def metrics_of(daemon):
    """Of /metrics what is spanmap_forward_*, without that."""
    return {name.removeprefix("spanmap_forward_"): value
            for name, value in daemon.metrics().items() if name.startswith("spanmap_forward_")}


def counts(daemon, what="requests"):
    metrics = metrics_of(daemon)
    found = {outcome: metrics[f'{what}_total{{outcome="{outcome}"}}'] for outcome in OUTCOMES}
    return {outcome: count for outcome, count in found.items() if count}


def wait_for_counts(daemon, what="requests", **expected):
    wait_until(lambda: counts(daemon, what) == expected, f"{what}: {expected}")


def send(daemon, numbers):
    with Sender(daemon.grpc) as sender:
        for number in numbers:
            sender.raw(body_of(number))


@pytest.fixture(scope="module", name="root")
def made_root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


# --- What leaves ------------------------------------------------------------------------------


def test_requests_leave_unchanged():
    # Fields that nobody knows, and a partial one, are passed on with the rest.
    bodies = [body_of(number) for number in range(20)]
    bodies[3] += bytes.fromhex("fa 07 03 61 62 63")
    with Backend() as backend, Daemon(options_for(backend)) as daemon:
        with Sender(daemon.grpc) as plain, \
                Sender(daemon.grpc, compression=grpc.Compression.Gzip) as packed:
            for number, body in enumerate(bodies):
                (packed if number % 2 else plain).raw(body)
        assert sorted(backend.wait_for(20)) == sorted(bodies)
        wait_for_counts(daemon, sent=20)
        assert counts(daemon, "spans") == {"sent": 40}
        metrics = metrics_of(daemon)
        assert metrics["bytes_total"] == sum(map(len, bodies))
        assert metrics["queue_requests"] == metrics["queue_bytes"] == metrics["in_flight"] == 0
        assert all("authorization" not in sent for sent in backend.metadata)
        daemon.wait_for_counted(40)


def test_http_requests_leave_as_protobuf():
    body = body_of(7)
    as_json = json.dumps({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"spans": [{"traceId": "0" * 31 + "9", "spanId": "1" * 16, "name": "call",
                                   "kind": 3, "startTimeUnixNano": str(START),
                                   "endTimeUnixNano": str(START + 1000)}]}]}]}).encode()
    with Backend() as backend, Daemon(options_for(backend)) as daemon:
        for content, encoding, sent in (("application/x-protobuf", "gzip", gzip.compress(body)),
                                        ("application/json", "identity", as_json)):
            request = urllib.request.Request(
                f"http://{daemon.http}/v1/traces", data=sent,
                headers={"Content-Type": content, "Content-Encoding": encoding})
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                assert answer.status == 200
            backend.wait_for(1 if content.endswith("protobuf") else 2)
        assert backend.taken[0] == body
        whole = request_of([Span("0" * 31 + "9", "1" * 16, "", CLIENT, "call", START, START + 1000,
                                 resource={"service.name": "shop"})])
        got = type(whole).FromString(backend.taken[1])
        assert got.resource_spans[0].resource == whole.resource_spans[0].resource
        span, expected = (each.resource_spans[0].scope_spans[0].spans[0] for each in (got, whole))
        assert (span.trace_id, span.span_id, span.name, span.kind, span.start_time_unix_nano) == (
            expected.trace_id, expected.span_id, "call", CLIENT, START)


def test_only_what_was_taken_leaves():
    rejected_span = [Span("0" * 32, "1" * 16, "", CLIENT, "no trace", START, START + 1,
                          resource={"service.name": "shop"})]
    with Backend() as backend, Daemon(options_for(backend)) as daemon:
        with Sender(daemon.grpc) as sender:
            with pytest.raises(grpc.RpcError):
                sender.raw(b"\x0a\xff\xff")
            sender.raw(b"")
            partly = request_of(call_of(1) + rejected_span).SerializeToString()
            assert sender.send(call_of(1) + rejected_span).partial_success.rejected_spans == 1
        assert backend.wait_for(1) == [partly]
        wait_for_counts(daemon, "spans", sent=3)


def test_headers_secrets_and_gzip():
    options = {"forward.headers": "{authorization: Bearer geheim, x-tenant: shop}",
               "forward.compression": "gzip"}
    with Backend() as backend, Daemon(options_for(backend) | options) as daemon:
        body = request_of([span for number in range(100) for span in call_of(number)])
        with Sender(daemon.grpc) as sender:
            sender.raw(body.SerializeToString())
        assert backend.wait_for(1) == [body.SerializeToString()]
        headers = backend.metadata[0]
        assert headers["authorization"] == "Bearer geheim" and headers["x-tenant"] == "shop"
        assert headers["user-agent"].startswith("spanmap ")
        shown = daemon.text("/debug/config")
        assert "geheim" not in shown and 'authorization: "***"' in shown
        assert "geheim" not in daemon.log()


@pytest.mark.parametrize("mutual", [False, True], ids=["tls", "mtls"])
def test_tls(root, mutual, tmp_path):
    server, client = root.issue("backend"), root.issue("spanmap")
    credentials = grpc.ssl_server_credentials(
        [(server.key.read_bytes(), server.cert.read_bytes())],
        root.cert.read_bytes() if mutual else None, mutual)
    with Backend(credentials) as backend:
        options = options_for(backend) | {"forward.endpoint": f"https://{backend.endpoint}",
                                          "forward.tls_ca": root.cert}
        if mutual:
            options |= {"forward.tls_cert": client.cert, "forward.tls_key": client.key}
        with Daemon(options) as daemon:
            send(daemon, [1])
            assert backend.wait_for(1) == [body_of(1)]
        # Another authority's: nothing is sent, and the daemon says what is wrong.
        stranger = Authority(tmp_path / "stranger", "stranger")
        with Daemon(options | {"forward.tls_ca": stranger.cert,
                               "shutdown.patience": "50ms"}) as daemon:
            send(daemon, [2])
            daemon.wait_until_metric('spanmap_forward_attempts_failed_total{code="UNAVAILABLE"}', 1)
            wait_until(lambda: "cannot be sent on for now" in daemon.log(), "a line of log")
        assert len(backend.bodies) == 1


def test_changed_certificates_are_taken_up(root, tmp_path):
    server = root.issue("backend")
    ca = tmp_path / "ca.crt"
    ca.write_bytes(Authority(tmp_path / "stranger", "stranger").cert.read_bytes())
    credentials = grpc.ssl_server_credentials([(server.key.read_bytes(), server.cert.read_bytes())])
    with Backend(credentials) as backend:
        options = options_for(backend) | {"forward.endpoint": f"https://{backend.endpoint}",
                                          "forward.tls_ca": ca, "tls.reload_interval": "1s",
                                          "shutdown.patience": "1s"}
        with Daemon(options) as daemon:
            send(daemon, [1])
            daemon.wait_until_metric('spanmap_forward_attempts_failed_total{code="UNAVAILABLE"}', 1)
            replace(ca, root.cert)
            assert backend.wait_for(1) == [body_of(1)]


# --- When the other side does not take it --------------------------------------------------------


def test_what_may_be_tried_again_is():
    late = refused(grpc.StatusCode.DEADLINE_EXCEEDED)
    with Backend() as backend:
        backend.answers = [unavailable(), unavailable(), late, refused(grpc.StatusCode.ABORTED)]
        with Daemon(options_for(backend)) as daemon:
            send(daemon, [1])
            assert backend.wait_for(1) == [body_of(1)]
            wait_for_counts(daemon, sent=1)
            metrics = metrics_of(daemon)
            assert metrics['attempts_failed_total{code="UNAVAILABLE"}'] == 2
            assert metrics['attempts_failed_total{code="DEADLINE_EXCEEDED"}'] == 1
            assert metrics['attempts_failed_total{code="OTHER"}'] == 1
            assert metrics["failing"] == 0
            assert backend.bodies == [body_of(1)] * 5


def test_a_retry_info_is_heeded():
    with Backend() as backend:
        backend.answers = [retry_after(0.4)]
        with Daemon(options_for(backend, forward__retry_initial="1ms",
                                forward__retry_interval_max="1ms")) as daemon:
            send(daemon, [1, 2])
            daemon.wait_until_metric(
                'spanmap_forward_attempts_failed_total{code="RESOURCE_EXHAUSTED"}', 1)
            backend.wait_for(2)
            wait_for_counts(daemon, sent=2)
            # With delays of a millisecond there would have been many more.
            assert len(backend.bodies) == 3


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "UNAUTHENTICATED", "RESOURCE_EXHAUSTED",
                                  "UNIMPLEMENTED"])
def test_what_would_be_refused_again_is_dropped(code):
    with Backend() as backend:
        backend.answers = [refused(grpc.StatusCode[code], "no\nsuch thing")]
        with Daemon(options_for(backend)) as daemon:
            send(daemon, [1])
            wait_for_counts(daemon, refused=1)
            send(daemon, [2])
            assert backend.wait_for(1) == [body_of(2)]
            wait_for_counts(daemon, "spans", sent=2, refused=2)
            assert "refused by the other side" in daemon.log() and code in daemon.log()


def test_partial_success_is_counted():
    with Backend() as backend:
        backend.otherwise = rejected(1)
        with Daemon(options_for(backend)) as daemon:
            send(daemon, [1, 2])
            wait_for_counts(daemon, "spans", sent=4)
            assert metrics_of(daemon)["rejected_spans_total"] == 2
            wait_until(lambda: "not these" in daemon.log(), "a line of log")


def test_what_is_too_old_is_dropped():
    with Backend() as backend:
        backend.otherwise = unavailable()
        with Daemon(options_for(backend, forward__retry_max="100ms")) as daemon:
            send(daemon, [1, 2, 3])
            wait_for_counts(daemon, gave_up=3)
            backend.otherwise = b""
            send(daemon, [4])
            assert backend.wait_for(1) == [body_of(4)]


def test_a_silent_side_does_not_hold_up_senders():
    free = threading.Event()

    def silent(_body, _context):
        free.wait(PATIENCE_S)
        return b""

    with Backend() as backend:
        backend.answers = [silent] * 2
        with Daemon(options_for(backend, forward__timeout="200ms", forward__in_flight=2)) as daemon:
            send(daemon, range(30))
            daemon.wait_for_counted(60)
            daemon.wait_until_metric(
                'spanmap_forward_attempts_failed_total{code="DEADLINE_EXCEEDED"}', 2)
            wait_for_counts(daemon, sent=30)
        free.set()


def test_gone_and_back_nothing_is_lost(tmp_path):
    with Backend(address=f"unix:{tmp_path}/backend.sock") as backend, \
            Daemon(options_for(backend)) as daemon:
        send(daemon, range(5))
        backend.wait_for(5)
        backend.stop()
        send(daemon, range(5, 25))
        daemon.wait_until_metric('spanmap_forward_attempts_failed_total{code="UNAVAILABLE"}', 3)
        assert metrics_of(daemon)["failing"] == 1
        assert metrics_of(daemon)["queue_requests"] == 20
        backend.start()
        assert sorted(backend.wait_for(25)) == sorted(body_of(number) for number in range(25))
        wait_for_counts(daemon, sent=25)
        assert "is sent on again" in daemon.log()


def test_a_full_queue_is_counted_exactly():
    large = [span for number in range(400) for span in call_of(number)]
    body = request_of(large).SerializeToString()
    with Backend() as backend:
        backend.otherwise = unavailable()
        with Daemon(options_for(backend, forward__queue="1MiB", forward__retry_initial="1h",
                                forward__retry_interval_max="1h")) as daemon:
            with Sender(daemon.grpc) as sender:
                for _ in range(40):
                    sender.raw(body)  # Raises where it is not taken.
            metrics = metrics_of(daemon)
            held = metrics["queue_requests"]
            assert 1 <= held <= 2**20 // len(body)
            assert counts(daemon) == {"queue_full": 40 - held}
            assert counts(daemon, "spans") == {"queue_full": 800 * (40 - held)}
            assert metrics["queue_bytes"] <= metrics["queue_bytes_max"] == 2**20
            share = next(each for each in daemon.json("/debug/budgets")["shares"]
                         if each["share"] == "forward")
            assert share["max"] == 2**20 and share["found_no_room"] == 40 - held
            assert "the queue is full" in daemon.log()
            daemon.wait_for_counted(40 * 800)
            # At the end each gets one try more.
            backend.otherwise = b""
            daemon.stop()
            assert len(backend.taken) == held


def test_what_cannot_be_sent_at_the_end_is_told(tmp_path):
    options = options_for(Backend(address=f"unix:{tmp_path}/nobody.sock"))
    with Daemon(options | {"shutdown.patience": "300ms"}) as daemon:
        send(daemon, range(3))
        daemon.wait_until_metric("spanmap_forward_failing", 1)
        assert daemon.stop() == 0
        assert "left unsent" in daemon.log() and "requests=3" in daemon.log()


class Swallowing:
    """A way to an endpoint. What goes over its first connection arrives nowhere once it is told so."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.swallows = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.sockets = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            host, port = self.endpoint.rsplit(":", 1)
            far = socket.create_connection((host, int(port)))
            is_first = not self.sockets
            self.sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pass_on, args=(source, sink, is_first), daemon=True).start()

    def pass_on(self, source, sink, is_first):
        try:
            while some := source.recv(65536):
                if not (is_first and self.swallows.is_set()):
                    sink.sendall(some)
        except OSError:
            pass

    def close(self):
        for each in [self.listener, *self.sockets]:
            each.close()


def test_a_connection_that_leads_nowhere_is_replaced():
    with Backend() as backend:
        way = Swallowing(backend.endpoint)
        with Daemon(options_for(backend) | {"forward.endpoint": way.address,
                                            "forward.timeout": "400ms"}) as daemon:
            send(daemon, [1])
            backend.wait_for(1)
            wait_for_counts(daemon, sent=1)
            way.swallows.set()
            send(daemon, [2])
            assert backend.wait_for(2) == [body_of(1), body_of(2)]
            wait_for_counts(daemon, sent=2)
        way.close()


def test_senders_cannot_take_the_end_from_what_leaves():
    with Backend() as backend:
        backend.answers = [retry_after(3600)]
        with Daemon(options_for(backend, shutdown__patience="2s")) as daemon:
            send(daemon, [1])
            daemon.wait_until_metric("spanmap_forward_failing", 1)
            host, port = daemon.http.rsplit(":", 1)
            with socket.create_connection((host, int(port)), PATIENCE_S) as stuck:
                stuck.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: spanmap\r\nContent-Length: 9\r\n"
                              b"Content-Type: application/x-protobuf\r\n"
                              b"Expect: 100-continue\r\n\r\n")
                assert stuck.recv(12) == b"HTTP/1.1 100"  # It is taken on.
                assert daemon.stop() == 0
            assert backend.taken == [body_of(1)]


def test_the_end_waits_for_what_is_under_way():
    begun, free = threading.Event(), threading.Event()

    def slow(_body, _context):
        begun.set()
        free.wait(PATIENCE_S)
        return b""

    with Backend() as backend:
        backend.otherwise = slow
        with Daemon(options_for(backend)) as daemon:
            send(daemon, range(20))
            begun.wait(PATIENCE_S)
            daemon.signal()
            wait_until(lambda: "draining" in daemon.log(), "it drains")
            free.set()
            assert daemon.wait() == 0
            assert len(backend.taken) == 20
            assert "left unsent" not in daemon.log()


def test_a_killed_daemon_leaves_the_other_side_well():
    with Backend() as backend, Daemon(options_for(backend)) as second:
        first = Daemon(options_for(backend))
        first.start()
        send(first, [1])
        backend.wait_for(1)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        first.folder.cleanup()
        send(second, [2])
        backend.wait_for(2)


# --- Configuration ----------------------------------------------------------------------------------


def outcome_of(options):
    """Exit code and log of a daemon that cannot run."""
    daemon = Daemon(options)
    daemon.launch()
    try:
        return daemon.wait(), daemon.log()
    finally:
        daemon.folder.cleanup()


def test_nothing_is_loaded_where_nothing_leaves():
    with Daemon({"grpc.module": "/nowhere/spanmap-grpc.so"}) as daemon:
        assert "libgrpc" not in Path(f"/proc/{daemon.pid}/maps").read_text(encoding="utf-8")
        assert not metrics_of(daemon)


def test_a_missing_module_is_told():
    code, log = outcome_of({"forward.endpoint": "127.0.0.1:4317",
                            "grpc.module": "/nowhere/spanmap-grpc.so"})
    assert code == 2 and "the gRPC module cannot be loaded" in log and "/nowhere" in log


def test_a_circle_is_refused(tmp_path):
    path = f"unix:{tmp_path}/own.sock"
    code, log = outcome_of({"listen.grpc": path, "forward.endpoint": path})
    assert code == 2 and "forward.endpoint is this spanmap's own door" in log


@pytest.mark.parametrize("options, words", [
    ({"forward.endpoint": "https://a:1", "forward.tls_ca": "/nowhere"}, "forward.tls_ca cannot be read"),
    ({"forward.endpoint": "https://a:1", "forward.tls_cert": "/nowhere"}, "tls_cert and tls_key"),
    ({"forward.endpoint": "a:1", "forward.tls_ca": "/nowhere"}, "not https://"),
    ({"push.otlp.endpoint": "https://a:1", "push.otlp.tls_ca": "/nowhere"}, "push.otlp.tls_ca"),
    ({"forward.endpoint": "a:0"}, "no endpoint"),
    ({"forward.endpoint": "https://"}, "not an address"),
    ({"forward.headers": "{Authorization: x}"}, "small letters"),
    ({"forward.headers": "{authorization: ''}"}, "is empty"),
])
def test_wrong_options_are_told(options, words):
    code, log = outcome_of(options)
    assert code == 2 and words in log
