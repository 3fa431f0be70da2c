"""report: turns what run.py measured into the tables of docs/BENCHMARKS.md and README.md.

Is:     text between the marks `<!-- bench NAME -->` and `<!-- end -->`; what stands around them is
        written by hand and holds no figure.
"""

import os
import platform
import statistics
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "BENCHMARKS.md"
README = ROOT / "README.md"


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"({min(values):.{digits}f}-{max(values):.{digits}f})")


def median(rows, key):
    return statistics.median(row[key] for row in rows)


def better(ours, theirs, digits=0):
    """Both as text, the smaller one in bold."""
    texts = [f"{ours:.{digits}f}", f"{theirs:.{digits}f}"]
    winner = 0 if ours <= theirs else 1
    texts[winner] = f"**{texts[winner]}**"
    return texts


# --- What it was measured on ----------------------------------------------------------------------


def output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout
    except OSError:
        return ""


def about(seconds, options):
    cpu = next((line.split(":", 1)[1].strip()
                for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
                if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    system = next((line.split("=", 1)[1].strip('"') for line in
                   Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
                   if line.startswith("PRETTY_NAME=")), platform.system())
    return {
        "machine": f"{os.cpu_count()} cores of {cpu}, {memory:.0f} GiB, {system}, "
                   f"Linux {platform.release().split('-')[0]}",
        "date": output("date", "-u", "+%Y-%m-%d").strip(),
        "commit": output("git", "rev-parse", "--short", "HEAD").strip(),
        "compiler": (output(os.environ.get("CC", "cc"), "--version").splitlines() or [""])[0],
        "load": os.getloadavg()[0],
        "minutes": seconds / 60,
        "only": options.only,
    }


def text_of_about(what):
    return (f"{what['date']}, commit {what['commit']}, {what['machine']}; {what['compiler']}, `-O2`; "
            f"{what['minutes']:.0f} minutes, load average {what['load']:.1f} at the end.")


# --- Tables ---------------------------------------------------------------------------------------


def ratio(ours, theirs):
    """Of each round, since both were measured one after the other."""
    return spread([their["us"] / our["us"] for our, their in zip(ours, theirs)], 1)


def table_of_both(cases):
    lines = ["| | bytes a span | spanmap, us a span | Collector, us a span | ratio | p50, p99 ms: "
             "spanmap | Collector | resident MB: spanmap | Collector |",
             "|---|---|---|---|---|---|---|---|---|"]
    for name, results in cases:
        ours, theirs = results["spanmap"], results.get("Collector")
        row = [name, f"{ours[0]['bytes']:.0f}", spread([one["us"] for one in ours])]
        own_latency = f"{median(ours, 'p50_ms'):.2f}, {median(ours, 'p99_ms'):.2f}"
        if theirs:
            memory = better(median(ours, "resident_mb"), median(theirs, "resident_mb"))
            row += [spread([one["us"] for one in theirs]), ratio(ours, theirs), own_latency,
                    f"{median(theirs, 'p50_ms'):.2f}, {median(theirs, 'p99_ms'):.2f}"] + memory
        else:
            row += ["-", "-", own_latency, "-", f"{median(ours, 'resident_mb'):.0f}", "-"]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines + notes(cases))


def table_of_floors(cases):
    """What is beyond the floor, and how often the Collector's cost holds what no server can do without."""
    lines = ["| | floor, us a span | and summing | spanmap beyond that, us a span | the Collector, in floors | "
             "in floors that sum |", "|---|---|---|---|---|---|"]
    for name, results in cases:
        bare, summing = results["floor"], results["floor, summing"]
        beyond = [one["us"] - least["us"] for one, least in zip(results["spanmap"], summing)]
        row = [name] + [spread([one["us"] for one in rows], 3) for rows in (bare, summing)]
        row.append(spread(beyond))
        theirs = results.get("Collector")
        row += [ratio(rows, theirs) if theirs else "-" for rows in (bare, summing)]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines)


def notes(cases):
    """What was not as it should be, and how much the sender itself needed."""
    out = []
    for name, results in cases:
        for server, rows in results.items():
            for row in rows:
                if row["trouble"]:
                    out.append(f"- {name}, {server}: {row['trouble']}")
                if row["refused"]:
                    out.append(f"- {name}, {server}: {row['refused']} requests were refused for the "
                               "time being, and sent once more")
    sender = [row["sender_us"] for _, results in cases for rows in results.values() for row in rows]
    out.append(f"- The sender needed {min(sender):.2f} to {max(sender):.2f} us a span itself.")
    idle = {server: statistics.median(row["idle_mb"] for _, results in cases
                                      for row in results.get(server, []))
            for server in ("spanmap", "Collector") if server in cases[0][1]}
    out.append("- Idle, before the first span: " + ", ".join(
        f"{server} {megabytes:.0f} MB" for server, megabytes in idle.items()) + ".")
    return [""] + out


def table_inside(cases):
    """Seconds of a million spans, since that is what people know of connectors."""
    lines = ["| | spanmap, s a million spans | span_metrics, s a million spans | ratio | "
             "resident MB: spanmap | span_metrics |", "|---|---|---|---|---|---|"]
    for name, results in cases:
        ours, theirs = results["spanmap"], results["span_metrics"]
        lines.append("| " + " | ".join(
            [name, spread([one["us"] for one in ours]), spread([one["us"] for one in theirs]), ratio(ours, theirs)]
            + better(median(ours, "resident_mb"), median(theirs, "resident_mb"))) + " |")
    troubles = [f"- {name}: {row['trouble']}" for name, results in cases for row in results["spanmap"]
                if row["trouble"]]
    return "\n".join(lines + ([""] + troubles if troubles else []))


def table_alone(cases):
    lines = ["| | us a span | spans a second | resident MB |", "|---|---|---|---|"]
    for name, rows in cases:
        lines.append(f"| {name} | {spread([one['us'] for one in rows])} | "
                     f"{median(rows, 'spans_per_s'):,.0f} | {median(rows, 'resident_mb'):.0f} |")
    troubles = [f"- {name}: {row['trouble']}" for name, rows in cases for row in rows
                if row["trouble"]]
    return "\n".join(lines + ([""] + troubles if troubles else []))


def table_of_scrapes(scrapes):
    lines = ["| | samples | MB | ms of processor time | us a sample |", "|---|---|---|---|---|"]
    for name, row in scrapes.items():
        if not row["series"]:
            lines.append(f"| {name} | no answer | - | - | - |")
            continue
        lines.append(f"| {name} | {row['series']:,} | {row['mb']:.1f} | {row['ms']:.0f} | "
                     f"{row['ms'] * 1e3 / row['series']:.2f} |")
    return "\n".join(lines)


def table_of_maps(maps):
    """Processor time; the ratios are of each round."""
    lines = ["| services | nodes, edges drawn | SVG, MB | `map --format svg`, ms | of it reading, counting "
             "| `/map.svg`, ms | of it the helper | `dot -Tsvg`, ms | of it its start "
             "| **`/map.svg` / `dot`** | without its start | `map` / `dot` |",
             "|---" * 12 + "|"]
    for services, rows in maps.items():
        cells = [f"{int(services):,}", f"{rows[0]['nodes']}, {rows[0]['edges']}", f"{rows[0]['mb']:.2f}"]
        cells += [spread([row[key] * 1e3 for row in rows], 0)
                  for key in ("whole", "read", "drawing", "helper", "graphviz", "start")]
        cells += [spread([row["drawing"] / row["graphviz"] for row in rows]),
                  spread([row["drawing"] / (row["graphviz"] - row["start"]) for row in rows]),
                  spread([row["whole"] / row["graphviz"] for row in rows])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def block(text):
    return "```\n" + text.rstrip() + "\n```"


def parts(results):
    """{name of a mark: text}"""
    out = {"about": text_of_about(results["about"])}
    if "main" in results:
        out["main"] = table_of_both(results["main"])
        if "floor" in results["main"][0][1]:
            out["floor"] = table_of_floors(results["main"])
    if "others" in results:
        out["others"] = table_of_both(results["others"])
    if "inside" in results:
        out["inside"] = table_inside(results["inside"])
    if "scrape" in results:
        out["scrape"] = table_of_scrapes(results["scrape"])
    for name in ("services", "traces", "threads"):
        if name in results:
            out[name] = table_alone(results[name])
    if "maps" in results:
        out["maps"] = table_of_maps(results["maps"])
    if "micro" in results:
        micro = results["micro"]
        out["decode"] = block(micro["decode_bench"] + micro["decode_upb"])
        for name in ("topology", "parts", "series", "exporters"):
            out[name] = block(micro[f"{name}_bench"])
    return out


def readme(results):
    lines = ["| spans a request | spanmap, us a span | Collector, us a span | ratio | resident, MB: "
             "spanmap | Collector |", "|---|---|---|---|---|---|"]
    for name, rounds in results["main"]:
        ours, theirs = rounds["spanmap"], rounds["Collector"]
        memory = better(median(ours, "resident_mb"), median(theirs, "resident_mb"))
        lines.append("| " + " | ".join(
            [name.split()[0], spread([one["us"] for one in ours]),
             spread([one["us"] for one in theirs]), ratio(ours, theirs)] + memory) + " |")
    return "\n".join(lines)


# --- Files ----------------------------------------------------------------------------------------


def put(page, name, text):
    begin, end = f"<!-- bench {name} -->\n", "<!-- end -->"
    at = page.index(begin) + len(begin)
    return page[:at] + text + "\n" + page[page.index(end, at):]


def everything(results):
    return "\n\n".join(f"## {name}\n{text}" for name, text in parts(results).items())


def write(results):
    page = PAGE.read_text(encoding="utf-8")
    for name, text in parts(results).items():
        page = put(page, name, text)
    PAGE.write_text(page, encoding="utf-8")
    if "main" in results and "Collector" in results["main"][0][1]:
        text = README.read_text(encoding="utf-8")
        README.write_text(put(text, "main", readme(results)), encoding="utf-8")
