"""The pages under /debug/: they answer why an edge is missing and what fills the tables."""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
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


def test_what_hides_an_edge_is_told():
    with Daemon({**FAST, "pairing.wait": "1h"}) as daemon, Sender(daemon.grpc) as sender:
        assert [hint["what"] for hint in daemon.json("/debug/unpaired")["also"]] == ["no spans"]
        sender.send([span(1, 1, 0, SERVER, "a")])
        wait_until(lambda: daemon.accounting()["waiting"] == 1, "the span waits")
        hints = {hint["what"]: hint for hint in daemon.json("/debug/unpaired")["also"]}
        assert list(hints) == ["waiting spans"] and hints["waiting spans"]["count"] == 1
        assert "pairing.wait" in hints["waiting spans"]["help"]
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        spans = [span(1, 1, 0, CLIENT, "a"), span(1, 2, 1, SERVER, "a"), span(1, 2, 1, SERVER, "a")]
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        hints = {hint["what"]: hint["count"] for hint in daemon.json("/debug/unpaired")["also"]}
        assert hints == {"edges of a service to itself": 1, "duplicate spans": 1}


def test_budgets_say_how_full_they_are_and_what_is_past_them():
    options = {**FAST, "map.edges_max": "2", "topology.shards": "1"}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        spans = [span(number, 1, 0, SERVER, f"s{number}") for number in range(1, 6)]
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        answer = daemon.json("/debug/budgets")
        shares = {share["share"]: share for share in answer["shares"]}
        assert answer["limit_bytes"] >= sum(share["bytes"] for share in answer["shares"])
        assert answer["resident_bytes"] > 1 << 20
        edges = shares["edges"]
        assert (edges["max"], edges["unit"], edges["found_no_room"]) == (2, "series", 3)
        assert edges["option"] == "map.edges_max" and edges["percent"] >= 100
        assert 0 < shares["spans"]["used"] <= shares["spans"]["max"] == shares["spans"]["bytes"]
        assert 0 < shares["messages"]["used"] <= shares["messages"]["max"]
        assert shares["operations"]["used"] == 5
        for share in answer["shares"]:
            assert share["past_it"] and share["option"]


def test_lateness_says_what_came_too_late_to_be_waited_for():
    with Daemon({**FAST, "pairing.wait": "2s"}) as daemon, Sender(daemon.grpc) as sender:
        now = time.time_ns()
        sender.send([span(1, 1, 0, SERVER, "a", now - 7200 * 10**9), span(2, 1, 0, SERVER, "a", now + 3600 * 10**9)])
        wait_until(lambda: daemon.accounting()["received"] == 2, "the spans come")
        answer = daemon.json("/debug/lateness")
        assert answer["pairing.wait"] == "2s" and answer["pairing.parent_wait"] == "100ms"
        assert answer["all"] == 2 and answer["surely_later_than_pairing_wait"] == 1
        assert answer["spans"][0] == {"at_most": "0", "spans": 1}
        assert {"later_than": "1h", "at_most": "24h", "spans": 1} in answer["spans"]
        assert "pairing.wait" in answer["help"]
