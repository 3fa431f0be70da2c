"""Windows: what a running spanmap counted lately, what is different from before, and wrong words.

Units drive the time; here a window ends between two waves of traffic, at a time that a first answer told.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
START = 1_700_000_000_000_000_000
MS = 1_000_000
FRONT, CART, OLD, NEW = ("service//" + name for name in ("front", "cart", "old", "new"))


def calls(base, client, server, count, failed=0, ms=10):
    spans = []
    for number in range(count):
        trace = f"{base * 100_000 + number + 1:032x}"
        spans += [Span(trace, "1" * 16, "", CLIENT, "GET", START, START + (ms + 2) * MS,
                       resource={"service.name": client}),
                  Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", START + MS, START + (ms + 1) * MS,
                       ERROR if number < failed else UNSET, resource={"service.name": server})]
    return spans


def edges(answer):
    return {(edge["client"], edge["server"]): edge for edge in answer["edges"]}


def seconds(window):
    return (int(window["end_unix_nano"]) - int(window["start_unix_nano"])) / 1e9


def unix(nano):
    """Unix seconds, as a query takes them."""
    return f"{nano // 10**9}.{nano % 10**9:09d}"


def boundary_after(daemon, end):
    """A time between two steps of which the first one has all until `end`: it stays one for minutes."""
    points = daemon.json(f"/api/v1/history?window=5m&node={quote(FRONT)}")["points"]
    return min((start for point in points if (start := int(point["start_unix_nano"])) >= end), default=None)


@pytest.fixture(name="waves", scope="module")
def two_waves():
    """(daemon, the time between): front calls cart and old, then cart, slower and failing, and new."""
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        first = calls(1, "front", "cart", 40) + calls(2, "front", "old", 5)
        sender.send(first)
        daemon.wait_for_counted(len(first))
        # All of it was counted before this answer's end.
        end = int(daemon.json("/api/v1/map?window=1m")["window"]["end_unix_nano"])
        between = wait_until(lambda: boundary_after(daemon, end), "a step of 10 s is over")
        second = calls(3, "front", "cart", 40, failed=20, ms=50) + calls(4, "front", "new", 7)
        sender.send(second)
        daemon.wait_for_counted(len(first) + len(second))
        yield daemon, between


def test_a_window_has_what_was_counted_lately(waves):
    daemon, _ = waves
    whole = daemon.map()
    answer = daemon.json("/api/v1/map?window=5m")
    assert 0 < seconds(answer["window"]) <= 302
    assert answer["window"]["start_unix_nano"] == whole["window"]["start_unix_nano"]
    assert edges(answer)[FRONT, CART]["requests"] == 80
    for edge in answer["edges"]:
        rate = edge.pop("requests_per_second")
        assert rate == pytest.approx(edge["requests"] / seconds(answer["window"]))
    for node in answer["nodes"]:
        assert node.pop("requests_per_second") == pytest.approx(node["requests"] / seconds(answer["window"]))
    assert answer["accounting"].pop("waited") == answer["links"].pop("waited") == 0
    for part in ("nodes", "edges", "accounting", "links"):
        assert answer[part] == whole[part]
    assert [edge["server"] for edge in daemon.json("/api/v1/edges?window=5m")] == [CART, NEW, OLD]
    assert [node["id"] for node in daemon.json("/api/v1/services?window=5m")] == [CART, FRONT, NEW, OLD]


def test_time_travel_leaves_out_what_came_later(waves):
    daemon, between = waves
    answer = daemon.json(f"/api/v1/map?window=5m&at={unix(between)}")
    assert int(answer["window"]["end_unix_nano"]) == between
    assert {pair: edge["requests"] for pair, edge in edges(answer).items()} == {
        (FRONT, CART): 40, (FRONT, OLD): 5}
    assert answer["accounting"]["received"] == answer["accounting"]["paired"] + \
        answer["accounting"]["internal"] == 90
    operations = daemon.json(f"/api/v1/operations?node={CART}&window=5m&at={unix(between)}")
    assert [row["requests"] for row in operations["operations"]] == [40]
    status, _, body = daemon.get(f"/api/v1/operations?node={NEW}&window=5m&at={unix(between)}")
    assert status == 404 and b"service//new" in body


def test_two_windows_are_compared(waves):
    daemon, between = waves
    query = f"window=5m&compare={unix(between)}"
    answer = daemon.json(f"/api/v1/map?{query}")
    assert int(answer["before"]["window"]["end_unix_nano"]) == between
    found = edges(answer)
    assert found[FRONT, CART]["change"] == ["failing", "slower"]
    assert found[FRONT, CART]["before"]["requests"] == 40
    assert found[FRONT, NEW]["change"] == ["new"] and found[FRONT, NEW]["before"] is None
    assert found[FRONT, OLD]["change"] == []
    for path in ("/map.svg", "/map.dot", "/api/v1/map?format=mermaid", "/api/v1/map?format=text"):
        text = daemon.text(path + ("&" if "?" in path else "?") + query)
        assert "new" in text and text != daemon.text(path)


def test_a_picture_of_a_window_is_not_another_one_s(waves):
    daemon, between = waves
    pictures = {daemon.text("/map.svg" + query) for query in (
        "", "?window=5m", f"?window=5m&at={unix(between)}", f"?window=5m&compare={unix(between)}")}
    assert len(pictures) >= 3  # Since the start, and of 5 minutes, may look alike.
    assert NEW not in daemon.text(f"/map.dot?window=5m&at={unix(between)}")


def test_history_tells_an_edge_and_a_node_step_by_step(waves):
    daemon, between = waves
    edge = f"client={quote(FRONT)}&server={quote(CART)}&connection_type="
    answer = daemon.json(f"/api/v1/history?window=5m&{edge}")
    points = answer["points"]
    assert answer["step_seconds"] in (10, 60) and 1 <= len(points) <= 61
    starts = [int(point["start_unix_nano"]) for point in points]
    assert starts == sorted(starts)
    assert sum(point["covered_seconds"] for point in points) == pytest.approx(seconds(answer["window"]))
    assert sum(point["requests"] for point in points) == 80
    assert sum(point["failed"] for point in points) == 20
    assert sum(point["client_seconds"]["count"] for point in points if point["client_seconds"]) == 80
    for point in points:
        assert (point["client_seconds"] is None) == (point["requests"] == 0)
        assert point["requests_per_second"] == pytest.approx(point["requests"] / point["covered_seconds"])
    node = daemon.json(f"/api/v1/history?node={quote(CART)}&window=5m&at={unix(between)}")
    assert sum(point["requests"] for point in node["points"]) == 40
    assert max(point["seconds"]["max"] for point in node["points"] if point["seconds"]) == 0.01
    idle = daemon.json(f"/api/v1/history?node={quote(NEW)}&window=5m&at={unix(between)}")
    assert idle["points"] and all(point["requests"] == 0 and point["seconds"] is None
                                  for point in idle["points"])
    whole = daemon.json(f"/api/v1/history?node={quote(CART)}")  # All that is kept.
    assert sum(point["requests"] for point in whole["points"]) == 80


WRONG = [
    ("window=0", 400, "'window' is a duration"),
    ("window=fast", 400, "'window' is a duration"),
    ("window=-5m", 400, "'window' is a duration"),
    ("window=61m", 400, "at most 1h"),
    ("at=1795646400", 400, "say how long that is, too: window=5m"),
    ("compare=-5m", 400, "say how long that is, too: window=5m"),
    ("window=5m&at=yesterday", 400, "'at' is when the window ends"),
    ("window=5m&at=2026-02-30T00:00:00Z", 400, "'at' is when the window ends"),
    ("window=5m&compare=5", 404, "nothing is kept of the time of 'compare'"),
    ("window=5m&at=2020-01-01T00:00:00Z", 404, "windows reach from 20"),
    ("window=5m&at=2200-01-01T00:00:00Z", 404, "windows reach from 20"),
    ("window=%zz", 400, "percent-encoded"),
]


@pytest.mark.parametrize("query, status, says", WRONG)
def test_a_wrong_word_is_told(waves, query, status, says):
    daemon, _ = waves
    for path in ("/api/v1/map", "/map.svg", "/api/v1/services"):
        found, _, body = daemon.get(f"{path}?{query}")
        assert (found, says in body.decode()) == (status, True), body
    if "compare" not in query:
        found, _, body = daemon.get(f"/api/v1/history?node={quote(CART)}&{query}")
        assert (found, says in body.decode()) == (status, True), body


def test_history_wants_to_know_of_what(waves):
    daemon, _ = waves
    for query, status, says in [("", 400, "say of what"), ("node=service//nobody", 404, "service//nobody"),
                                (f"client={FRONT}", 400, "'server'"),
                                (f"client={FRONT}&server={CART}&connection_type=x", 400, "connection_type")]:
        found, _, body = daemon.get(f"/api/v1/history?{query}")
        assert (found, says in body.decode()) == (status, True), body


def test_the_ring_shows_itself(waves):
    daemon, _ = waves
    metrics = daemon.metrics()
    assert metrics["spanmap_windows_slots"] > 0 and metrics["spanmap_windows_bytes"] > 0
    assert metrics["spanmap_windows_holes_total"] == metrics["spanmap_windows_pushed_out_total"] == 0
    assert metrics["spanmap_windows_oldest_seconds"] == int(metrics["spanmap_start_time_seconds"])
    shares = {share["share"]: share for share in daemon.json("/debug/budgets")["shares"]}
    assert 0 < shares["windows"]["used"] <= shares["windows"]["max"]


def run(*arguments):
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run([binary(), "map", *arguments], capture_output=True, text=True, check=False,
                          timeout=180, env=env)


def test_map_asks_for_a_window(waves):
    daemon, between = waves
    done = run("--from", daemon.web, "--format", "json", "--window", "5m", "--at", unix(between))
    assert done.returncode == 0, done.stderr
    assert set(edges(json.loads(done.stdout))) == {(FRONT, CART), (FRONT, OLD)}
    done = run("--from", daemon.web, "--format", "json", "--window", "5m", "--compare", unix(between))
    assert edges(json.loads(done.stdout))[FRONT, NEW]["change"] == ["new"]
    for wrong in (["--window", "x"], ["--at", "-5m"], ["--window", "5m", "--at", "noon"]):
        done = run("--from", daemon.web, *wrong)
        assert done.returncode == 2 and wrong[-2] in done.stderr
    done = run("--window", "5m", "file.json")
    assert done.returncode == 2 and "--from" in done.stderr


def test_without_windows_only_the_sums_are_kept():
    with Daemon({**FAST, "windows.span": "off"}) as daemon, Sender(daemon.grpc) as sender:
        spans = calls(1, "front", "cart", 3)
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        status, _, body = daemon.get("/api/v1/map?window=5m")
        assert status == 400 and b"windows.span" in body
        assert edges(daemon.map())[FRONT, CART]["requests"] == 3
        assert "windows" not in {share["share"] for share in daemon.json("/debug/budgets")["shares"]
                                 if share["bytes"]}
        assert wait_until(lambda: daemon.metrics()["spanmap_windows_slots"] == 0, "no slots are kept")
