"""compare: runs `spanmap map`, says how two maps differ, and shrinks what makes them differ."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

from . import otlp_json
from .model import judge, options_of

ROOT = Path(__file__).resolve().parents[2]
SECONDS = ("client_seconds", "server_seconds", "network_seconds", "messaging_seconds")
TOLERANCE = 1e-9  # relative; the map's numbers are printed as doubles
RUN_TIMEOUT_S = 120
SHRINK_RUNS_MAX = 400


def binary():
    path = Path(os.environ.get("SPANMAP") or "build/spanmap")
    return str(path if path.is_absolute() else ROOT / path)


def setting(value):
    """An option's value as --set takes it; JSON is YAML's flow form."""
    return value if isinstance(value, str) else json.dumps(value)


def run_map(paths, options=None, self_edges=True):
    """The map of these files, drawn by the program under test."""
    command = [binary(), "map", "--format", "json"] + (["--self-edges"] if self_edges else [])
    for key, value in (options or {}).items():
        command += ["--set", f"{key}={setting(value)}"]
    done = subprocess.run(command + [str(path) for path in paths], capture_output=True,
                          timeout=RUN_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}: "
                             + done.stderr.decode(errors="replace")[-2000:])
    return json.loads(done.stdout)


def map_of(requests, options=None, self_edges=True):
    """The same for lists of spans, one request each."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "input.jsonl")
        otlp_json.write(path, requests)
        return run_map([path], options, self_edges)


def bare(answer):
    """What must be equal between two runs on the same spans: everything but the version."""
    return {key: value for key, value in answer.items() if key != "spanmap"}


# --- Differences ----------------------------------------------------------------------------------


def near(one, two):
    if one is None or two is None:
        return one is two
    return abs(one - two) <= TOLERANCE * max(abs(one), abs(two), 1e-9)


def _compare_seconds(where, expected, actual, out):
    if expected is None or actual is None:
        if expected is not actual:
            out.append(f"{where}: expected {expected}, got {actual}")
        return
    for key, value in expected.items():
        if not near(value, actual.get(key)):
            out.append(f"{where}.{key}: expected {value}, got {actual.get(key)}")


def _compare_items(what, expected, actual, seconds, out):
    for key in sorted(set(expected) | set(actual)):
        where = f"{what} {key}"
        if key not in actual:
            out.append(f"{where}: missing; expected {expected[key]['requests']} requests")
        elif key not in expected:
            out.append(f"{where}: not expected; has {actual[key]['requests']} requests")
        else:
            for field in ("requests", "failed"):
                if not near(expected[key][field], actual[key][field]):
                    out.append(f"{where}.{field}: expected {expected[key][field]}, "
                               f"got {actual[key][field]}")
            for field in seconds:
                _compare_seconds(f"{where}.{field}", expected[key][field], actual[key][field], out)


def edge_key(edge):
    kind = f" [{edge['connection_type']}]" if edge["connection_type"] else ""
    return f"{edge['client']} -> {edge['server']}{kind}"


def by_key(items, key):
    out = {}
    for item in items:
        name = key(item)
        assert name not in out, f"{name} is there twice"
        out[name] = item
    return out


def flat_accounting(accounting):
    """{"paired": 2, "unpaired.no_server": 1, ...} without zeros."""
    out = {}
    for key, value in accounting.items():
        if isinstance(value, dict):
            out.update({f"{key}.{reason}": count for reason, count in value.items() if count})
        elif value:
            out[key] = value
    return out


def law_broken(accounting):
    """received = the sum of all classes; after `map` nothing waits."""
    flat = flat_accounting(accounting)
    total = sum(count for name, count in flat.items() if name != "received")
    if total != flat.get("received", 0):
        return [f"accounting: received {flat.get('received', 0)}, all classes {total}: {flat}"]
    return ["accounting: spans still wait"] if flat.get("waiting") else []


def differences(expected, actual):
    """Sentences; none if the maps are equal."""
    out = law_broken(actual["accounting"])
    edges = [by_key(each["edges"], edge_key) for each in (expected, actual)]
    nodes = [by_key(each["nodes"], lambda node: node["id"]) for each in (expected, actual)]
    _compare_items("edge", edges[0], edges[1], SECONDS, out)
    _compare_items("node", nodes[0], nodes[1], ("seconds",), out)
    one, two = (flat_accounting(each["accounting"]) for each in (expected, actual))
    for key in sorted(set(one) | set(two)):
        if one.get(key, 0) != two.get(key, 0):
            out.append(f"accounting {key}: expected {one.get(key, 0)}, got {two.get(key, 0)}")
    return out


def differences_on(spans, options=None):
    """How the program under test differs from the model on these spans."""
    try:
        return differences(judge(spans, **options_of(options or {})), map_of([spans], options))
    except AssertionError as error:
        return [str(error)]


# --- Shrinking ------------------------------------------------------------------------------------


def _shrink_list(items, fails, budget):
    """Leaves out ever smaller runs of items while what is left still fails."""
    size = max(1, len(items) // 2)
    while budget[0] > 0:
        at = 0
        while at < len(items) and budget[0] > 0:
            rest = items[:at] + items[at + size:]
            budget[0] -= 1
            if rest and fails(rest):
                items = rest
            else:
                at += size
        if size == 1:
            break
        size //= 2
    return items


def shrink(spans, fails):
    """The fewest traces, then the fewest spans, that still fail; order is kept."""
    budget = [SHRINK_RUNS_MAX]
    traces = list(dict.fromkeys(span.trace for span in spans))

    def of(kept):
        kept = set(kept)
        return [span for span in spans if span.trace in kept]

    traces = _shrink_list(traces, lambda kept: fails(of(kept)), budget)
    return _shrink_list(of(traces), fails, budget)


def describe(spans):
    """One line a span, for people."""
    lines = []
    for span in spans:
        service = "/".join(str(span.resource.get("service." + key, ""))
                           for key in ("namespace", "name"))
        lines.append(f"{span.trace[-4:]} {span.id} of {span.parent or '-':16} "
                     f"{otlp_json.KIND_NAMES[span.kind]:8} {service:12} "
                     f"{otlp_json.STATUS_NAMES[span.status]:5} {span.start}..{span.end} "
                     f"{span.tracestate} {span.attributes or ''} "
                     + " ".join(f"->{trace[-4:]}:{span_id}" for trace, span_id in span.links))
    return "\n".join(lines)


def explain(seed, spans, options=None):
    """Shrinks a failure; returns the text to show, with the path of the small input."""
    small = shrink(spans, lambda kept: differences_on(kept, options))
    handle, path = tempfile.mkstemp(prefix=f"spanmap-seed{seed}-", suffix=".jsonl")
    os.close(handle)
    otlp_json.write(path, [small])
    return (f"seed {seed}: spanmap differs from the model; smallest input: {path}"
            f"{' with ' + str(options) if options else ''}\n"
            + "\n".join(differences_on(small, options)) + "\n" + describe(small))
