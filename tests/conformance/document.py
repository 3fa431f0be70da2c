"""document.py NAME=REPORT[,REPORT...] ...: writes docs/CONFORMANCE.md from reports (--report) to standard output.

A probe of several reports of one subject failed if it failed in any of them, passed if it passed in any.
"""

import json
import sys

from items import ITEMS, UNSEEN, order
from report import FAIL, NOT_APPLICABLE, PASS

HEAD = """# Conformance

What a server of OTLP owes its clients, item by item, and what was found when `tests/conformance` asked.
This page is made by `make conformance` from the suite's own reports; tests compare it with what they find.
The suite needs nothing of spanmap and judges any server: see its [README](../tests/conformance/README.md).
A: the OpenTelemetry Protocol specification 1.11.0 and what browsers need. C: HTTP/2, gRPC and the faults that
servers had. Numbers are probes; an item fails if one of its probes does.

spanmap was asked five times by `tests/e2e/test_conformance.py`: with all signals and one origin let in, as it is by
default, with little memory, with the default limit, and over TLS. The Collector was asked once, by
`tests/interop/test_collector_conformance.py`, with the configuration that lies beside it. Where it fails, that is a
deviation from the item as written here; most do no harm to its users, and some are other readings of the text.
"""


def merged(paths):
    """{probe: result} over the reports."""
    rank = {FAIL: 2, PASS: 1, NOT_APPLICABLE: 0}
    out = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for name, result in json.load(file)["probes"].items():
                if name not in out or rank[result["found"]] > rank[out[name]["found"]]:
                    out[name] = result
    return out


def cell(probes, item):
    """What was found of an item."""
    found = [result["found"] for result in probes.values() if result["item"] == item]
    passed, failed = found.count(PASS), found.count(FAIL)
    if failed:
        return f"**{failed} of {passed + failed} fail**"
    return f"{passed} pass" if passed else "n/a"


def column(probes):
    """{item: cell} in the table's order."""
    return {item: cell(probes, item) for item in sorted(ITEMS, key=order)}


def table(subjects):
    yield "| item | what is owed | " + " | ".join(subjects) + " |"
    yield "|---|---|" + "---|" * len(subjects)
    columns = [column(probes) for probes in subjects.values()]
    for item in sorted(ITEMS, key=order):
        section, sentence = ITEMS[item]
        yield f"| {item} | {sentence} *({section})* | " + " | ".join(found[item] for found in columns) + " |"
    sums = []
    for probes in subjects.values():
        found = [result["found"] for result in probes.values()]
        sums.append(f"{found.count(PASS)} pass, {found.count(FAIL)} fail")
    yield "| all | | " + " | ".join(sums) + " |"


def reasons(name, probes):
    """Why probes of this subject did not apply."""
    found = {}
    for result in probes.values():
        if result["found"] == NOT_APPLICABLE:
            found.setdefault(result["detail"], set()).add(result["item"])
    if found:
        yield f"## Not applicable to {name}"
        yield ""
        for reason in sorted(found):
            yield f"- {', '.join(sorted(found[reason], key=order))}: {reason}."
        yield ""


def deviations(name, probes):
    """Which probes failed, by what they say."""
    failed = {}
    for probe, result in probes.items():
        if result["found"] == FAIL:
            failed.setdefault((order(result["item"]), result["item"], result["says"]), []).append(probe)
    if failed:
        yield f"## Deviations of {name}"
        yield ""
        for (_, item, says), probes_of_it in sorted(failed.items()):
            yield f"- **{item}** {says}: {len(probes_of_it)} fail, as `{sorted(probes_of_it)[0]}`."
        yield ""


def document(subjects):
    lines = [HEAD, *table(subjects), "", "## What no client can see", ""]
    lines += [f"- {item}: {reason}." for item, reason in sorted(UNSEEN.items(), key=lambda pair: order(pair[0]))]
    lines.append("")
    for name, probes in subjects.items():
        lines += [*deviations(name, probes), *reasons(name, probes)]
    return "\n".join(lines).rstrip("\n") + "\n"


def column_of(text, name):
    """{item: cell} of a subject, read back from the page."""
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    at = rows[0].index(name)
    return {row[0]: row[at] for row in rows[2:] if row[0] != "all"}


def main():
    subjects = {}
    for argument in sys.argv[1:]:
        name, _, paths = argument.partition("=")
        subjects[name] = merged(paths.split(","))
    sys.stdout.write(document(subjects))


if __name__ == "__main__":
    main()
