"""What docs/COMPARISON.md shows of small traces is what spanmap draws."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "compare"))

import run  # noqa: E402


def test_small_traces_are_drawn_as_the_page_says(tmp_path):
    page = run.PAGE.read_text(encoding="utf-8")
    text = run.small_traces(tmp_path)
    assert run.put(page, "small traces", text) == page, "run tests/compare/run.py --small"
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (run.FOLDER / path.name).read_bytes()
