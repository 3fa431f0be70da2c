"""push.remote_write: what a receiver of Prometheus' remote write is told, and what becomes of it when the
receiver fails in every way. The messages are read by the pinned definitions of 1.0 and 2.0."""

import base64
import math
import socket
import sys
from pathlib import Path
from random import Random

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.certificates import Authority  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.prometheus_messages import ACCEPT, families, labels, native_buckets  # noqa: E402
from lib.remote_write import Receiver, is_stale  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms",
        "push.remote_write.interval": "200ms", "push.remote_write.retry_initial": "20ms",
        "push.remote_write.labels": "{job: map, instance: one}"}
START = 1_700_000_000_000_000_000
MS = 1_000_000
OWN = {"job": "map", "instance": "one"}
SECONDS = "traces_service_graph_request_server_seconds"
TOTAL = "traces_service_graph_request_total"


def calls(count, first=0, tracestate=""):
    front, back = {"service.name": "front"}, {"service.name": "back"}
    spans = []
    for number in range(first, first + count):
        trace, ms = f"{number + 1:032x}", 1 + number
        spans += [Span(trace, "1" * 16, "", CLIENT, "GET", START, START + (ms + 1) * MS,
                       tracestate=tracestate, resource=front),
                  Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", START, START + ms * MS,
                       ERROR if number % 3 == 0 else UNSET, tracestate=tracestate, resource=back)]
    return spans


def pushing(receiver, **options):
    return Daemon(FAST | {"push.remote_write.url": receiver.url} | {
        f"push.remote_write.{key}": value for key, value in options.items()})


def find(series, name, **wanted):
    """Of all that was told, the series of that name that have these labels."""
    return [(dict(own), each) for own, each in series.items()
            if dict(own)["__name__"] == name and wanted.items() <= dict(own).items()]


def last(receiver, name, **wanted):
    """The last value told of one series, or None."""
    found = find(receiver.told(), name, **wanted)
    return found[0][1].samples[-1][1] if found else None


def scraped(daemon):
    body = daemon.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})[2]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in openmetrics_parser.text_string_to_metric_families(body.decode())
            for sample in family.samples
            if sample.name.startswith("traces_") and not sample.name.endswith("_created")}


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_receiver_is_told_what_a_scraper_sees(version):
    with Receiver() as receiver, pushing(receiver, version=version, histograms="both") as daemon:
        with Sender(daemon.grpc) as sender:
            sender.send(calls(30))
        daemon.wait_for_counted(60)
        wait_until(lambda: last(receiver, TOTAL, server="back") == 30, "all calls are told")
        series = receiver.told()
        got = {(dict(own)["__name__"], tuple(sorted((key, value) for key, value in own
                                                    if key != "__name__" and OWN.get(key) != value))):
               each.samples[-1][1] for own, each in series.items()
               if dict(own)["__name__"].startswith("traces_") and each.samples}
        expected = {key: value for key, value in scraped(daemon).items() if key[0] != "traces_target_info"}
        targets = {key for key in got if key[0] == "traces_target_info"}
        assert len(targets) == 2
        assert set(got) - targets == set(expected)
        for key, value in expected.items():
            assert math.isclose(got[key], value, rel_tol=1e-9), key
        assert find(series, "spanmap_build_info") and find(series, "spanmap_span_lateness_seconds_bucket")
        for own, each in series.items():
            assert {"job", "instance"} <= set(dict(own)) or dict(own)["__name__"] == "traces_target_info"
            assert each.samples or each.histograms
        check_beginnings(series, version)
        check_natives(daemon, series)
        check_exemplars(series)
        for _, headers, _ in receiver.seen:
            assert headers["X-Prometheus-Remote-Write-Version"] == ("0.1.0" if version == "1.0" else "2.0.0")
            assert headers["Content-Type"] == "application/x-protobuf" + (
                "" if version == "1.0" else ";proto=io.prometheus.write.v2.Request")


def check_beginnings(series, version):
    """A 0 stands before the first value of each counter; 2.0 also says when it began."""
    for own, each in find(series, TOTAL, server="back") + find(series, SECONDS + "_bucket", le="+Inf"):
        assert each.samples[0][1] == 0 and each.samples[1][1] > 0, own
        assert each.samples[1][0] - each.samples[0][0] <= 200
        if version == "2.0":
            # The 0 may stand at the beginning itself, and then says none.
            assert all(start < time_ms for time_ms, _, start in each.samples), own
            [start] = {start for _, _, start in each.samples[1:]}
            assert 0 < start <= each.samples[0][0], own
            assert len(each.metadata) == 1
    if version == "2.0":
        [(_, seconds)] = find(series, SECONDS + "_sum")
        assert seconds.metadata == {(3, "Time that requests took, as their server saw it.", "seconds")}


def check_natives(daemon, series):
    [metric] = families(daemon.get("/metrics", {"Accept": ACCEPT})[2])[SECONDS].metric
    [(own, each)] = find(series, SECONDS)
    assert set(labels(metric)) | set(OWN.items()) == set(own.items()) - {("__name__", SECONDS)}
    histogram = each.histograms[-1]
    assert histogram.count_int == metric.histogram.sample_count == 30
    assert histogram.sum == metric.histogram.sample_sum
    assert histogram.schema == metric.histogram.schema
    positive = type("Positive", (), {"schema": histogram.schema, "positive_span": histogram.positive_spans,
                                     "positive_delta": histogram.positive_deltas,
                                     "positive_count": histogram.positive_counts})
    assert native_buckets(positive) == native_buckets(metric.histogram)


def check_exemplars(series):
    found = [(own, exemplar) for own, each in find(series, SECONDS + "_bucket") + find(series, SECONDS)
             for exemplar in each.exemplars]
    assert found
    for own, (exemplar, value, time_ms) in found:
        assert exemplar["span_id"] == "2" * 16
        assert value == pytest.approx(int(exemplar["trace_id"], 16) / 1000)
        assert value <= float(own.get("le", "inf"))
        assert time_ms > START / MS
    [(_, failed)] = find(series, "traces_service_graph_request_failed_total", server="back")
    assert all((int(exemplar["trace_id"], 16) - 1) % 3 == 0 for exemplar, _, _ in failed.exemplars)
    # Told once, not again and again.
    for own, each in series.items():
        told = [(tuple(exemplar.items()), time_ms) for exemplar, _, time_ms in each.exemplars]
        assert len(told) == len(set(told)), own


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_fractions_are_float_histograms(version):
    with Receiver() as receiver, pushing(receiver, version=version, histograms="native") as daemon:
        with Sender(daemon.grpc) as sender:
            sender.send(calls(3, tracestate="ot=th:4"))
        daemon.wait_for_counted(6)
        # A look may come while some of the calls are not counted yet.
        wait_until(lambda: any(each.histograms[-1].count_float == pytest.approx(4)
                               for _, each in find(receiver.told(), SECONDS)), "all calls are told")
        [(_, each)] = find(receiver.told(), SECONDS)
        assert sum(each.histograms[-1].positive_counts) == pytest.approx(4)
        assert not find(receiver.told(), SECONDS + "_bucket")


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_what_ends_gets_stale_markers(version):
    with Receiver() as receiver:
        with pushing(receiver, version=version, histograms="both") as daemon:
            with Sender(daemon.grpc) as sender:
                sender.send(calls(2))
            daemon.wait_for_counted(4)
            wait_until(lambda: last(receiver, TOTAL, server="back") == 2, "calls are told")
        for own, each in receiver.told().items():
            if each.samples:
                assert is_stale(each.samples[-1][1]), own
                assert not any(is_stale(value) for _, value, _ in each.samples[:-1]), own
            if each.histograms:
                assert is_stale(each.histograms[-1].sum), own
            # A receiver may make labels of type and unit: an end that says others would be another series'.
            assert len(each.metadata) == (version == "2.0"), own


def test_a_series_that_expires_gets_them_and_begins_anew():
    with Receiver() as receiver, Daemon(FAST | {"push.remote_write.url": receiver.url,
                                                "metrics.expiration": "1s"}) as daemon:
        with Sender(daemon.grpc) as sender:
            sender.send(calls(2))
            daemon.wait_for_counted(4)

            def ended():
                value = last(receiver, TOTAL, server="back")
                return value is not None and is_stale(value)
            wait_until(ended, "a stale marker")
            assert not is_stale(last(receiver, "spanmap_topology_edges"))
            sender.send(calls(1, first=2))
            wait_until(lambda: last(receiver, TOTAL, server="back") == 1, "it begins anew")
            [(_, each)] = find(receiver.told(), TOTAL, server="back")
            values = [value for _, value, _ in each.samples if not is_stale(value)]
            assert values[0] == 0 and 2 in values  # With a 0 before either first value.
            assert 0 in values[values.index(2):]


def test_the_last_figures_are_told_at_the_end():
    with Receiver() as receiver:
        with pushing(receiver, interval="1h") as daemon:
            with Sender(daemon.grpc) as sender:
                sender.send(calls(5))
            assert receiver.asked() == 0
        [(_, each)] = find(receiver.told(), TOTAL, server="back")
        assert [value for _, value, _ in each.samples if value > 0] == [5]
        assert is_stale(each.samples[-1][1])


FAILURES = [(503, {}), (429, {}), (500, {}), None, (400, {}), (404, {}), (415, {}), (302, {"Location": "/"}),
            (503, {"Retry-After": "1"})]


def test_what_may_be_taken_later_is_sent_again_and_all_else_dropped():
    def answer(number):
        return FAILURES[number] if number < len(FAILURES) else (
            204, {"X-Prometheus-Remote-Write-Samples-Written": "7",
                  "X-Prometheus-Remote-Write-Histograms-Written": "x",
                  "X-Prometheus-Remote-Write-Exemplars-Written": "18446744073709551615"})

    with Receiver(answer) as receiver, pushing(receiver, version="2.0") as daemon:
        with Sender(daemon.grpc) as sender:
            sender.send(calls(5))
        daemon.wait_for_counted(10)
        wait_until(lambda: last(receiver, TOTAL, server="back") == 5, "calls are told after all")
        push = 'protocol="remote_write"'
        wait_until(lambda: daemon.metrics().get(f'spanmap_push_items_written_total{{{push},kind="samples"}}', 0) >= 7,
                   "the receiver's count")
        metrics = daemon.metrics()

        def value(name, label):
            return metrics[f"{name}{{{push},{label}}}"]
        assert value("spanmap_push_requests_total", 'outcome="refused"') == 4
        assert value("spanmap_push_retries_total", 'reason="status"') == 4
        assert value("spanmap_push_retries_total", 'reason="no_answer"') == 1
        sent = value("spanmap_push_requests_total", 'outcome="sent"')
        assert sent >= 1
        assert value("spanmap_push_items_total", 'kind="samples"') >= 60
        assert value("spanmap_push_items_written_total", 'kind="samples"') >= 7
        assert value("spanmap_push_items_written_total", 'kind="histograms"') == 0
        written = value("spanmap_push_items_written_total", 'kind="exemplars"')
        assert written <= daemon.metrics()[f'spanmap_push_items_total{{{push},kind="exemplars"}}']
        # Retry-After stands above the back-off.
        times = [at for at, _, _ in receiver.seen]
        assert times[9] - times[8] > 0.9
        assert daemon.log().count("is refused") + daemon.log().count("sent again later") == 1  # One a minute.


def test_past_the_queue_the_oldest_give_way():
    spans = [Span(f"{number + 1:032x}", "1" * 16, "", SERVER, f"operation-{number * 7919 % 100003}",
                  START, START + number * MS, resource={"service.name": "busy"}) for number in range(100)]
    with Receiver(lambda number: (503, {})) as receiver:
        with pushing(receiver, queue_max="64KiB") as daemon:
            with Sender(daemon.grpc) as sender:
                sender.send(spans)
            full = 'spanmap_push_requests_total{protocol="remote_write",outcome="queue_full"}'
            wait_until(lambda: daemon.metrics().get(full, 0) > 0, "the queue is full")
            queued = daemon.metrics()['spanmap_push_queue_bytes{protocol="remote_write"}']
            assert 0 < queued <= 64 << 10
        assert receiver.taken() == 0


def test_the_queue_is_bounded_though_one_look_is_larger():
    """Names that do not get smaller by packing."""
    random = Random(1)
    spans = [Span(f"{number + 1:032x}", "1" * 16, "", SERVER, random.randbytes(400).hex(),
                  START, START + MS, resource={"service.name": "busy"}) for number in range(600)]
    with Receiver(lambda number: (503, {})) as receiver:
        with pushing(receiver, queue_max="64KiB", histograms="native") as daemon:
            with Sender(daemon.grpc) as sender:
                sender.send(spans)
            daemon.wait_for_counted(600)
            full = 'spanmap_push_requests_total{protocol="remote_write",outcome="queue_full"}'
            wait_until(lambda: daemon.metrics().get(full, 0) > 0, "the queue is full")
            queued = daemon.metrics()['spanmap_push_queue_bytes{protocol="remote_write"}']
            assert 0 < queued <= 64 << 10


def test_the_last_figures_do_not_wait_for_a_back_off():
    def answer(number):
        return (503, {}) if number == 0 else (204, {})

    with Receiver(answer) as receiver:
        with pushing(receiver, retry_initial="1h", retry_wait_max="1h") as daemon:
            with Sender(daemon.grpc) as sender:
                sender.send(calls(5))
            daemon.wait_for_counted(10)
            wait_until(receiver.asked, "a push that fails")
        assert last(receiver, TOTAL, server="back") is not None
        [(_, each)] = find(receiver.told(), TOTAL, server="back")
        assert max(value for _, value, _ in each.samples if not is_stale(value)) == 5


def test_nobody_waits_for_a_receiver_that_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent:  # Takes connections, and nothing of them.
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with Daemon(FAST | {"push.remote_write.url": url, "push.remote_write.timeout": "1h",
                            "shutdown.patience": "1s"}) as daemon, Sender(daemon.grpc) as sender:
            for batch in range(5):
                sender.send(calls(10, first=10 * batch))
                daemon.wait_for_counted(20 * (batch + 1))
            assert sum(edge["requests"] for edge in daemon.map()["edges"]) == 50
            assert daemon.stop() == 0


@pytest.mark.parametrize("how", ["token", "password"])
def test_credentials_are_shown(how):
    options = {"token": {"token": "s3cret"}, "password": {"username": "me", "password": "p:w"}}[how]
    expected = {"token": "Bearer s3cret", "password": "Basic " + base64.b64encode(b"me:p:w").decode()}[how]
    with Receiver() as receiver, pushing(receiver, **options) as daemon:
        wait_until(receiver.taken, "a push")
        assert receiver.seen[0][1]["Authorization"] == expected
        shown = daemon.text("/debug/config")
        assert "s3cret" not in shown and "p:w" not in shown


def test_https_is_checked(tmp_path):
    authority = Authority(tmp_path / "good")
    other = Authority(tmp_path / "other")
    pair = authority.issue("localhost")
    with Receiver(certificates=(pair.cert, pair.key)) as receiver:
        with pushing(receiver, tls_ca=authority.pair.cert):
            wait_until(receiver.taken, "a push")
        asked = receiver.asked()
        with pushing(receiver, tls_ca=other.pair.cert) as daemon:
            wait_until(lambda: daemon.metrics().get(
                'spanmap_push_retries_total{protocol="remote_write",reason="no_answer"}', 0) > 1, "it is refused")
        assert receiver.asked() == asked


@pytest.mark.parametrize("option, value, said", [
    ("url", "ftp://host/", "http://HOST:PORT"), ("url", "nowhere", "http"),
    ("labels", "{le: x}", "'le' is no name of a label"), ("labels", "{a-b: x}", "'a-b'"),
    ("version", "3.0", "1.0"), ("token", '"a\\r\\nX-Other: b"', "no blanks")])
def test_slips_are_found_at_the_start(option, value, said):
    daemon = Daemon(FAST | {f"push.remote_write.{option}": value})
    daemon.prepare()
    daemon.launch()
    assert daemon.wait() == 2
    assert f"push.remote_write.{option}" in daemon.log() and said in daemon.log()
