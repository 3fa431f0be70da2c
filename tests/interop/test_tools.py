"""Tools that are used on gRPC servers, as published: grpcurl, and Kubernetes' health probe."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import toolchains  # noqa: E402

GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"
PROBE = "github.com/grpc-ecosystem/grpc-health-probe@v0.4.62"
TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"


def run(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=60, check=False)


@pytest.fixture(scope="module")
def grpcurl():
    return toolchains.go_program(GRPCURL)


def test_grpcurl_lists_describes_and_calls(daemon, grpcurl):
    listed = run(grpcurl, "-plaintext", daemon.grpc, "list")
    assert listed.returncode == 0, listed.stdout
    assert TRACES in listed.stdout.split()
    described = run(grpcurl, "-plaintext", daemon.grpc, "describe", "opentelemetry.proto.trace.v1.Span")
    assert "bytes trace_id = 1;" in described.stdout
    span = """{"resource_spans": [{"scope_spans": [{"spans": [{
        "trace_id": "AAAAAAAAAAAAAAAAAAAAAQ==", "span_id": "AAAAAAAAAAE=", "name": "x", "kind": 3,
        "start_time_unix_nano": 1, "end_time_unix_nano": 2}]}]}]}"""
    sent = run(grpcurl, "-plaintext", "-d", span, daemon.grpc, TRACES + "/Export")
    assert sent.returncode == 0, sent.stdout
    daemon.wait_until_metric("spanmap_spans_received_total", 1)
    wrong = run(grpcurl, "-plaintext", daemon.grpc, "describe", "no.such.Thing")
    assert wrong.returncode != 0
    assert daemon.metrics()["spanmap_receiver_protocol_errors_total"] == 0


def test_health_probe_is_told(daemon):
    probe = toolchains.go_program(PROBE)
    assert "SERVING" in run(probe, "-addr", daemon.grpc, "-service", TRACES).stdout
    assert run(probe, "-addr", daemon.grpc).returncode == 0
    assert run(probe, "-addr", daemon.grpc, "-service", "no.such.Service").returncode != 0
    assert daemon.metrics()["spanmap_receiver_protocol_errors_total"] == 0
