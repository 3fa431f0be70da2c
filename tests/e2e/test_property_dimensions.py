"""Dimensions against the model: every series with its labels, and maps that do not change.

SPANMAP_SEEDS  how many seeds each test tries (default 2)
SPANMAP_SEED   the first of them (default 1)
"""

import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import chaos, compare, generate  # noqa: E402
from model.attributes import kind_in_all  # noqa: E402
from model.otlp_json import CONSUMER  # noqa: E402
from test_property_series import check, named, valid  # noqa: E402

FIRST = int(os.environ.get("SPANMAP_SEED") or 1)
SEEDS = range(FIRST, FIRST + int(os.environ.get("SPANMAP_SEEDS") or 2))
KEYS = ("deployment.environment.name", "cloud.zone", "retries", "ratio", "is.hot", "tags", "blob",
        "http.route", "peer.service", "url.full", "_odd-Key.9",
        "a.key.that.is.so.long.that.it.stands.behind.all.others.in.the.filter")
VALUES = {
    "deployment.environment.name": ("prod", "test", "", None, "weird \"\\\n label", "ünïcode"),
    "cloud.zone": ("a", "b", "z" * 300, "é" * 200),
    "retries": (0, 1, -5, 2**62),
    "ratio": (0.1, 1.0, -2.5e300, 1e15, float("inf"), float("nan")),
    "is.hot": (True, False),
    "tags": ([], ["x"], [1, "y\"", None, True, 0.5, float("-inf")], {"k": ["v"], "n": {}}, {}),
    "blob": (b"", b"a", b"hello world", b"\xff\xfe"),
    "_odd-Key.9": ("1",),
    "a.key.that.is.so.long.that.it.stands.behind.all.others.in.the.filter": ("found", "lost"),
}


def told_by(span):
    """What makes a copy a copy; the spans of one request of messages must have equal values."""
    service = (span.resource.get("service.namespace"), span.resource.get("service.name"))
    return service if kind_in_all(span) == CONSUMER else (service, span.trace, span.id, span.kind)


def valued(spans):
    """Spans with values: some on the span, some on its resource, some on both, some on neither."""
    for span in spans:
        rng = random.Random(repr(told_by(span)))
        if kind_in_all(span) == CONSUMER:
            span.attributes = {key: value for key, value in span.attributes.items()
                               if key not in KEYS}
        for key, values in VALUES.items():
            for where in ("attributes", "resource"):
                if rng.random() < 0.3:
                    setattr(span, where, {**getattr(span, where), key: rng.choice(values)})
    return spans


def valued_by_service(spans):
    for span in spans:
        rng = random.Random(repr(span.resource.get("service.name")))
        zone = {"cloud.zone": rng.choice(VALUES["cloud.zone"]), "retries": rng.randint(0, 3)}
        span.resource = {**span.resource, **zone}
    return spans


GRAPHS = {
    "scripted": lambda seed: named(seed, generate.scripted(
        seed, generate.Mix(traces=15, duplicates=0, many_links=True)).spans),
    "chaos": chaos.chaos_spans,
    "families": lambda seed: chaos.chaos_spans(seed, chaos.Chaos(
        traces=4, spans_max=200, shared_ids=0.1, reused=False)),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_every_series_has_the_values_of_its_spans(graph, seed):
    check(valued(GRAPHS[graph](seed)), {"metrics.dimensions": list(KEYS)})


@pytest.mark.parametrize("view", ("broker", "both"))
def test_the_other_views_of_messages_have_values_too(view):
    spans = generate.scripted(FIRST, generate.Mix(traces=20, without=generate.PEERS)).spans
    check(valued(spans), {"metrics.messaging": view, "metrics.dimensions": list(KEYS)})


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("view", ("broker", "direct", "both"))
def test_a_map_does_not_change_with_values_of_services(view, seed):
    """Edges of all values between two nodes are one edge, with one quantile of all."""
    requests = [valued_by_service(GRAPHS["scripted"](seed))]
    plain = compare.map_of(requests, {"map.messaging": view})
    found = compare.map_of(requests, {"map.messaging": view,
                                      "metrics.dimensions": ["cloud.zone", "retries"]})
    assert compare.bare(found) == compare.bare(plain)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("graph", ("scripted", "chaos"))
def test_counts_of_a_map_do_not_change_with_any_values(graph, seed):
    """A client's duration may count once for each combination of values that answered it; requests,
    failures, network and delays are as they were."""
    def counts(answer):
        return {compare.edge_key(edge): (edge["requests"], edge["failed"], edge["network_seconds"],
                                         edge["messaging_seconds"]) for edge in answer["edges"]}

    spans = [span for span in valued(GRAPHS[graph](seed)) if valid(span)]
    plain = compare.map_of([spans])
    found = compare.map_of([spans], {"metrics.dimensions": list(KEYS)})
    assert counts(found) == counts(plain)
    assert found["accounting"] == plain["accounting"]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_bound_changes_a_map(seed):
    """However few values are told apart."""
    requests = [valued_by_service(GRAPHS["scripted"](seed))]
    plain = compare.map_of(requests)
    for bound in ({"metrics.dimension_sets_max": 1}, {"metrics.service_dimension_sets_max": 1}):
        found = compare.map_of(requests, {"metrics.dimensions": ["cloud.zone", "retries"], **bound})
        assert compare.bare(found) == compare.bare(plain)
