"""Past map.edges_max the totals stay, in each picture of messages and in both at once (E9, section 3)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402
from model import generate, otlp_json  # noqa: E402

BOUNDS = (60, 30, 12, 5, 1)


def totals(path, view, *options):
    done = subprocess.run(
        [binary(), "map", "--format", "json", "--self-edges", "--set", f"map.messaging={view}",
         "--set", "topology.shards=1", *options, str(path)],
        capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    edges = json.loads(done.stdout)["edges"]
    delays = sum(edge["messaging_seconds"]["count"] for edge in edges if edge["messaging_seconds"])
    return (sum(edge["requests"] for edge in edges), sum(edge["failed"] for edge in edges), delays,
            len(edges))


@pytest.mark.parametrize("view", ["direct", "broker", "both"])
@pytest.mark.parametrize("seed", range(3))
def test_totals_stay_past_the_bound_of_edges(view, seed, tmp_path):
    path = tmp_path / "spans.jsonl"
    otlp_json.write(path, [generate.scripted(
        seed, generate.Mix(traces=40, duplicates=0, many_links=True)).spans])
    *whole, edges = totals(path, view)
    assert edges > 12 and whole[2] > 0
    for bound in BOUNDS:
        *found, left = totals(path, view, "--set", f"map.edges_max={bound}")
        assert left < edges or bound > edges
        assert found == pytest.approx(whole, rel=1e-9)
