"""`spanmap map --diff`: what is different between two maps, and nothing else."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402
from model import generate, otlp_json  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

START = 1_700_000_000_000_000_000
MS = 1_000_000
FIGURES = ("requests", "failed", "client_seconds", "server_seconds", "network_seconds",
           "messaging_seconds")


def calls(base, client, server, count, failed, ms):
    """Calls a tenth of a second apart, the first of which fail."""
    spans = []
    for number in range(count):
        trace = f"{base * 100_000 + number + 1:032x}"
        start = START + number * 100 * MS
        spans += [
            Span(trace, "1" * 16, "", CLIENT, "GET", start, start + (ms + 2) * MS,
                 resource={"service.name": client}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", start + MS, start + (ms + 1) * MS,
                 ERROR if number < failed else UNSET, resource={"service.name": server})]
    return spans


@pytest.fixture(name="write")
def writer(tmp_path):
    def write(name, edges):
        path = tmp_path / name
        otlp_json.write(path, [[span for base, edge in enumerate(edges)
                                for span in calls(base, *edge)]])
        return path
    return write


def run(*arguments):
    return subprocess.run([binary(), "map", *map(str, arguments)], capture_output=True,
                          timeout=120, check=False)


def drawn(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def diff(before, now, *more):
    return json.loads(drawn("--diff", "--format", "json", *more, before, now))


def key(edge):
    return edge["client"], edge["server"], edge["connection_type"]


def changes(answer):
    return {(edge["client"].split("/")[-1], edge["server"].split("/")[-1]): edge["change"]
            for edge in answer["edges"]}


BEFORE = [("front", "cart", 100, 0, 10), ("front", "old", 50, 0, 5), ("cart", "store", 100, 1, 10),
          ("front", "ads", 100, 0, 10), ("front", "same", 60, 3, 8)]
NOW = [("front", "cart", 100, 12, 10), ("front", "fresh", 50, 0, 5), ("cart", "store", 100, 1, 30),
       ("front", "ads", 100, 10, 40), ("front", "same", 60, 3, 8)]


def test_each_change_is_told(write):
    answer = diff(write("before", BEFORE), write("now", NOW))
    assert changes(answer) == {
        ("front", "cart"): ["failing"], ("front", "fresh"): ["new"], ("front", "old"): ["gone"],
        ("cart", "store"): ["slower"], ("front", "ads"): ["failing", "slower"], ("front", "same"): []}
    nodes = {node["name"]: node["change"] for node in answer["nodes"]}
    assert nodes == {"front": [], "cart": [], "store": [], "ads": [], "same": [], "fresh": ["new"],
                     "old": ["gone"]}
    assert answer["before"]["window"]["start_unix_nano"] == str(START)
    [old] = [edge for edge in answer["edges"] if edge["server"] == "service//old"]
    assert old["requests"] == 0 and old["client_seconds"] is None
    assert old["before"]["requests"] == 50 and old["before"]["client_seconds"]["count"] == 50


def test_figures_are_those_of_the_two_maps(write):
    before, now = write("before", BEFORE), write("now", NOW)
    answer = diff(before, now)
    was = {key(edge): edge for edge in json.loads(drawn("--format", "json", before))["edges"]}
    isnow = {key(edge): edge for edge in json.loads(drawn("--format", "json", now))["edges"]}
    assert {key(edge) for edge in answer["edges"]} == set(was) | set(isnow)
    for edge in answer["edges"]:
        if key(edge) in was:
            assert all(edge["before"][name] == was[key(edge)][name] for name in FIGURES)
        else:
            assert edge["before"] is None
        if key(edge) in isnow:
            assert all(edge[name] == isnow[key(edge)][name] for name in FIGURES)


@pytest.mark.parametrize(("before", "now", "expected"), [
    ((100, 1), (100, 2), []),  # A point more of a hundred is chance.
    ((5000, 50), (5000, 110), ["failing"]),
    ((5000, 50), (5000, 95), []),  # No chance, and less than a point.
    ((5, 0), (5, 5), ["failing"]),
    ((3, 0), (3, 1), []),
    ((100, 50), (100, 0), []),  # Better is no alarm.
])
def test_chance_is_no_change(write, before, now, expected):
    answer = diff(write("before", [("a", "b", *before, 10)]), write("now", [("a", "b", *now, 10)]))
    assert changes(answer) == {("a", "b"): expected}


@pytest.mark.parametrize(("before", "now", "expected"), [
    ((19, 10), (100, 40), []), ((100, 10), (19, 40), []), ((20, 10), (20, 40), ["slower"]),
    ((100, 40), (100, 10), []), ((100, 40), (100, 46), []), ((100, 40), (100, 60), ["slower"])])
def test_slower_needs_enough_of_both(write, before, now, expected):
    answer = diff(write("before", [("a", "b", before[0], 0, before[1])]),
                  write("now", [("a", "b", now[0], 0, now[1])]))
    assert changes(answer) == {("a", "b"): expected}


@pytest.mark.parametrize("seed", range(4))
def test_random_maps_differ_in_what_only_one_has(seed, tmp_path):
    paths = []
    for which in range(2):
        paths.append(tmp_path / f"{which}.jsonl")
        otlp_json.write(paths[-1], [generate.scripted(seed * 2 + which,
                                                      generate.Mix(traces=30)).spans])
    forward, back = diff(*paths), diff(*reversed(paths))
    for one, other, word in ((forward, back, "new"), (back, forward, "new")):
        added = [key(edge) for edge in one["edges"] if edge["change"] == [word]]
        assert added == [key(edge) for edge in other["edges"] if edge["change"] == ["gone"]]
    assert [key(edge) for edge in forward["edges"]] == [key(edge) for edge in back["edges"]]
    assert forward["edges"] == sorted(forward["edges"], key=key)
    same = diff(paths[0], paths[0])
    assert same["edges"] and not any(edge["change"] for edge in same["edges"] + same["nodes"])
    for edge in same["edges"]:
        assert edge["before"] == {name: edge[name] for name in FIGURES}


def test_sides_are_compared_with_themselves(tmp_path):
    """A caller that is seen now only: what both maps have is the server's side."""
    before, now = tmp_path / "before", tmp_path / "now"
    slow, fast = calls(0, "a", "b", 50, 0, 40), calls(0, "a", "b", 50, 0, 10)
    for span in fast:
        if span.kind == CLIENT:
            span.start = span.end = 0  # No duration.
    otlp_json.write(before, [fast])
    otlp_json.write(now, [slow])
    [edge] = diff(before, now)["edges"]
    assert edge["change"] == ["slower"] and edge["before"]["client_seconds"] is None
    assert "server's p95 was 10 ms" in drawn("--diff", "--format", "text", before, now)


def test_a_focus_sees_both_maps(write):
    answer = diff(write("before", BEFORE), write("now", NOW), "--focus", "old")
    assert changes(answer) == {("front", "old"): ["gone"]}
    done = run("--diff", "--focus", "nobody", write("before", BEFORE), write("now", NOW))
    assert done.returncode == 1 and b"nobody" in done.stderr


def test_pictures_and_texts_tell_it(write):
    before, now = write("before", BEFORE), write("now", NOW)
    text = drawn("--diff", "--format", "text", before, now)
    rows = {line.split("─ ")[1].split()[0]: line for line in text.splitlines() if "─ " in line}
    assert rows["fresh"].endswith(" new") and rows["old"].endswith(" gone")
    assert "slower, p95 was 12 ms" in rows["store"] and "failing more, errors were 0%" in rows["cart"]
    assert rows["same"].endswith("10 ms")
    for format_ in ("dot", "svg"):
        picture = drawn("--diff", "--format", format_, before, now)
        assert "failing more" in picture and "as before" in picture  # The legend.
        assert re.search(r'class="[a-z ]*\bgone"', picture)
    chart = drawn("--diff", "--format", "mermaid", before, now)
    assert ", gone" in chart and ", new" in chart
    assert "gone" not in drawn("--format", "svg", now)


def test_it_takes_two_inputs(write):
    path = write("before", BEFORE)
    for arguments in (("--diff", path), ("--diff", path, path, path)):
        done = run(*arguments)
        assert done.returncode == 2 and b"--diff compares two INPUTs" in done.stderr
    done = run("--diff", "--from", "http://127.0.0.1:1")
    assert done.returncode == 2 and b"--diff" in done.stderr
    done = run("--diff", path, path.with_name("missing"))
    assert done.returncode == 1 and b"missing" in done.stderr
