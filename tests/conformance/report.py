"""report: collects what the probes found, and shows it as a table and as JSON.

Is:     pytest's hooks for the mark `probe(item, says)`. A probe that fails is a `fail`, one that is skipped a
        `not applicable` with its reason.
"""

import json
import time
from pathlib import Path

import pytest
from items import ITEMS, UNSEEN, order

PASS, FAIL, NOT_APPLICABLE = "pass", "fail", "not applicable"


def name_of(item):
    """The name of a probe: file::function[parameters], without folders and `test_`."""
    path, _, rest = item.nodeid.partition("::")
    return f"{Path(path).stem.removeprefix('test_conform_')}::{rest.removeprefix('test_')}"


def read_known(path):
    """Names of probes, one a line; # begins a comment."""
    lines = (line.partition(" #")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def reason_of(report):
    """Why it failed or was skipped, in one line."""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    return " ".join(text.removeprefix("AssertionError: ").split("\n")[0].split())[:300]


class Reporter:
    def __init__(self, config):
        self.config = config
        self.results = {}  # name -> dict
        self.known = read_known(config.getoption("--known")) if config.getoption("--known") else set()
        self.unused = set(self.known)

    # --- While it runs --------------------------------------------------------------------------

    def pytest_collection_modifyitems(self, items):
        for item in items:
            if name_of(item) in self.known:
                self.unused.discard(name_of(item))
                item.add_marker(pytest.mark.xfail(reason="known", strict=True))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item):
        outcome = yield
        report = outcome.get_result()
        mark = item.get_closest_marker("probe")
        if mark is None or report.when == "teardown" or (report.when == "setup" and report.passed):
            return
        expected = getattr(report, "wasxfail", None) is not None
        if expected or report.failed:
            found = FAIL
        else:
            found = NOT_APPLICABLE if report.skipped else PASS
        strict = report.failed and "[XPASS(strict)]" in str(report.longrepr)
        self.results[name_of(item)] = {
            "item": mark.args[0], "says": mark.args[1], "found": PASS if strict else found,
            "known": name_of(item) in self.known,
            "detail": reason_of(report) if found != PASS and not strict else ""}

    # --- At its end -----------------------------------------------------------------------------

    def by_item(self):
        """{item: {found: [names]}}, in their order, those without probes too."""
        table = {item: {PASS: [], FAIL: [], NOT_APPLICABLE: []} for item in sorted(ITEMS, key=order)}
        for name, result in self.results.items():
            table[result["item"]][result["found"]].append(name)
        return table

    def as_json(self):
        counts = {found: sum(result["found"] == found for result in self.results.values())
                  for found in (PASS, FAIL, NOT_APPLICABLE)}
        items = {}
        for item, found in self.by_item().items():
            document, sentence = ITEMS[item]
            items[item] = {"document": document, "sentence": sentence, "found": verdict(found),
                           "passed": len(found[PASS]), "failed": len(found[FAIL]),
                           "not_applicable": len(found[NOT_APPLICABLE])}
            if item in UNSEEN and not any(found.values()):
                items[item]["reason"] = UNSEEN[item]
        return {"subject": self.config.getoption("--subject"),
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "counts": counts, "items": items,
                "probes": {name: self.results[name] for name in sorted(self.results)}}

    def pytest_terminal_summary(self, terminalreporter):
        if not self.results:
            return
        write = terminalreporter.write_line
        terminalreporter.section("conformance")
        write(f"{'item':<5}{'found':<16}{'pass':>5}{'fail':>5}{'n/a':>5}  what is owed")
        for item, found in self.by_item().items():
            write(f"{item:<5}{verdict(found):<16}{len(found[PASS]):>5}{len(found[FAIL]):>5}"
                  f"{len(found[NOT_APPLICABLE]):>5}  {ITEMS[item][1]}")
        for name, result in sorted(self.results.items()):
            if result["found"] == FAIL:
                write(f"{result['item']} {'known ' if result['known'] else ''}FAIL {name}: {result['says']}: "
                      f"{result['detail']}")
        counts = self.as_json()["counts"]
        write(", ".join(f"{number} {found}" for found, number in counts.items()))

    def pytest_sessionfinish(self, session):
        path = self.config.getoption("--report")
        if path and self.results:
            Path(path).write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")
        if self.unused and not self.config.getoption("keyword"):
            print(f"\nknown, but no probe has that name: {', '.join(sorted(self.unused))}")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def verdict(found):
    """Of an item, by its probes."""
    if found[FAIL]:
        return FAIL
    return PASS if found[PASS] else NOT_APPLICABLE
