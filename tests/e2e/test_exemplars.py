"""Exemplars: each is a span that was counted in the series and bucket at which it stands."""

import re
import sys
import urllib.parse
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.prometheus_messages import ACCEPT, families, labels  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import chaos, generate  # noqa: E402
from model.attributes import kind_in_all  # noqa: E402
from model.otlp_json import CLIENT, ERROR, KIND_NAMES, PRODUCER, SERVER, STATUS_NAMES, UNSET, Span  # noqa: E402
from model.series import LABEL, operation_name  # noqa: E402

FAST = {"pairing.wait": "100ms", "pairing.parent_wait": "100ms", "messaging.wait": "100ms"}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
LINE = re.compile(r"(traces_\w+)\{(.*)\} (\S+)"
                  r"(?: # \{trace_id=\"([0-9a-f]{32})\",span_id=\"([0-9a-f]{16})\"\} (\S+) (\S+))?")
GRAPH, SPANS = "traces_service_graph_request_", "traces_spanmetrics_"
OF_OPERATION_MAX = 12
MS = 1_000_000
START = 1_700_000_000_000_000_000


def shown(daemon):
    """[(name, labels, value, exemplar or None)]; an exemplar is (trace, span, value, time)."""
    out = []
    for line in daemon.get("/metrics", OPENMETRICS)[2].decode().split("\n"):
        match = LINE.fullmatch(line)
        assert match or not line.startswith("traces_"), line
        if match and match[1] != "traces_target_info":
            exemplar = (match[4], match[5], float(match[6]), float(match[7])) if match[4] else None
            out.append((match[1], dict(LABEL.findall(match[2])), float(match[3]), exemplar))
    return out


def buckets(samples):
    """(name, labels, lower, upper, count, exemplar) of each bucket that is not empty."""
    before, own = (0.0, 0.0), None
    for name, given, value, exemplar in samples:
        if not name.endswith("_bucket"):
            continue
        series = name, {key: text for key, text in given.items() if key != "le"}
        if series != own:
            before, own = (-1.0, 0.0), series
        upper = float(given["le"].replace("+Inf", "inf"))
        if value > before[1]:
            yield name.removesuffix("_bucket"), series[1], before[0], upper, value - before[1], exemplar
        else:
            assert exemplar is None, (name, given)
        before = upper, value


def service_of(span):
    name = span.resource.get("service.name")
    return name if isinstance(name, str) and name else "unknown_service"


def candidates(spans):
    out = {}
    for span in spans:
        out.setdefault((span.trace.lower().rjust(32, "0"), span.id.lower()), []).append(span)
    return out


def seconds(span):
    return min(max(span.end - span.start, 0), 2**53) / 1e9 if span.start and span.end else None


def is_of_series(span, name, given):
    """Whether a span may have been counted in a series, as far as the labels say."""
    if name.startswith(SPANS):
        return (service_of(span) == given["service"] and operation_name(span) == given.get("span_name", "")
                and given["span_kind"] == f"SPAN_KIND_{KIND_NAMES[span.kind].replace('NONE', 'UNSPECIFIED')}"
                and given["status_code"] == f"STATUS_CODE_{STATUS_NAMES[span.status]}")
    if name == GRAPH + "server_seconds":
        return service_of(span) == given["server"]
    if name in (GRAPH + "client_seconds", GRAPH + "network_seconds"):
        return service_of(span) == given["client"]
    return service_of(span) in (given["client"], given["server"])


def check_exemplars(daemon, spans):
    """How many there are, each the span of a series."""
    known = candidates(spans)
    samples = shown(daemon)
    found = 0
    for name, given, value, exemplar in samples:
        if exemplar is None:
            continue
        family = re.sub("_(bucket|total)$", "", name)
        assert value > 0, (name, given)
        fitting = [span for span in known[exemplar[:2]] if is_of_series(span, family, given)]
        assert fitting, (name, given, exemplar)
        if family in (GRAPH + "client_seconds", GRAPH + "server_seconds", SPANS + "latency"):
            assert any(seconds(span) == pytest.approx(exemplar[2], abs=1e-12) for span in fitting), (
                name, given, exemplar)
        if family in (GRAPH + "client_seconds", GRAPH + "network_seconds"):
            assert any(kind_in_all(span) in (CLIENT, PRODUCER) for span in fitting), (name, given)
        if name.endswith("_total"):
            assert exemplar[2] == 1
        found += 1
    for name, given, lower, upper, _, exemplar in buckets(samples):
        if exemplar is not None:
            assert lower < exemplar[2] <= upper, (name, given, exemplar)
    return found, samples


def valid(span):
    return len(span.trace) == 32 and len(span.id) == 16 and set(span.trace) != {"0"} and set(span.id) != {"0"}


@pytest.mark.parametrize("graph", ["scripted", "chaos", "broker"])
def test_each_is_a_span_of_its_series_and_bucket(graph):
    spans = chaos.chaos_spans(3) if graph == "chaos" else generate.scripted(
        3, generate.Mix(traces=15, duplicates=0)).spans
    spans = [span for span in spans if valid(span)]
    view = {"metrics.messaging": "broker"} if graph == "broker" else {}
    # Edges of spans of a service that is named otherwise on the edge (shared ids, overflow) have none.
    with Daemon(FAST | view) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        found, samples = check_exemplars(daemon, spans)
        assert found > 100
        # While there is room, no bucket is without one.
        series = {}
        for name, given, _, _, _, exemplar in buckets(samples):
            if name.startswith(SPANS):
                series.setdefault(tuple(sorted(given.items())), []).append(exemplar)
        assert any(len(exemplars) > OF_OPERATION_MAX for exemplars in series.values())
        for own, exemplars in series.items():
            count = len([exemplar for exemplar in exemplars if exemplar])
            assert count == min(len(exemplars), OF_OPERATION_MAX), own


def calls(count):
    """From front to back; the second of each four failed at the server, the third at the client."""
    front, back = {"service.name": "front"}, {"service.name": "back"}
    spans = []
    for number in range(count):
        trace, ms = f"{number + 1:032x}", 1 + number
        failed = number % 4
        spans += [Span(trace, "1" * 16, "", CLIENT, "GET", START, START + (ms + 1) * MS,
                       ERROR if failed == 2 else UNSET, resource=front),
                  Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", START, START + ms * MS,
                       ERROR if failed == 1 else UNSET, resource=back)]
    return spans


def test_failures_have_those_that_failed():
    spans = calls(40)
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        check_exemplars(daemon, spans)
        [exemplar] = [exemplar for name, given, _, exemplar in shown(daemon)
                      if name == GRAPH + "failed_total" and given["server"] == "back"]
        [span] = candidates(spans)[exemplar[:2]]
        assert span.status == ERROR
        for name, given, _, exemplar in shown(daemon):
            if name == SPANS + "calls_total":
                [span] = candidates(spans)[exemplar[:2]]
                assert (span.status == ERROR) == (given["status_code"] == "STATUS_CODE_ERROR")


def test_messages_have_them_at_classic_buckets_and_at_native_histograms():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(calls(40))
        daemon.wait_for_counted(80)
        told = {(name, tuple(sorted(given.items()))): exemplar
                for name, given, _, exemplar in shown(daemon) if exemplar}
        got = families(daemon.get("/metrics", {"Accept": ACCEPT})[2])
        seen = 0
        for name, family in got.items():
            for metric in family.metric if name.startswith("traces_") else ():
                own = labels(metric)
                if metric.HasField("counter") and metric.counter.HasField("exemplar"):
                    assert plain(metric.counter.exemplar) == told[name, own]
                    seen += 1
                at_buckets = [(bucket.upper_bound, plain(bucket.exemplar))
                              for bucket in metric.histogram.bucket if bucket.HasField("exemplar")]
                for upper, exemplar in at_buckets:
                    le = "+Inf" if upper == float("inf") else repr(float(upper))
                    assert exemplar == told[name + "_bucket", tuple(sorted(own + (("le", le),)))]
                    seen += 1
                native = [plain(exemplar) for exemplar in metric.histogram.exemplars]
                assert native == [exemplar for _, exemplar in at_buckets]
                assert all(exemplar.timestamp.seconds > START / 1e9
                           for exemplar in metric.histogram.exemplars)
        assert seen == len(told) > 10


def plain(exemplar):
    own = {pair.name: pair.value for pair in exemplar.label}
    assert sum(len(key) + len(value) for key, value in own.items()) <= 128
    assert set(own) == {"trace_id", "span_id"}
    return (own["trace_id"], own["span_id"], pytest.approx(exemplar.value),
            pytest.approx(exemplar.timestamp.seconds + exemplar.timestamp.nanos / 1e9))


def test_off_there_are_none_and_other_formats_never_have_any():
    spans = calls(8)
    with Daemon(FAST | {"metrics.exemplars": "false"}) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        assert "# {" not in daemon.get("/metrics", OPENMETRICS)[2].decode()
        for family in families(daemon.get("/metrics", {"Accept": ACCEPT})[2]).values():
            for metric in family.metric:
                assert not metric.histogram.exemplars
                assert not any(bucket.HasField("exemplar") for bucket in metric.histogram.bucket)
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        assert "# {" not in daemon.text("/metrics")


def examples_of(daemon, **query):
    return daemon.json("/api/v1/examples?" + urllib.parse.urlencode(query))["examples"]


def test_the_api_has_examples_of_edges_and_nodes():
    spans = calls(40)
    known = candidates(spans)
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        sender.send(spans)
        daemon.wait_for_counted(len(spans))
        edge = {"client": "service//front", "server": "service//back"}
        asked = ({**edge, "connection_type": ""}, edge, {"node": "service//back"})
        for query in asked:
            examples = examples_of(daemon, **query)
            assert 3 <= len(examples) <= 12
            assert {each["why"] for each in examples} >= {"failed", "slow"}
            assert len({each["trace_id"] for each in examples}) == len(examples)
            for each in examples:
                [span] = known[each["trace_id"], each["span_id"]]
                assert each["seconds"] == pytest.approx(seconds(span))
                assert int(each["unix_nano"]) > START
                assert service_of(span) == "back" or "node" not in query
            slowest = next(each for each in examples if each["why"] == "slow")
            assert slowest["seconds"] == max(each["seconds"] for each in examples
                                             if each["why"] == "slow")
        assert examples_of(daemon, **edge, connection_type="database") == []
        # All of it is of the last minutes; a window is there once something was merged into it.
        wait_until(lambda: daemon.get("/api/v1/examples?node=service//back&window=1h")[0] == 200, "there is a window")
        for query in asked:
            assert examples_of(daemon, **query, window="1h") == examples_of(daemon, **query)
        assert daemon.get("/api/v1/examples?node=service//back&window=1h&at=-1h")[0] == 404
        assert daemon.get("/api/v1/examples?node=service//back&window=never")[0] == 400
        assert daemon.get("/api/v1/examples")[0] == 400
        assert daemon.get("/api/v1/examples?node=service//nobody")[0] == 404
