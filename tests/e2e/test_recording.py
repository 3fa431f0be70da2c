"""The recording of a real shop comes out with its edges and counts exactly."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model import compare, model, otlp_json  # noqa: E402

FOLDER = compare.ROOT / "tests" / "data" / "onlineboutique"
RECORDING = FOLDER / "onlineboutique.otlp.jsonl.gz"


@pytest.fixture(scope="module")
def truth():
    return json.loads((FOLDER / "onlineboutique.truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def spans():
    return otlp_json.read(RECORDING)


def requests_of(answer):
    return {(edge["client"], edge["server"], edge["connection_type"]): edge["requests"]
            for edge in answer["edges"]}


def expected_requests(truth):
    return {("service//" + edge["client"], "service//" + edge["server"], ""): edge["requests"]
            for edge in truth["edges"]}


def test_model_draws_the_true_edges(truth, spans):
    answer = model.judge(spans)
    assert requests_of(answer) == expected_requests(truth)
    assert answer["accounting"]["received"] == truth["spans"]


def test_spanmap_draws_the_true_edges(truth):
    answer = compare.run_map([RECORDING])
    assert requests_of(answer) == expected_requests(truth)
    assert len(answer["nodes"]) == truth["services"]
    flat = compare.flat_accounting(answer["accounting"])
    assert flat["received"] == truth["spans"]
    assert set(flat) == {"received", "paired", "internal"}


def test_spanmap_agrees_with_the_model(spans):
    found = compare.differences(model.judge(spans), compare.run_map([RECORDING]))
    assert not found, "\n".join(found[:20])


@pytest.mark.parametrize("shards", [1, 3])
def test_shards_do_not_show(shards):
    one = compare.run_map([RECORDING])
    other = compare.run_map([RECORDING], {"topology.shards": shards})
    assert compare.bare(one) == compare.bare(other)
