"""spanmap inside the Collector counts what spanmap alone counts, and loses nothing that it took."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))

import spanmetrics  # noqa: E402
import toolchains  # noqa: E402
from inside import BUILD, Inside, Sink, program  # noqa: E402
from lib.daemon import Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model import generate  # noqa: E402

DEPLOY = toolchains.ROOT / "deploy/collector"
GRAPH = "traces_service_graph_request_"
# Nothing is judged before the end.
PATIENT = "pairing: {wait: 1h, parent_wait: 1h}\nmessaging: {wait: 1h}"
FAST = "pairing: {wait: 1s, parent_wait: 1s}\nmessaging: {wait: 1s}"
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def calls(client, server, count, begin=0):
    """(The clients' spans, the servers'): `count` calls of 30 ms, 10 ms on the other side."""
    out = [], []
    for number in range(begin, begin + count):
        trace, ids = f"{number + 1:032x}", (f"{2 * number + 1:016x}", f"{2 * number + 2:016x}")
        for side, (service, kind, ms) in enumerate(((client, generate.CLIENT, 30),
                                                    (server, generate.SERVER, 10))):
            out[side].append(generate.Span(
                trace, ids[side], ids[0] if side else "", kind, "GET /", generate.START_NS,
                generate.START_NS + ms * 10**6, resource={"service.name": service}))
    return out


def send(address, spans):
    with Sender(address) as sender:
        sender.send(spans)


def samples(text, dropped=()):
    """{(name, labels): value} of what is measured of traces."""
    out = {}
    for line in text.split("\n"):
        name, brace, rest = line.partition("{")
        if not brace or not name.startswith(("traces_", "spanmap_spans_judged")):
            continue
        labels, _, value = rest.partition("} ")
        kept = frozenset((key, value) for key, value in LABEL.findall(labels)
                         if not key.startswith("otel_scope_") and (name == "traces_target_info" or
                                                                   key not in dropped))
        assert (name, kept) not in out, line
        out[name, kept] = float(value.split(" ")[0])
    return out


def types(text):
    """{family: counter, gauge or histogram}"""
    return dict(re.findall("^# TYPE ([^ ]+) ([^ ]+)$", text, re.M))


def test_the_map_and_every_series_are_those_of_spanmap_alone(tmp_path):
    program()
    spans = [span for span in spanmetrics.graphs(11, traces=150) if spanmetrics.has_whole_ids(span)]
    spans += spanmetrics.recording()[:2000]
    with Daemon({**spanmetrics.FAST, "memory.limit": "1GiB"}) as daemon:
        send(daemon.grpc, spans)
        alone = daemon.wait_for_counted(len(spans))
        daemon.text("/metrics")  # A new series is shown as 0 once.
        text = daemon.text("/metrics")
        expected, sorts = samples(text), types(text)
    with Inside(tmp_path, FAST, flush="200ms") as inside:
        send(inside.grpc(), spans)
        within = inside.wait_for_counted(len(spans))
        assert within["nodes"] == alone["nodes"]
        assert within["edges"] == alone["edges"]

        # An emission comes in pieces: all are there once everything is equal.
        def found():
            return samples(inside.scrape(), dropped=("job", "instance"))

        try:
            wait_until(lambda: found() == expected, "the exporter shows all that was counted")
        except AssertionError:
            assert found() == expected
            raise
        shown = types(inside.scrape())
        assert shown.pop("target_info")
        assert len(shown) > 50 and shown.items() <= sorts.items()
        assert re.search(r'_bucket\{.* # \{(span|trace)_id="', inside.scrape(openmetrics=True))


def edges_alone(path, spans):
    """{labels: figures} as `spanmap map` draws them, edges of equal labels added."""
    path.write_bytes(request_of(spans).SerializeToString())
    done = subprocess.run([binary(), "map", "--format", "json", "--self-edges", "--set", "map.messaging=direct",
                           str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    nodes = {node["id"]: node for node in answer["nodes"]}
    out = defaultdict(lambda: defaultdict(float))
    for edge in answer["edges"]:
        labels = {"connection_type": edge["connection_type"]}
        for side in ("client", "server"):
            node = nodes[edge[side]]
            labels |= {side: node["name"], f"{side}_service_namespace": node["namespace"]}
        figures = out[frozenset((key, value) for key, value in labels.items() if value)]
        figures["requests"] += edge["requests"]
        figures["failed"] += edge["failed"]
        for name in ("client", "server", "network", "messaging"):
            seconds = edge[f"{name}_seconds"] or {"count": 0, "sum": 0}
            figures[name] += seconds["sum"]
            figures[f"{name} count"] += seconds["count"]
    return out


def edges_emitted(sink):
    out = defaultdict(lambda: defaultdict(float))
    for figure, name in (("requests", "total"), ("failed", "failed_total")):
        for key, point in sink.points[GRAPH + name].items():
            out[key][figure] += point.as_double
    for figure, name in (("client", "client_seconds"), ("server", "server_seconds"),
                         ("network", "network_seconds"), ("messaging", "messaging_system_seconds")):
        for key, point in sink.points[GRAPH + name].items():
            out[key][figure] += point.sum
            out[key][f"{figure} count"] += point.count
    return out


@pytest.mark.parametrize("histograms", ["explicit", "exponential"])
def test_what_was_taken_is_emitted_at_the_end(histograms, tmp_path):
    """It is told to end while every span still waits."""
    spans = [span for span in spanmetrics.graphs(21, traces=150) if spanmetrics.has_whole_ids(span)]
    expected = edges_alone(tmp_path / "spans.otlp", spans)
    options = PATIENT + f"\nmetrics: {{otlp_histograms: {histograms}}}"
    with Sink() as sink, Inside(tmp_path, options, sink=sink.address) as inside:
        send(inside.grpc(), spans)
        assert inside.stop() == 0
    found = edges_emitted(sink)
    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        assert {name: value for name, value in found[key].items() if value} == pytest.approx(
            {name: value for name, value in figures.items() if value}, rel=1e-9), key
    traces = {span.trace for span in spans}
    shown = [exemplar.trace_id.hex() for name in (GRAPH + "total", GRAPH + "server_seconds")
             for point in sink.points[name].values() for exemplar in point.exemplars]
    assert shown and set(shown) <= traces
    own = [resource for resource in sink.resources if resource.get("service.name") == "spanmap"]
    assert own and all(resource["service.instance.id"] for resource in own)


def test_two_pipelines_feed_one_map(tmp_path):
    clients, servers = calls("shop", "stock", 300)
    with Sink() as sink, Inside(tmp_path, PATIENT, sink=sink.address) as inside:
        send(inside.grpc("otlp"), clients)
        send(inside.grpc("otlp/second"), servers)  # Through a batch processor.
        assert inside.stop() == 0
    point = sink.point(GRAPH + "total", client="shop", server="stock")
    assert point.as_double == 300
    assert sink.point(GRAPH + "network_seconds", client="shop", server="stock").sum == pytest.approx(6)


def test_after_a_kill_it_counts_anew(tmp_path):
    """What was only in memory is gone, as with every counter; the start times say so."""
    clients, servers = calls("before", "stock", 50)
    with Sink() as sink:
        (tmp_path / "one").mkdir()
        (tmp_path / "two").mkdir()
        with Inside(tmp_path / "one", "pairing: {wait: 100ms}", flush="50ms", sink=sink.address) as inside:
            send(inside.grpc(), clients + servers)
            wait_until(lambda: getattr(sink.point(GRAPH + "total", client="before", server="stock"),
                                       "as_double", 0) == 50, "the first calls are emitted")
            inside.kill()
        earlier = sink.point(GRAPH + "total", client="before", server="stock")
        sink.points.clear()
        clients, servers = calls("shop", "stock", 70, begin=1000)
        with Inside(tmp_path / "two", PATIENT, sink=sink.address) as inside:
            send(inside.grpc(), clients + servers)
            assert inside.stop() == 0
        assert sink.point(GRAPH + "total", client="before", server="stock") is None
        later = sink.point(GRAPH + "total", client="shop", server="stock")
        assert later.as_double == 70
        assert earlier.time_unix_nano < later.start_time_unix_nano < later.time_unix_nano


def test_the_ready_configuration_shows_the_map(tmp_path):
    env = {"OTLP_GRPC_ENDPOINT": "127.0.0.1:0", "OTLP_HTTP_ENDPOINT": "127.0.0.1:0",
           "PROMETHEUS_ENDPOINT": "127.0.0.1:0", "SPANMAP_MAP_ENDPOINT": "127.0.0.1:0",
           "SPANMAP_DRAW": str(BUILD / "libexec/spanmap-draw")}
    with Inside(tmp_path, config=DEPLOY / "config.yaml", env=env) as inside:
        clients, servers = calls("shop", "stock", 5)
        send(inside.grpc(), clients + servers)
        status, body = inside.get("/")
        assert status == 200 and "<html" in body
        assert inside.get("/api/v1/map")[0] == 200
        status, body = inside.get("/map.svg")
        assert status == 200 and "</svg>" in body, body
        assert "spanmap_spans_received_total 10" in wait_until(
            lambda: (text := inside.get("/metrics")[1]) and " 10" in text and text, "the spans are received")
        assert inside.get("/", {"Host": "evil.example"})[0] == 421


@pytest.mark.parametrize(("options", "named"), [
    ("pairing: {wiat: 1s}", "pairing.wiat"),
    ("pairing: {wait: soon}", "pairing.wait"),
    ("nothing: 1", "nothing"),
])
def test_a_wrong_option_is_named(options, named, tmp_path):
    inside = Inside(tmp_path, options)
    done = subprocess.run([program(), "validate", "--config", str(inside.config)], capture_output=True, text=True,
                          check=False)
    assert done.returncode != 0
    assert named in done.stderr
