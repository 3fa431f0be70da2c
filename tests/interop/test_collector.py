"""The OpenTelemetry Collector passes on what it took, and rides out a restart of spanmap."""

import pytest
import toolchains
from calls import SPANS, assert_calls, assert_nothing_lost
from collector_process import Collector
from conftest import OPTIONS
from lib.daemon import Daemon
from test_sdks import Run, send


@pytest.fixture
def start_collector(tmp_path):
    started = []

    def start(spanmap_grpc):
        started.append(Collector(tmp_path, spanmap_grpc))
        return started[-1]

    yield start
    for collector in started:
        collector.stop()


def test_what_the_collector_took_arrives_once(daemon, start_collector):
    collector = start_collector(daemon.grpc)
    calls = 2000
    send(toolchains.python(), collector.grpc, [Run("shop", calls, "batch", "gzip")])
    answer = daemon.wait_for_counted(calls * SPANS)
    assert_calls(answer, "shop", calls)
    assert_nothing_lost(answer, calls * SPANS)


def test_a_restart_loses_nothing_of_the_queue(start_collector):
    calls = 1000
    with Daemon(OPTIONS) as before:
        collector = start_collector(before.grpc)
        send(toolchains.python(), collector.grpc, [Run("before", calls)])
        before.wait_for_counted(calls * SPANS)
    send(toolchains.python(), collector.grpc, [Run("while_down", calls)])
    collector.wait_for("Will retry", 30)
    with Daemon({**OPTIONS, "listen.grpc": before.grpc}) as after:
        send(toolchains.python(), collector.grpc, [Run("after", calls)])
        answer = after.wait_for_counted(2 * calls * SPANS)
        assert_calls(answer, "while_down", calls)
        assert_calls(answer, "after", calls)
        assert_nothing_lost(answer, 2 * calls * SPANS)
