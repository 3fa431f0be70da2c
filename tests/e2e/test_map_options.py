"""The options of a map: clusters, collapse, least rate, top edges; in files, over HTTP and by --from."""

import json
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, binary  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import otlp_json  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

START = 1_700_000_000_000_000_000
MS = 1_000_000
CLUSTERS = ["eu", "us", "asia"]


def resource(number):
    return {"service.name": f"s{number}", "service.namespace": f"team-{number % 4}",
            "k8s.cluster.name": CLUSTERS[number % 3], "service.instance.id": f"i{number}"}


def calls(edges):
    """(client, server, requests, failed): calls a tenth of a second apart."""
    spans = []
    for base, (client, server, count, failed) in enumerate(edges):
        for number in range(count):
            trace = f"{base * 100_000 + number + 1:032x}"
            start = START + number * 100 * MS
            status = ERROR if number < failed else UNSET
            spans += [
                Span(trace, "1" * 16, "", CLIENT, "GET", start, start + (12 + base) * MS, status,
                     resource=resource(client)),
                Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", start + MS,
                     start + (11 + base) * MS, status, resource=resource(server))]
    return spans


EDGES = [(0, 1, 50, 5), (1, 2, 40, 0), (2, 3, 30, 0), (3, 4, 20, 2), (4, 5, 10, 0), (5, 6, 5, 0),
         (6, 7, 4, 0), (0, 4, 3, 0), (1, 5, 2, 1), (7, 0, 1, 0)]
FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
FORMATS = ["svg", "dot", "json", "mermaid", "text"]


@pytest.fixture(name="path", scope="module")
def path_(tmp_path_factory):
    path = tmp_path_factory.mktemp("options") / "spans.jsonl"
    otlp_json.write(path, [calls(EDGES)])
    return path


@pytest.fixture(name="daemon", scope="module")
def daemon_():
    spans = calls(EDGES)
    with Daemon(FAST) as running:
        with Sender(running.grpc) as sender:
            sender.send(spans)
        running.wait_for_counted(len(spans))
        yield running


def run(*arguments):
    return subprocess.run([binary(), "map", *map(str, arguments)], capture_output=True,
                          timeout=120, check=False)


def draw(*arguments):
    done = run("--format", "json", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def stands(node, name):
    return node.get("stands_for", {}).get("inner", {}).get(name, 0)


def totals(answer):
    """Requests, failures and edges, wherever an answer counts them."""
    hidden = answer.get("hidden", {})
    found = [sum(edge[name] for edge in answer["edges"])
             + sum(stands(node, name) for node in answer["nodes"]) + hidden.get(name, 0)
             for name in ("requests", "failed")]
    edges = sum(edge.get("stands_for", 1) for edge in answer["edges"])
    edges += sum(stands(node, "edges") for node in answer["nodes"]) + hidden.get("edges", 0)
    nodes = sum(node.get("stands_for", {}).get("nodes", 1) for node in answer["nodes"])
    return (*found, edges, nodes + hidden.get("nodes", 0))


WHOLE = (sum(edge[2] for edge in EDGES), sum(edge[3] for edge in EDGES), len(EDGES), 8)


# --- Clusters ---------------------------------------------------------------------------------------


def test_clusters_are_by_namespace_or_any_attribute(path):
    assert all("group" not in node for node in draw(path)["nodes"])
    by_namespace = draw("--cluster", "namespace", path)
    assert {node["name"]: node["group"] for node in by_namespace["nodes"]} == {
        f"s{number}": f"team-{number % 4}" for number in range(8)}
    by_attribute = draw("--cluster", "k8s.cluster.name", path)
    assert {node["name"]: node["group"] for node in by_attribute["nodes"]} == {
        f"s{number}": CLUSTERS[number % 3] for number in range(8)}
    dot = run("--format", "dot", "--cluster", "k8s.cluster.name", path).stdout.decode()
    assert [f"label=<{name}>" in dot for name in CLUSTERS] == [True] * 3 and "<team-0>" not in dot
    assert b"subgraph" not in run("--format", "dot", "--cluster", "none", path).stdout
    chart = run("--format", "mermaid", "--cluster", "k8s.cluster.name", path).stdout.decode()
    assert 'subgraph g1["asia"]' in chart
    assert "s1 [us]" in run("--format", "text", "--cluster", "k8s.cluster.name", path).stdout.decode()


def test_most_instances_decide(tmp_path):
    """Whatever came first: the order of files is no reason for a node to move."""
    spans = []
    for number, zone in enumerate(["b", "a", "a", "c"]):
        spans.append(calls([(0, 1, 1, 0)]))
        for span in spans[-1]:
            span.trace = f"{number + 1:032x}"
            span.resource = {"service.name": span.resource["service.name"], "zone": zone,
                             "service.instance.id": f"i{number}"}
    for order in (spans, spans[::-1]):
        otlp_json.write(tmp_path / "spans.jsonl", order)
        answer = draw("--cluster", "zone", tmp_path / "spans.jsonl")
        assert {node["group"] for node in answer["nodes"]} == {"a"}


def test_an_attribute_that_nobody_has_is_told(path, daemon):
    done = run("--cluster", "k8s.cluster.nam", path)
    assert done.returncode == 1
    assert "'k8s.cluster.nam'; there are: k8s.cluster.name" in done.stderr.decode()
    status, _, body = daemon.get("/map.svg?cluster=k8s.cluster.nam")
    assert status == 404 and b"k8s.cluster.name" in body


# --- Sums -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [
    ["--collapse", "all"], ["--collapse", "team-1"], ["--collapse", "team-0,team-3"],
    ["--cluster", "k8s.cluster.name", "--collapse", "eu"], ["--top", "1"], ["--top", "4"],
    ["--top", "100"], ["--min-rate", "0.5"], ["--min_rate", "1000"],
    ["--collapse", "team-2", "--top", "2", "--min-rate", "0.7"],
])
def test_nothing_is_lost(path, arguments):
    assert totals(draw(path)) == WHOLE
    assert totals(draw(*arguments, path)) == WHOLE


def test_collapsed_figures_are_exact(path):
    """Quantiles of a cluster are those of all its calls, as one service that has them all."""
    answer = draw("--collapse", "all", path)
    assert {node["id"] for node in answer["nodes"]} == {f"group//team-{n}" for n in range(4)}
    assert all(node["type"] == "group" and node["group"] == node["name"]
               for node in answer["nodes"])
    [edge] = [edge for edge in answer["edges"]
              if (edge["client"], edge["server"]) == ("group//team-0", "group//team-1")]
    assert (edge["requests"], edge["failed"], edge["stands_for"]) == (60, 5, 2)
    assert edge["client_seconds"]["count"] == 60
    assert edge["client_seconds"]["max"] == pytest.approx(0.016)
    assert edge["client_seconds"]["sum"] == pytest.approx(50 * 0.012 + 10 * 0.016)


def test_others_stand_for_the_rest(path):
    answer = draw("--top", "2", path)
    [others] = [node for node in answer["nodes"] if node["type"] == "others"]
    kept = [edge for edge in answer["edges"] if "stands_for" not in edge]
    assert [(edge["client"], edge["server"]) for edge in kept] == [
        ("service/team-0/s0", "service/team-1/s1"), ("service/team-1/s1", "service/team-2/s2")]
    assert others["stands_for"]["nodes"] == 5 and others["stands_for"]["edges"] == 8
    assert others["stands_for"]["requests"] + sum(edge["requests"] for edge in kept) == WHOLE[0]
    for format_ in FORMATS:
        assert b"others" in run("--format", format_, "--top", "2", path).stdout


def test_quiet_edges_are_hidden_and_told(path):
    answer = draw("--min-rate", "3", path)
    rates = {(edge["client"], edge["server"]): edge["requests"] for edge in answer["edges"]}
    assert all(requests >= 15 for requests in rates.values()) and answer["hidden"]["edges"] >= 6
    for format_ in ("svg", "text"):
        assert b"idden, below the least rate" in run("--format", format_, "--min-rate", "3",
                                                      path).stdout


def test_a_difference_takes_them_too(path, tmp_path):
    otlp_json.write(tmp_path / "now", [calls([*EDGES[:3], (1, 7, 90, 0)])])
    plain = draw("--diff", path, tmp_path / "now")
    for arguments in (["--collapse", "all"], ["--top", "3"], ["--min-rate", "1"],
                      ["--cluster", "k8s.cluster.name", "--collapse", "us"]):
        answer = draw("--diff", *arguments, path, tmp_path / "now")
        assert totals(answer)[:2] == totals(plain)[:2]
        assert all("change" in edge and "before" in edge for edge in answer["edges"])
    one = draw("--diff", "--collapse", "all", path, tmp_path / "now")
    [edge] = [edge for edge in one["edges"] if edge["client"] == "group//team-1"
              and edge["server"] == "group//team-3"]
    assert edge["change"] == ["new"] and edge["stands_for"] == 1


# --- Figures and themes -----------------------------------------------------------------------------


FIGURES = {"rate": lambda edge, span_s: edge["requests"] / span_s,
           "errors": lambda edge, _: edge["failed"] / edge["requests"],
           "p50": lambda edge, _: edge["client_seconds"]["p50"],
           "p95": lambda edge, _: edge["client_seconds"]["p95"],
           "p99": lambda edge, _: edge["client_seconds"]["p99"],
           "network": lambda edge, _: edge["network_seconds"]["p95"],
           "queue": lambda edge, _: None}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_is_that_of_the_edge(path, figure):
    answer = draw("--figure", figure, path)
    window = answer["window"]
    span_s = (int(window["end_unix_nano"]) - int(window["start_unix_nano"])) / 1e9
    assert answer["figure"]["name"] == figure
    for edge in answer["edges"]:
        expected = FIGURES[figure](edge, span_s)
        assert edge["figure"] == (None if expected is None else pytest.approx(expected, rel=1e-6))
    for format_ in ("svg", "dot", "mermaid", "text"):
        done = run("--format", format_, "--figure", figure, path)
        assert done.returncode == 0 and done.stdout
    assert "figure" not in draw(path)


def test_the_slow_are_drawn_darker(tmp_path):
    spans = calls([(0, 1, 5, 0), (1, 2, 5, 0)])
    for span in spans:
        if span.resource["service.name"] == "s1" and span.kind == CLIENT:
            span.end = span.start + 2000 * MS
    otlp_json.write(tmp_path / "spans", [spans])
    lines = [line for line in run("--format", "dot", "--figure", "p95", tmp_path / "spans")
             .stdout.decode().splitlines() if " -> " in line]
    colours = {line.split('"')[1]: line.split('color="')[1][:7] for line in lines}
    assert colours["service/team-0/s0"] == "#2f66c4" and colours["service/team-1/s1"] == "#071a45"


def test_themes(path):
    def colours(theme, format_):
        return set(re.findall(r"#[0-9a-f]{6}", run("--format", format_, "--theme", theme,
                                                    path).stdout.decode()))
    for format_ in ("dot", "svg", "mermaid"):
        assert not colours("light", format_) & colours("dark", format_)
    assert b"prefers-color-scheme" in run("--format", "svg", path).stdout
    for theme in ("light", "dark"):
        assert b"prefers-color-scheme" not in run("--format", "svg", "--theme", theme, path).stdout
    for format_ in ("text", "json"):
        assert run("--format", format_, "--theme", "dark", path).stdout == run(
            "--format", format_, path).stdout
    for format_, magic in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        done = run("--format", format_, "--theme", "dark", "--figure", "rate", path)
        assert done.returncode == 0 and done.stdout.startswith(magic)


# --- Hostile clusters -------------------------------------------------------------------------------


SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>", 'javascript:alert(1)" onload="x', "back\\slash\\",
    "\\N\\G\\E\\T\\H\\L\\n\\l\\r", "&amp;&#0;&lt;&#x1b;", "]]><!-- --><![CDATA[", "a\nb\r\n\tc",
    "bell\a escape\x1b[31m del\x7f c1\x9b", "nonchars \ufffe\uffff", "turned \u202e txet \u2066",
    "gr\u00fc\u00dfe \u4f60\u597d \U0001f600", "]", "#", '}"];digraph{a->b[URL="javascript:x"]}', "%%{init: {}}%% end",
    "0123456789" * 1000, "all", "none", "others", "a,b",
]


@pytest.fixture(name="hostile", scope="module")
def hostile_(tmp_path_factory):
    spans = calls([(0, number + 1, 2, 0) for number in range(len(HOSTILE))])
    for span in spans:
        number = int(span.resource["service.name"][1:])
        if number != 0:
            span.resource = {"service.name": f"s{number}", "zone": HOSTILE[number - 1],
                             "service.namespace": HOSTILE[number - 1]}
    path = tmp_path_factory.mktemp("hostile") / "spans"
    otlp_json.write(path, [spans])
    return path


ASKED = [["--cluster", "zone"], ["--cluster", "zone", "--collapse", "all"],
         ["--cluster", "namespace", "--collapse", "all", "--theme", "dark"]]


@pytest.mark.parametrize("arguments", ASKED)
def test_hostile_clusters_are_only_names(hostile, arguments):
    collapsed = "--collapse" in arguments
    answer = draw(*arguments, hostile)
    assert len(answer["nodes"]) == len(HOSTILE) + 1
    assert {node["group"] for node in answer["nodes"]} >= {
        name for name in HOSTILE if len(name) < 100 and name.isprintable()}
    svg = ET.fromstring(run("--format", "svg", *arguments, hostile).stdout)
    tags = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert tags <= {"svg", "style", "g", "title", "text", "path", "polygon", "polyline", "ellipse"}
    names = {name for element in svg.iter() for name in element.attrib}
    assert not [name for name in names if name.startswith("on") or "href" in name.lower()]
    ids = [group.get("id") for group in svg.iter(SVG + "g")
           if (group.get("class") or "").startswith("node ")]
    assert len(set(ids)) == len(ids) == len(HOSTILE) + 1
    assert ("node:group//%3Cscript%3Ealert%281%29%3C/script%3E" in ids) == collapsed
    shown = {text.text for text in svg.iter(SVG + "text")}
    assert {name for name in HOSTILE if len(name) < 30 and name.isascii() and name.isprintable()
            } <= shown
    text = run("--format", "text", *arguments, hostile).stdout.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    chart = run("--format", "mermaid", *arguments, hostile).stdout.decode()
    assert chart.count(":::group" if collapsed else ":::service") == len(HOSTILE) + (not collapsed or "zone" not in arguments)
    for line in chart.splitlines()[1:]:
        assert re.fullmatch(r'[\w ."#;|():,/\[\]%=<>{}\'-]*', line, re.ASCII), line
        assert line.count('"') in (0, 2) and "<s" not in line


@pytest.mark.parametrize("arguments", ASKED)
@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no Graphviz to read the DOT")
def test_hostile_clusters_are_graphviz_own(hostile, arguments):
    done = subprocess.run(["dot", "-Tplain"], input=run("--format", "dot", *arguments, hostile).stdout,
                          capture_output=True, timeout=60, check=True)
    lines = done.stdout.decode().splitlines()
    assert len([line for line in lines if line.startswith("node ")]) == len(HOSTILE) + 1
    assert len([line for line in lines if line.startswith("edge ")]) == len(HOSTILE)


def test_what_is_asked_is_hostile_too(path):
    for option in ("--cluster", "--collapse", "--focus"):
        for value in HOSTILE[:16:3]:
            done = run(option, value.replace(",", ""), path)
            assert done.returncode == 1 and done.stdout == b""
            said = done.stderr.decode()
            assert len(said) < 300 and not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", said)


# --- Over HTTP --------------------------------------------------------------------------------------


QUERIES = ["cluster=k8s.cluster.name", "collapse=all", "top=2", "min_rate=0.001", "min-rate=0.001",
           "cluster=k8s.cluster.name&collapse=eu,us&top=1", "focus=s3&depth=2&top=2", "figure=p99&theme=dark"]


@pytest.mark.parametrize("query", QUERIES)
def test_paths_take_the_same_words(daemon, query):
    answer = daemon.json(f"/api/v1/map?{query}")
    assert daemon.json(f"/api/v1/services?{query}") == answer["nodes"]
    assert daemon.json(f"/api/v1/edges?{query}") == answer["edges"]
    words = [part for pair in query.split("&") for part in ("--" + pair).split("=")]
    asked = run("--from", daemon.web, "--format", "json", *words)
    assert asked.returncode == 0
    shown = json.loads(asked.stdout)
    assert (shown["nodes"], shown["edges"]) == (answer["nodes"], answer["edges"])
    assert "digraph" in daemon.text(f"/map.dot?{query}") and "<svg" in daemon.text(f"/map.svg?{query}")


WRONG = [("depth", "0", "a number from 1 to 1000"), ("top", "-1", "a number of edges"),
         ("min-rate", "fast", "requests a second"), ("self-edges", "2", "'true' or 'false'"),
         ("figure", "p90", "one of rate, errors, p50, p95, p99, network or queue"),
         ("theme", "blue", "one of auto, light or dark")]


@pytest.mark.parametrize("name, value, says", WRONG)
def test_a_wrong_value_is_refused_with_what_is_allowed(daemon, path, name, value, says):
    for place in ("/map.svg", "/map.dot", "/api/v1/map", "/api/v1/services", "/api/v1/edges"):
        status, _, body = daemon.get(f"{place}?{name}={value}")
        assert status == 400 and f"'{name}' is {says}" in body.decode()
    if name != "self-edges":
        done = run("--focus", "s1", f"--{name}", value, path)
        assert done.returncode == 2 and f"--{name} is {says}" in done.stderr.decode()
        done = run("--from", daemon.web, "--focus", "s1", f"--{name}", value)
        assert done.returncode == 2


# --- The same bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["--collapse", "all"],
                                       ["--cluster", "k8s.cluster.name", "--top", "3"]])
def test_order_of_input_changes_nothing(path, tmp_path, arguments):
    """Traces in another order, spans of each turned around, in other requests."""
    traces = {}
    for span in calls(EDGES):
        traces.setdefault(span.trace, []).append(span)
    shuffled = sorted(traces.values(), key=lambda spans: zlib.crc32(spans[0].trace.encode()))
    otlp_json.write(tmp_path / "shuffled", [spans[::-1] for spans in shuffled])
    for format_ in FORMATS:
        first, second, other = (run("--format", format_, *arguments, which).stdout
                                for which in (path, path, tmp_path / "shuffled"))
        assert first == second == other and first
