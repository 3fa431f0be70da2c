"""series: the metrics that a run's spans must give (section 4), for comparison with /metrics.

Is:     the series of the service graph, of unpaired spans and of span metrics, from the model.
Is not: what a scraper negotiates, expiry, exemplars, or spanmap's own health.

A sample is (name, labels) -> number, as text format 0.0.4 has it. Series that would get equal
labels are added together.
"""

import re
from collections import defaultdict
from fractions import Fraction

from . import dimensions
from .attributes import text
from .model import duration_of
from .otlp_json import KIND_NAMES, STATUS_NAMES
from .seconds import ONE, Seconds

MS = 10**6
BOUNDS_NS = [bound * MS for bound in
             (2, 4, 6, 8, 10, 50, 100, 200, 400, 800, 1000, 1400, 2000, 5000, 10000, 15000)]
GRAPH = "traces_service_graph_"
SPANS = "traces_spanmetrics_"
FAMILIES = (
    GRAPH + "request_total", GRAPH + "request_failed_total", GRAPH + "request_client_seconds",
    GRAPH + "request_server_seconds", GRAPH + "request_messaging_system_seconds",
    GRAPH + "request_network_seconds", GRAPH + "unpaired_spans_total",
    GRAPH + "dropped_spans_total", SPANS + "calls_total", SPANS + "latency",
)
SELF_SECONDS = SPANS + "self_seconds"
SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


# --- Names of operations (section 3) --------------------------------------------------------------

METHOD = re.compile(r"[A-Z_]{1,16} ")
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NUMBER = re.compile(r"[0-9]+")
HEX_ID = re.compile(r"(?=.*[0-9])[0-9a-fA-F]{8,}")


def operation_name(span):
    """http.route where there is one, else ids, numbers and UUIDs in path-like names become {id}.

    Reading: a name with a slash is path-like; a route stands behind the method instead of the path,
    if the name has a whole path (which begins with a slash).
    """
    route = text(span.attributes, "http.route")
    method = METHOD.match(span.name)
    path = span.name[method.end():] if method else span.name
    if "/" not in path:
        return span.name
    if not route or not path.startswith("/"):
        segments = path.split("/")
        route = "/".join(
            "{id}" if any(form.fullmatch(segment) for form in (UUID, NUMBER, HEX_ID)) else segment
            for segment in segments)
    return (method.group() if method else "") + route


# --- Self time ------------------------------------------------------------------------------------


def self_time(span, children):
    """The time of a span in which none of its children ran; None without a duration.

    Reading: all its children, of whatever kind and service, their clocks taken as they are; what
    overlaps counts once, what lies outside of the span not at all.
    """
    duration, _ = duration_of(span)
    if duration is None:
        return None
    covered = 0
    at = span.start
    end = span.start + duration
    for child in sorted(children, key=lambda each: each.start):
        child_duration, _ = duration_of(child)
        if child_duration is None:
            continue
        begin = max(at, child.start)
        stop = min(end, child.start + child_duration)
        if stop > begin:
            covered += stop - begin
            at = stop
    return duration - covered


# --- Expected samples -----------------------------------------------------------------------------


class Series:
    """Samples that add up."""

    def __init__(self):
        self.counts = defaultdict(int)  # (name, labels) -> weight
        self.seconds = defaultdict(Seconds)

    def add(self, name, labels, weight):
        self.counts[name, frozenset(labels.items())] += weight

    def observe(self, name, labels, seconds):
        self.seconds[name, frozenset(labels.items())].merge(seconds)

    def samples(self):
        out = {key: weight / ONE for key, weight in self.counts.items()}
        for (name, labels), seconds in self.seconds.items():
            if not seconds.observed:
                continue
            total = sum(ns * weight for ns, weight in seconds.observed.items())
            out[name + "_sum", labels] = float(Fraction(total, ONE * 10**9))
            out[name + "_count", labels] = sum(seconds.observed.values()) / ONE
            for bound in BOUNDS_NS + [None]:
                below = sum(weight for ns, weight in seconds.observed.items()
                            if bound is None or ns <= bound)
                le = float("inf") if bound is None else bound / 10**9
                out[name + "_bucket", labels | {("le", le)}] = below / ONE
        return out


def edge_labels(client, server, connection_type, client_values, server_values):
    labels = {"client": client[2], "server": server[2], "connection_type": connection_type,
              "client_service_namespace": client[1], "server_service_namespace": server[1],
              **dimensions.labels(client_values, "client_"),
              **dimensions.labels(server_values, "server_")}
    return {key: value for key, value in labels.items() if value}


def add_edges(out, known):
    """E5: self edges are in the metrics. E9: metrics.messaging."""
    for key, edge in known.series[known.options.metrics_messaging].items():
        labels = edge_labels(*key)
        out.add(GRAPH + "request_total", labels, edge.requests)
        out.add(GRAPH + "request_failed_total", labels, edge.failed)
        out.observe(GRAPH + "request_client_seconds", labels, edge.client)
        out.observe(GRAPH + "request_server_seconds", labels, edge.server)
        out.observe(GRAPH + "request_messaging_system_seconds", labels, edge.messaging)
        out.observe(GRAPH + "request_network_seconds", labels, edge.network)


def add_losses(out, known):
    """In spans. Reading: a CLIENT that sends is a PRODUCER here too; an unknown kind is
    "unspecified"."""
    for span, name in known.class_of.items():
        group, _, reason = name.partition(".")
        if group == "unpaired":
            kind = KIND_NAMES[known.kind[span]].lower().replace("none", "unspecified")
            out.add(GRAPH + "unpaired_spans_total",
                    {"service": known.service[span][1], "kind": kind, "reason": reason}, ONE)


def operation_labels(span, known):
    """Reading: the kind is the one that the span came with, as the other tools say it; the status
    is the derived one."""
    namespace, name = known.service[span]
    kind = KIND_NAMES[span.kind].replace("NONE", "UNSPECIFIED")
    labels = {"service": name, "service_namespace": namespace, "span_name": operation_name(span),
              "span_kind": "SPAN_KIND_" + kind,
              "status_code": "STATUS_CODE_" + STATUS_NAMES[known.status[span]],
              **dimensions.labels(known.values[span])}
    return {key: value for key, value in labels.items() if value}


def add_operations(out, known):
    """Every span that is neither rejected nor a duplicate, with its own weight."""
    for span in known.known:
        labels = operation_labels(span, known)
        out.add(SPANS + "calls_total", labels, known.weight[span])
        for name, ns in (("latency", duration_of(span)[0]),
                         ("self_seconds", self_time(span, known.children.get(span, ())))):
            seconds = Seconds()
            seconds.observe(ns, known.weight[span])
            out.observe(SPANS + name, labels, seconds)


def expected(known):
    """All samples for a Model."""
    out = Series()
    add_edges(out, known)
    add_losses(out, known)
    add_operations(out, known)
    return out.samples()


# --- Comparison -----------------------------------------------------------------------------------


def parsed(exposition):
    """{(name, labels): value} of text format 0.0.4; `le` as a number."""
    out = {}
    for line in exposition.splitlines():
        if not line or line.startswith("#"):
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        pairs = {key: re.sub(r"\\.", lambda found: ESCAPES[found.group()], text_of)
                 for key, text_of in LABEL.findall(labels or "")}
        if "le" in pairs:
            pairs["le"] = float(pairs["le"])
        key = (name, frozenset(pairs.items()))
        assert key not in out, f"{line}: is there twice"
        out[key] = float(value)
    return out


def is_of(name, families):
    return any(name == family or (name.startswith(family + "_")
                                  and name[len(family) + 1:] in ("sum", "count", "bucket"))
               for family in families)


def telling(key):
    """Counters first, buckets last."""
    name, labels = key
    endings = ("_total", "_count", "_sum", "_bucket")
    return ([name.endswith(ending) for ending in endings].index(True), name,
            sorted(map(str, labels)))


def differences(expected_samples, exposition, families=FAMILIES):
    """Sentences; a series that is not there is as one of 0."""
    actual = parsed(exposition)
    keys = {key for key in [*expected_samples, *actual] if is_of(key[0], families)}
    out = []
    for name, labels in sorted(keys, key=telling):
        one = expected_samples.get((name, labels), 0.0)
        two = actual.get((name, labels), 0.0)
        if abs(one - two) > 1e-9 * max(abs(one), abs(two)):
            inside = ", ".join(f"{key}={value!r}" for key, value in sorted(labels, key=str))
            out.append(f"{name}{{{inside}}}: expected {one}, got {two}")
    return out
