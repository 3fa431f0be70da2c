"""What Grafana asks a Prometheus that has scraped spanmap: its service graph, the table under it, the
links of nodes and edges, and exemplars. Each query is answered with data.

The queries are those of Grafana's Tempo data source (public/app/plugins/datasource/tempo: graphTransform.ts,
datasource.ts), older and newer, with its variables replaced.
"""

import sys
import time
from pathlib import Path

import pytest
import toolchains
from prometheus_process import Prometheus

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import programs  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from test_prometheus import CALLS, EDGE, FAST, calls  # noqa: E402

GRAPH = ("traces_service_graph_request_server_seconds_sum", "traces_service_graph_request_total",
         "traces_service_graph_request_failed_total",
         "traces_service_graph_request_server_seconds_bucket")
NAMES = "GET /|GET /work"
RANGE, INTERVAL, AT = "[1m]", "[1m]", 'client="front",server="back"'
QUERIES = [
    # The graph: each metric, by edge.
    *(f"rate({metric}{RANGE})" for metric in GRAPH),
    *(f"sum by (client, server) (rate({metric}{{}}{RANGE}))" for metric in GRAPH),
    *(f"sum by (client, server, server_service_namespace, client_service_namespace) (rate({metric}{{}}{RANGE}))"
      for metric in GRAPH),
    *(f"group by (client, connection_type, server) ({metric}{{}})" for metric in GRAPH),
    # The table of operations.
    f'topk(5, sum(rate(traces_spanmetrics_calls_total{{span_kind="SPAN_KIND_SERVER"}}{RANGE})) by (span_name))',
    f'sum(rate(traces_spanmetrics_calls_total{{span_kind="SPAN_KIND_SERVER"}}{RANGE})) by (span_name)',
    f'topk(5, sum(rate(traces_spanmetrics_calls_total{{status_code="STATUS_CODE_ERROR",span_name=~"{NAMES}"}}{RANGE})) by (span_name))',
    f'histogram_quantile(.9, sum(rate(traces_spanmetrics_latency_bucket{{span_name=~"GET /work"}}{RANGE})) by (le))',
    # What nodes and edges link to.
    f"sum by (client, server)(rate(traces_service_graph_request_total{{{AT}}}{INTERVAL}))",
    f"histogram_quantile(0.9, sum(rate(traces_service_graph_request_server_seconds_bucket{{{AT}}}{INTERVAL})) by (le, client, server))",
    f"sum by (client, server)(rate(traces_service_graph_request_failed_total{{{AT}}}{INTERVAL}))",
]
FEATURE = "--enable-feature=exemplar-storage"
SERVER_SECONDS = "traces_service_graph_request_server_seconds"


@pytest.fixture(name="program", scope="module")
def program_of():
    program = programs.find("prometheus")
    if program is None:
        toolchains.require("prometheus")
    return program


def exemplars(prometheus, query):
    """[(labels of the series, labels of the exemplar, value)] of the last hour."""
    now = time.time()
    return [(series["seriesLabels"], each["labels"], float(each["value"]))
            for series in prometheus.api("query_exemplars", query=query, start=now - 3600, end=now + 60)
            for each in series["exemplars"]]


def check_exemplar(series, labels, value):
    """Of the calls that were sent; see test_prometheus.py."""
    number = int(labels["trace_id"], 16) % 1000 - 1
    assert 0 <= number < CALLS
    assert labels["span_id"] == {"back": "3" * 16, "orders": "4" * 16, "front": "1" * 16}[series["server"]]
    assert value == pytest.approx(0.1 if series["server"] == "front" else (21 + number) / 1000)


def test_grafanas_queries_are_answered(program, tmp_path):
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(calls(0))
        daemon.wait_for_counted(4 * CALLS)
        with Prometheus(program, tmp_path, daemon.web, FEATURE) as prometheus:
            total = "traces_service_graph_request_total"
            prometheus.wait_for(total, lambda got: got.get(EDGE) == CALLS, "the first batch")
            sender.send(calls(1))
            prometheus.wait_for(f"rate({total}{RANGE})", lambda got: got.get(EDGE, 0) > 0, "a rate")
            unanswered = [query for query in QUERIES if not prometheus.query(query)]
            assert not unanswered
            # Each edge and operation of the map is among what is shown.
            shown = prometheus.query(QUERIES[-3])
            assert set(shown) == {EDGE} and shown[EDGE] > 0
            table = prometheus.query(QUERIES[17])
            assert {dict(key)["span_name"] for key in table} == {"GET /", "GET /work"}
            # A panel of buckets asks for the exemplars of its query.
            found = wait_until(lambda: exemplars(prometheus, SERVER_SECONDS + "_bucket"), "exemplars")
            assert any(series["server"] == "back" for series, _, _ in found)
            for series, labels, value in found:
                check_exemplar(series, labels, value)
            for metric in ("traces_service_graph_request_failed_total", "traces_spanmetrics_calls_total",
                           "traces_spanmetrics_latency_bucket"):
                assert exemplars(prometheus, metric), metric
            assert "Error on ingesting" not in prometheus.log()


def test_native_histograms_have_exemplars_too(program, tmp_path):
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(calls(0))
        daemon.wait_for_counted(4 * CALLS)
        with Prometheus(program, tmp_path, daemon.web, FEATURE + ",native-histograms") as prometheus:
            prometheus.wait_for(f"histogram_count({SERVER_SECONDS})", lambda got: EDGE in got, "edge")
            found = wait_until(lambda: exemplars(prometheus, SERVER_SECONDS), "exemplars")
            assert any(series["server"] == "back" for series, _, _ in found)
            for series, labels, value in found:
                check_exemplar(series, labels, value)
            assert "Error on ingesting" not in prometheus.log()
