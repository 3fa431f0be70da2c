"""metrics.dimensions and metrics.buckets: labels, what is refused, and what holds past the bounds."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, binary  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, CONSUMER, PRODUCER, SERVER, Span  # noqa: E402
from test_series import FAST, scrape, sums  # noqa: E402

START = 1_700_000_000_000_000_000
ids = itertools.count(1)


def span(trace, number, parent, kind, service, attributes=None, resource=None, **more):
    return Span(trace=f"{trace:032x}", id=f"{number:016x}", parent=f"{parent:016x}" if parent else "",
                kind=kind, start=START, end=START + 5_000_000, attributes=attributes or {},
                resource={"service.name": service, **(resource or {})}, **more)


def call(client=None, server=None, client_resource=None, server_resource=None):
    trace = next(ids)
    return [span(trace, 1, 0, CLIENT, "a", client, client_resource),
            span(trace, 2, 1, SERVER, "b", server, server_resource)]


def counted(options, spans):
    """All samples, once the spans were counted and shown."""
    with Daemon({**FAST, **options}) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        scrape(daemon)
        return scrape(daemon)


def labels_of(samples, name):
    return [dict(labels) for (metric, labels) in samples if metric == name]


def test_a_value_is_the_spans_own_else_its_resources():
    samples = counted({"metrics.dimensions": "[env, http.request.method, none]"}, call(
        {"http.request.method": "GET"}, {"env": "canary"}, {"env": "prod"},
        {"env": "prod", "http.request.method": ""}))
    assert labels_of(samples, "traces_service_graph_request_total") == [{
        "client": "a", "client_env": "prod", "client_http_request_method": "GET",
        "server": "b", "server_env": "canary"}]
    operations = labels_of(samples, "traces_spanmetrics_calls_total")
    assert [{key: each.get(key) for key in ("service", "env", "http_request_method", "none")}
            for each in operations] == [
        {"service": "a", "env": "prod", "http_request_method": "GET", "none": None},
        {"service": "b", "env": "canary", "http_request_method": None, "none": None}]
    for name in ("traces_spanmetrics_latency_count", "traces_spanmetrics_self_seconds_count"):
        assert [labels["env"] for labels in labels_of(samples, name)] == ["prod", "canary"]


def test_who_was_not_seen_has_no_values():
    trace = next(ids)
    spans = [span(trace, 1, 0, SERVER, "front", {"env": "x"}),
             span(trace, 2, 1, CLIENT, "front", {"env": "y", "server.address": "db"})]
    found = labels_of(counted({"metrics.dimensions": "[env]"}, spans),
                      "traces_service_graph_request_total")
    assert {"client": "user", "server": "front", "server_env": "x",
            "connection_type": "virtual_node"} in found
    assert {"client": "front", "client_env": "y", "server": "db",
            "connection_type": "virtual_node"} in found


def test_no_label_tells_credentials():
    samples = counted({"metrics.dimensions": "[url.full]"}, call(
        {"url.full": "https://me:secret@host/path?x=1"},
        {"url.full": ["amqp://u:secret@one", "see https://v:secret@two/"]}))
    labels, = labels_of(samples, "traces_service_graph_request_total")
    assert labels["client_url_full"] == "https://host/path?x=1"
    assert labels["server_url_full"] == '["amqp://one","see https://two/"]'


def exploding(count):
    """A service whose values never end, and one of few."""
    spans = []
    for number in range(count):
        spans += call({"user": f"u{number}"}, {"user": "same"})
    return spans


def test_a_services_values_take_no_room_from_others():
    options = {**FAST, "metrics.dimensions": "[user]",
               "metrics.service_dimension_sets_max": "3"}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        sender.send(exploding(20))
        daemon.wait_for_counted(40)
        scrape(daemon)
        samples = scrape(daemon)
        assert sums(samples, "traces_spanmetrics_calls_total") == (40, 17)
        assert sums(samples, "traces_spanmetrics_latency_count") == (40, 17)
        assert sums(samples, "traces_service_graph_request_total") == (20, 17)
        assert sums(samples, "traces_service_graph_request_server_seconds_count") == (20, 17)
        rest = {"client": "a", "server": "b", "server_user": "same", "otel_metric_overflow": "true"}
        assert samples["traces_service_graph_request_total", tuple(sorted(rest.items()))] == 17
        answer = daemon.json("/debug/cardinality")
        quota = answer["service_dimension_sets"]
        assert quota["used"] == quota["max"] == 3 and quota["refused"] >= 17
        assert answer["values_by_dimension"] == [
            {"dimension": "user", "label": "user", "values": 4, "sets": 4,
             "examples": ["same", "u0", "u1"]}]
        assert answer["dimension_sets_by_service"] == [
            {"node": "service//a", "sets": 3}, {"node": "service//b", "sets": 1}]
        assert daemon.map()["edges"][0]["requests"] == 20


@pytest.mark.parametrize("bound, series", (
    ({"metrics.dimension_sets_max": "2"}, 0), ({"names.sites_max": "8"}, 0),
    ({"map.edges_max": "4"}, 2), ({"metrics.operations_max": "4"}, 0)))
def test_totals_are_right_past_every_bound(bound, series):
    """And the map has its edge, whatever the values do."""
    options = {**FAST, "metrics.dimensions": "[user]", "topology.shards": "1", **bound}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        sender.send(exploding(20))
        daemon.wait_for_counted(40)
        scrape(daemon)
        samples = scrape(daemon)
        assert sums(samples, "traces_spanmetrics_calls_total")[0] == 40
        assert sums(samples, "traces_spanmetrics_self_seconds_count")[0] == 40
        total, rest = sums(samples, "traces_service_graph_request_total")
        assert total == 20
        if series:
            assert rest == 20 - series
            assert daemon.metrics()["spanmap_topology_overflowed_dimensions_total"] >= rest
        edge, = daemon.map()["edges"]
        assert (edge["client"], edge["server"]) == ("service//a", "service//b")
        assert edge["requests"] == 20 and edge["client_seconds"]["count"] == 20


def test_spans_that_share_a_request_keep_their_values():
    """Two `process` spans of one message are one request; each has its own durations."""
    trace = next(ids)
    producer = span(trace, 1, 0, PRODUCER, "a", {"user": "p"})
    spans = [producer] + [
        span(trace, number, 1, CONSUMER, "b", {"user": f"c{number}", "messaging.operation.type": "process"})
        for number in (2, 3)]
    for consumer in spans[1:]:
        consumer.start, consumer.end = START + 7_000_000, START + 9_000_000
    samples = counted({"metrics.dimensions": "[user]"}, spans)
    requests = {dict(labels)["server_user"]: value for (name, labels), value in samples.items()
                if name == "traces_service_graph_request_total"}
    assert sorted(requests) == ["c2", "c3"] and sorted(requests.values()) == [0, 1]
    for seconds in ("server", "messaging_system", "client"):
        name = f"traces_service_graph_request_{seconds}_seconds_count"
        counts = {dict(labels)["server_user"]: value for (metric, labels), value in samples.items()
                  if metric == name}
        assert counts == {"c2": 1, "c3": 1}, seconds


@pytest.mark.parametrize("value, sentence", (
    ("[a.b, a_b]", "'a.b' and 'a_b' would both be the label a_b"),
    ("[service.namespace]",
     "'service.namespace' would be the label service_namespace, which the metrics have already"),
    ("[client.address]", "'client.address' cannot be one: the address of a client is never a label"),
    ("[" + ", ".join(f"k{number}" for number in range(17)) + "]", "16"),
    ("[a, a]", "'a' is told twice"),
))
def test_a_list_that_cannot_be_is_told_why(value, sentence):
    done = subprocess.run([binary(), "check", "--set", f"metrics.dimensions={value}"], text=True,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("--set metrics.dimensions") and sentence in done.stderr


def test_classic_buckets_are_as_configured():
    samples = counted({"metrics.buckets": "[1ms, 5ms, 1m]"}, call())
    for name in ("traces_spanmetrics_latency_bucket",
                 "traces_service_graph_request_client_seconds_bucket"):
        buckets = {float(dict(labels)["le"]): value for (metric, labels), value in samples.items()
                   if metric == name}
        assert buckets == {0.001: 0, 0.005: 1, 60: 1, float("inf"): 1}


@pytest.mark.parametrize("value, sentence", (
    ("[5ms, 5ms]", "'5ms' is not longer than the bucket before it"),
    ("[1s, 5]", "'5' is no duration from 1ns to 104 days"),
    ("[0s]", "'0s' is no duration from 1ns to 104 days"),
))
def test_buckets_that_cannot_be_are_told_why(value, sentence):
    done = subprocess.run([binary(), "check", "--set", f"metrics.buckets={value}"], text=True,
                          capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"metrics.buckets: {sentence}" in done.stderr.replace("\n", " ")
