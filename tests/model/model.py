"""model: the topology rules, slow and obvious, as an oracle for the real thing.

Is:     one reading of the rules (N1-N7, E1-E17 and the accounting) on whole traces that lie in
        memory: first everything is known, then everything is judged, as `spanmap map` does it.
Is not: fast, bounded or incremental. It knows no lateness: whatever is there came in time.

Each rule stands in one function that names it. Where the rules allow two readings, the comment
marked "Reading" says which one was taken.

Weights are integers in units of 2^-20 calls, durations are integers of nanoseconds, and sums are
exact, so that no order of addition can show.
"""

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from .attributes import is_database, kind_in_all
from .dimensions import values_of
from .errors import status_of
from .lessons import Lessons
from .messages import Messages, is_receive
from .naming import Naming, kind_of_call, service_node, service_of
from .otlp_json import CLIENT, CONSUMER, ERROR, INTERNAL, NONE, PRODUCER, SERVER, read
from .sampling import weight_of
from .seconds import ONE, Seconds, number

WALK_STEPS = 64
IDS_MAX = 8
DURATION_MAX_NS = 1 << 53
USER = ("user", "", "user")

CALLERS = (CLIENT, PRODUCER)
QUIET = (INTERNAL, NONE)  # kinds that E3 walks through

# E9: the views of messaging, and which of them show what.
VIEWS = ("direct", "broker", "both")
EVERYWHERE = VIEWS
DIRECT = ("direct", "both")
BROKER = ("broker", "both")


@dataclass
class Options:
    """What the configuration can change, with its defaults."""

    self_edges: bool = True  # map.self_edges
    orphan_servers: bool = False  # topology.orphan_servers: user
    count_max: int = 65536  # sampling.max_count
    derive_errors: bool = False  # topology.derive_errors
    messaging: str = "broker"  # map.messaging
    metrics_messaging: str = "direct"  # metrics.messaging
    links_max: int = 1024  # links.max
    peer_order: tuple = ()  # names.peer_order
    cidr: dict = field(default_factory=dict)  # names.cidr
    rewrite: dict = field(default_factory=dict)  # names.rewrite
    dimensions: tuple = ()  # metrics.dimensions
    service_sets: int = 1000  # metrics.service_dimension_sets_max; shows in no map


OPTION_KEYS = {
    "map.self_edges": "self_edges", "topology.derive_errors": "derive_errors",
    "topology.orphan_servers": "orphan_servers", "sampling.max_count": "count_max",
    "map.messaging": "messaging", "metrics.messaging": "metrics_messaging",
    "links.max": "links_max", "names.peer_order": "peer_order", "names.cidr": "cidr",
    "names.rewrite": "rewrite", "metrics.dimensions": "dimensions",
    "metrics.service_dimension_sets_max": "service_sets",
}
WORDS = {"true": True, "false": False, "user": True, "none": False}


def options_of(settings):
    """The model's options for the program's: {"map.self_edges": "false"} -> self_edges=False."""
    def meaning(value):
        if not isinstance(value, str):
            return value
        return int(value) if value.isdigit() else WORDS.get(value, value)

    return {OPTION_KEYS[key]: meaning(value) for key, value in settings.items()}


# --- Durations (E14) ------------------------------------------------------------------------------


def duration_of(span):
    """E14: (nanoseconds or None, whether it was cut)."""
    if span.start == 0 or span.end == 0:
        return None, False
    if span.end < span.start:
        return 0, True
    if span.end - span.start > DURATION_MAX_NS:
        return DURATION_MAX_NS, True
    return span.end - span.start, False


def delay_of(producer, consumer):
    """E8: consumer start - producer end; None where it is not observed.

    Reading: only these two times must be known; a delay above 2^53 ns is cut like a duration.
    """
    if producer.end == 0 or consumer.start == 0 or consumer.start < producer.end:
        return None
    return min(consumer.start - producer.end, DURATION_MAX_NS)


# --- Traces ---------------------------------------------------------------------------------------


@dataclass(eq=False)
class Call:
    """One request: the side that made it, and the span or the group that took it."""

    side: object
    callees: list
    is_group: bool = False


@dataclass(eq=False)
class Edge:
    """What was counted. A duration counts once per span, with its largest weight here (E16)."""

    requests: int = 0
    failed: int = 0
    client_weights: dict = field(default_factory=dict)  # client span -> weight
    server_weights: dict = field(default_factory=dict)  # server span -> weight
    network: Seconds = field(default_factory=Seconds)
    messaging: Seconds = field(default_factory=Seconds)

    def add(self, weight, has_failed):
        self.requests += weight
        self.failed += weight if has_failed else 0

    def add_client(self, span, weight):
        self.client_weights[span] = max(self.client_weights.get(span, 0), weight)

    def add_server(self, span, weight):
        self.server_weights[span] = max(self.server_weights.get(span, 0), weight)

    @property
    def client(self):
        return seconds_of(self.client_weights)

    @property
    def server(self):
        return seconds_of(self.server_weights)


def seconds_of(weights):
    out = Seconds()
    for span, weight in weights.items():
        out.observe(duration_of(span)[0], weight)
    return out


def destination_node(name):
    """E9: the node of a destination, which is named by the destination alone."""
    return ("messaging", "", name)


def is_id(value, length):
    return len(value) == length and value.strip("0") != ""


class Model:
    """All spans of a run and what the rules make of them."""

    def __init__(self, spans, options=None):
        self.options = options or Options()
        self.naming = Naming(self.options.peer_order, self.options.cidr, self.options.rewrite)
        self.spans = spans
        self.service = {span: service_of(span) for span in spans}
        self.kind = {span: kind_in_all(span) for span in spans}
        self.weight = {span: weight_of(span, self.options.count_max) for span in spans}
        self.status = {span: status_of(span, self.options.derive_errors) for span in spans}
        self.failed = {span: status == ERROR for span, status in self.status.items()}
        self.class_of = {}  # span -> "paired", "unpaired.no_server" ...
        self.known = []
        self.by_id = defaultdict(list)  # (trace, id) -> spans, duplicates left out
        self.views = {view: defaultdict(Edge) for view in VIEWS}
        # The same, each edge by the values that its sides' spans have for the dimensions.
        self.series = {view: defaultdict(Edge) for view in VIEWS}
        self.values = {span: values_of(span, self.options.dimensions) for span in spans}
        self.admit()
        self.reported = {self.service[span] for span in self.known}
        self.parent = {}
        self.is_root = set()
        self.is_orphan = set()
        self.find_parents()
        self.children = defaultdict(list)
        for span, parent in self.parent.items():
            self.children[parent].append(span)
        self.messages = Messages(self)
        self.lessons = Lessons(self.parent, self.kind, self.service)
        self.calls = []
        self.find_calls()
        self.count_calls()
        self.count_messages()
        self.judge_orphans()
        self.judge_unanswered()
        self.judge_roots()
        self.judge_the_rest()

    def admit(self):
        """E15 and E17: rejected and duplicate spans; the order of arrival matters only here."""
        remembered = set()
        reused = set()
        for span in self.spans:
            # Reading: "A CLIENT that sends is a PRODUCER in all", here too.
            copies = (span.trace, span.id, self.kind[span], self.service[span])
            siblings = self.by_id[span.trace, span.id]
            if not is_id(span.trace, 32) or not is_id(span.id, 16):
                self.class_of[span] = "rejected.invalid_id"
            elif copies in reused:
                self.class_of[span] = "rejected.id_reused"
            elif copies in remembered:
                self.class_of[span] = "duplicate"
            elif len(siblings) == IDS_MAX:
                reused.add(copies)
                self.class_of[span] = "rejected.id_reused"
            else:
                remembered.add(copies)
                siblings.append(span)
                self.known.append(span)

    # --- Parents (E7, E17) ---

    def lowest(self, spans):
        """E7: of several candidates, the lowest by kind, then namespace and name."""
        order = (SERVER, CLIENT, PRODUCER, CONSUMER, INTERNAL, NONE)
        return min(spans, key=lambda span: (order.index(self.kind[span]), self.service[span]))

    def parent_among(self, span, candidates):
        """E7: which of the spans of one id is this span's parent."""
        if self.kind[span] in (SERVER, CONSUMER):
            halves = [other for other in candidates if self.kind[other] == CLIENT]
        else:
            # No own half: the SERVER half, which is the lowest kind anyway.
            halves = [other for other in candidates if self.service[other] == self.service[span]]
        return self.lowest(halves or candidates)

    def find_parents(self):
        for span in self.known:
            same_id = self.by_id[span.trace, span.id]
            shared = [other for other in same_id if self.kind[other] == CLIENT]
            candidates = self.by_id.get((span.trace, span.parent), [])
            if self.kind[span] == SERVER and shared:
                self.parent[span] = self.lowest(shared)
            elif span.parent.strip("0") == "" and len(span.parent) in (0, 16):
                self.is_root.add(span)
            elif len(span.parent) != 16 or span.parent == span.id or not candidates:
                self.is_orphan.add(span)
            else:
                self.parent[span] = self.parent_among(span, candidates)

    # --- Calls (E2, E3, E5, E7) ---

    def client_side(self, span):
        """E3: the CLIENT or PRODUCER span that a call made under this span belongs to."""
        service = self.service[span]
        for _ in range(WALK_STEPS + 1):
            if self.kind[span] in CALLERS:
                return span
            if self.kind[span] not in QUIET:
                return None
            span = self.parent.get(span)
            if span is None or self.service[span] != service:
                return None
        return None

    def find_calls(self):
        for parent, children in self.children.items():
            # Reading: without a CLIENT/PRODUCER around it the parent itself is the caller's
            # side, for its class and for the weight; its status and duration do not count.
            side = self.client_side(parent) or parent
            by_service = defaultdict(list)
            for child in children:
                by_service[self.service[child]].append(child)
            for service, siblings in by_service.items():
                if service == self.service[parent]:
                    self.find_self_calls(side, siblings)
                else:
                    self.find_calls_between(side, siblings)

    def find_self_calls(self, side, siblings):
        """E5. Reading: the client side is looked for by E3 first. (A CONSUMER with a PRODUCER on
        the other side is a message.)"""
        for child in siblings:
            if (self.kind[side], self.kind[child]) == (CLIENT, SERVER):
                self.calls.append(Call(side, [child]))

    def find_calls_between(self, side, siblings):
        """E2: siblings are all children of one parent in one other service."""
        takers = [child for child in siblings if self.kind[child] in (SERVER, CONSUMER)]
        kindless = [child for child in siblings if self.kind[child] == NONE]
        if takers:
            self.calls.extend(Call(side, [child]) for child in takers if self.is_taken(child))
        elif kindless:
            self.calls.extend(Call(side, [child]) for child in kindless)
        else:
            self.calls.append(Call(side, siblings, is_group=True))

    def is_taken(self, child):
        """E8: a CONSUMER with a producer is no call of another parent.

        N6: a `receive` span none of whose producers came is a poll. Reading: of a parent in another
        service it is no call either.
        """
        if self.kind[child] != CONSUMER:
            return True
        return child not in self.messages.producers and not is_receive(child)

    # --- Counting ---

    def edges(self, views, client, server, connection_type, client_values=(), server_values=()):
        """The edge in each of these views, and the series that it is counted in. Reading: for
        metrics an edge is what has its labels: the client's duration is observed once for each of
        them."""
        return [where[view][key] for view in views
                for where, key in (
                    (self.views, (client, server, connection_type)),
                    (self.series, (client, server, connection_type, client_values, server_values)))]

    def group_values(self, call):
        """Section 4: each side's values are those of its own span. Reading: a group has those that
        all of its spans have; if they differ, it has none."""
        values = {self.values[span] for span in call.callees}
        return values.pop() if len(values) == 1 else ()

    def connection_type(self, call):
        """E11. Reading: only a CLIENT or PRODUCER span can be a client with database attributes."""
        if self.kind[call.side] == PRODUCER or self.kind[call.callees[0]] == CONSUMER:
            return "messaging_system"
        if self.kind[call.side] == CLIENT and is_database(call.side):
            return "database"
        return ""

    def count_calls(self):
        servers = Counter(  # E14: how many SERVER (or kind-less) spans answered a span
            call.side for call in self.calls if self.is_server_call(call)
        )
        for call in self.calls:
            for span in [call.side] + call.callees:
                self.class_of[span] = "paired"
            # E16: the larger of both; of a group the largest of all.
            weight = max(self.weight[span] for span in [call.side] + call.callees)
            if weight == 0:
                continue
            alone = self.is_server_call(call) and servers[call.side] == 1
            edges = self.edges(EVERYWHERE, service_node(self.service[call.side]),
                               service_node(self.service[call.callees[0]]),
                               self.connection_type(call), self.values[call.side],
                               self.group_values(call))
            for edge in edges:
                edge.add(weight, self.has_failed(call))
                if self.kind[call.side] in CALLERS:
                    edge.add_client(call.side, weight)  # E6: once per client span and edge
                if not call.is_group:
                    edge.add_server(call.callees[0], weight)
                if self.kind[call.side] == CLIENT and alone:
                    self.observe_network(edge, call, weight)

    def is_server_call(self, call):
        return not call.is_group and self.kind[call.callees[0]] in (SERVER, NONE)

    def has_failed(self, call):
        """E13."""
        by_caller = self.kind[call.side] in CALLERS and self.failed[call.side]
        return by_caller or any(self.failed[span] for span in call.callees)

    @staticmethod
    def observe_network(edge, call, weight):
        """E14: client duration - server duration; below zero it is not observed."""
        client, client_cut = duration_of(call.side)
        server, server_cut = duration_of(call.callees[0])
        if client is None or server is None or client_cut or server_cut or client < server:
            return
        edge.network.observe(client - server, weight)

    # --- Messages (E8, E9) ---

    def count_messages(self):
        for message in self.messages.requests:
            for span in [message.producer] + message.consumers:
                self.class_of[span] = "paired"
            producer = service_node(self.service[message.producer])
            consumer = service_node(self.service[message.consumers[0]])
            # E9: without a destination the edge is drawn direct, in all views.
            views = DIRECT if message.destination else EVERYWHERE
            self.count_message(views, producer, consumer, message, with_producer=True)
            if message.destination:
                self.count_message(BROKER, destination_node(message.destination), consumer,
                                   message, with_producer=False)
        for producer, messages in self.messages.of_producer().items():
            # E9: one request per PRODUCER span; one that names no destination counts once per
            # destination of its consumers.
            for name in {message.destination for message in messages if message.destination}:
                self.count_sent(BROKER, producer, destination_node(name))

    def count_message(self, views, client, server, message, with_producer):
        """E8: one request, with the largest weight of its pairs, failed if any of them is; every
        duration and delay with its own pair's weight. From a destination only the consumers'
        status fails it (E9)."""
        producer = message.producer
        weights = {span: max(self.weight[producer], self.weight[span])
                   for span in message.consumers}
        largest = max(weights.values())
        if largest == 0:
            return
        failed = any(self.failed[span] for span in message.consumers)
        client_values = self.values[producer] if with_producer else ()

        def edges_of(span):
            return self.edges(views, client, server, "messaging_system", client_values,
                              self.values[span])

        # Reading: the values of the request itself are those of the span that came first; where
        # they differ, which one that was is not told by the spans.
        for edge in edges_of(message.consumers[0]):
            edge.add(largest, failed or (with_producer and self.failed[producer]))
        for span, weight in weights.items():
            for edge in edges_of(span):
                if with_producer:
                    edge.add_client(producer, weight)
                edge.add_server(span, weight)
                edge.messaging.observe(delay_of(producer, span), weight)

    def count_sent(self, views, producer, node, connection_type="messaging_system"):
        """One request of a span with its own status, duration and weight."""
        weight = self.weight[producer]
        if weight == 0:
            return
        for edge in self.edges(views, service_node(self.service[producer]), node, connection_type,
                               self.values[producer]):
            edge.add(weight, self.failed[producer])
            edge.add_client(producer, weight)

    # --- Calls without an answer (E4, E10) ---

    def around(self, span):
        """E4: the CLIENT and PRODUCER spans that this one is nested in.

        Reading: nesting is transitive, the walk goes through CLIENT and PRODUCER spans too.
        """
        out = []
        walked = span
        for _ in range(WALK_STEPS):
            walked = self.parent.get(walked)
            if walked is None or self.service[walked] != self.service[span]:
                break
            if self.kind[walked] not in CALLERS + QUIET:
                break
            if self.kind[walked] in CALLERS and walked is not span and walked not in out:
                out.append(walked)
        return out

    def judge_unanswered(self):
        callers = [span for span in self.known if self.kind[span] in CALLERS]
        answered = {call.side for call in self.calls} | set(self.messages.of_producer())
        around = {span: self.around(span) for span in callers}
        answered_inside = {outer for span in callers if span in answered for outer in around[span]}
        for span in callers:
            if span in answered or span in answered_inside:
                continue
            if any(outer in answered or outer not in answered_inside for outer in around[span]):
                continue
            self.count_unanswered(span)

    def learned(self, span):
        """N5: the service that a call (not database, not messaging) goes to, or None."""
        if self.kind[span] == CLIENT and kind_of_call(span) not in ("database", "messaging"):
            return self.lessons.learned(span)
        return None

    def count_unanswered(self, span):
        """E10, E12, N5."""
        kind = kind_of_call(span)
        callee, is_learned = self.naming.callee(span, self.reported, self.learned(span))
        reason = "no_server" if self.kind[span] == CLIENT else "no_consumer"
        # Reading: an orphan is counted as a call, but its class is parent_missing.
        if span in self.is_orphan:
            reason = "parent_missing"
        elif is_learned:
            reason = "server_silent"
        self.class_of.setdefault(span, "unpaired." + reason)
        destination = self.naming.destination(span) if self.kind[span] == PRODUCER else None
        views = EVERYWHERE
        if destination:
            # Reading: in the broker view a producer that names its destination goes there, also
            # where N3 has another name (it has database attributes, or names.peer_order says so):
            # it was counted before anybody knew that no consumer would come. With `both`, the direct
            # edge is left out, but for one like those of messages from service to service.
            views = DIRECT if callee[0] == "service" and kind == "messaging" else ("direct",)
            self.count_sent(BROKER, span, destination_node(destination))
        types = {"database": "database", "messaging": "messaging_system"}
        connection_type = "" if is_learned else types.get(kind, "virtual_node")
        self.count_sent(views, span, callee, connection_type)

    # --- Roots and orphans (N6) ---

    def judge_orphans(self):
        """An orphan SERVER or CONSUMER that made calls is parent_missing all the same, but not a
        CONSUMER that is a side of a message itself: it has a producer."""
        for span in self.is_orphan:
            if self.kind[span] in (SERVER, CONSUMER) and span not in self.messages.counted:
                self.class_of[span] = "unpaired.parent_missing"

    def judge_roots(self):
        for span in self.known:
            if span in self.is_root and self.kind[span] == SERVER:
                self.class_of[span] = "paired"
                self.count_root(span, USER, "virtual_node")
            elif span in self.is_root and self.is_message_from_nowhere(span):
                caller = self.consumer_caller(span)
                if caller:
                    self.class_of[span] = "paired"
                    self.count_root(span, caller, "messaging_system")
                else:
                    self.class_of.setdefault(span, "unpaired.no_producer")
            elif span in self.is_orphan and self.options.orphan_servers:
                self.draw_orphan(span)

    def is_message_from_nowhere(self, span):
        """A CONSUMER without a producer. A `receive` span is a poll then, not a message."""
        return (self.kind[span] == CONSUMER and span not in self.messages.producers
                and not is_receive(span))

    def draw_orphan(self, span):
        """N6: with topology.orphan_servers: user. The class stays parent_missing."""
        if self.kind[span] == SERVER:
            self.count_root(span, USER, "virtual_node")
        elif self.is_message_from_nowhere(span) and self.consumer_caller(span):
            self.count_root(span, self.consumer_caller(span), "messaging_system")

    def consumer_caller(self, span):
        """N6: its destination, without one its peer name, without that nothing."""
        destination = self.naming.destination(span)
        if destination:
            return destination_node(destination)
        return self.naming.peer(span, "messaging", self.reported)

    def count_root(self, span, caller, connection_type):
        weight = self.weight[span]
        if weight == 0:
            return
        node = service_node(self.service[span])
        for edge in self.edges(EVERYWHERE, caller, node, connection_type, (), self.values[span]):
            edge.add(weight, self.failed[span])
            edge.add_server(span, weight)

    def judge_the_rest(self):
        """Reading: any span whose named parent never came is parent_missing, whatever its kind."""
        for span in self.known:
            orphan = span in self.is_orphan
            self.class_of.setdefault(span, "unpaired.parent_missing" if orphan else "internal")

    # --- Out ---

    def drawn(self, view):
        """E5: self edges are drawn only if asked for."""
        return {
            key: edge
            for key, edge in self.views[view].items()
            if self.options.self_edges or key[0] != key[1]
        }

    def nodes_json(self):
        """N7. With `both`, a service's figures use the direct edges (E9)."""
        drawn = self.drawn(self.options.messaging)
        direct = self.drawn("direct") if self.options.messaging == "both" else drawn
        nodes = {service_node(service) for service in self.reported}
        nodes.update(node for client, server, _ in drawn for node in (client, server))
        out = []
        for node in nodes:
            edges = direct if node[0] == "service" else drawn
            incoming = [edge for (_, server, _), edge in edges.items() if server == node]
            seconds = Seconds()
            for edge in incoming:
                seconds.merge(edge.server)
            out.append({
                "id": "/".join(node),
                "type": node[0],
                "namespace": node[1],
                "name": node[2],
                "requests": number(sum(edge.requests for edge in incoming)),
                "failed": number(sum(edge.failed for edge in incoming)),
                "seconds": seconds.to_json(),
            })
        return sorted(out, key=lambda node: node["id"].encode())

    @staticmethod
    def edge_json(key, edge):
        return {
            "client": "/".join(key[0]),
            "server": "/".join(key[1]),
            "connection_type": key[2],
            "requests": number(edge.requests),
            "failed": number(edge.failed),
            "client_seconds": edge.client.to_json(),
            "server_seconds": edge.server.to_json(),
            "network_seconds": edge.network.to_json(),
            "messaging_seconds": edge.messaging.to_json(),
        }

    def accounting_json(self):
        out = {"received": len(self.spans), "internal": 0, "paired": 0, "waiting": 0,
               "duplicate": 0, "unpaired": {}, "dropped": {}, "rejected": {}}
        for name, count in Counter(self.class_of.values()).items():
            group, _, reason = name.partition(".")
            if reason:
                out[group][reason] = count
            else:
                out[group] = count
        return out

    def to_json(self):
        edges = self.drawn(self.options.messaging)
        sorted_edges = sorted(
            (self.edge_json(key, edge) for key, edge in edges.items()),
            key=lambda e: (e["client"].encode(), e["server"].encode(), e["connection_type"]),
        )
        return {
            "nodes": self.nodes_json(),
            "edges": sorted_edges,
            "accounting": self.accounting_json(),
        }


def judge(spans, **options):
    """The map of these spans, as the JSON contract has it (without version and window)."""
    return Model(spans, Options(**options)).to_json()


def main(paths):
    spans = [span for path in paths for span in read(path)]
    json.dump(judge(spans), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
