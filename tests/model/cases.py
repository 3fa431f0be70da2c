"""cases: the hand-made cases of tests/data/cases, whose README.md says how they are written."""

import json
from dataclasses import dataclass

from . import otlp_json
from .compare import ROOT, edge_key, flat_accounting, near
from .otlp_json import KIND_NAMES, STATUS_NAMES, Span

START_NS = 1_700_000_000_000_000_000


@dataclass
class Case:
    rule: str
    name: str
    spans: list
    expect: dict

    def __str__(self):
        return f"{self.rule.replace(' ', '_')}-{self.name}"


# Short for attributes that many cases need.
SHORT_ATTRIBUTES = {
    "op": "messaging.operation.type", "dest": "messaging.destination.name",
    "group": "messaging.consumer.group.name", "address": "server.address", "port": "server.port",
}
FIELDS = {"service", "id", "of", "trace", "raw_id", "raw_of", "raw_trace", "kind", "ms", "ns",
          "status", "state", "attributes", "links", "raw_links", "name", *SHORT_ATTRIBUTES}


def _link(text, own_trace):
    """`id` of the own trace, or `trace:id`."""
    trace, _, span_id = text.rpartition(":")
    return (trace.rjust(32, "0") if trace else own_trace, span_id.rjust(16, "0"))


def _links(short, trace):
    for one in short.get("links", ()):
        text, _, times = one.partition(" x")
        yield from [_link(text, trace)] * int(times or 1)
    yield from (tuple(one) for one in short.get("raw_links", ()))


def _span(short):
    unknown = set(short) - FIELDS
    assert not unknown, f"no such field in a case's span: {unknown}"
    resource = {}
    if "service" in short:
        namespace, _, name = short["service"].rpartition("/")
        resource = {"service.name": name}
        if namespace:
            resource["service.namespace"] = namespace
    start_ms, end_ms = short.get("ms", (0, 10))
    start, end = short.get("ns", (START_NS + start_ms * 10**6, START_NS + end_ms * 10**6))
    parent = short["of"].rjust(16, "0") if "of" in short else ""
    trace = short.get("raw_trace", short.get("trace", "1").rjust(32, "0"))
    attributes = {key: short[word] for word, key in SHORT_ATTRIBUTES.items() if word in short}
    return Span(
        trace=trace,
        id=short.get("raw_id", short.get("id", "").rjust(16, "0")),
        parent=short.get("raw_of", parent),
        kind=KIND_NAMES.index(short.get("kind", "NONE")),
        name=short.get("name", "op"),
        start=start, end=end,
        status=STATUS_NAMES.index(short.get("status", "UNSET")),
        tracestate=short.get("state", ""),
        attributes={**attributes, **short.get("attributes", {})},
        resource=resource,
        links=list(_links(short, trace)),
    )


def _views(case):
    """A case with `views` is one case for each view of messaging."""
    if "views" not in case:
        yield case["name"], case
        return
    for view, expect in case["views"].items():
        settings = dict(case.get("set", {}), **{"map.messaging": view})
        yield f"{case['name']}-{view}", {**case, **expect, "set": settings}


def load():
    out = []
    for path in sorted((ROOT / "tests" / "data" / "cases").glob("*.json")):
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        for each in content["cases"]:
            for name, case in _views(each):
                spans = [_span(short) for short in case["spans"]]
                out.append(Case(content["rule"], name, spans, case))
    return out


def _check_seconds(where, expected, actual, out):
    if expected is None or actual is None:
        if expected is not actual:
            out.append(f"{where}: expected {expected}, got {actual}")
        return
    if isinstance(expected, list):
        expected = {"count": expected[0], "sum": expected[1]}
    for key, value in expected.items():
        if not near(value, actual[key]):
            out.append(f"{where}.{key}: expected {value}, got {actual[key]}")


def _check_edges(expected, actual, out):
    found = {edge_key(edge): edge for edge in actual}
    for key in sorted(set(expected) | set(found)):
        if key not in found or key not in expected:
            out.append(f"edge {key}: " + ("missing" if key not in found else "not expected"))
            continue
        for field, default in (("requests", 1), ("failed", 0)):
            if not near(expected[key].get(field, default), found[key][field]):
                out.append(f"edge {key}.{field}: expected {expected[key].get(field, default)}, "
                           f"got {found[key][field]}")
        for field in ("client", "server", "network", "messaging"):
            if field in expected[key]:
                _check_seconds(f"edge {key}.{field}", expected[key][field],
                               found[key][field + "_seconds"], out)


def _check_nodes(expected, actual, out):
    found = {node["id"]: node for node in actual}
    if set(expected) != set(found):
        out.append(f"nodes: expected {sorted(expected)}, got {sorted(found)}")
    elif isinstance(expected, dict):
        for key, node in expected.items():
            for field in ("requests", "failed"):
                if not near(node[field], found[key][field]):
                    out.append(f"node {key}.{field}: expected {node[field]}, "
                               f"got {found[key][field]}")
            _check_seconds(f"node {key}.seconds", node["seconds"], found[key]["seconds"], out)


def check(case, answer):
    """How the answer differs from what the case expects: sentences, none if it does not."""
    out = []
    _check_edges(case.expect["edges"], answer["edges"], out)
    if "nodes" in case.expect:
        _check_nodes(case.expect["nodes"], answer["nodes"], out)
    if "classes" in case.expect:
        got = flat_accounting(answer["accounting"])
        if got != dict(case.expect["classes"], received=len(case.spans)):
            out.append(f"classes: expected {case.expect['classes']}, got {got}")
    return out


def write(path, case):
    """The case as an OTLP/JSON file."""
    otlp_json.write(path, [case.spans])
