"""Series are bounded by the bytes that they take: what finds none is counted together, all stays exact in sum, and
what is resident stays below the limit, whatever durations come."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from e2e.hostile import peak_bytes  # noqa: E402
from lib.daemon import IS_SANITIZED, Daemon  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

START = 1_700_000_000_000_000_000
LIMIT_MIB = 64
OPTIONS = {"memory.limit": f"{LIMIT_MIB}MiB", "pairing.wait": "100ms", "pairing.parent_wait": "100ms",
           "topology.shards": 2, "topology.memory_max": "4MiB", "names.services_max": 400}
CALLERS, CALLEES = 40, 60  # 2,400 edges: more than there is room for.
SPANS_OF_REQUEST = 2000


class Load:
    """Calls on edges, and what they must add up to."""

    def __init__(self):
        self.traces = 0
        self.calls = 0
        self.failed = 0
        self.client_ns = 0
        self.server_ns = 0
        self.spans = []

    def call(self, edge, duration_ns, half=False):
        """With `half` both spans stand for two."""
        self.traces += 1
        weight = 2 if half else 1
        is_failed = self.traces % 7 == 0
        trace = f"{self.traces:032x}"
        state = "ot=th:8" if half else ""
        self.calls += weight
        self.failed += weight if is_failed else 0
        self.client_ns += weight * 2 * duration_ns
        self.server_ns += weight * duration_ns
        self.spans += [
            Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2 * duration_ns, UNSET, state,
                 resource={"service.name": f"caller-{edge % CALLERS}"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + duration_ns,
                 ERROR if is_failed else UNSET, state,
                 resource={"service.name": f"callee-{edge // CALLERS}"})]

    def send(self, sender):
        for at in range(0, len(self.spans), SPANS_OF_REQUEST):
            sender.insist(request_of(self.spans[at:at + SPANS_OF_REQUEST]).SerializeToString())
        self.spans.clear()


def assert_all_counted(answer, load):
    edges = answer["edges"]
    assert sum(edge["requests"] for edge in edges) == load.calls
    assert sum(edge["failed"] for edge in edges) == load.failed
    for side, total_ns in (("client_seconds", load.client_ns), ("server_seconds", load.server_ns)):
        assert sum(edge[side]["count"] for edge in edges) == load.calls
        assert sum(edge[side]["sum"] for edge in edges) == pytest.approx(total_ns / 1e9, rel=1e-9)
    assert answer["accounting"]["paired"] == 2 * load.traces


def test_edges_beyond_the_bytes_are_counted_together():
    load = Load()
    edges = CALLERS * CALLEES
    with Daemon(OPTIONS) as daemon, Sender(daemon.grpc) as sender:
        for _ in range(2):
            for edge in range(edges):
                load.call(edge, 1_000_000 + edge)
            load.send(sender)
        answer = daemon.wait_for_counted(2 * load.traces)
        assert_all_counted(answer, load)
        shown = [edge for edge in answer["edges"] if edge["requests"] <= 2]
        quota = daemon.json("/debug/cardinality")["edges"]
        assert len(shown) <= quota["max"] and quota["refused"] > 0
        daemon.metrics()  # What is new is shown at 0 first.
        metrics = daemon.metrics()
        together = sum(value for name, value in metrics.items()
                       if name.startswith("traces_service_graph_request_total{")
                       and 'otel_metric_overflow="true"' in name)
        assert together == load.calls - sum(edge["requests"] for edge in shown) > 0
        assert metrics["spanmap_topology_overflowed_requests_total"] == together
        share = next(share for share in daemon.json("/debug/budgets")["shares"]
                     if share["share"] == "edges")
        assert len(shown) > share["bytes_max"] / 12_000  # Half of what the widest takes.
        assert 75 < share["percent"] == share["used_bytes"] * 100 // share["bytes_max"] <= 100
        assert IS_SANITIZED or peak_bytes(daemon) < LIMIT_MIB << 20


def test_series_that_widen_keep_to_the_limit():
    """They come in narrow, as many as can be; then all become as wide as can be."""
    load = Load()
    edges = CALLERS * CALLEES
    with Daemon(OPTIONS) as daemon, Sender(daemon.grpc) as sender:
        for edge in range(edges):
            load.call(edge, 1000)
        load.send(sender)
        daemon.wait_for_counted(2 * load.traces)
        for bits in range(0, 50, 7):
            for edge in range(0, edges, 2):
                load.call(edge, 1 << bits, half=edge % 4 == 0)
            load.send(sender)
            assert daemon.get("/metrics", {"Accept-Encoding": "gzip"})[0] == 200
        answer = daemon.wait_for_counted(2 * load.traces)
        assert_all_counted(answer, load)
        metrics = daemon.metrics()
        assert metrics["spanmap_topology_overflowed_requests_total"] > 0
        assert metrics["spanmap_topology_cut_resolutions_total"] > 0
        assert metrics["spanmap_topology_memory_failures_total"] == 0
        assert IS_SANITIZED or peak_bytes(daemon) < LIMIT_MIB << 20
