"""Messages that are taken long after pairing.wait: the same map as if all had come at once (E4, E10).

Random nests of CLIENT, PRODUCER and INTERNAL spans in one service, some CLIENTs answered in time; the
consumers come later, by parent or by link. The clock is given, so that nothing depends on how fast
anything is.

SPANMAP_SEED   the first seed (default 1)
"""

import json
import os
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import IS_SANITIZED  # noqa: E402
from lib.library import Library  # noqa: E402
from lib.sender import request_of  # noqa: E402
from model import compare, model  # noqa: E402
from model.otlp_json import CLIENT, CONSUMER, INTERNAL, PRODUCER, SERVER, Span  # noqa: E402

FIRST = int(os.environ.get("SPANMAP_SEED") or 1)
START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
TRACES = 60
LINKED = 1 << 32  # Traces of consumers that link
OPTIONS = {"memory.limit": "1GiB", "map.self_edges": "true", "messaging.wait": "1h"}

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="Python is no host for a sanitizer's library")


class Forest:
    """`prompt` spans come at the start, `late` ones later."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.prompt, self.late = [], []
        self.ids = 0
        for trace in range(1, TRACES + 1):
            self.grow(trace, "", 0)
        self.chance.shuffle(self.prompt)
        self.chance.shuffle(self.late)

    def span(self, service, kind, trace, parent="", attributes=None, links=()):
        self.ids += 1
        return Span(trace=f"{trace:032x}", id=f"{self.ids:016x}", parent=parent, kind=kind,
                    start=START, end=START + 10**7, resource={"service.name": service},
                    attributes=attributes or {}, links=list(links))

    def grow(self, trace, parent, depth):
        chance = self.chance
        for _ in range(chance.choice((1, 1, 2, 3)) if depth else 1):
            kind = chance.choice((CLIENT, CLIENT, PRODUCER, PRODUCER, INTERNAL))
            attributes = {}
            if kind == CLIENT:  # Each to a place of its own: none is learned from another.
                attributes = {"server.address": f"x{self.ids}.example"}
            elif kind == PRODUCER and chance.random() < 0.7:
                attributes = {"messaging.system": "kafka",
                              "messaging.destination.name": chance.choice("qr")}
            span = self.span("front", kind, trace, parent, attributes)
            self.prompt.append(span)
            if depth < 4 and chance.random() < 0.75:
                self.grow(trace, span.id, depth + 1)
            if kind == CLIENT and chance.random() < 0.25:
                self.prompt.append(self.span("back", SERVER, trace, span.id))
            if kind == PRODUCER and chance.random() < 0.4:
                self.take(span, trace)

    def take(self, producer, trace):
        if self.chance.random() < 0.5:
            self.late.append(self.span("back", CONSUMER, trace, producer.id))
        else:
            self.late.append(self.span("back", CONSUMER, LINKED + self.ids,
                                       links=[(producer.trace, producer.id)]))


def differences(spans, shown):
    return compare.differences(model.judge(spans), compare.bare(json.loads(shown)))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 3))
@pytest.mark.parametrize("shards", ["1", "3"])
def test_it_does_not_show_when_messages_were_taken(shards, seed):
    print(f"seed {seed}")
    forest = Forest(seed)
    everything = forest.prompt + forest.late
    now = START
    with Library({**OPTIONS, "topology.shards": shards}, start=START) as library:
        library.feed(request_of(forest.prompt).SerializeToString(), now)
        while forest.late:
            count = forest.chance.randrange(1, 20)
            batch, forest.late = forest.late[:count], forest.late[count:]
            now += forest.chance.randrange(11, 300) * SECOND
            library.feed(request_of(batch).SerializeToString(), now)
        assert now < START + 3600 * SECOND
        library.advance(now + 20 * SECOND)
        waiting = json.loads(library.render("json"))["accounting"]["waiting"]
        library.advance(now + 2 * 3600 * SECOND)
        assert json.loads(library.render("json"))["accounting"]["waiting"] == 0 < waiting
        assert differences(everything, library.render("json")) == []
    with Library(OPTIONS, start=START) as library:  # All at once.
        library.feed(request_of(everything).SerializeToString(), START)
        library.drain()
        assert differences(everything, library.render("json")) == []
