"""conformance: runs the suite of tests/conformance as a stranger would, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "tests/conformance"
RUN_S = 900


def reports():
    """Where reports are kept for `make conformance`."""
    folder = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build") / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(subject, report, *arguments, files=("",)):
    """(exit code, what it wrote, {probe: result}) of the suite, or of some of its files."""
    path = reports() / f"{report}.json"
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--subject", subject,
               "--report", str(path), *arguments, *(str(SUITE / file) for file in files)]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=RUN_S, check=False)
    assert path.exists(), done.stdout[-3000:]
    return done.returncode, done.stdout, json.loads(path.read_text(encoding="utf-8"))["probes"]


def document():
    """The module that makes docs/CONFORMANCE.md."""
    sys.path.insert(0, str(SUITE))
    try:
        import document as module
        return module
    finally:
        sys.path.remove(str(SUITE))


def assert_documented(subject, *names):
    """docs/CONFORMANCE.md says of this subject what these reports say."""
    module = document()
    page = (ROOT / "docs/CONFORMANCE.md").read_text(encoding="utf-8")
    found = module.column(module.merged([reports() / f"{name}.json" for name in names]))
    assert module.column_of(page, subject) == found, "`make conformance` renews docs/CONFORMANCE.md"


def main():
    """Writes docs/CONFORMANCE.md, from the reports that are there, to standard output."""
    module = document()
    spanmap = sorted(reports().glob("spanmap-*.json"))
    collector = reports() / "collector.json"
    name = json.loads(collector.read_text(encoding="utf-8"))["subject"].removeprefix("the ")
    sys.stdout.write(module.document({"spanmap": module.merged(spanmap), name: module.merged([collector])}))


if __name__ == "__main__":
    main()
