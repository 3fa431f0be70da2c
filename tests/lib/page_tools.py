"""page_tools: Node's tools for the page's modules, in a copy of them outside of the tree.

The page needs no Node, so the tree has no package.json beside it: a copy gets one.
"""

import contextlib
import fcntl
import filecmp
import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300


def folder():
    """The copy: exporters/web and tests/web below a package of modules."""
    build = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")
    return build / "web"


def run(*command, cwd):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@functools.cache
def prepare():
    """Makes the copy anew; skips, and says why, where there is no Node of use."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not here: the page's modules are not tested")
    version = run(node, "--version", cwd=ROOT).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < 18:
        pytest.skip(f"node {version} is too old: the page's modules are not tested")
    target = folder()
    with _alone():
        for part in ("exporters/web", "tests/web"):
            _follow(ROOT / part, target / part)
        shutil.copy(ROOT / "tests/web/package.json", target)
    return target


@contextlib.contextmanager
def _alone():
    """No other run of the tests changes the copy meanwhile."""
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / ".lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _follow(source, target):
    """Makes the files of one folder those of another, and touches none that is right: others may read it."""
    target.mkdir(parents=True, exist_ok=True)
    wanted = {path.name for path in source.iterdir() if path.is_file()}
    for path in target.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()
    for name in wanted:
        if not (target / name).exists() or not filecmp.cmp(source / name, target / name, shallow=False):
            shutil.copy(source / name, target / name)


def _install():
    """What tests/web/package.json names, in the copy; skips, and says why, where that cannot be had."""
    target = prepare()
    wanted = (target / "package.json").read_text(encoding="utf-8")
    stamp = target / "node_modules/.wanted"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return target / "node_modules"
    with _alone():
        return _install_alone(target, wanted, stamp)


def _install_alone(target, wanted, stamp):
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return target / "node_modules"
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not here: the tools that check the page cannot be had")
    done = run(npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", cwd=target)
    if done.returncode != 0:
        pytest.skip(f"npm cannot install the tools that check the page: {done.stderr[-300:]}")
    stamp.write_text(wanted, encoding="utf-8")
    return target / "node_modules"


@functools.cache
def typescript():
    """The path of the compiler of the version that tests/web/package.json names."""
    return _install() / "typescript/bin/tsc"


@functools.cache
def axe():
    """The script of axe-core, which looks for what keeps people from using a page."""
    return (_install() / "axe-core/axe.min.js").read_text(encoding="utf-8")
