"""shapes: every small trace of a form, for tests that leave nothing to chance.

Each trace has services and peers of its own, so that a wrong edge names the trace it comes from.

A span of a form is (number, parent, kind, service) and, if need be, what else it has: attributes,
`links` (numbers, or "far" numbers of the second trace) and `far` (it is in the second trace).
"""

from itertools import product

from .generate import ALL_KINDS, START_NS
from .otlp_json import CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER, Span

TRACES_PER_RUN = 700
FAR = 1 << 64  # the second trace of a form

SEND = {"messaging.operation.type": "send"}
RECEIVE = {"messaging.operation.type": "receive"}
SETTLE = {"messaging.operation.type": "settle"}
QUEUE = {"messaging.destination.name": "q"}
# Kinds as they come, and those that an operation makes.
PLAIN = [(kind, {}) for kind in ALL_KINDS]
OPERATING = PLAIN + [(CLIENT, SEND), (CLIENT, RECEIVE), (CLIENT, SETTLE), (CONSUMER, RECEIVE)]


def _span(trace, number, parent, kind, service, attributes=None, links=(), far=False):
    named = {key: value.format(trace=trace) if isinstance(value, str) else value
             for key, value in (attributes or {}).items()}
    own = trace + (FAR if far else 0)
    return Span(
        trace="%032x" % own, id="%016x" % number, parent="%016x" % parent if parent else "",
        kind=kind, start=START_NS, end=START_NS + number * 1_000_000,
        resource={"service.name": f"{service}{trace}"},
        attributes={"server.address": f"x{trace}-{number}", **named},
        links=[("%032x" % (trace + which // 100 * FAR), "%016x" % (which % 100))
               for which in links],
    )


def chains(length):
    """Each span the parent of the next; all kinds, two services; ends are not all that matters."""
    for kinds in product(ALL_KINDS, repeat=length):
        for services in product("ab", repeat=length - 1):
            yield [(at + 1, at, kind, service)
                   for at, (kind, service) in enumerate(zip(kinds, ("a",) + services))]


def forks():
    """Two children of one parent."""
    for kinds in product(ALL_KINDS, repeat=3):
        for services in product("ab", "abc"):
            yield [(1, 0, kinds[0], "a"), (2, 1, kinds[1], services[0]),
                   (3, 1, kinds[2], services[1])]


def shared_ids():
    """Two spans of one id and a child of that id; the second may name a parent of its own."""
    for kinds in product(ALL_KINDS, repeat=3):
        for services in product("ab", "abc"):
            if (kinds[0], "a") != (kinds[1], services[0]):  # else a duplicate
                yield [(1, 0, kinds[0], "a"), (1, 9, kinds[1], services[0]),
                       (2, 1, kinds[2], services[1])]


def behind_a_client():
    """CLIENT -> two spans between -> the callee, with a second callee beside the last one."""
    for kinds in product(ALL_KINDS, repeat=4):
        yield [(1, 0, CLIENT, "a"), (2, 1, kinds[0], "a"), (3, 2, kinds[1], "a"),
               (4, 3, kinds[2], "b"), (5, 2, kinds[3], "b")]


def messages():
    """Two consumers of one producer: by parent, link or link from far; all that parts requests."""
    ways = ({"parent": 1}, {"parent": 1, "links": [1]}, {"links": [1], "far": True})
    says = ({}, {"messaging.destination.name": "r"}, {"messaging.consumer.group.name": "g"})
    takers = list(product(ways, ({}, RECEIVE), ("a", "b"), says))
    for named in ({}, QUEUE):
        for pair in product(takers, repeat=2):
            spans = [(1, 0, PRODUCER, "a", named)]
            for number, (way, operation, service, said) in enumerate(pair, start=2):
                spans.append((number, way.get("parent", 0), CONSUMER, service,
                              {**operation, **said}, way.get("links", ()), way.get("far", False)))
            yield spans


def nested_senders():
    """A sender in a sender, with something between; one of them, both or none is taken."""
    for (outer, inner), between, taken in product(product(OPERATING, repeat=2), (False, True),
                                                  ((), (1,), (3,), (1, 3))):
        spans = [(1, 0, outer[0], "a", {**outer[1], **QUEUE})]
        if between:
            spans.append((2, 1, INTERNAL, "a"))
        spans.append((3, 2 if between else 1, inner[0], "a", {**inner[1], **QUEUE}))
        if taken:
            spans.append((4, 0, CONSUMER, "b", {}, list(taken), True))
        yield spans


def consumers_beside_others():
    """Children of one parent in one service, a consumer with or without a producer among them."""
    consumers = product(((CONSUMER, {}), (CLIENT, RECEIVE)), ([], [109]))
    for parent, (taker, links), beside, service in product(OPERATING, consumers, OPERATING, "bc"):
        yield [(9, 0, PRODUCER, "p", QUEUE, [], True), (1, 0, parent[0], "a", parent[1]),
               (2, 1, taker[0], "b", taker[1], links), (3, 1, beside[0], service, beside[1])]


def lessons():
    """What an answered call teaches to calls of others, and to those of who answered."""
    keys = ({"server.address": "h{trace}"}, {"server.address": "h{trace}", "server.port": 80},
            {"server.address": "127.0.0.1", "server.port": 80},
            {"rpc.method": "pkg.S{trace}/M"},
            {"rpc.service": "pkg.S{trace}", "server.address": "::"})
    for caller, callee, service, key in product(OPERATING, OPERATING, "ab", keys):
        yield [(1, 0, caller[0], "a", {**caller[1], **key}), (2, 1, callee[0], service, callee[1]),
               (3, 0, CLIENT, "c", key, [], True), (4, 0, CLIENT, "b", key, [], True),
               (5, 0, SERVER, "b", {}, [], True)]


FORMS = {
    "chains_of_three": lambda: chains(3),
    "forks": forks,
    "shared_ids": shared_ids,
    "behind_a_client": behind_a_client,
    "messages": messages,
    "nested_senders": nested_senders,
    "consumers_beside_others": consumers_beside_others,
    "lessons": lessons,
}


def runs(form):
    """Lists of spans, some hundred traces each."""
    traces = [
        [_span(number, *fields) for fields in trace]
        for number, trace in enumerate(FORMS[form](), start=1)
    ]
    for at in range(0, len(traces), TRACES_PER_RUN):
        yield [span for trace in traces[at:at + TRACES_PER_RUN] for span in trace]
