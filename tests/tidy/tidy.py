#!/usr/bin/env python3
"""The rules of the tree, as code. Prints each finding with its place, a line for each
check, and `N passed, M failed`; exits with 1 if any check found anything."""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import checks
from tree import Tree


def clang_format(root: Path) -> str | None:
    finder = root / "scripts" / "clang-format.sh"
    if not finder.is_file():
        return None
    run = subprocess.run(["sh", str(finder)], cwd=root, capture_output=True, text=True,
                         check=False)
    return run.stdout.strip() or None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--build", type=Path, help="a finished build to look into")
    parser.add_argument("--cflags", default="-I.", help="what the compiler is told")
    parser.add_argument("--draw-cflags", default="", help="the same for the drawing helper")
    parser.add_argument("--only", help="one check, by name")
    options = parser.parse_args()

    tree = Tree(
        root=options.root,
        build=options.build,
        cc=os.environ.get("CC", "cc"),
        cflags=shlex.split(options.cflags),
        draw_cflags=shlex.split(options.draw_cflags),
        clang_format=clang_format(options.root),
    )
    passed = failed = skipped = 0
    for check in checks.ALL:
        name = check.__name__.removeprefix("check_")
        if options.only and name != options.only:
            continue
        try:
            findings = list(check(tree))
        except checks.Skipped as reason:
            print(f"{name}: skipped, {reason}")
            skipped += 1
            continue
        for finding in findings:
            print(f"{name}: {finding}")
        passed += not findings
        failed += bool(findings)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
