"""Feeds the Collector and spanmap the same traces, and writes what came out into docs/COMPARISON.md.

    run.py [--small]   --small renews the small traces alone, and asks no Collector

`make comparison` runs it; it fails where a difference has no reason. The text between the page's marks is written by this program.
"""

import datetime
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import spanmetrics  # noqa: E402
from model import compare, otlp_json  # noqa: E402
from traces import TRACES  # noqa: E402

PAGE = compare.ROOT / "docs/COMPARISON.md"
FOLDER = compare.ROOT / "tests/data/comparison"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def versions():
    builder = (compare.ROOT / "tests/interop/collector/builder.yaml").read_text(encoding="utf-8")
    collector = re.search(r"^  version: *(\S+)", builder, re.M).group(1)
    spanmap = subprocess.run([compare.binary(), "version"], capture_output=True, text=True,
                             check=True).stdout.split("\n")[0]
    return (f"Run on {datetime.date.today()}: OpenTelemetry Collector {collector} "
            f"(`span_metrics` connector, `prometheus` exporter), {spanmap}.")


def label(key):
    namespace, service, name, kind, status = key
    return (f"`{namespace + '/' if namespace else ''}{service}` `{name}` "
            f"{kind[len('SPAN_KIND_'):]} {status[len('STATUS_CODE_'):]}")


def span_metrics():
    rows = []
    reasons = {}
    faults = []
    for name, make in spanmetrics.INPUTS.items():
        outcome = spanmetrics.judge(make())
        faults += [f"{name}: {fault}" for fault in outcome.unexplained]
        why = "; ".join(f"{reason}: {number}" for reason, number in sorted(outcome.differ.items()))
        rows.append((name, outcome.spans, outcome.same, why or "none"))
        for reason, example in outcome.examples.items():
            if reason not in reasons or example[0] < reasons[reason][0]:
                reasons[reason] = example
    details = [(reason, *spanmetrics.REASONS[reason], label(key), one, two)
               for reason, (_, key, one, two) in reasons.items()]
    return "\n\n".join([
        versions(),
        table(("input", "spans", "series that agree", "series that differ, by reason"), rows),
        table(("reason", "the Collector", "spanmap", "for example", "the Collector says",
               "spanmap says"), details),
    ]), faults


def drawn(path):
    relative = os.path.relpath(path, compare.ROOT)
    answer = compare.run_map([path])
    edges = []
    for edge in answer["edges"]:
        kind = f" ({edge['connection_type']})" if edge["connection_type"] else ""
        names = [edge[side].split("/", 1)[1].lstrip("/") for side in ("client", "server")]
        sides = [f"{side} {edge[side + '_seconds']['sum']:.6g} s" for side in ("client", "server")
                 if edge[side + "_seconds"]]
        edges.append(f"{names[0]} → {names[1]}{kind}: {edge['requests']:g}"
                     + (f", {edge['failed']:g} failed" if edge["failed"] else "")
                     + (f"; {', '.join(sides)}" if sides else ""))
    return f"`spanmap map --format text {relative}`", "<br>".join(edges)


def small_traces(folder=FOLDER):
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for trace in TRACES:
        path = FOLDER / f"{trace.name}.json"
        otlp_json.write(folder / path.name, [trace.spans])
        command, edges = drawn(path)
        parts.append(f"### {trace.title}\n\n" + table(("", "edges"), [
            (command, edges), ("servicegraph connector", trace.connector), ("Tempo", trace.tempo)]))
    return "\n\n".join(parts)


def put(page, name, text):
    begin, end = f"<!-- {name} -->\n", "<!-- end -->"
    at = page.index(begin) + len(begin)
    return page[:at] + text + "\n" + page[page.index(end, at):]


def main():
    page = PAGE.read_text(encoding="utf-8")
    if "--small" not in sys.argv[1:]:
        text, faults = span_metrics()
        if faults:
            raise SystemExit("without a reason:\n" + "\n".join(faults))
        page = put(page, "span metrics", text)
    PAGE.write_text(put(page, "small traces", small_traces()), encoding="utf-8")


if __name__ == "__main__":
    main()
