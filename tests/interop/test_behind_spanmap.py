"""SDK -> spanmap -> Collector, by the configuration of deploy/forward: what the SDK sent comes out behind
the Collector, also where the Collector was away; spanmap's metrics come out of it for Prometheus."""

import contextlib
import os
import re
import urllib.request

import pytest
import toolchains
from collector_process import Collector, free_port
from lib.backend import Backend
from lib.daemon import PATIENCE_S, Daemon, wait_until
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, StatusCode

DEPLOY = toolchains.ROOT / "deploy/forward"


class Line:
    """The whole line: a daemon, a Collector and the back end behind it, all by the files of deploy/."""

    def __init__(self, folder):
        self.folder = folder
        self.prometheus = ""
        self.socket = folder / "collector.sock"
        self.backend = Backend()
        self.collector = None
        self.daemon = Daemon(
            {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"},
            config=(DEPLOY / "spanmap.yaml").read_text(encoding="utf-8"),
            env={"COLLECTOR_GRPC": f"unix:{self.socket}", "RETRY_INITIAL": "50ms",
                 "RETRY_INTERVAL_MAX": "200ms", "PUSH_INTERVAL": "200ms"})

    def start_collector(self):
        """Somebody else may take the free port before the Collector has it: then another one."""
        for left in reversed(range(5)):
            self.prometheus = f"127.0.0.1:{free_port()}"
            # A Unix socket: nobody else can take its place while the Collector is away.
            settings = {"COLLECTOR_GRPC": str(self.socket), "COLLECTOR_TRANSPORT": "unix",
                        "BACKEND_GRPC": self.backend.endpoint,
                        "COLLECTOR_PROMETHEUS": self.prometheus}
            try:
                self.collector = Collector(self.folder, config=DEPLOY / "collector.yaml",
                                           settings=settings)
                return
            except AssertionError as error:
                if not left or "address already in use" not in str(error):
                    raise
                self.socket.unlink(missing_ok=True)

    def stop_collector(self):
        self.collector.stop()
        self.collector = None

    def scrape(self):
        """{'name{labels}': value} of what the Collector offers to Prometheus."""
        with urllib.request.urlopen(f"http://{self.prometheus}/metrics", timeout=PATIENCE_S) as answer:
            lines = answer.read().decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in lines if not line.startswith("#")}


@pytest.fixture(name="line")
def made_line(tmp_path):
    line = Line(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.enter_context(line.backend)
        stack.callback(lambda: line.collector and line.collector.stop())
        stack.enter_context(line.daemon)
        yield line


def spans_of(bodies):
    """The bytes of each span, sorted."""
    out = []
    for body in bodies:
        for resource in trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                out += [span.SerializeToString(deterministic=True) for span in scope.spans]
    return sorted(out)


def exporter(endpoint):
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True),
                              schedule_delay_millis=50)


def send(line, direct, calls):
    """The same spans by a real SDK to spanmap, and to `direct`."""
    provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    provider.add_span_processor(exporter(line.daemon.grpc))
    provider.add_span_processor(exporter(direct.endpoint))
    tracer = provider.get_tracer("test", "1.0")
    before = None
    for number in range(calls):
        links = [Link(before)] if before is not None else []
        with tracer.start_as_current_span("get", kind=SpanKind.SERVER, links=links) as span:
            span.set_attributes({"number": number, "ratio": 0.5, "names": ["a", "ü"], "ok": True})
            span.add_event("began", {"at": number})
            with tracer.start_as_current_span("ask", kind=SpanKind.CLIENT) as inner:
                inner.set_status(StatusCode.ERROR, "told to")
                inner.set_attribute("server.address", "stock.example")
            before = span.get_span_context()
    provider.shutdown()


def sample(metrics, name, **labels):
    """The one sample of this name whose labels hold these."""
    found = [value for key, value in metrics.items() if key.startswith(name + "{") and all(
        re.search(rf'[{{,]{label}="{re.escape(text)}"', key) for label, text in labels.items())]
    return found[0] if len(found) == 1 else None


def test_the_line_carries_every_span_unchanged(line):
    calls = 300
    line.start_collector()
    with Backend() as direct:
        send(line, direct, calls)
        sent = spans_of(direct.taken)
        assert len(sent) == 2 * calls
        wait_until(lambda: len(spans_of(line.backend.taken)) >= len(sent), "all spans come out")
        assert spans_of(line.backend.taken) == sent
    line.daemon.wait_for_counted(2 * calls)
    # The metrics come out, too, with the same figures.
    name, labels = "traces_service_graph_request_total", {"client": "shop"}
    wait_until(lambda: sample(line.daemon.metrics(), name, **labels) == calls, "a series starts at 0")
    wait_until(lambda: sample(line.scrape(), name, **labels) == calls, "the Collector has the figures")
    pushed = line.daemon.metrics()
    assert pushed['spanmap_push_otlp_requests_total{outcome="refused"}'] == 0
    assert pushed["spanmap_push_otlp_rejected_points_total"] == 0


def test_a_collector_that_was_away_loses_nothing_of_the_queue(line):
    calls = 300
    line.start_collector()
    with Backend() as direct:
        send(line, direct, calls)
        wait_until(lambda: len(spans_of(line.backend.taken)) == 2 * calls, "all spans come out")
        line.stop_collector()
        send(line, direct, calls)
        line.daemon.wait_for_counted(4 * calls)  # Nobody who sends has noticed.
        line.daemon.wait_until_metric("spanmap_forward_failing", 1)
        line.start_collector()
        sent = spans_of(direct.taken)
        wait_until(lambda: len(spans_of(line.backend.taken)) >= len(sent), "all spans come out")
        assert spans_of(line.backend.taken) == sent
    metrics = line.daemon.metrics()
    assert sum(value for key, value in metrics.items()
               if key.startswith("spanmap_forward_spans_total")) == 4 * calls
    wait_until(lambda: line.daemon.metrics()['spanmap_forward_spans_total{outcome="sent"}']
               == 4 * calls, "all are counted as sent")
    assert os.path.exists(line.socket)
