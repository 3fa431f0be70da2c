"""The page's modules without a browser: their types, and their logic in Node's own test runner."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import page_tools  # noqa: E402

TESTS = sorted(path.name for path in (page_tools.ROOT / "tests/web").glob("*.test.js"))


def test_types_are_right():
    compiler = page_tools.typescript()
    done = page_tools.run("node", str(compiler), "-p", "tests/web/tsconfig.json", cwd=page_tools.folder())
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_type_check_sees_a_fault(tmp_path):
    """Nothing is checked where the compiler finds no files, or is lenient."""
    compiler = page_tools.typescript()
    target = page_tools.folder()
    (tmp_path / "bad.js").write_text('/** @param {number} n */\nexport function f(n) { return n.missing; }\n', encoding="utf-8")
    config = {"extends": str(target / "tests/web/tsconfig.json"), "include": [str(target / "exporters/web/*.js"), "bad.js"]}
    (tmp_path / "tsconfig.json").write_text(json.dumps(config), encoding="utf-8")
    done = page_tools.run("node", str(compiler), "-p", str(tmp_path), cwd=target)
    assert done.returncode != 0
    assert "bad.js" in done.stdout


@pytest.mark.parametrize("name", TESTS)
def test_logic(name):
    target = page_tools.prepare()
    done = page_tools.run("node", "--test", f"tests/web/{name}", cwd=target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# pass 0" not in done.stdout, done.stdout
