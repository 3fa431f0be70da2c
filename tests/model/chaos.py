"""chaos: spans of few ids, services and kinds thrown together, so that every odd thing happens.

Is not: aware of any truth; the model is the only one who judges these spans.

Everything comes from one random.Random: the same seed and options give the same spans.
"""

import random
from dataclasses import dataclass

from .attributes import kind_in_all
from .generate import ALL_KINDS, SAMPLED, START_NS, interleave, resource_of
from .otlp_json import CLIENT, CONSUMER, ERROR, OK, PRODUCER, UNSET, Span

SERVICES = (("", "a"), ("", "b"), ("n", "b"), ("n", "c"), (None, None))
CALL_ATTRIBUTES = (
    {"server.address": "api.example", "server.port": 443}, {"server.address": "10.0.0.1"},
    {"net.peer.ip": "10.0.0.2", "net.peer.port": 8080}, {"peer.service": "b"},
    {"peer.service": "a"}, {"service.peer.name": "c"}, {"peer.service": "elsewhere"},
    {"service.peer.name": "b", "service.peer.namespace": "n"},
    {"service.peer.name": "a", "peer.service": "c", "server.address": "x"},
    {"db.system": "redis", "server.address": "redis.local"}, {"db.name": "d"},
    {"db.system.name": "postgresql", "peer.service": "b", "service.peer.namespace": "n"},
    {"rpc.service": "pkg.S", "rpc.method": "M"}, {"url.full": "http://h.example:1/p"},
    {"http.response.status_code": 404}, {"http.status_code": 503}, {"rpc.grpc.status_code": 5},
    {"rpc.grpc.status_code": 13}, {"http.url": "http://[fe80::1]:80/", "server.address": "fe80::1",
                                   "server.port": 80},
)
MESSAGE_ATTRIBUTES = (
    {"messaging.destination.name": "q"}, {"messaging.destination": "old", "messaging.system": "k"},
    {"messaging.system": "kafka"}, {"messaging.destination.temporary": True},
    {"messaging.destination.name": "q", "messaging.destination.template": "t"},
    {"messaging.system": "kafka", "peer.service": "a"}, {"messaging.system": "kafka"},
    {"messaging.destination.name": "q", "messaging.consumer.group.name": "g"},
    {"messaging.kafka.consumer.group": "h", "messaging.destination.name": "r"},
)
MIXED_ATTRIBUTES = (
    {"db.system": "redis", "messaging.destination.name": "q"},
    {"messaging.destination.name": "q", "rpc.service": "pkg.Q", "server.address": "10.0.0.1"},
)
OPERATIONS = (
    {"messaging.operation.type": "settle"},  # No PRODUCER settles.
    {"messaging.operation.type": "send"}, {"messaging.operation.type": "create"},
    {"messaging.operation": "publish"}, {"messaging.operation.type": "receive"},
    {"messaging.operation": "receive"}, {"messaging.operation.type": "process"},
    {"messaging.operation": "deliver"}, {"messaging.operation.type": "purge"},
)
RATES = ({"sampling.ratio": 0.25}, {"SampleRate": 10}, {"SampleRate": 0}, {"sampling.ratio": 2.0})


def message_attributes(rng):
    return dict(rng.choice(MESSAGE_ATTRIBUTES))


def call_attributes(rng):
    """Few peers that all may have, and many that few have, so that some keys have one teacher."""
    if rng.random() < 0.6:
        return dict(rng.choice(CALL_ATTRIBUTES))
    which = rng.randint(0, 80)
    return rng.choice((
        {"server.address": f"h{which}.example", "server.port": rng.choice((80, 443))},
        {"server.address": f"h{which}.example"},
        {"net.peer.name": f"h{which}.example", "net.peer.port": 80},
        {"network.peer.address": f"10.1.0.{which}", "network.peer.port": 80},
        {"rpc.method": f"pkg.S{which}/Get"},
        {"rpc.service": f"pkg.S{which}", "server.address": rng.choice(("127.0.0.1", "::", "x"))},
        {"server.address": f"127.0.0.{which}", "server.port": 80},
    ))


def any_attributes(rng):
    return rng.choice((call_attributes, message_attributes,
                       lambda rng: dict(rng.choice(MIXED_ATTRIBUTES))))(rng)


@dataclass
class Chaos:
    """How wild it is; shares are probabilities."""

    traces: int = 120
    spans_max: int = 12
    services: int = 4
    shared_ids: float = 0.3  # the share of traces in which ids are drawn from a small pool
    kinds: tuple = ALL_KINDS
    attributes: object = any_attributes
    operations: float = 0.25
    links: float = 0.4  # of consumers; of others a fifth of that
    links_most: int = 6
    odd_ids: float = 0.02  # rejected ids and odd parents
    reused: bool = True  # ids of more than 8 spans: then order matters
    skewed: float = 0.05
    sampled: float = 0.3
    duplicates: float = 0.05


class ChaosTrace:
    """One trace of spans that need not make sense."""

    def __init__(self, rng, chaos):
        self.rng = rng
        self.chaos = chaos
        self.trace_id = "%032x" % rng.getrandbits(128)
        self.services = rng.sample(SERVICES, rng.randint(1, min(chaos.services, 5)))
        self.kinds = rng.choice((chaos.kinds, rng.sample(chaos.kinds, min(3, len(chaos.kinds)))))
        self.is_sampled = rng.random() < chaos.sampled
        self.state = rng.choice(SAMPLED)

    def build(self):
        rng, count = self.rng, self.rng.randint(1, self.chaos.spans_max)
        ids = ["%016x" % rng.getrandbits(64) for _ in range(count)]
        shared = rng.random() < self.chaos.shared_ids
        pool = ids[:max(1, count * 2 // 3)] if shared else ids
        out = []
        for at in range(count):
            span_id = rng.choice(pool) if shared else ids[at]
            # Mostly trees: a parent among the spans before. Shared pools also make loops.
            before = pool if shared and rng.random() < 0.3 else [span.id for span in out]
            parent = rng.choice(before) if before and rng.random() < 0.9 else ""
            out.append(self.span(span_id, parent))
        if self.chaos.reused and rng.random() < 0.03:
            out.extend(self.span(pool[0], rng.choice(pool)) for _ in range(14))
        for span in list(out):
            if rng.random() < self.chaos.duplicates:
                out.append(span.copy())
        return out

    def span(self, span_id, parent):
        rng = self.rng
        start = START_NS + rng.randint(0, 10**9)
        end = start + rng.choice((0, 1, 500_000_000, 10**9, rng.randint(1, 10**10)))
        if rng.random() < self.chaos.skewed:
            start, end = rng.choice(((end, start), (0, end), (start, 0), (1, 1 << 63)))
        attributes = {}
        for _ in range(rng.choice((0, 0, 1, 1, 2))):
            attributes.update(self.chaos.attributes(rng))
        kind = rng.choice(self.kinds)
        if kind in (CLIENT, PRODUCER, CONSUMER) and rng.random() < self.chaos.operations:
            attributes.update(rng.choice(OPERATIONS[kind == PRODUCER:]))
        tracestate = ""
        if self.is_sampled:
            state = rng.choice(SAMPLED) if rng.random() < 0.3 else self.state
            tracestate = state.tracestate
            attributes.update(state.attributes)
            attributes.update(rng.choice(RATES) if rng.random() < 0.1 else {})
        span = Span(
            trace=self.trace_id, id=span_id, parent=parent, kind=kind,
            start=start, end=end, status=rng.choice((UNSET, UNSET, OK, ERROR)),
            tracestate=tracestate, attributes=attributes,
            resource=resource_of(rng.choice(self.services)),
        )
        if rng.random() < self.chaos.odd_ids:
            self.make_odd(span)
        return span

    def make_odd(self, span):
        which = self.rng.randint(0, 6)
        if which == 0:
            span.id = self.rng.choice(("0" * 16, "", "ab", "ab" * 9))
        elif which == 1:
            span.trace = self.rng.choice(("0" * 32, "", "ab", "ab" * 17))
        elif which == 2:
            span.parent = span.id
        elif which == 3:
            span.parent = self.rng.choice(("ab", "ab" * 9))
        elif which == 4:
            span.parent = "0" * 16
        else:
            span.parent = "feedfeedfeedfeed"


def add_links(rng, chaos, spans):
    """Links to producers and to any other span, of any trace; to nobody, and such as cannot be."""
    producers = [span for span in spans if kind_in_all(span) == PRODUCER]
    nobody = Span(trace="ab" * 16, id="ab" * 8)
    nothing = [Span(trace="0" * 32, id="ab" * 8), Span(trace="ab" * 16, id="ab")]
    for span in spans:
        share = chaos.links if kind_in_all(span) == CONSUMER else chaos.links / 5
        if not spans or rng.random() >= share:
            continue
        for _ in range(rng.randint(1, chaos.links_most)):
            near = [other for other in producers if other.trace == span.trace]
            targets = rng.choice((producers, producers, producers, near, spans, [nobody], nothing))
            if targets:
                target = rng.choice(targets)
                span.links.append((target.trace, target.id))
        if rng.random() < 0.2:
            span.links += rng.choices(span.links, k=2) if span.links else []


def without_twins(spans):
    """Copies are identical: of one (trace, id, kind, service) the first one's content goes for all,
    by the kind that a span came with and by the one that it has in all rules (E8)."""
    for kind_of in (lambda span: span.kind, kind_in_all):
        first = {}
        spans = [first.setdefault((span.trace, span.id, kind_of(span), str(span.resource)), span)
                 for span in spans]
    return [span.copy() for span in spans]


def chaos_spans(seed, chaos=None):
    """Spans without a known truth."""
    rng = random.Random(seed)
    chaos = chaos or Chaos()
    traces = [ChaosTrace(rng, chaos).build() for _ in range(chaos.traces)]
    add_links(rng, chaos, [span for trace in traces for span in trace])
    return interleave(rng, [without_twins(trace) for trace in traces])


def lossy(seed, spans, share=0.1):
    """Without a random share of the spans."""
    rng = random.Random(seed)
    return [span for span in spans if rng.random() >= share]
