"""Series over time: how they begin, end, begin anew, and what takes the rest past a cap."""

import fnmatch
import itertools
import re
import sys
from pathlib import Path

from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "100ms", "pairing.parent_wait": "100ms", "messaging.wait": "100ms"}
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
START = 1_700_000_000_000_000_000
EDGE = "traces_service_graph_request_total", (("client", "a"), ("server", "b"))
ids = itertools.count(1)


def call(name="op"):
    trace = f"{next(ids):032x}"

    def span(number, parent, kind, service):
        return Span(trace=trace, id=f"{number:016x}", parent=f"{parent:016x}" if parent else "", kind=kind, name=name,
                    start=START, end=START + 5_000_000, resource={"service.name": service})
    return [span(1, 0, CLIENT, "a"), span(2, 1, SERVER, "b")]


def scrape(daemon, accept="text/plain"):
    """{(name, labels): value}, by the parser for what was asked."""
    text = daemon.get("/metrics", {"Accept": accept})[2].decode("utf-8")
    parse = openmetrics_parser.text_string_to_metric_families if "openmetrics" in accept else text_string_to_metric_families
    samples = {}
    for family in parse(text):
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in samples, f"{key} is there twice"
            samples[key] = sample.value
    return samples


def is_counted(key):
    return key[0].startswith("traces_") and key[0] != "traces_target_info"


def test_a_new_series_shows_0_and_then_all_of_it():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(call() + call())
        daemon.wait_for_counted(4)
        first = {key: value for key, value in scrape(daemon).items() if is_counted(key)}
        assert EDGE in first
        assert set(first.values()) == {0}
        second = scrape(daemon)
        assert second[EDGE] == 2
        assert {key for key in second if is_counted(key)} == set(first)
        count = "traces_service_graph_request_client_seconds_count", EDGE[1]
        assert second[count] == 2
        sender.send(call())
        daemon.wait_for_counted(6)
        assert scrape(daemon)[EDGE] == 3  # It is known now.
        openmetrics = scrape(daemon, OPENMETRICS)
        assert openmetrics[EDGE] == 3
        assert openmetrics["traces_service_graph_request_created", EDGE[1]] > 0


def test_an_idle_series_ends_and_begins_anew():
    with Daemon({**FAST, "metrics.expiration": "1s"}) as daemon, Sender(daemon.grpc) as sender:
        sender.send(call() + call())
        daemon.wait_for_counted(4)
        created = "traces_service_graph_request_created", EDGE[1]
        born = wait_until(lambda: scrape(daemon, OPENMETRICS).get(created), "the edge is there")
        wait_until(lambda: EDGE not in scrape(daemon), "the edge has ended")
        assert next(edge for edge in daemon.map()["edges"] if edge["server"] == "service//b")["requests"] == 2
        sender.send(call())
        daemon.wait_for_counted(6)
        values = [scrape(daemon)[EDGE], scrape(daemon)[EDGE]]
        assert values == [0, 1]
        again = scrape(daemon, OPENMETRICS)
        assert again[EDGE] == 1 and again[created] > born
        assert again["traces_service_graph_request_client_seconds_count", EDGE[1]] == 1
        edge = next(edge for edge in daemon.map()["edges"] if edge["server"] == "service//b")
        assert edge["requests"] == 3 and edge["client_seconds"]["count"] == 3


def sums(samples, name):
    """Of all series, and of those that take what is past a cap."""
    values = [(dict(labels), value) for (metric, labels), value in samples.items() if metric == name]
    return (sum(value for _, value in values),
            sum(value for labels, value in values if labels.get("otel_metric_overflow") == "true"))


def test_operations_past_a_services_cap_are_counted_together():
    options = {**FAST, "metrics.operations_per_service_max": "3"}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        for number in range(10):
            sender.send(call("op" + "x" * number))
        daemon.wait_for_counted(20)
        scrape(daemon)
        samples = scrape(daemon)
        assert sums(samples, "traces_spanmetrics_calls_total") == (20, 14)
        assert sums(samples, "traces_spanmetrics_latency_count") == (20, 14)
        rest = "traces_spanmetrics_calls_total", tuple(sorted({
            "service": "a", "span_kind": "SPAN_KIND_CLIENT", "status_code": "STATUS_CODE_UNSET",
            "otel_metric_overflow": "true"}.items()))
        assert samples[rest] == 7
        quota = daemon.json("/debug/cardinality")["service_operations"]
        assert quota["used"] == quota["max"] == 3 and quota["refused"] >= 14


def test_totals_are_right_past_the_caps_of_metrics():
    options = {**FAST, "metrics.operations_max": "4", "map.edges_max": "1", "metrics.losses_max": "2"}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        spans = []
        for number in range(12):
            spans += [span.copy(resource={"service.name": f"{span.resource['service.name']}-{number}"}) for span in call()]
        sender.send(spans)
        daemon.wait_for_counted(24)
        scrape(daemon)
        samples = scrape(daemon)
        total, rest = sums(samples, "traces_service_graph_request_total")
        assert total == 12 and rest == 11
        total, rest = sums(samples, "traces_service_graph_request_client_seconds_count")
        assert total == 12 and rest == 11
        total, rest = sums(samples, "traces_spanmetrics_calls_total")
        assert total == 24 and rest == 20


def test_each_job_and_instance_has_a_target_info():
    with Daemon({**FAST, "metrics.targets_max": "2"}) as daemon, Sender(daemon.grpc) as sender:
        spans = call()
        for number, resource in enumerate((
                {"service.name": "a", "service.namespace": "eu", "service.instance.id": "i-1", "host.name": "box",
                 "process.pid": 7, "k8s.pod.name": "a \"b\""},
                {"service.name": "b"})):
            spans[number].resource = resource
        extra = [span.copy(resource={"service.name": f"rest-{span.id}"}) for span in call()]
        sender.send(spans)
        sender.send(extra)
        daemon.wait_for_counted(4)
        expected = {
            tuple(sorted({"job": "eu/a", "instance": "i-1", "host_name": "box", "process_pid": "7",
                          "k8s_pod_name": "a \"b\""}.items())): 1,
            (("job", "b"),): 1}
        for accept in ("text/plain", OPENMETRICS):
            found = {labels: value for (name, labels), value in scrape(daemon, accept).items()
                     if name == "traces_target_info"}
            assert found == expected
        text = daemon.get("/metrics", {"Accept": OPENMETRICS})[2].decode()
        assert text.startswith("# TYPE traces_target info\n")
        assert daemon.metrics()['spanmap_engine_names_refused_total{table="targets"}'] == 2


def test_the_page_of_metrics_lists_what_there_is():
    page = (Path(__file__).resolve().parents[2] / "docs" / "METRICS.md").read_text(encoding="utf-8")
    # Nobody is there: what would leave has its metrics all the same.
    leaving = {"forward.endpoint": "unix:/nowhere/a", "push.otlp.endpoint": "unix:/nowhere/b",
               "shutdown.patience": "1ms"}
    with Daemon({**FAST, **leaving}) as daemon, Sender(daemon.grpc) as sender:
        sender.send(call())
        daemon.wait_for_counted(2)
        families = set(re.findall(r"^# TYPE (\S+) ", daemon.text("/metrics"), re.MULTILINE))
    told = set()
    whole = ""
    for row in re.findall(r"`((?:traces_|spanmap_|_)[a-z_*]+)`", page):
        if row.startswith("_"):  # The end of the whole name that stood last.
            told |= {whole[:at] + row for at in range(len(whole)) if whole[at] == "_"}
        else:
            told.add(row)
            whole = row
    missing = {name for name in families if not any(fnmatch.fnmatchcase(name, pattern) for pattern in told)}
    assert not missing
    traces = {name for name in told if name.startswith("traces_") and "*" not in name and name in page}
    assert traces <= families


def test_self_time_is_what_children_leave():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        client, server = call()
        client.end = START + 10_000_000
        server.start, server.end = START + 2_000_000, START + 5_000_000
        sender.send([server, client])
        daemon.wait_for_counted(2)
        samples = scrape(daemon, OPENMETRICS)
        sums = {dict(labels)["service"]: value for (name, labels), value in samples.items()
                if name == "traces_spanmetrics_self_seconds_sum"}
        assert sums == {"a": 0.007, "b": 0.003}
        counts = [value for (name, _), value in samples.items() if name == "traces_spanmetrics_self_seconds_count"]
        assert counts == [1, 1]
