"""The Collector's span_metrics connector and spanmap count the same spans; docs/COMPARISON.md tells more."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))

import spanmetrics  # noqa: E402
import toolchains  # noqa: E402


@pytest.mark.parametrize("name", spanmetrics.INPUTS)
def test_series_differ_for_known_reasons_only(name):
    toolchains.collector()
    outcome = spanmetrics.judge(spanmetrics.INPUTS[name]())
    assert not outcome.unexplained, "\n".join(outcome.unexplained[:20])
    assert outcome.same or outcome.differ
    if name in spanmetrics.EQUAL:
        assert not outcome.differ
