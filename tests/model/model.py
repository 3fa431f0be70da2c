"""model: the topology rules, slow and obvious, as an oracle for the real thing.

Is:     one reading of the rules (N1-N7, E1-E17 and the accounting) on whole traces that lie in
        memory: first everything is known, then everything is judged, as `spanmap map` does it.
Is not: fast, bounded or incremental. Messaging by links (E8) and destinations as nodes of their own
        (E9) are left out.

Each rule stands in one function that names it. Where the rules allow two readings, the comment
marked "Reading" says which one was taken.

Weights are integers in units of 2^-20 calls, durations are integers of nanoseconds, and sums are
exact, so that no order of addition can show.
"""

import json
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

from .naming import (
    callee_node, destination_of, is_database, kind_of_call, lesson_keys, peer_node, service_node,
    service_of,
)
from .otlp_json import CLIENT, CONSUMER, ERROR, INTERNAL, NONE, PRODUCER, SERVER, UNSET, read
from .seconds import ONE, Seconds, number

WALK_STEPS = 64
IDS_MAX = 8
DURATION_MAX_NS = 1 << 53
USER = ("user", "", "user")

CALLERS = (CLIENT, PRODUCER)
QUIET = (INTERNAL, NONE)  # kinds that E3 walks through


@dataclass
class Options:
    """What the configuration can change, with its defaults."""

    self_edges: bool = True
    orphan_servers: bool = False  # topology.orphan_servers: user
    count_max: int = 65536  # sampling.max_count
    derive_errors: bool = False  # topology.derive_errors


# --- Weights, durations, statuses (E13, E14, E16) ------------------------------------------------


def weight_of(span, options):
    """E16: the adjusted count in units of 2^-20; unknown counts 1."""
    count = Fraction(1)
    for member in span.tracestate.split(","):
        key, _, value = member.strip().partition("=")
        if key != "ot":
            continue
        fields = dict(part.partition(":")[::2] for part in value.split(";"))
        if "th" in fields:
            threshold = int(fields["th"].ljust(14, "0"), 16)
            count = Fraction(1 << 56, (1 << 56) - threshold)
        elif "p" in fields:
            power = int(fields["p"])
            count = Fraction(0) if power == 63 else Fraction(1 << power)
    return round(min(count, options.count_max) * ONE)


def duration_of(span):
    """E14: (nanoseconds or None, whether it was cut)."""
    if span.start == 0 or span.end == 0:
        return None, False
    if span.end < span.start:
        return 0, True
    if span.end - span.start > DURATION_MAX_NS:
        return DURATION_MAX_NS, True
    return span.end - span.start, False


GRPC_CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)
GRPC_SERVER_ERRORS = (
    "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
)


def grpc_code(attributes):
    """The name of the gRPC status, whichever of the three attributes says it, or None."""
    for key in ("rpc.status_code", "rpc.response.status_code", "rpc.grpc.status_code"):
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and 0 <= value < len(GRPC_CODES):
            return GRPC_CODES[value]
    return None


def derives_error(span):
    """E13 with topology.derive_errors: what the conventions make of the codes."""
    http = span.attributes.get("http.response.status_code",
                               span.attributes.get("http.status_code"))
    if isinstance(http, int) and http >= (400 if span.kind in CALLERS else 500):
        return True
    grpc = grpc_code(span.attributes)
    if grpc is None:
        return False
    return grpc != "OK" if span.kind in CALLERS else grpc in GRPC_SERVER_ERRORS


# --- Traces ---------------------------------------------------------------------------------------


@dataclass(eq=False)
class Call:
    """One request: the side that made it, and the span or the group that took it."""

    side: object
    callees: list
    is_group: bool = False


@dataclass(eq=False)
class Edge:
    requests: int = 0
    failed: int = 0
    client_weights: dict = field(default_factory=dict)  # client span -> its largest weight (E16)
    server: Seconds = field(default_factory=Seconds)
    network: Seconds = field(default_factory=Seconds)


def is_id(value, length):
    return len(value) == length and value.strip("0") != ""


class Model:
    """All spans of a run and what the rules make of them."""

    def __init__(self, spans, options=None):
        self.options = options or Options()
        self.spans = spans
        self.service = {span: service_of(span) for span in spans}
        self.weight = {span: weight_of(span, self.options) for span in spans}
        self.failed = {span: self.is_error(span) for span in spans}
        self.class_of = {}  # span -> "paired", "unpaired.no_server" ...
        self.known = []
        self.by_id = defaultdict(list)  # (trace, id) -> spans, duplicates left out
        self.edges = defaultdict(Edge)
        self.admit()
        self.reported = {self.service[span] for span in self.known}
        self.parent = {}
        self.is_root = set()
        self.is_orphan = set()
        self.find_parents()
        self.children = defaultdict(list)
        for span, parent in self.parent.items():
            self.children[parent].append(span)
        self.calls = []
        self.find_calls()
        self.count_calls()
        self.lessons = defaultdict(set)  # key -> services that taught it
        self.teach()
        self.judge_unanswered()
        self.judge_roots()
        self.judge_the_rest()

    def admit(self):
        """E15 and E17: rejected and duplicate spans; the order of arrival matters only here."""
        remembered = set()
        reused = set()
        for span in self.spans:
            copies = (span.trace, span.id, span.kind, self.service[span])
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
        return min(spans, key=lambda span: (order.index(span.kind), self.service[span]))

    def parent_among(self, span, candidates):
        """E7: which of the spans of one id is this span's parent."""
        if span.kind in (SERVER, CONSUMER):
            halves = [other for other in candidates if other.kind == CLIENT]
        else:
            # No own half: the SERVER half, which is the lowest kind anyway.
            halves = [other for other in candidates if self.service[other] == self.service[span]]
        return self.lowest(halves or candidates)

    def find_parents(self):
        for span in self.known:
            same_id = self.by_id[span.trace, span.id]
            shared = [other for other in same_id if other.kind == CLIENT]
            candidates = self.by_id.get((span.trace, span.parent), [])
            if span.kind == SERVER and shared:
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
            if span.kind in CALLERS:
                return span
            if span.kind not in QUIET:
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
        """E5. Reading: the client side is looked for by E3 first."""
        for child in siblings:
            if (side.kind, child.kind) in ((CLIENT, SERVER), (PRODUCER, CONSUMER)):
                self.calls.append(Call(side, [child]))

    def find_calls_between(self, side, siblings):
        """E2: siblings are all children of one parent in one other service."""
        servers = [child for child in siblings if child.kind in (SERVER, CONSUMER)]
        kindless = [child for child in siblings if child.kind == NONE]
        if servers:
            self.calls.extend(Call(side, [child]) for child in servers)
        elif kindless:
            self.calls.extend(Call(side, [child]) for child in kindless)
        else:
            self.calls.append(Call(side, siblings, is_group=True))

    # --- Counting ---

    def edge(self, client, server, connection_type):
        return self.edges[client, server, connection_type]

    def connection_type(self, call):
        """E11. Reading: only a CLIENT or PRODUCER span can be a client with database attributes."""
        if call.side.kind == PRODUCER or call.callees[0].kind == CONSUMER:
            return "messaging_system"
        if call.side.kind == CLIENT and is_database(call.side):
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
            edge = self.edge(
                service_node(self.service[call.side]),
                service_node(self.service[call.callees[0]]),
                self.connection_type(call),
            )
            edge.requests += weight
            edge.failed += weight if self.has_failed(call) else 0
            if call.side.kind in CALLERS:
                # E6: once per client span and edge, with the largest weight there (E16).
                edge.client_weights[call.side] = max(edge.client_weights.get(call.side, 0), weight)
            if not call.is_group:
                edge.server.observe(duration_of(call.callees[0])[0], weight)
            if call.side.kind == CLIENT and self.is_server_call(call) and servers[call.side] == 1:
                self.observe_network(edge, call, weight)
        # An orphan SERVER or CONSUMER that made calls is parent_missing all the same.
        for span in self.is_orphan:
            if span.kind in (SERVER, CONSUMER):
                self.class_of[span] = "unpaired.parent_missing"

    @staticmethod
    def is_server_call(call):
        return not call.is_group and call.callees[0].kind in (SERVER, NONE)

    def is_error(self, span):
        """E13: a status that is set stands; an unset one may be derived."""
        if span.status == UNSET and self.options.derive_errors:
            return derives_error(span)
        return span.status == ERROR

    def has_failed(self, call):
        """E13."""
        by_caller = call.side.kind in CALLERS and self.failed[call.side]
        return by_caller or any(self.failed[span] for span in call.callees)

    @staticmethod
    def observe_network(edge, call, weight):
        """E14: client duration - server duration; below zero it is not observed."""
        client, client_cut = duration_of(call.side)
        server, server_cut = duration_of(call.callees[0])
        if client is None or server is None or client_cut or server_cut or client < server:
            return
        edge.network.observe(client - server, weight)

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
            if walked.kind not in CALLERS + QUIET:
                break
            if walked.kind in CALLERS and walked is not span and walked not in out:
                out.append(walked)
        return out

    def teach(self):
        """N5: only a CLIENT that is the parent of a SERVER in another service."""
        for span, parent in self.parent.items():
            service = self.service[span]
            if (parent.kind, span.kind) == (CLIENT, SERVER) and service != self.service[parent]:
                for key in lesson_keys(parent):
                    self.lessons[key].add(service)

    def learned(self, span):
        """N5: the service that an unanswered call goes to, or None."""
        if span.kind != CLIENT or kind_of_call(span) in ("database", "messaging"):
            return None
        for key in lesson_keys(span):
            services = self.lessons.get(key, set())
            if len(services) == 1 and self.service[span] not in services:
                return min(services)
        return None

    def judge_unanswered(self):
        callers = [span for span in self.known if span.kind in CALLERS]
        answered = {call.side for call in self.calls}
        around = {span: self.around(span) for span in callers}
        answered_inside = {outer for span in callers if span in answered for outer in around[span]}
        for span in callers:
            if span in answered or span in answered_inside:
                continue
            if any(outer in answered or outer not in answered_inside for outer in around[span]):
                continue
            self.count_unanswered(span)

    def count_unanswered(self, span):
        """N5, E10, E12."""
        learned = self.learned(span)
        # Reading: an orphan is counted as a call, but its class is parent_missing.
        reason = "no_server" if span.kind == CLIENT else "no_consumer"
        if learned:
            reason = "server_silent"
        if span in self.is_orphan:
            reason = "parent_missing"
        self.class_of.setdefault(span, "unpaired." + reason)
        weight = self.weight[span]
        if weight == 0:
            return
        kind = kind_of_call(span)
        types = {"database": "database", "messaging": "messaging_system"}
        edge = self.edge(
            service_node(self.service[span]),
            service_node(learned) if learned else callee_node(span, self.reported),
            "" if learned else types.get(kind, "virtual_node"),
        )
        edge.requests += weight
        edge.failed += weight if self.failed[span] else 0
        edge.client_weights[span] = weight

    # --- Roots and orphans (N6) ---

    def judge_roots(self):
        for span in self.known:
            if span in self.is_root and span.kind == SERVER:
                self.class_of[span] = "paired"
                self.count_root(span, USER, "virtual_node")
            elif span in self.is_root and span.kind == CONSUMER:
                caller = self.consumer_caller(span)
                if caller:
                    self.class_of[span] = "paired"
                    self.count_root(span, caller, "messaging_system")
                else:
                    self.class_of.setdefault(span, "unpaired.no_producer")
            elif span in self.is_orphan and self.options.orphan_servers:
                self.draw_orphan(span)

    def draw_orphan(self, span):
        """N6: with topology.orphan_servers: user. The class stays parent_missing."""
        if span.kind == SERVER:
            self.count_root(span, USER, "virtual_node")
        elif span.kind == CONSUMER and self.consumer_caller(span):
            self.count_root(span, self.consumer_caller(span), "messaging_system")

    def consumer_caller(self, span):
        """N6: its destination, without one its peer name, without that nothing."""
        destination = destination_of(span.attributes)
        if destination:
            return ("messaging", "", destination)
        return peer_node(span, "messaging", self.reported)

    def count_root(self, span, caller, connection_type):
        weight = self.weight[span]
        if weight == 0:
            return
        edge = self.edge(caller, service_node(self.service[span]), connection_type)
        edge.requests += weight
        edge.failed += weight if self.failed[span] else 0
        edge.server.observe(duration_of(span)[0], weight)

    def judge_the_rest(self):
        """Reading: any span whose named parent never came is parent_missing, whatever its kind."""
        for span in self.known:
            orphan = span in self.is_orphan
            self.class_of.setdefault(span, "unpaired.parent_missing" if orphan else "internal")

    # --- Out ---

    def drawn_edges(self):
        """E5: self edges are drawn only if asked for."""
        return {
            key: edge
            for key, edge in self.edges.items()
            if self.options.self_edges or key[0] != key[1]
        }

    def nodes_json(self, edges):
        """N7."""
        nodes = {service_node(service) for service in self.reported}
        nodes.update(node for client, server, _ in edges for node in (client, server))
        out = []
        for node in nodes:
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
        client = Seconds()
        for span, weight in edge.client_weights.items():
            client.observe(duration_of(span)[0], weight)
        return {
            "client": "/".join(key[0]),
            "server": "/".join(key[1]),
            "connection_type": key[2],
            "requests": number(edge.requests),
            "failed": number(edge.failed),
            "client_seconds": client.to_json(),
            "server_seconds": edge.server.to_json(),
            "network_seconds": edge.network.to_json(),
            "messaging_seconds": None,
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
        edges = self.drawn_edges()
        sorted_edges = sorted(
            (self.edge_json(key, edge) for key, edge in edges.items()),
            key=lambda e: (e["client"].encode(), e["server"].encode(), e["connection_type"]),
        )
        return {
            "nodes": self.nodes_json(edges),
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
