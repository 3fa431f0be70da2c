"""A map may not be much higher than it is wide. The drawing helper looks at dot's ranks to save itself
a layout; what it draws must be what two whole layouts give, whatever the shape."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402

HELPER = Path(binary()).parent / "libexec" / "spanmap-draw"
MAX = 0.6
PADDING = 2 * 0.2 * 72  # graph [pad], in points.

pytestmark = pytest.mark.skipif(not HELPER.exists(), reason="spanmap-draw is not built: Graphviz is missing")


def chain(number, rng):
    return {(i - 1, i) for i in range(1, number)} | {
        (i, min(number - 1, i + rng.randint(1, 4))) for i in range(0, number, 9)}


def stars(number, _rng):
    return {(i % 4, i) for i in range(4, number)} | {(0, 1), (1, 2)}


def rows(number, rng):
    return {(i - 3, i) for i in range(3, number)} | {
        tuple(sorted((rng.randrange(number), rng.randrange(number)))) for _ in range(number // 3)}


def tree(number, rng):
    return {(rng.randrange(max(0, i - 6), i), i) for i in range(1, number)}


def sparse(number, rng):
    return {tuple(sorted((rng.randrange(number), rng.randrange(number)))) for _ in range(number * 3 // 2)}


def circles(number, rng):
    return {(rng.randrange(number), rng.randrange(number)) for _ in range(number * 3 // 2)}


def alone(_number, _rng):
    return set()


def cell(width, height):
    return ('<<TABLE BORDER="0" CELLPADDING="0" CELLSPACING="0"><TR><TD FIXEDSIZE="TRUE" '
            f'WIDTH="{width}" HEIGHT="{height}">a</TD></TR></TABLE>>')


def describe(shape, number, labels, cluster, seed):
    """As exporters/dot.c does, with one line for the height: HEIGHT."""
    rng = random.Random(seed)
    lines = ["digraph spanmap {", "graph [rankdir=LR, newrank=true, nodesep=0.35, ranksep=0.6, pad=0.2];",
             "HEIGHT", 'node [margin="0.1,0.06", height=0.5, width=1.2];']
    edges = sorted(shape(number, rng))
    lines += ["subgraph cluster_1 {"] if cluster else []
    for i in range(number):
        lines += ["}"] if cluster and i == number // 2 else []
        lines.append(f"n{i} [label={cell(rng.randint(20, 200), 30)}, "
                     f"shape={rng.choice(['box', 'ellipse', 'cylinder'])}];")
    label = f" [label={cell(60, 30)}]" if labels else ""
    lines += [f"n{a} -> n{b}{label};" for a, b in edges]
    lines += [f"n{a} -> n{b} [style=dashed];" for a, b in edges[::20]]  # Of another kind.
    lines.append(f"label={cell(rng.choice([200, 900]), 40)};}}")
    return "\n".join(lines)


def draw(text):
    done = subprocess.run([HELPER, "svg", "60", str(1 << 30)], input=text.encode(), capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def is_high(svg):
    width, height = (float(number) - PADDING for number in
                     re.search(rb'<svg width="(\d+)pt" height="(\d+)pt"', svg).groups())
    return height > MAX * width


SHAPES = [chain, stars, rows, tree, sparse, circles, alone]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_one_layout_draws_what_two_would(shape):
    for seed, number in enumerate((25, 40, 70)):
        for labels, cluster in ((True, False), (False, True)):
            text = describe(shape, number, labels, cluster, seed)
            free = draw(text.replace("HEIGHT", ""))
            wanted = draw(text.replace("HEIGHT", f"ratio={MAX};")) if is_high(free) else free
            assert draw(text.replace("HEIGHT", f"spanmap_height_max={MAX};")) == wanted


def test_shapes_are_high_and_wide():
    """Else the other test would see one way only."""
    seen = {is_high(draw(describe(shape, 40, True, False, 1).replace("HEIGHT", ""))) for shape in SHAPES}
    assert seen == {True, False}
