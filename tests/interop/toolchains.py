"""Builds the senders, once for all checkouts, outside of the tree; skips aloud what cannot be built."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spanmap"
BUILD_S = 1200


def require(*programs):
    """Without one of them the test is skipped, or fails where CI promises that all are there."""
    missing = [program for program in programs if not shutil.which(program)]
    if not missing:
        return
    reason = f"{' and '.join(missing)} not found: this SDK is NOT tested"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(*argv, cwd):
    done = subprocess.run(argv, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=BUILD_S, check=False)
    assert done.returncode == 0, f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout[-3000:]}"


def built(language, *commands):
    """A directory with a copy of that language's sources, after these commands; kept for as long as
    the sources stay as they are."""
    sources = sorted(path for path in (HERE / language).iterdir() if path.is_file())
    digest = hashlib.sha256(repr(commands).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    target = CACHE / f"sender-{language}-{digest.hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as work:
                unfinished = Path(work, "sender")
                unfinished.mkdir()
                for path in sources:
                    shutil.copy(path, unfinished)
                for command in commands:
                    run(*command, cwd=unfinished)
                unfinished.rename(target)
    return target


def python():
    return [sys.executable, str(HERE / "python/sender.py")]


def javascript():
    require("node", "npm")
    directory = built("javascript", ("npm", "ci", "--omit=dev", "--no-audit", "--no-fund"))
    return ["node", str(directory / "sender.mjs")]


def go():
    require("go")
    directory = built("go", ("go", "build", "-o", "sender", "."))
    return [str(directory / "sender")]


def java():
    require("java", "mvn")
    directory = built("java", ("mvn", "-q", "-B", "dependency:copy-dependencies",
                               "-DoutputDirectory=lib"))
    return ["java", "-cp", str(directory / "lib/*"), str(directory / "Sender.java")]


# A Collector's own metrics have a port that only one can have.
SILENT = ["--config", "yaml:service::telemetry::metrics::level: none"]


def environment(more):
    """The user's, without proxies, and with this."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")} | more


def collector():
    require("go")
    done = subprocess.run(["sh", str(ROOT / "scripts/collector.sh")], text=True, timeout=BUILD_S,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def go_program(package):
    """A program as it is published: MODULE/PATH@VERSION."""
    require("go")
    name = package.rpartition("@")[0].rpartition("/")[2]
    target = CACHE / f"go-{hashlib.sha256(package.encode()).hexdigest()[:16]}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / name).exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as work:
                run("env", f"GOBIN={target}", "go", "install", package, cwd=work)
    return str(target / name)


def browser():
    """The folder with sender.bundle.js, which a page loads."""
    require("node", "npm")
    return built("browser", ("npm", "ci", "--no-audit", "--no-fund"),
                 ("node_modules/.bin/esbuild", "sender.js", "--bundle", "--format=iife", "--target=chrome110",
                  "--log-level=error", "--outfile=sender.bundle.js"))


H2SPEC = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"


def h2spec():
    """The path of the HTTP/2 conformance tester."""
    require("go")
    target = CACHE / "h2spec-2.2.1"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / "h2spec").exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as work:
                run("env", f"GOBIN={work}", "go", "install", H2SPEC, cwd=work)
                target.mkdir(exist_ok=True)
                shutil.move(Path(work, "h2spec"), target)
    return str(target / "h2spec")
