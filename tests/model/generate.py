"""generate: seeded random call graphs, with the truth about them.

Is:     `scripted` builds traces shape by shape and writes down, while it does, which calls it made
        and what becomes of each span.
Is not: a load generator; chaos.py has spans that make no sense.

Everything comes from one random.Random: the same seed and options give the same spans.
"""

import random
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction

from .generate_messages import MessageShapes
from .generate_peers import PeerShapes
from .otlp_json import CLIENT, CONSUMER, ERROR, INTERNAL, NONE, OK, PRODUCER, SERVER, UNSET, Span

START_NS = 1_700_000_000_000_000_000
EVERYWHERE = ("direct", "broker")  # views of messaging
ALL_KINDS = (NONE, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER)
SERVICES = (
    ("", "front"), ("", "cart"), ("shop", "checkout"), ("shop", "payment"), ("", "stock"),
    ("", "mail"), ("eu", "search"), ("us", "search"), ("", "ads"), (None, None), ("mesh", "proxy"),
)

@dataclass(frozen=True)
class Sampled:
    """What a trace's spans say of their sampling, and the adjusted count that it means."""

    tracestate: str
    count: Fraction
    attributes: dict = field(default_factory=dict)


NOT_SAMPLED = Sampled("", Fraction(1))
SAMPLED = (
    Sampled("ot=th:0", Fraction(1)), Sampled("ot=th:8", Fraction(2)),
    Sampled("ot=th:c", Fraction(4)), Sampled("ot=th:4", Fraction(4, 3)),
    Sampled("ot=p:3", Fraction(8)), Sampled("vendor=1,ot=rv:1234567890abcd;th:8", Fraction(2)),
    Sampled("ot=p:63", Fraction(0)), Sampled("ot=th:fffffffffffff", Fraction(65536)),
    Sampled("other=x", Fraction(1)), Sampled("ot=th:x;p:2", Fraction(4)),
    Sampled("", Fraction(10), {"SampleRate": 10}),
    Sampled("", Fraction(4), {"sampling.ratio": 0.25}),
    Sampled("ot=th:8", Fraction(2), {"SampleRate": 10, "sampling.ratio": 0.25}),
    Sampled("", Fraction(4), {"SampleRate": 10, "sampling.ratio": 0.25}),
    Sampled("", Fraction(10), {"SampleRate": "10", "sampling.ratio": 0.0}),
    Sampled("", Fraction(1), {"SampleRate": 0, "sampling.ratio": 1.5}),
)


@dataclass
class Mix:
    """What a graph is made of; shares are probabilities."""

    traces: int = 30
    depth: int = 4
    calls_max: int = 3
    errors: float = 0.1
    sampled: float = 0.3
    skewed: float = 0.05
    timeless: float = 0.03
    duplicates: float = 0.05
    lost: float = 0.0
    shapes: tuple = ()  # names of shapes to draw from; empty: all
    without: tuple = ()  # names of shapes that are left out
    many_links: bool = False  # a consumer of links.max links


@dataclass
class Graph:
    """Spans and the truth: for each view edge -> [requests, failed], and span -> class."""

    spans: list = field(default_factory=list)
    edges: dict = field(default_factory=lambda: {
        view: defaultdict(lambda: [Fraction(0), Fraction(0)]) for view in EVERYWHERE})
    classes: dict = field(default_factory=dict)


def resource_of(service):
    namespace, name = service
    out = {}
    if name:
        out["service.name"] = name
    if namespace:
        out["service.namespace"] = namespace
    return out


def node_of(service):
    return f"service/{service[0] or ''}/{service[1] or 'unknown_service'}"


def interleave(rng, lists):
    """Merges lists at random, each keeping its order."""
    order = [which for which, items in enumerate(lists) for _ in items]
    rng.shuffle(order)
    iterators = [iter(items) for items in lists]
    return [next(iterators[which]) for which in order]


def split(rng, spans, size_max=40):
    """Cuts the spans into requests of random sizes."""
    out = []
    at = 0
    while at < len(spans):
        size = rng.randint(1, size_max)
        out.append(spans[at:at + size])
        at += size
    return out


# --- Scripted graphs ------------------------------------------------------------------------------


class Scripted(MessageShapes, PeerShapes):
    """Builds traces whose calls are known. Each shape_x() makes one kind of call under `at`, a span
    that takes calls (SERVER, CONSUMER or kind-less), and returns the spans that may go on."""

    services = SERVICES
    node_of = staticmethod(node_of)

    def __init__(self, seed, mix=None):
        self.rng = random.Random(seed)
        self.mix = mix or Mix()
        self.graph = Graph()
        self.traces = []
        self.trace = []
        self.trace_id = ""
        self.sampled = NOT_SAMPLED
        self.clock = {service: self.rng.choice((0, 0, 0, -5_000_000, 40_000_000))
                      for service in SERVICES}
        self.has_direct = set()  # spans that already have a child of another service
        names = self.mix.shapes or shapes_of(Scripted) + MESSAGES + PEERS
        self.shapes = [name for name in names if name not in self.mix.without]

    def build(self):
        self.start_messages()
        for service in SERVICES:  # each has reported: peer names can rely on it
            with self.other_trace():
                self.span(service, INTERNAL, None)
        self.teach()
        for _ in range(self.mix.traces):
            with self.other_trace():
                for at in self.root():
                    self.grow(at, self.mix.depth)
        self.empty_boxes()
        if self.mix.many_links:
            self.take_past_the_most()
        self.graph.spans = interleave(self.rng, self.traces)
        return self.graph

    def new_trace(self):
        self.trace_id = "%032x" % self.rng.getrandbits(128)
        self.trace = []
        self.sampled = NOT_SAMPLED
        if self.rng.random() < self.mix.sampled:
            self.sampled = self.rng.choice(SAMPLED)

    def finish_trace(self):
        spans = list(self.trace)
        for span in self.trace:
            if self.rng.random() < self.mix.duplicates:
                copy = span.copy()
                self.graph.classes[copy] = "duplicate"
                spans.insert(self.rng.randint(spans.index(span) + 1, len(spans)), copy)
        self.traces.append(spans)

    def next_trace(self):
        self.finish_trace()
        self.new_trace()

    @contextmanager
    def other_trace(self):
        """The spans made within belong to a trace of their own."""
        outer = (self.trace_id, self.trace, self.sampled)
        self.new_trace()
        yield
        self.finish_trace()
        self.trace_id, self.trace, self.sampled = outer

    def grow(self, at, depth):
        if depth == 0 or len(self.trace) > 60:
            return
        for _ in range(self.rng.randint(0 if depth < self.mix.depth else 1, self.mix.calls_max)):
            shape = getattr(self, "shape_" + self.rng.choice(self.shapes))
            for callee in shape(at) or ():
                self.grow(callee, depth - 1)

    # --- Pieces ---

    def times(self, service, late_ns=0):
        start = START_NS + self.rng.randint(0, 10**9) + self.clock.get(service, 0) + late_ns
        end = start + int(10 ** self.rng.uniform(0, 11))
        if self.rng.random() < self.mix.skewed:
            start, end = end, start
        if self.rng.random() < self.mix.timeless:
            start, end = self.rng.choice(((0, end), (start, 0), (0, 0), (start, start)))
        return start, end

    def span(self, service, kind, parent, attributes=None, span_id=None, late_ns=0):
        """One span of the trace; its class is internal until it is said otherwise."""
        start, end = self.times(service, late_ns)
        status = self.rng.choice((UNSET, OK))
        if self.rng.random() < self.mix.errors:
            status = ERROR
        span = Span(
            trace=self.trace_id,
            id=span_id or "%016x" % self.rng.getrandbits(64),
            parent=parent.id if isinstance(parent, Span) else parent or "",
            kind=kind, start=start, end=end, status=status, tracestate=self.sampled.tracestate,
            attributes={**(attributes or {}), **self.sampled.attributes},
            resource=resource_of(service),
        )
        span.service = service
        span.count = self.sampled.count
        self.trace.append(span)
        self.graph.classes[span] = "internal"
        return span

    def mark(self, span, name):
        self.graph.classes[span] = name

    def count(self, views, client, server, count, failed, connection_type=""):
        """One request between two services or nodes, in these views."""
        names = [one if isinstance(one, str) else node_of(one) for one in (client, server)]
        for view in views if count else ():
            edge = self.graph.edges[view][names[0], names[1], connection_type]
            edge[0] += count
            edge[1] += count if failed else 0

    def call(self, client, server, callees, side=None, connection_type=""):
        """Writes down one request that was answered."""
        judged = list(callees) + ([side] if side and side.kind in (CLIENT, PRODUCER) else [])
        for span in list(callees) + ([side] if side else []):
            if self.graph.classes[span] != "unpaired.parent_missing" or span not in self.orphans:
                self.mark(span, "paired")
        self.count(EVERYWHERE, client, server, callees[0].count,
                   any(span.status == ERROR for span in judged), connection_type)

    @property
    def orphans(self):
        """Orphan SERVER and CONSUMER spans stay parent_missing whatever they call."""
        return {span for span in self.trace if getattr(span, "orphan", False)
                and span.kind in (SERVER, CONSUMER)}

    def unanswered(self, span, node, connection_type, reason):
        if self.graph.classes[span] == "internal":
            self.mark(span, "unpaired." + reason)
        self.count(EVERYWHERE, span.service, node, span.count, span.status == ERROR,
                   connection_type)

    def other(self, *services):
        return self.rng.choice([one for one in SERVICES if one not in services])

    def inner(self, at):
        """A fresh INTERNAL (or kind-less) span under `at`, or a short chain of them."""
        span = at
        for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
            span = self.span(at.service, self.rng.choice((INTERNAL, INTERNAL, NONE)), span)
        return span

    def direct(self, at):
        """A span of the same service under which no other service has a child yet."""
        if at in self.has_direct or at.kind in (CLIENT, PRODUCER) or self.rng.random() < 0.5:
            at = self.inner(at)
        self.has_direct.add(at)
        return at

    # --- Roots (N6) ---

    def root(self):
        rng = self.rng
        service = rng.choice(SERVICES)
        kind = rng.choice((SERVER, SERVER, SERVER, CONSUMER, NONE, INTERNAL, "orphan", "loop"))
        if kind == SERVER:
            span = self.span(service, SERVER, rng.choice(("", "0" * 16)))
            self.call("user//user", service, [span], None, "virtual_node")
        elif kind == CONSUMER:
            span = self.root_consumer(service)
        elif kind == "orphan":
            span = self.orphan(service)
        elif kind == "loop":
            span = self.loop(service)
        else:
            span = self.span(service, kind, None)
        return [span]

    def root_consumer(self, service):
        node, attributes = self.rng.choice((
            ("messaging//jobs", {"messaging.destination.name": "jobs"}),
            ("messaging//jobs/{}", {"messaging.destination.template": "jobs/{}",
                                    "messaging.destination.name": "jobs/7"}),
            ("messaging//(temporary)", {"messaging.destination.template": "reply-{}",
                                        "messaging.destination.temporary": True}),
            ("messaging//old", {"messaging.destination": "old", "peer.service": "bus"}),
            ("messaging//bus", {"peer.service": "bus"}),
            ("messaging/far/bus", {"service.peer.name": "bus", "service.peer.namespace": "far"}),
            (None, {}), (None, {"server.address": "broker"}),
        ))
        span = self.span(service, CONSUMER, None, attributes)
        if node:
            self.call(node, service, [span], None, "messaging_system")
        else:
            self.mark(span, "unpaired.no_producer")
        return span

    def orphan(self, service):
        kind = self.rng.choice((SERVER, CONSUMER, INTERNAL, NONE))
        parent = self.rng.choice(("feedfeedfeedfeed", "feed", "self"))
        span = self.span(service, kind, "" if parent == "self" else parent)
        if parent == "self":
            span.parent = span.id
        span.orphan = True
        self.mark(span, "unpaired.parent_missing")
        return span

    def loop(self, service):
        """Two INTERNAL spans that are each other's parents: nothing hangs, nothing is called."""
        one = self.span(service, INTERNAL, None)
        two = self.span(service, INTERNAL, one)
        one.parent = two.id
        return two

    # --- Answered calls (E2-E7, E11) ---

    def answer(self, at, client, service, connection_type="", kind=SERVER, parent=None):
        server = self.span(service, kind, parent or client)
        self.call(at.service, service, [server], client, connection_type)
        return server

    def shape_plain(self, at):
        client = self.span(at.service, CLIENT, at)
        return [self.answer(at, client, self.other(at.service))]

    def shape_retries(self, at):
        client = self.span(at.service, CLIENT, at)
        service = self.other(at.service)
        return [self.answer(at, client, service) for _ in range(self.rng.randint(2, 4))]

    def shape_fan_out(self, at):
        client = self.span(at.service, CLIENT, at)
        services = self.rng.sample([one for one in SERVICES if one != at.service], 3)
        return [self.answer(at, client, service) for service in services]

    def shape_mesh(self, at):
        client = self.span(at.service, CLIENT, at)
        mesh = self.other(at.service)
        hop = self.span(mesh, CLIENT, client)
        self.call(at.service, mesh, [hop], client)
        return [self.answer(hop, hop, self.other(mesh))]

    def shape_database_server(self, at):
        client = self.span(at.service, CLIENT, at, {"db.system": "postgresql"})
        return [self.answer(at, client, self.other(at.service), "database")]

    def shape_kindless(self, at):
        client = self.span(at.service, CLIENT, at)
        service = self.other(at.service)
        return [self.answer(at, client, service, kind=NONE) for _ in range(self.rng.randint(1, 2))]

    def shape_kindless_beside_server(self, at):
        client = self.span(at.service, CLIENT, at)
        service = self.other(at.service)
        self.span(service, NONE, client)
        return [self.answer(at, client, service)]

    def shape_group(self, at):
        side = self.rng.choice((None, CLIENT))
        parent = self.span(at.service, CLIENT, at) if side else self.direct(at)
        service = self.other(at.service)
        members = [self.span(service, INTERNAL, parent) for _ in range(self.rng.randint(1, 3))]
        self.call(at.service, service, members, parent)

    def shape_group_beside_server(self, at):
        client = self.span(at.service, CLIENT, at)
        service = self.other(at.service)
        self.span(service, INTERNAL, client)
        return [self.answer(at, client, service)]

    def shape_nested(self, at):
        outer = self.span(at.service, CLIENT, at)
        between = self.inner(outer) if self.rng.random() < 0.5 else outer
        inner = self.span(at.service, CLIENT, between)
        return [self.answer(at, inner, self.other(at.service))]

    def shape_nested_in_answered(self, at):
        outer = self.span(at.service, CLIENT, at)
        self.span(at.service, CLIENT, outer, {"server.address": "never.example"})
        return [self.answer(at, outer, self.other(at.service))]

    def shape_shared_id(self, at):
        """E7: a B3 pair; the SERVER names the CLIENT's parent, itself, nothing or nobody."""
        client = self.span(at.service, CLIENT, at)
        service = self.rng.choice((self.other(at.service), self.other(at.service), at.service))
        parent = self.rng.choice((client.parent, client.id, "", "feedfeedfeedfeed"))
        server = self.span(service, SERVER, parent, span_id=client.id)
        self.has_direct.add(server)  # SERVER children of the id belong to the CLIENT half
        self.call(at.service, service, [server], client)
        return [server]

    def shape_client_behind_internal(self, at):
        client = self.span(at.service, CLIENT, at)
        service = self.other(at.service)
        server = self.span(service, SERVER, self.inner(client))
        self.call(at.service, service, [server], client)
        return [server]

    def shape_direct(self, at):
        parent = self.direct(at)
        service = self.other(at.service)
        server = self.span(service, self.rng.choice((SERVER, SERVER, NONE)), parent)
        self.call(at.service, service, [server], parent)
        return [server]

    def shape_deep_internal(self, at):
        """E3: 64 steps, no more. Beyond them the CLIENT is a call of its own."""
        length = self.rng.choice((20, 60, 70))
        client = parent = self.span(at.service, CLIENT, at, {"server.address": "far.example"})
        for _ in range(length):
            parent = self.span(at.service, INTERNAL, parent)
        service = self.other(at.service)
        server = self.span(service, SERVER, parent)
        if length < 64:
            self.call(at.service, service, [server], client)
        else:
            self.call(at.service, service, [server], parent)
            self.unanswered(client, "external//far.example", "virtual_node", "no_server")
        return [server]

    def shape_self_call(self, at):
        pair = self.rng.choice(((CLIENT, SERVER), (PRODUCER, CONSUMER)))
        client = self.span(at.service, pair[0], at)
        parent = self.inner(client) if self.rng.random() < 0.3 else client
        server = self.span(at.service, pair[1], parent)
        kind = "messaging_system" if pair[0] == PRODUCER else ""
        self.call(at.service, at.service, [server], client, kind)
        return [server]

    def shape_forwarded(self, at):
        """E5: SERVER under SERVER in one service is no call."""
        return [self.span(at.service, SERVER, self.inner(at))]

    def shape_consumer_of_client(self, at):
        client = self.span(at.service, CLIENT, at)
        return [self.answer(at, client, self.other(at.service), "messaging_system", CONSUMER)]

    # --- Unanswered calls (N3, E4, E10) ---

    def shape_external(self, at):
        own = at.service[1] or "unknown_service"
        node, attributes = self.rng.choice((
            ("external//api.example", {"server.address": "api.example", "server.port": 443}),
            ("external//old.example", {"net.peer.name": "old.example", "net.peer.port": 80}),
            ("external//10.1.2.3:81", {"server.address": "10.1.2.3", "server.port": 81}),
            ("external//10.1.2.4", {"network.peer.address": "10.1.2.4"}),
            ("external//10.1.2.5:82", {"net.sock.peer.addr": "10.1.2.5",
                                       "net.sock.peer.port": 82}),
            ("external//::1", {"server.address": "::1"}),
            ("external//url.example", {"url.full": "https://u:p@url.example:8443/x?y=z"}),
            ("external//url.example", {"http.url": "http://url.example", "server.address":
                                       "10.1.2.3", "server.port": 80}),
            ("external//bank", {"peer.service": "bank", "server.address": "api.example"}),
            ("external/far/bank", {"service.peer.name": "bank", "service.peer.namespace": "far",
                                   "peer.service": "ignored"}),
            ("external//api.example", {"peer.service": own if own != "search" else "",
                                       "server.address": "api.example"}),
            ("external//api.example", {"service.peer.namespace": "far", "peer.service": "",
                                       "server.address": "api.example"}),
            ("external//pkg.Rates", {"rpc.system": "grpc", "rpc.service": "pkg.Rates",
                                     "rpc.method": "Get", "server.address": "api.example"}),
            ("external//pkg.Rates", {"rpc.method": "pkg.Rates/Get"}),
            ("external//api.example", {"rpc.system": "grpc", "rpc.method": "Get",
                                       "server.address": "api.example"}),
            ("external//search", {"peer.service": "search"}),  # two services have this name
            ("external//unknown", {}), ("external//unknown", {"http.request.method": "GET"}),
        ))
        client = self.span(at.service, CLIENT, at, attributes)
        self.unanswered(client, node, "virtual_node", "no_server")

    def shape_silent_service(self, at):
        """N3: a peer name that is a service which has reported is that service."""
        peer = self.other(at.service)
        attributes = {"service.peer.name": peer[1] or "unknown_service"}
        if peer[0] and (peer[1] == "search" or self.rng.random() < 0.5):
            attributes["service.peer.namespace"] = peer[0]
        client = self.span(at.service, CLIENT, at, attributes)
        self.unanswered(client, node_of(peer), "virtual_node", "no_server")

    def shape_database(self, at):
        node, attributes = self.rng.choice((
            ("database//db.local", {"db.system": "mysql", "server.address": "db.local",
                                    "db.name": "shop"}),
            ("database//shop", {"db.system": "mysql", "server.address": "10.0.0.9",
                                "server.port": 3306, "db.name": "shop"}),
            ("database//10.0.0.9:3306", {"db.system": "mysql", "server.address": "10.0.0.9",
                                         "server.port": 3306}),
            ("database//redis", {"db.system.name": "redis", "url.full": "redis://h.example/0"}),
            ("database//orders", {"db.namespace": "orders"}),
            ("database//ledger", {"db.system": "mysql", "peer.service": "ledger",
                                  "server.address": "db.local"}),
            ("external//unknown", {"db.system": "", "db.system.name": ""}),
        ))
        client = self.span(at.service, CLIENT, at, attributes)
        kind = "virtual_node" if node == "external//unknown" else "database"
        self.unanswered(client, node, kind, "no_server")

    def shape_producer(self, at):
        node, attributes = self.rng.choice((
            ("messaging//jobs", {"messaging.destination.name": "jobs", "peer.service": "bus"}),
            ("messaging//jobs/{}", {"messaging.destination.template": "jobs/{}",
                                    "messaging.destination.name": "jobs/7"}),
            ("messaging//(temporary)", {"messaging.destination.anonymous": True,
                                        "messaging.destination.name": "amq.gen-1"}),
            ("messaging//old", {"messaging.destination": "old"}),
            ("messaging//bus", {"peer.service": "bus", "server.address": "broker"}),
            ("messaging//broker", {"server.address": "broker", "messaging.system": "kafka"}),
            ("messaging//10.0.0.8:9092", {"server.address": "10.0.0.8", "server.port": 9092,
                                          "messaging.system": "kafka"}),
            ("messaging//kafka", {"messaging.system": "kafka"}),
            ("external//unknown", {}),
        ))
        producer = self.span(at.service, PRODUCER, at, attributes)
        self.unanswered(producer, node, "messaging_system", "no_consumer")

    def shape_messaging_client(self, at):
        """A CLIENT with messaging attributes that says no operation stays a CLIENT."""
        client = self.span(at.service, CLIENT, at, {"messaging.destination.name": "topic"})
        self.unanswered(client, "messaging//topic", "messaging_system", "no_server")

    def shape_nested_unanswered(self, at):
        """E4: of unanswered ones the outermost is the call."""
        outer = self.span(at.service, self.rng.choice((CLIENT, CLIENT, PRODUCER)), at,
                          {"server.address": "outer.example"})
        kind = "messaging" if outer.kind == PRODUCER else "external"
        between = self.inner(outer) if self.rng.random() < 0.5 else outer
        inner = self.span(at.service, self.rng.choice((CLIENT, PRODUCER)), between,
                          {"server.address": "inner.example"})
        self.span(at.service, CLIENT, inner, {"server.address": "innermost.example"})
        self.unanswered(outer, kind + "//outer.example",
                        "messaging_system" if kind == "messaging" else "virtual_node",
                        "no_consumer" if outer.kind == PRODUCER else "no_server")

    def shape_orphan_client(self, at):
        client = self.span(at.service, CLIENT, "feedfeedfeedfeed",
                           {"server.address": "lost.example"})
        self.mark(client, "unpaired.parent_missing")
        self.unanswered(client, "external//lost.example", "virtual_node", "no_server")

    def shape_orphan_server(self, at):
        server = self.orphan(self.other(at.service))
        return [server] if server.kind == SERVER else []


def shapes_of(part):
    """The names of the shapes that a part of Scripted brings."""
    return tuple(name[len("shape_"):] for name in sorted(vars(part)) if name.startswith("shape_"))


MESSAGES = shapes_of(MessageShapes)
PEERS = shapes_of(PeerShapes)


def scripted(seed, mix=None):
    """A Graph with its truth."""
    return Scripted(seed, mix).build()
