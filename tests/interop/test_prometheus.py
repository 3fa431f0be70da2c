"""A real Prometheus scrapes spanmap: nothing is refused, and the queries that a service graph is
drawn from are answered with the numbers of the map."""

import math
import sys
from pathlib import Path

import pytest
import toolchains
from prometheus_process import Prometheus

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import programs  # noqa: E402
from lib.daemon import Daemon  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
START = 1_700_000_000_000_000_000
MS = 1_000_000
EDGE = (("client", "front"), ("server", "back"))
CALLS = 40


def calls(batch):
    """40 calls from front to back, a quarter failed, of 21 to 60 ms; a root and a database each."""
    spans = []
    front, back = {"service.name": "front"}, {"service.name": "back"}
    for number in range(CALLS):
        trace = f"{batch * 1000 + number + 1:032x}"
        ms = 21 + number
        status = ERROR if number % 4 == 0 else UNSET
        spans += [
            Span(trace, "1" * 16, "", SERVER, "GET /", START, START + 100 * MS, resource=front),
            Span(trace, "2" * 16, "1" * 16, CLIENT, "GET", START, START + (ms + 4) * MS,
                 resource=front),
            Span(trace, "3" * 16, "2" * 16, SERVER, "GET /work", START + MS, START + (ms + 1) * MS,
                 status, resource=back),
            Span(trace, "4" * 16, "3" * 16, CLIENT, "SELECT", START + 2 * MS, START + 4 * MS,
                 attributes={"db.system": "postgresql", "db.namespace": "orders"}, resource=back),
        ]
    return spans


@pytest.fixture(name="program")
def program_of():
    program = programs.find("prometheus")
    if program is None:
        toolchains.require("prometheus")
    return program


@pytest.fixture(name="scraped")
def scraped_daemon(program, tmp_path):
    """A daemon, a sender, and a Prometheus that has seen the first batch at least once."""
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(calls(0))
        daemon.wait_for_counted(4 * CALLS)
        with Prometheus(program, tmp_path, daemon.web) as prometheus:
            yield daemon, sender, prometheus


def test_prometheus_takes_every_sample(scraped):
    daemon, _, prometheus = scraped
    prometheus.wait_for("traces_service_graph_request_total", lambda got: len(got) == 3, "edges")
    target = prometheus.target()
    assert (target["health"], target["lastError"]) == ("up", "")
    assert "Error on ingesting" not in prometheus.log()
    # It asked for OpenMetrics, which alone says units.
    name = "traces_service_graph_request_server_seconds"
    [metadata] = prometheus.api("metadata", metric=name)[name]
    assert (metadata["type"], metadata["unit"]) == ("histogram", "seconds")
    body = daemon.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})[2]
    samples = [line for line in body.split(b"\n") if line and not line.startswith(b"#")]
    scraped_samples = next(iter(prometheus.query("scrape_samples_scraped").values()))
    assert scraped_samples == len(samples)


def test_counts_and_rates_are_those_of_the_map(scraped):
    daemon, sender, prometheus = scraped
    total = "traces_service_graph_request_total"
    prometheus.wait_for(total, lambda got: got.get(EDGE) == CALLS, "the first batch")
    sender.send(calls(1))
    daemon.wait_for_counted(8 * CALLS)
    got = prometheus.wait_for(total, lambda got: got.get(EDGE) == 2 * CALLS, "the second batch")
    expected = {(edge["client"].split("/")[-1], edge["server"].split("/")[-1],
                 edge["connection_type"]): edge["requests"] for edge in daemon.map()["edges"]}
    assert {(dict(key)["client"], dict(key)["server"], dict(key).get("connection_type", "")): value
            for key, value in got.items()} == expected
    failed = prometheus.query("traces_service_graph_request_failed_total")
    assert failed[EDGE] == 2 * CALLS / 4

    # What Grafana's service graph asks.
    window = "[1m]"
    rates = f"sum by (client, server) (rate({total}{window}))"
    prometheus.wait_for(rates, lambda got: len(got) == 3 and min(got.values()) > 0,
                        "a rate of each edge")
    # One query, since a rate is extrapolated to the moment that it is asked at.
    share = prometheus.query(
        "sum by (client, server) (rate(traces_service_graph_request_failed_total"
        f"{window})) / {rates}")
    assert share[EDGE] == pytest.approx(0.25)
    mean = prometheus.query(
        f"sum by (client, server) (rate(traces_service_graph_request_server_seconds_sum{window}))"
        f" / sum by (client, server) (rate(traces_service_graph_request_server_seconds_count{window}))")
    assert mean[EDGE] == pytest.approx(sum(21 + n for n in range(CALLS)) / CALLS / 1000, rel=1e-9)


def test_quantiles_fall_into_the_buckets_of_the_map(scraped):
    daemon, sender, prometheus = scraped
    prometheus.wait_for("traces_service_graph_request_total", lambda got: got.get(EDGE) == CALLS,
                        "the first batch")
    sender.send(calls(1))
    daemon.wait_for_counted(8 * CALLS)
    buckets = (0, .002, .004, .006, .008, .01, .05, .1, .2, .4, .8, 1, 1.4, 2, 5, 10, 15)
    edge = next(edge for edge in daemon.map()["edges"] if edge["server"] == "service//back")
    for side in ("client", "server", "network"):
        for quantile in (0.5, 0.95):
            text = (f"histogram_quantile({quantile}, sum by (client, server, le) (rate("
                    f"traces_service_graph_request_{side}_seconds_bucket[1m])))")
            got = prometheus.wait_for(text, lambda got: not math.isnan(got.get(EDGE, math.nan)),
                                      "a quantile")
            value = edge[f"{side}_seconds"][f"p{round(100 * quantile)}"]
            low, high = next((low, high) for low, high in zip(buckets, buckets[1:])
                             if low < value <= high)
            assert low <= got[EDGE] <= high, text
    text = ("histogram_quantile(0.9, sum by (span_name, le) (rate("
            "traces_spanmetrics_latency_bucket{span_kind=\"SPAN_KIND_SERVER\"}[1m])))")
    got = prometheus.wait_for(
        text, lambda got: not math.isnan(got.get((("span_name", "GET /work"),), math.nan)),
        "a quantile of an operation")
    assert .05 <= got[(("span_name", "GET /work"),)] <= .1
    errors = prometheus.query(
        "sum by (span_name) (traces_spanmetrics_calls_total{status_code=\"STATUS_CODE_ERROR\"})")
    assert errors == {(("span_name", "GET /work"),): 2 * CALLS / 4}


def test_idle_series_end_and_come_back(program, tmp_path):
    options = {**FAST, "metrics.expiration": "2s"}
    total = "traces_service_graph_request_total"
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        with Prometheus(program, tmp_path, daemon.web) as prometheus:
            sender.send(calls(0))
            prometheus.wait_for(total, lambda got: got.get(EDGE) == CALLS, "the first batch")
            # Stale at once, by the scrape that lacks them; not after five minutes.
            prometheus.wait_for(total, lambda got: not got, "idle series leave")
            assert daemon.map()["accounting"]["received"] == 4 * CALLS
            sender.send(calls(1))
            # Anew, from 0 (P14); the map's totals go on.
            prometheus.wait_for(total, lambda got: got.get(EDGE) == CALLS, "they begin anew")
            edges = {(edge["client"], edge["server"]): edge["requests"]
                     for edge in daemon.map()["edges"]}
            assert set(edges.values()) == {2 * CALLS}


def test_native_histograms_are_taken(program, tmp_path):
    """With native histograms Prometheus asks for protobuf; their quantiles are near the map's."""
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(calls(0))
        daemon.wait_for_counted(4 * CALLS)
        native = "--enable-feature=native-histograms"
        with Prometheus(program, tmp_path, daemon.web, native) as prometheus:
            name = "traces_service_graph_request_server_seconds"
            count = prometheus.wait_for(f"histogram_count({name})", lambda got: EDGE in got, "edge")
            assert count[EDGE] == CALLS
            total = prometheus.query(f"histogram_sum({name})")[EDGE]
            assert math.isclose(total, sum(range(21, 21 + CALLS)) / 1000, rel_tol=1e-9)
            [edge] = [edge for edge in daemon.map()["edges"] if edge["server"].endswith("//back")]
            for share, field in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                got = prometheus.query(f"histogram_quantile({share}, {name})")[EDGE]
                # A bucket of scale 4 or finer is at most 4.5 % wide.
                assert math.isclose(got, edge["server_seconds"][field], rel_tol=0.045)
            assert prometheus.target()["lastError"] == ""
            assert "Error on ingesting" not in prometheus.log()
