"""/metrics against the model: every series of random call graphs, with sums and buckets.

SPANMAP_SEEDS  how many seeds each test tries (default 2)
SPANMAP_SEED   the first of them (default 1)
"""

import os
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import chaos, generate, model, series  # noqa: E402

FIRST = int(os.environ.get("SPANMAP_SEED") or 1)
SEEDS = range(FIRST, FIRST + int(os.environ.get("SPANMAP_SEEDS") or 2))
WAITS = ("pairing.wait", "pairing.parent_wait", "messaging.wait")
# The model knows no bounds, and with a dozen dimensions nearly each series is another one.
OPTIONS = {"topology.shards": 2, "memory.limit": "4GiB"}


def valid(span):
    """protobuf has no text for ids: those of odd lengths are tested as files."""
    return len(span.trace) % 2 == 0 and len(span.id) % 2 == 0 and len(span.parent) % 2 == 0


def scraped_with(spans, options, wait_s):
    """(the text of /metrics once all spans are counted, how long it took until all had come)"""
    waits = {key: f"{wait_s}s" for key in WAITS}
    with Daemon({**OPTIONS, **waits, **options}) as daemon:
        begin = time.monotonic()
        with Sender(daemon.grpc) as sender:
            sender.send(spans)
        wait_until(lambda: daemon.accounting()["received"] == len(spans), "all spans come")
        took_s = time.monotonic() - begin
        daemon.wait_for_counted(len(spans))
        daemon.text("/metrics")  # A new series shows 0 first.
        return daemon.text("/metrics"), took_s


def scraped(spans, options):
    wait_s = 1
    while True:
        text, took_s = scraped_with(spans, options, wait_s)
        if took_s < 0.5 * wait_s:
            return text
        wait_s *= 3  # Spans may have been late on this machine, which would show.


def check(spans, options=None, families=series.FAMILIES):
    spans = [span for span in spans if valid(span)]
    known = model.Model(spans, model.Options(**model.options_of(options or {})))
    found = series.differences(series.expected(known), scraped(spans, options or {}), families)
    assert not found, "\n".join(found[:30])


def named(seed, spans):
    """Spans with names that are templated, some with routes."""
    names = ("GET /cart", "GET /users/17", "GET /users/{id}", "/orders/0f8fad5b-d9cd-469f-a165-"
             "70867728950e/items", "POST /x/deadbeef01", "SELECT shop", "a/b/17")
    for number, span in enumerate(spans):
        span.name = names[(seed + number * number) % len(names)]
        if number % 11 == 0:
            span.attributes = {**span.attributes, "http.route": "/users/:user"}
    return spans


@pytest.mark.parametrize("seed", SEEDS)
def test_series_of_a_scripted_graph(seed):
    mix = generate.Mix(traces=20, duplicates=0)
    check(named(seed, generate.scripted(seed, mix).spans))


@pytest.mark.parametrize("seed", SEEDS)
def test_series_of_chaos(seed):
    check(chaos.chaos_spans(seed), {"topology.derive_errors": "true"})


@pytest.mark.parametrize("view", ("broker", "both"))
def test_series_in_the_other_views_of_messaging(view):
    spans = generate.scripted(FIRST, generate.Mix(traces=20, without=generate.PEERS)).spans
    check(spans, {"metrics.messaging": view})


@pytest.mark.parametrize("seed", SEEDS)
def test_self_time(seed):
    families = (series.SELF_SECONDS,)
    check(generate.scripted(seed, generate.Mix(traces=20)).spans, None, families)
    check(chaos.chaos_spans(seed), None, families)


@pytest.mark.parametrize("seed", SEEDS)
def test_links_have_accounting_of_their_own(seed):
    """links = paired + waiting + missing + dropped"""
    mix = generate.Mix(traces=20, without=generate.PEERS, duplicates=0, many_links=True)
    spans = generate.scripted(seed, mix).spans
    known = model.Model(spans).messages.links
    found = series.parsed(scraped(spans, {}))
    links = {dict(labels).get("class", name): value for (name, labels), value in found.items()
             if name.startswith("spanmap_links_")}
    assert links == {
        "spanmap_links_received_total": known["paired"] + known["missing"],
        "spanmap_links_waiting": 0,
        "paired": known["paired"], "missing": known["missing"], "dropped": 0}
    assert found["spanmap_engine_links_past_max_total", frozenset()] == known["over"]
