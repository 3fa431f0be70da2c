"""shapes: every small trace of a form, for tests that leave nothing to chance.

Each trace has services of its own, so that a wrong edge names the trace it comes from.
"""

from itertools import product

from .generate import ALL_KINDS, START_NS
from .otlp_json import CLIENT, Span

TRACES_PER_RUN = 700


def _span(trace, number, parent, kind, service):
    return Span(
        trace="%032x" % trace, id="%016x" % number, parent="%016x" % parent if parent else "",
        kind=kind, start=START_NS, end=START_NS + number * 1_000_000,
        resource={"service.name": f"{service}{trace}"},
        attributes={"server.address": f"x{trace}-{number}"},
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


FORMS = {
    "chains_of_three": lambda: chains(3),
    "forks": forks,
    "shared_ids": shared_ids,
    "behind_a_client": behind_a_client,
}


def runs(form):
    """Lists of spans, some hundred traces each."""
    traces = [
        [_span(number, *fields) for fields in trace]
        for number, trace in enumerate(FORMS[form](), start=1)
    ]
    for at in range(0, len(traces), TRACES_PER_RUN):
        yield [span for trace in traces[at:at + TRACES_PER_RUN] for span in trace]
