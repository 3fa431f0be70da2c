"""The pages under /debug/: they answer why an edge is missing and what fills the tables."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "100ms", "pairing.parent_wait": "100ms", "messaging.wait": "100ms"}
START = 1_700_000_000_000_000_000


def span(trace, number, parent, kind, service, start=START, name="op"):
    return Span(trace=f"{trace:032x}", id=f"{number:016x}", parent=f"{parent:016x}" if parent else "", kind=kind,
                name=name, start=start, end=start + 5_000_000, resource={"service.name": service})


def test_unpaired_spans_are_told_with_traces_to_look_at():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        spans = [span(trace, 2, 1, SERVER, "orphan") for trace in range(1, 8)]
        spans += [span(100, 1, 0, SERVER, "front"), span(100, 2, 1, CLIENT, "front")]
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        answer = daemon.json("/debug/unpaired")
        first, second = answer["unpaired"]
        assert (first["service"], first["kind"], first["reason"], first["spans"]) == (
            "service//orphan", "server", "parent_missing", 7)
        assert len(set(first["traces"])) == 3
        assert set(first["traces"]) <= {f"{trace:032x}" for trace in range(1, 8)}
        assert (second["service"], second["kind"], second["reason"], second["spans"]) == (
            "service//front", "client", "no_server", 1)
        assert second["traces"] == [f"{100:032x}"]
        assert "pairing.parent_wait" in answer["reasons"]["parent_missing"]
        nodes = {node["name"]: node for node in daemon.map()["nodes"]}
        assert nodes["orphan"]["parent_missing"] == 7 and nodes["orphan"]["requests"] == 0
        assert nodes["front"]["parent_missing"] == 0


def test_cardinality_names_who_fills_the_tables():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        spans = [span(number + 1, 1, 0, SERVER, "many", name=f"op {'x' * number}") for number in range(12)]
        spans.append(span(100, 1, 0, SERVER, "few"))
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        answer = daemon.json("/debug/cardinality")
        assert answer["operations_by_service"] == [
            {"node": "service//many", "names": 12, "series": 12}, {"node": "service//few", "names": 1, "series": 1}]
        assert answer["edges_by_client"] == [{"node": "user//user", "series": 2}]
        assert answer["services"]["used"] == 2


def test_metrics_say_how_late_spans_come():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        now = time.time_ns()
        sender.send([span(1, 1, 0, SERVER, "a", now + 3600 * 10**9), span(2, 1, 0, SERVER, "a", now - 7200 * 10**9),
                     span(3, 1, 0, SERVER, "a", START)])
        daemon.wait_for_counted(3)
        metrics = daemon.metrics()
        name = "spanmap_span_lateness_seconds"
        assert metrics[name + '_bucket{le="0.0"}'] == 1
        assert metrics[name + '_bucket{le="3600.0"}'] == 1
        assert metrics[name + '_bucket{le="86400.0"}'] == 2
        assert metrics[name + '_bucket{le="+Inf"}'] == metrics[name + "_count"] == 3
        assert 86400 + 7190 <= metrics[name + "_sum"] <= 86400 + 7200 + 600
