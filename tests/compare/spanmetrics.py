"""spanmetrics: the same spans through the Collector's span_metrics connector and through spanmap.

Is:     calls and durations of both by service, operation, kind and status, and for each series that
        differs the reasons that lie in its spans. A difference without a reason is a fault.
Is not: about edges, which the connector does not have.
"""

import re
import sys
import tempfile
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "interop")]

from collector_process import Collector, free_port  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import cases, compare, generate, otlp_json  # noqa: E402

RECORDING = compare.ROOT / "tests/data/onlineboutique/onlineboutique.otlp.jsonl.gz"
FAST = {"pairing.wait": "1s", "pairing.parent_wait": "1s", "messaging.wait": "1s"}
REQUEST_SPANS = 400
SAMPLE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
STATUS = ["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"]
KINDS = ["SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT",
         "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"]
SENTINEL = "the-last-span"
DURATION = "traces_spanmetrics_duration_seconds"

# Reason -> (what the Collector does, what spanmap does). The reasons are those of TOPOLOGY's rules.
REASONS = {
    "id of a wrong length": ("refuses the whole request that the span came in",
                             "rejects that span alone, and says so to the sender"),
    "invalid id": ("counts a span whose id is zero", "rejects and counts it"),
    "duplicate": ("counts a span that was exported twice twice",
                  "counts it once: OTLP delivers at least once"),
    "too many of one id": ("counts them", "rejects more than 8 spans of one id in a trace"),
    "no service.name": ("leaves such resources out; an empty name is a name",
                        "counts both as `unknown_service`"),
    "start or end is 0": ("observes the time since 1970, or 0 s", "observes no duration"),
    "sampled, ot=th": ("rounds a weight up or down at random; has no bound",
                       "counts fractions; cuts, and counts as cut, above `sampling.max_count`"),
    "sampled, ot=p": ("counts 1", "weighs by the older form, too; p:63 is no call"),
    "sampled, by attribute": ("counts 1", "weighs by `sampling.ratio` or `SampleRate` where the "
                              "tracestate says nothing"),
    "template": ("has a series for each id in a path", "has one series for all of them"),
}


@dataclass
class Series:
    calls: float = 0.0
    count: float = 0.0
    sum_s: float = 0.0

    def is_like(self, other):
        return all(abs(one - two) <= 1e-6 * max(1.0, abs(one)) for one, two in
                   ((self.calls, other.calls), (self.count, other.count), (self.sum_s, other.sum_s)))

    def __str__(self):
        return f"{self.calls:g} calls, {self.sum_s:.6g} s in {self.count:g}"


@dataclass
class Outcome:
    spans: int
    same: int
    differ: dict = field(default_factory=lambda: defaultdict(int))  # reason -> number of series
    examples: dict = field(default_factory=dict)  # reason -> (reasons of it, key, theirs, ours)
    unexplained: list = field(default_factory=list)


# --- What is sent ---------------------------------------------------------------------------------


def has_whole_ids(span):
    return (len(span.trace) == 32 and len(span.id) == 16 and len(span.parent) in (0, 16) and
            all(len(trace) == 32 and len(id_) == 16 for trace, id_ in span.links))


def recording():
    return otlp_json.read(RECORDING)


def graphs(seed, traces=100, **odd):
    """Calls of every shape; of what may be odd in a span, only what is asked for."""
    mix = generate.Mix(traces=traces, **{"sampled": 0, "timeless": 0, "duplicates": 0, **odd})
    return [span for span in generate.scripted(seed, mix).spans if has_whole_ids(span)]


def named(spans):
    return [span for span in spans if span.resource.get("service.name")]


def hand_made():
    """The cases of tests/data/cases, each with traces and services of its own."""
    out = []
    for number, case in enumerate(cases.load(), 1):
        for span in case.spans:
            resource = dict(span.resource)
            if resource.get("service.name"):
                resource["service.name"] = f"{case.name}.{resource['service.name']}"
            whole = len(span.trace) == 32 and span.trace.strip("0")
            trace = f"{number:016x}{span.trace[16:]}" if whole else span.trace
            out.append(span.copy(trace=trace, resource=resource))
    return out


def paths():
    """One route, called with many ids."""
    return [generate.Span(f"{number + 1:032x}", "1" * 16, "", generate.SERVER, f"GET /cart/{number}",
                          generate.START_NS, generate.START_NS + 10**6,
                          resource={"service.name": "shop"}) for number in range(200)]


INPUTS = {
    "a recording of a real shop": recording,
    "random graphs of every shape": lambda: named(graphs(11)),
    "the same, a tenth without a name": lambda: graphs(11),
    "the same with duplicates": lambda: named(graphs(12, duplicates=0.1)),
    "the same with times of 0": lambda: named(graphs(13, timeless=0.1)),
    "the same, sampled": lambda: named(graphs(14, sampled=0.5)),
    "one route with 200 ids": paths,
    "the hand-made cases of the rules": hand_made,
}
EQUAL = list(INPUTS)[:2]  # Nothing in them is a reason to differ.


# --- Both sides -------------------------------------------------------------------------------------


def send(endpoint, spans):
    with Sender(endpoint) as sender:
        for at in range(0, len(spans), REQUEST_SPANS):
            sender.send(spans[at:at + REQUEST_SPANS])


def series_of(text, service_label, seconds):
    """{(namespace, service, operation, kind, status): Series} of a scrape."""
    out = defaultdict(Series)
    fields = {"traces_spanmetrics_calls_total": "calls", f"{seconds}_count": "count",
              f"{seconds}_sum": "sum_s"}
    for line in text.split("\n"):
        name, brace, rest = line.partition("{")
        if not brace or name not in fields:
            continue
        labels, _, value = rest.rpartition("} ")
        found = dict(SAMPLE.findall(labels))
        service = found.get(service_label, "")
        # The Collector's exporter writes a namespace into the label of the job alone.
        job = found.get("job", "")
        namespace = found.get("service_namespace", job[:-len(service) - 1] if "/" in job else "")
        key = (namespace, service,
               found.get("span_name", ""), found["span_kind"], found["status_code"])
        setattr(out[key], fields[name], float(value.split(" ")[0]))
    return dict(out)


def ask_collector(spans):
    last = generate.Span("f" * 32, "f" * 16, "", generate.INTERNAL, SENTINEL, generate.START_NS,
                         generate.START_NS, resource={"service.name": SENTINEL})
    metrics = f"127.0.0.1:{free_port()}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with tempfile.TemporaryDirectory() as folder:
        collector = Collector(folder, config=HERE / "collector.yaml",
                              settings={"COLLECTOR_METRICS": metrics})

        def scrape():
            text = opener.open(f"http://{metrics}/metrics", timeout=60).read().decode()
            found = series_of(text, "service_name", DURATION)
            # A new series is shown as 0 once.
            return found if any(key[1] == SENTINEL and one.calls for key, one in found.items()) else None

        try:
            send(collector.grpc, [span for span in spans if has_whole_ids(span)] + [last])
            found = wait_until(scrape, "the Collector shows the last span")
        finally:
            collector.stop()
    return {key: value for key, value in found.items() if key[1] != SENTINEL}


def ask_spanmap(spans):
    with Daemon(FAST) as daemon:
        send(daemon.grpc, spans)
        daemon.wait_for_counted(len(spans))
        daemon.text("/metrics")  # A new series is shown as 0 once.
        text = daemon.text("/metrics")
    return series_of(text, "service", "traces_spanmetrics_latency")


# --- Why they differ ----------------------------------------------------------------------------------


def key_of(span):
    return (span.resource.get("service.namespace") or "", span.resource.get("service.name") or
            "unknown_service", span.name, KINDS[span.kind], STATUS[span.status])


def _reasons_of(span, seen, ids):
    if not has_whole_ids(span):
        yield "id of a wrong length"
    elif not span.trace.strip("0") or not span.id.strip("0"):
        yield "invalid id"
    identity = (span.trace, span.id, span.kind, key_of(span)[:2])
    if identity in seen:
        yield "duplicate"
    elif ids[span.trace, span.id] >= 8:
        yield "too many of one id"
    else:
        ids[span.trace, span.id] += 1
    seen.add(identity)
    if not span.resource.get("service.name"):
        yield "no service.name"
    if span.start == 0 or span.end == 0:
        yield "start or end is 0"
    state = span.tracestate
    if "th:" in state:
        yield "sampled, ot=th"
    elif "p:" in state:
        yield "sampled, ot=p"
    if "sampling.ratio" in span.attributes or "SampleRate" in span.attributes:
        yield "sampled, by attribute"
    if re.search(r"/.*\d", span.name):
        yield "template"


def reasons_by_key(spans):
    """Reasons under the names that either side uses: an empty service.name is one to the Collector."""
    out = defaultdict(set)
    seen = set()
    ids = defaultdict(int)
    for span in spans:
        namespace, service, *rest = key_of(span)
        found = set(_reasons_of(span, seen, ids))
        for name in {service, span.resource.get("service.name", service)}:
            out[namespace, name, *rest] |= found
    return out


def judge(spans):
    theirs = ask_collector(spans)
    ours = ask_spanmap(spans)
    reasons = reasons_by_key(spans)
    outcome = Outcome(len(spans), 0)
    for key in sorted(set(theirs) | set(ours)):
        one, two = theirs.get(key, Series()), ours.get(key, Series())
        if one.is_like(two):
            outcome.same += 1
            continue
        if "{id}" in key[2]:
            reasons[key].add("template")
        if not reasons[key]:
            outcome.unexplained.append(f"{key}: the Collector {one}; spanmap {two}")
        for reason in reasons[key]:
            outcome.differ[reason] += 1
            # Of a template, the series that stands for the others.
            if reason not in outcome.examples or "{id}" in key[2] or len(reasons[key]) < outcome.examples[reason][0]:
                outcome.examples[reason] = (len(reasons[key]), key, one, two)
    return outcome
