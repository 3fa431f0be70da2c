"""The SDKs lose nothing, and every number of what they sent is right."""

import os
import subprocess
from typing import NamedTuple

import pytest
import toolchains
from calls import SPANS, assert_calls, assert_nothing_lost

SEND_S = 300


class Run(NamedTuple):
    """One process of a sender."""

    prefix: str
    calls: int
    processor: str = "batch"
    compression: str = ""


RUNS = [
    Run("plain_batch", 2000),
    Run("plain_simple", 150, "simple"),
    Run("gzip_batch", 2000, "batch", "gzip"),
    Run("gzip_simple", 150, "simple", "gzip"),
    # Two processes of the same services.
    Run("twice", 1000),
    Run("twice", 1000),
]


def environment(compression):
    """Without the user's own settings. Plain is to leave the variable unset."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith("OTEL_") and not name.lower().endswith("_proxy")}
    return kept | ({"OTEL_EXPORTER_OTLP_COMPRESSION": compression} if compression else {})


def send(sender, endpoint, runs, protocol="grpc"):
    """All of them at once, to their ends."""
    running = [subprocess.Popen([*sender, endpoint, run.prefix, str(run.calls), run.processor],
                                env=environment(run.compression) | {"SENDER_PROTOCOL": protocol}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
               for run in runs]
    for process in running:
        output, _ = process.communicate(timeout=SEND_S)
        assert process.returncode == 0 and not output, output


SENDERS = [(language, protocol) for language in ("python", "javascript", "go", "java")
           for protocol in ("grpc", "http/protobuf")] + [("javascript", "http/json")]


@pytest.mark.parametrize(("language", "protocol"), SENDERS)
def test_every_span_of_the_sdk_arrives_once(language, protocol, daemon):
    send(getattr(toolchains, language)(), daemon.grpc if protocol == "grpc" else daemon.http, RUNS, protocol)
    spans = SPANS * sum(run.calls for run in RUNS)
    answer = daemon.wait_for_counted(spans)
    for prefix in {run.prefix for run in RUNS}:
        assert_calls(answer, prefix, sum(run.calls for run in RUNS if run.prefix == prefix))
    assert_nothing_lost(answer, spans)
