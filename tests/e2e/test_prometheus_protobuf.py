"""/metrics in protobuf says what /metrics in text says, and has native histograms beside."""

import math
import random
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.prometheus_messages import ACCEPT, families, labels, native_buckets  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}
START = 1_700_000_000_000_000_000
SECONDS = "traces_service_graph_request_server_seconds"
HOSTILE = 'quote" back\\slash \nline'
# spanmap's own numbers go on between two looks.
MOVING = ("spanmap_",)


def calls(count, tracestate="", server="back"):
    """Calls of 1 us to 100 s, and the durations of their server side in seconds."""
    chance = random.Random(7)
    spans, seconds = [], []
    for number in range(count):
        ns = int(10 ** chance.uniform(3, 11)) if number else 0
        trace = f"{number + 1:016x}{len(tracestate):016x}"
        spans.append(Span(trace, "1" * 16, "", CLIENT, "GET", START, START + ns + 1000,
                          tracestate=tracestate, resource={"service.name": "front"}))
        spans.append(Span(trace, "2" * 16, "1" * 16, SERVER, "GET /", START, START + ns,
                          ERROR if number % 3 == 0 else UNSET, tracestate=tracestate,
                          resource={"service.name": server, "service.instance.id": HOSTILE}))
        seconds.append(ns / 1e9)
    return spans, seconds


@pytest.fixture(name="daemon")
def quiet_daemon():
    with Daemon(FAST | {"sampling.max_count": 1000}) as daemon:
        yield daemon


def send(daemon, spans, counted=None):
    with Sender(daemon.grpc) as sender:
        sender.send(spans)
    daemon.wait_for_counted(counted or len(spans))


def ask(daemon):
    status, headers, body = daemon.get("/metrics", {"Accept": ACCEPT})
    assert status == 200
    assert headers["Content-Type"] == ("application/vnd.google.protobuf; "
                                       "proto=io.prometheus.client.MetricFamily; encoding=delimited")
    return families(body)


def samples(got):
    """{(sample's name, labels): value} of what stands still."""
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in got if not family.name.startswith(MOVING) for sample in family.samples}


def from_openmetrics(daemon):
    body = daemon.get("/metrics", {"Accept": "application/openmetrics-text; version=1.0.0"})[2]
    return samples(openmetrics_parser.text_string_to_metric_families(body.decode()))


def from_text(daemon):
    daemon.text("/metrics")  # New series are at 0, once.
    return samples(text_string_to_metric_families(daemon.text("/metrics")))


def bound(upper):
    return "+Inf" if upper == math.inf else repr(float(upper))


def created(value):
    return value.seconds + value.nanos / 1e9


def from_messages(got):
    """The same of the messages."""
    out = {}
    for name, family in got.items():
        for metric in family.metric if not name.startswith(MOVING) else ():
            own = labels(metric)
            if metric.HasField("counter"):
                out[name, own] = metric.counter.value
                out[name.removesuffix("_total") + "_created", own] = created(
                    metric.counter.created_timestamp)
            elif metric.HasField("gauge"):
                out[name, own] = metric.gauge.value
            else:
                histogram = metric.histogram
                out[f"{name}_count", own] = histogram.sample_count_float or histogram.sample_count
                out[f"{name}_sum", own] = histogram.sample_sum
                out[f"{name}_created", own] = created(histogram.created_timestamp)
                for bucket in histogram.bucket:
                    le = tuple(sorted(own + (("le", bound(bucket.upper_bound)),)))
                    out[f"{name}_bucket", le] = (bucket.cumulative_count_float
                                                 or bucket.cumulative_count)
    return out


def assert_alike(got, expected):
    assert len(expected) > 150
    assert any(("instance", HOSTILE) in own for _, own in expected)
    assert set(got) == set(expected)
    for key, value in expected.items():
        assert math.isclose(got[key], value, rel_tol=1e-9, abs_tol=1e-9), key


def test_messages_say_what_openmetrics_says(daemon):
    spans, _ = calls(50)
    send(daemon, spans)
    assert_alike(from_messages(ask(daemon)), from_openmetrics(daemon))


def test_messages_say_fractions_as_text_does(daemon):
    spans, _ = calls(50, "ot=th:4")
    send(daemon, spans)
    got = {key: value for key, value in from_messages(ask(daemon)).items()
           if not key[0].endswith("_created")}
    assert_alike(got, {(name, tuple((key, bound(float(value)) if key == "le" else value)
                                    for key, value in own)): value
                       for (name, own), value in from_text(daemon).items()})


def test_native_histograms_hold_every_observation(daemon):
    spans, seconds = calls(300)
    send(daemon, spans)
    [metric] = ask(daemon)[SECONDS].metric
    histogram = metric.histogram
    assert histogram.sample_count == 300 and histogram.sample_count_float == 0
    assert histogram.zero_count == 1 and 0 < histogram.zero_threshold < 1e-30
    assert -4 <= histogram.schema <= 5
    buckets = native_buckets(histogram)
    assert sum(buckets.values()) == 299
    for (lower, upper), count in buckets.items():
        # Bounds are powers, and so are rounded; no duration lies that near to one.
        assert count == sum(lower * (1 + 1e-12) < value <= upper * (1 + 1e-12)
                            for value in seconds)


def test_sampled_spans_make_float_histograms(daemon):
    spans, _ = calls(10, "ot=th:4")
    send(daemon, spans)
    [metric] = ask(daemon)[SECONDS].metric
    histogram = metric.histogram
    assert math.isclose(histogram.sample_count_float, 10 * 4 / 3, rel_tol=1e-5)
    assert not histogram.positive_delta
    assert math.isclose(sum(native_buckets(histogram).values()), 9 * 4 / 3, rel_tol=1e-5)
    assert math.isclose(histogram.zero_count_float, 4 / 3, rel_tol=1e-5)


def test_what_begins_anew_begins_at_nothing():
    """Series that were idle for metrics.expiration: what they counted before is not shown again."""
    with Daemon(FAST | {"metrics.expiration": "1s"}) as daemon:
        spans, _ = calls(40)
        send(daemon, spans)
        before = ask(daemon)[SECONDS].metric[0].histogram
        wait_until(lambda: SECONDS not in ask(daemon), "the series leaves")
        more, seconds = calls(7, "ot=rv:0123456789abcd")
        send(daemon, more, counted=len(spans) + len(more))
        [metric] = ask(daemon)[SECONDS].metric
        histogram = metric.histogram
        assert histogram.sample_count == 7 and before.sample_count == 40
        assert histogram.zero_count == 1
        assert sum(native_buckets(histogram).values()) == 6
        assert created(histogram.created_timestamp) > created(before.created_timestamp)
        assert math.isclose(histogram.sample_sum, sum(seconds), rel_tol=1e-9)


def test_families_are_told_in_full(daemon):
    spans, _ = calls(3)
    send(daemon, spans)
    got = ask(daemon)
    assert next(iter(got)) == "traces_target_info"
    assert got[SECONDS].unit == "seconds" and got[SECONDS].help
    assert all(family.metric and family.help for family in got.values())
    lateness = got["spanmap_span_lateness_seconds"].metric[0].histogram
    assert lateness.sample_count == 6 == lateness.bucket[-1].cumulative_count
    assert lateness.bucket[-1].upper_bound == math.inf
    assert "spanmap_build_info" in got and "spanmap_spans_received_total" in got
