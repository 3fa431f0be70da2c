#!/usr/bin/env python3
"""guard: counts the instructions that a span costs, and compares them with a committed ceiling.

Is:     a guard against growing slower that does not time anything: valgrind's callgrind counts what
        tests/bench/tools/cost.c runs on fixed requests, at two numbers of passes, whose difference
        leaves out the start. The same binary gives the same counts on any machine, however busy.
Is not: a measure of time: a cache miss is one instruction.

The ceilings (ceilings.json) are what gcc 12 -O2 needed on x86-64 when they were written; MARGIN lets
other compilers and C libraries pass. Whoever makes it faster lowers them: `guard.py --write`. Whoever
must raise one says why in the commit. A build by clang is not for this: the debug information that it
writes is beyond Debian 12's valgrind. One line for each stage, then `guard: N passed, M failed`.

    build/venv/bin/python tests/bench/guard.py [--write]
"""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("SPANMAP_BUILD") or FOLDER.parents[1] / "build")
CEILINGS = FOLDER / "ceilings.json"
MARGIN = 1.15
SPANS = 20_000
SERVICES = 7
STAGES = ("decode", "feed", "receive", "whole")
SIZES = (10, 100, 1000)


def write_requests(size, path):
    with open(path, "wb") as file:
        subprocess.run([BUILD / "tests/bench/payload", "--services", str(SERVICES), "--spans",
                        str(SPANS), "--size", str(size), "--seed", "3"], stdout=file, check=True)


def instructions(stage, path, passes):
    """What was collected within measured_*() functions."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--collect-atstart=no", "--callgrind-out-file=/dev/null",
         "--toggle-collect=measured_*", BUILD / "tests/bench/cost", stage, path, str(passes)],
        capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise SystemExit(f"guard: cannot count {stage}:\n{done.stdout}{done.stderr[-2000:]}")
    return int(found.group(1))


def measure():
    """{stage: {size: instructions a span}}"""
    with tempfile.TemporaryDirectory() as folder:
        paths = {size: str(Path(folder, str(size))) for size in SIZES}
        for size, path in paths.items():
            write_requests(size, path)
        jobs = [(stage, size, passes) for stage in STAGES for size in SIZES for passes in (1, 2)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            counts = dict(zip(jobs, pool.map(
                lambda job: instructions(job[0], paths[job[1]], job[2]), jobs)))
    return {stage: {str(size): round((counts[stage, size, 2] - counts[stage, size, 1]) / SPANS)
                    for size in SIZES} for stage in STAGES}


def compare(counts, ceilings):
    """How many stages passed, and how many did not."""
    failed = 0
    for stage in STAGES:
        over = [size for size, count in counts[stage].items()
                if count > ceilings[stage][size] * MARGIN]
        failed += bool(over)
        print(f"{stage:8} " + "  ".join(
            f"{size} spans a request: {count} (ceiling {ceilings[stage][size]})"
            for size, count in counts[stage].items()) + ("  FAILED" if over else ""))
    return len(STAGES) - failed, failed


def main():
    if platform.machine() not in ("x86_64", "AMD64"):
        print("guard: the ceilings are for x86-64; nothing is compared here")
        return 0
    if shutil.which("valgrind") is None:
        print("guard: valgrind is missing", file=sys.stderr)
        return 1
    counts = measure()
    if "--write" in sys.argv[1:]:
        CEILINGS.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    passed, failed = compare(counts, json.loads(CEILINGS.read_text(encoding="utf-8")))
    print(f"guard: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
