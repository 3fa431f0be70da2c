"""The hand-made cases of tests/data/cases: each sentence of the topology rules once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import cases, compare, model  # noqa: E402

CASES = cases.load()


def orders(case):
    yield case.spans
    if case.expect.get("order") != "given":
        yield case.spans[::-1]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_model_follows_the_rule(case):
    options = model.options_of(case.expect.get("set", {}))
    for spans in orders(case):
        found = cases.check(case, model.judge(spans, **options))
        assert not found, "\n".join([case.expect["says"]] + found)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_spanmap_follows_the_rule(case):
    options = case.expect.get("set", {})
    for spans in orders(case):
        answer = compare.map_of([spans], options, self_edges="map.self_edges" not in options)
        found = cases.check(case, answer) + compare.law_broken(answer["accounting"])
        assert not found, "\n".join([case.expect["says"]] + found + [compare.describe(spans)])
