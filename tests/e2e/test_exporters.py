"""What comes out: pictures that are valid XML, metrics that strict parsers take, and one clear
sentence where drawing fails. Readers of others look at it: expat, prometheus_client, promtool."""

import gzip
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import quote

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import programs  # noqa: E402
from lib.daemon import Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import compare, otlp_json  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

RECORDING = compare.ROOT / "tests" / "data" / "onlineboutique" / "onlineboutique.otlp.jsonl.gz"
START = 1_700_000_000_000_000_000
FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
SVG = "{http://www.w3.org/2000/svg}"

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', 'javascript:alert(1)" onload="x',
    "back\\slash\\", "\\N\\G\\E\\T\\H\\L\\n\\l\\r", "&amp;&#0;&lt;&#x1b;&nbsp;", "]]><!-- --><![CDATA[",
    "line\nbreak\r\n\ttab", "bell\a escape\x1b[31m del\x7f c1\x9b", "nonchars \ufffe\uffff",
    "turned \u202e txet \u2066", "lines \u2028\u2029", "grüße 你好 😀", "]", "#", "{a|b}<port>",
    '}"];digraph{a->b[URL="javascript:x"]}', 'le="1"} 5\n# EOF\nx_total 1', "%n%s%%", "a/b//c", "--",
    "%%{init: {}}%% end", "0123456789" * 1000,
]


def call(number, client, server, status=UNSET, ms=20):
    """A call from one service to another, both sides seen."""
    trace = f"{number + 1:032x}"
    return [
        Span(trace, "1" * 16, "", CLIENT, "GET", START, START + (ms + 2) * 1_000_000,
             resource={"service.name": client}),
        Span(trace, "2" * 16, "1" * 16, SERVER, server, START + 1_000_000,
             START + (ms + 1) * 1_000_000, status, resource={"service.name": server}),
    ]


def hostile_spans():
    return [span for number, name in enumerate(HOSTILE)
            for span in call(number, "caller", name, ERROR if number % 3 == 0 else UNSET)]


@pytest.fixture(scope="module", name="hostile_file")
def hostile_file_of(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "hostile.jsonl"
    otlp_json.write(path, [hostile_spans()])
    return path


def draw(format_, *arguments):
    done = subprocess.run([binary(), "map", "--format", format_, *map(str, arguments)],
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def has_helper():
    return (Path(binary()).parent / "libexec" / "spanmap-draw").exists()


needs_graphviz = pytest.mark.skipif(not has_helper(),
                                    reason="spanmap-draw is not built: Graphviz is missing")


def key_of(node_id):
    return quote(node_id, safe="-._~/")


# --- Pictures -------------------------------------------------------------------------------------


def groups(svg, kind):
    return {group.get("id"): group for group in svg.iter(SVG + "g")
            if (group.get("class") or "").split(" ")[0] == kind}


@needs_graphviz
@pytest.mark.parametrize("source", ["recording", "hostile"])
def test_svg_has_each_node_and_edge_of_the_json(source, hostile_file):
    path = RECORDING if source == "recording" else hostile_file
    answer = json.loads(draw("json", path))
    svg = ET.fromstring(draw("svg", path))
    assert set(groups(svg, "node")) == {"node:" + key_of(node["id"]) for node in answer["nodes"]}
    assert set(groups(svg, "edge")) == {
        f"edge:{key_of(edge['client'])}|{key_of(edge['server'])}|{edge['connection_type']}"
        for edge in answer["edges"]}
    for node in answer["nodes"]:
        group = groups(svg, "node")["node:" + key_of(node["id"])]
        assert group.get("class").split(" ")[1] == node["type"]
        assert any(title.text for title in group.iter(SVG + "title"))


@needs_graphviz
def test_svg_of_hostile_names_is_only_shapes(hostile_file):
    svg = ET.fromstring(draw("svg", hostile_file))
    tags = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert tags <= {"svg", "style", "g", "title", "text", "path", "polygon", "polyline", "ellipse"}
    attributes = {name for element in svg.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name.lower()]
    shown = {text.text for text in svg.iter(SVG + "text")}
    for name in HOSTILE:
        if len(name) < 30 and all(" " <= c < "\x7f" for c in name):
            assert name in shown
    titles = "\n".join(title.text for title in svg.iter(SVG + "title"))
    assert "\\N\\G\\E\\T\\H\\L\\n\\l\\r (service)\n" in titles


@needs_graphviz
def test_pictures_are_the_same_every_time():
    assert draw("svg", RECORDING) == draw("svg", RECORDING)
    assert draw("png", RECORDING).startswith(b"\x89PNG\r\n")
    assert draw("pdf", RECORDING).startswith(b"%PDF-")


@needs_graphviz
@pytest.mark.skipif(shutil.which("dot") is None, reason="there is no Graphviz to read the DOT")
def test_dot_is_graphviz_own(hostile_file):
    done = subprocess.run(["dot", "-Tplain"], input=draw("dot", hostile_file), capture_output=True,
                          timeout=60, check=True)
    lines = done.stdout.decode("utf-8").splitlines()
    assert len([line for line in lines if line.startswith("node ")]) == len(HOSTILE) + 1
    assert len([line for line in lines if line.startswith("edge ")]) == len(HOSTILE)


def test_json_and_text_keep_hostile_names(hostile_file):
    answer = json.loads(draw("json", hostile_file))
    names = {node["name"] for node in answer["nodes"]}
    assert len(names) == len(HOSTILE) + 1
    for name in HOSTILE:  # Control characters do not come so far, and long names are cut.
        if len(name) < 100 and not re.search(r"[\x00-\x1f\x7f-\x9f]", name):
            assert name in names
    text = draw("text", hostile_file).decode("utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", text)
    mermaid = draw("mermaid", hostile_file).decode("utf-8")
    assert mermaid.count(":::service") == len(HOSTILE) + 1


# --- Metrics --------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="daemon")
def daemon_with_hostile_names():
    spans = hostile_spans() + [span for number in range(40)
                               for span in call(1000 + number, "front", "back", ms=10 + number)]
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        daemon.text("/metrics")  # A new series shows 0 first, in text.
        yield daemon


def families(daemon, accept):
    """Parsed by the strict parser for what was asked: [(family, samples)]."""
    status, headers, body = daemon.get("/metrics", {"Accept": accept})
    assert status == 200
    if "openmetrics" in accept:
        assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
        return list(openmetrics_parser.text_string_to_metric_families(body.decode("utf-8")))
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return list(text_string_to_metric_families(body.decode("utf-8")))


@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
def test_metrics_say_what_the_map_says(daemon, accept):
    samples = {}
    for family in families(daemon, accept):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert sample.timestamp is None  # P13
            assert key not in samples, f"{key} is there twice"
            samples[key] = sample.value
    edges = daemon.map()["edges"]
    assert len(edges) > len(HOSTILE)
    names = {node["id"]: node["name"] for node in daemon.map()["nodes"]}
    for edge in edges:
        labels = [("client", names[edge["client"]]), ("server", names[edge["server"]])]
        if edge["connection_type"]:
            labels.append(("connection_type", edge["connection_type"]))
        labels = tuple(sorted(labels))
        prefix = "traces_service_graph_request_"
        assert samples[prefix + "total", labels] == edge["requests"]
        assert samples[prefix + "failed_total", labels] == edge["failed"]
        for side in ("client", "server", "network"):
            count = samples.get((f"{prefix}{side}_seconds_count", labels))
            seconds = edge[f"{side}_seconds"]
            assert (count or None) == (seconds and seconds["count"])
            if seconds:
                assert samples[f"{prefix}{side}_seconds_sum", labels] == pytest.approx(
                    seconds["sum"], rel=1e-12)


def test_openmetrics_series_have_a_beginning(daemon):
    start = int(daemon.map()["window"]["start_unix_nano"]) / 1e9
    end = int(daemon.map()["window"]["end_unix_nano"]) / 1e9
    found = 0
    for family in families(daemon, OPENMETRICS):
        if not family.name.startswith("traces_service_graph_request"):
            continue
        created = {tuple(s.labels.items()) for s in family.samples if s.name.endswith("_created")}
        series = {tuple(s.labels.items()) for s in family.samples
                  if s.name.endswith(("_total", "_count"))}
        assert created == series
        for sample in family.samples:
            if sample.name.endswith("_created"):
                assert start - 1 <= sample.value <= end + 1
                found += 1
    assert found


def test_account_of_spans_adds_up(daemon):
    metrics = daemon.metrics()
    judged = sum(value for name, value in metrics.items()
                 if name.startswith("spanmap_spans_judged_total"))
    assert metrics["spanmap_spans_received_total"] == judged + metrics["spanmap_spans_waiting"]


@pytest.mark.skipif(programs.find("promtool") is None, reason="promtool is not installed")
def test_promtool_has_nothing_to_say(daemon):
    done = subprocess.run([programs.find("promtool"), "check", "metrics"], input=daemon.get("/metrics")[2],
                          capture_output=True, timeout=60, check=False)
    said = (done.stdout + done.stderr).decode().splitlines()
    # The names that Grafana's queries want have no unit.
    said = [line for line in said if not line.startswith("traces_spanmetrics_latency ")]
    assert not said, "\n".join(said)


def test_answers_are_compressed_and_known(daemon):
    status, headers, body = daemon.get("/metrics", {"Accept-Encoding": "gzip"})
    assert status == 200 and headers["Content-Encoding"] == "gzip"
    assert b"\nspanmap_build_info{" in gzip.decompress(body)
    assert headers.get_all("Vary") == ["Accept", "Accept-Encoding"]
    _, headers, _ = daemon.get("/")
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    status, headers, body = daemon.get("/", {"If-None-Match": headers["ETag"]})
    assert (status, body) == (304, b"")


def test_scrapes_at_once_are_all_whole(daemon):
    bodies = []

    def scrape():
        for _ in range(10):
            status, _, body = daemon.get("/metrics", {"Accept": OPENMETRICS})
            bodies.append((status, body[-6:]))

    threads = [threading.Thread(target=scrape) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [(200, b"# EOF\n")] * 80


# --- Where drawing fails --------------------------------------------------------------------------


def script(folder, lines):
    path = folder / "helper"
    path.write_text("#!/bin/sh\n" + lines + "\n", encoding="utf-8")
    path.chmod(0o755)
    return path


BROKEN = [
    ("sleep 1000", 503, "drawing took longer than 300 ms"),
    ("kill -SEGV $$", 500, "the drawing helper was ended by signal 11"),
    ("echo 'no such map' >&2; exit 1", 500, "no such map"),
    ("echo '<html>'", 500, "no whole SVG"),
    ("echo 'libgvc.so.6: not found' >&2; exit 127", 503, "Graphviz is missing or incomplete"),
]


@pytest.mark.parametrize("lines,status,sentence", BROKEN, ids=[row[2] for row in BROKEN])
def test_a_broken_helper_costs_one_picture(tmp_path, lines, status, sentence):
    helper = script(tmp_path, lines)
    options = {"draw.helper": helper, "draw.timeout": "300ms"}
    with Daemon({**FAST, **options}) as daemon, Sender(daemon.grpc) as sender:
        sender.send(call(1, "front", "back"))
        daemon.wait_for_counted(2)
        before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        for _ in range(3):
            code, headers, body = daemon.get("/map.svg")
            assert code == status and sentence in body.decode()
            assert headers["Content-Type"] == "text/plain; charset=utf-8"
            assert body.count(b"\n") == 1
        assert daemon.get("/metrics")[0] == daemon.get("/map.dot")[0] == 200
        assert daemon.get("/readyz")[0] == 200
        children = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii")
        assert children == ""
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) <= before + 2  # kept connections


def test_pictures_do_not_hold_up_the_end(tmp_path):
    started = tmp_path / "started"
    helper = script(tmp_path, f"cat >{started}; exec sleep 1000")
    with Daemon({**FAST, "draw.helper": helper, "draw.timeout": "10m"}) as daemon:
        answers = []
        def ask(query):
            try:
                answers.append(daemon.get("/map.svg" + query)[0])
            except (http.client.HTTPException, OSError):
                answers.append(None)  # Its connection was closed.
        readers = [threading.Thread(target=ask, args=(f"?depth={depth}",)) for depth in (1, 2, 3)]
        for reader in readers:
            reader.start()
        wait_until(lambda: started.exists() and started.read_bytes(), "a drawing has begun")
        assert daemon.stop() == 0
        for reader in readers:
            reader.join()
        assert set(answers) <= {503, None}


def test_map_without_a_helper_is_one_line_and_exit_1(tmp_path, hostile_file):
    done = subprocess.run([binary(), "map", "--format", "svg", "--set",
                           f"draw.helper={tmp_path}/none", str(hostile_file)],
                          capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert not done.stdout
    assert done.stderr.count(b"\n") == 1
    assert f"{tmp_path}/none".encode() in done.stderr
    assert b"Graphviz" in done.stderr
