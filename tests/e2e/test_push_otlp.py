"""Pushing metrics by OTLP/gRPC: the figures of /metrics, cumulative, the newest for the older ones."""

import os
import sys
import threading
from pathlib import Path

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.backend import Backend, refused, rejected, unavailable  # noqa: E402
from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000
CUMULATIVE = metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE
REQUESTS = "traces_service_graph_request_total"


def options_for(backend, **more):
    return {"pairing.wait": "50ms", "pairing.parent_wait": "50ms",
            "push.otlp.endpoint": backend.endpoint, "push.otlp.interval": "100ms",
            "push.otlp.retry_initial": "20ms", "push.otlp.retry_interval_max": "100ms", **more}


def send_calls(daemon, first, count):
    spans = []
    for number in range(first, first + count):
        trace = f"{number + 1:032x}"
        spans += [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                       resource={"service.name": "shop"}),
                  Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                       resource={"service.name": "stock"})]
    with Sender(daemon.grpc) as sender:
        sender.send(spans)


def metrics_of(body):
    """{name: metric} of one request."""
    request = metrics_service_pb2.ExportMetricsServiceRequest.FromString(body)
    return {metric.name: metric for resource in request.resource_metrics
            for scope in resource.scope_metrics for metric in scope.metrics}


def requests_in(body):
    """The requests from shop to stock that it tells of; None: the edge is not there."""
    metric = metrics_of(body).get(REQUESTS)
    for point in metric.sum.data_points if metric is not None else []:
        labels = {each.key: each.value.string_value for each in point.attributes}
        if (labels["client"], labels["server"]) == ("shop", "stock"):
            return point.as_double or point.as_int
    return None


def outcome(daemon, which):
    return daemon.metrics()[f'spanmap_push_otlp_requests_total{{outcome="{which}"}}']


def test_the_figures_of_metrics_are_pushed():
    with Backend() as backend, Daemon(options_for(backend)) as daemon:
        send_calls(daemon, 0, 3)
        wait_until(lambda: backend.taken and requests_in(backend.taken[-1]) == 3, "the figures come")
        send_calls(daemon, 3, 4)
        wait_until(lambda: requests_in(backend.taken[-1]) == 7, "they grow")
        metrics = metrics_of(backend.taken[-1])
        total = metrics[REQUESTS].sum
        assert total.is_monotonic and total.aggregation_temporality == CUMULATIVE
        starts = {point.start_time_unix_nano for body in backend.taken
                  for metric in [metrics_of(body).get(REQUESTS)] if metric is not None
                  for point in metric.sum.data_points}
        assert len(starts) == 1 and 0 not in starts
        seconds = metrics["traces_service_graph_request_server_seconds"].histogram
        assert seconds.aggregation_temporality == CUMULATIVE
        assert seconds.data_points[0].count == 7
        assert abs(seconds.data_points[0].sum - 0.007) < 1e-9
        resources = metrics_service_pb2.ExportMetricsServiceRequest.FromString(
            backend.taken[-1]).resource_metrics
        named = [{each.key: each.value.string_value for each in one.resource.attributes}
                 for one in resources]
        assert {"service.name": "spanmap", "service.instance.id": os.uname().nodename} in [
            {key: one[key] for key in ("service.name", "service.instance.id") if key in one}
            for one in named]
        assert outcome(daemon, "sent") >= 2
        assert "spanmap_forward_requests_total" not in daemon.text("/metrics")


def test_newer_figures_stand_for_older_ones():
    free = threading.Event()

    def slow(_body, _context):
        free.wait(PATIENCE_S)
        return b""

    with Backend() as backend:
        backend.answers = [unavailable()] * 5 + [slow]
        with Daemon(options_for(backend, **{"push.otlp.interval": "100ms"})) as daemon:
            send_calls(daemon, 0, 3)
            daemon.wait_until_metric('spanmap_push_otlp_requests_total{outcome="superseded"}', 1)
            free.set()
            wait_until(lambda: backend.taken and requests_in(backend.taken[-1]) == 3, "the newest")
            metrics = daemon.metrics()
            assert metrics["spanmap_push_otlp_queue_requests"] <= 1
            assert metrics['spanmap_push_otlp_attempts_failed_total{code="UNAVAILABLE"}'] >= 1


def test_the_last_figures_are_pushed_at_the_end():
    with Backend() as backend:
        with Daemon(options_for(backend, **{"push.otlp.interval": "1h"})) as daemon:
            send_calls(daemon, 0, 5)
            daemon.signal()
            assert daemon.wait() == 0
            assert len(backend.taken) == 1 and requests_in(backend.taken[0]) == 5


def test_refusals_are_counted():
    with Backend() as backend:
        backend.answers = [refused(grpc.StatusCode.UNIMPLEMENTED), rejected(2)]
        with Daemon(options_for(backend)) as daemon:
            daemon.wait_until_metric('spanmap_push_otlp_requests_total{outcome="sent"}', 1)
            assert outcome(daemon, "refused") == 1
            assert daemon.metrics()["spanmap_push_otlp_rejected_points_total"] == 2


def test_a_limit_that_is_too_small_is_told():
    with Backend() as backend:
        options = options_for(backend, **{"memory.limit": "64MiB"})
        with Daemon(options) as daemon:
            share = next(each for each in daemon.json("/debug/budgets")["shares"]
                         if each["share"] == "push")
            assert 0 < share["bytes"] < 4 * 2**20
            wait_until(lambda: backend.taken, "what fits is pushed")
