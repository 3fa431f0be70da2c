"""Sides that come late: what is counted already stays, and nothing is drawn twice (E8, E10)."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model import compare, otlp_json, series  # noqa: E402
from model.otlp_json import CLIENT, CONSUMER, ERROR, INTERNAL, PRODUCER, SERVER, Span  # noqa: E402

START_NS = 1_700_000_000_000_000_000
MS = 10**6
SHORT = "100ms"
LONG = "24h"
QUEUE = {"messaging.destination.name": "q"}


def span(service, kind, span_id, trace=1, parent=0, status=otlp_json.UNSET, attributes=None,
         links=()):
    return Span(
        trace=f"{trace:032x}", id=f"{span_id:016x}", parent=f"{parent:016x}" if parent else "",
        kind=kind, start=START_NS, end=START_NS + 10 * MS, status=status,
        resource={"service.name": service}, attributes=attributes or {},
        links=[(f"{link_trace:032x}", f"{link_id:016x}") for link_trace, link_id in links])


class World(Daemon):
    """A daemon that is told of one span after the other."""

    def __init__(self, more=None, **waits):
        options = {"pairing.wait": SHORT, "pairing.parent_wait": SHORT, "messaging.wait": SHORT,
                   "map.self_edges": "true", "topology.shards": 2}
        super().__init__({**options, **(more or {}), **{key.replace("_", ".", 1): value
                                                        for key, value in waits.items()}})
        self.sent = 0

    def tell(self, *spans):
        with Sender(self.grpc) as sender:
            sender.send(list(spans))
        self.sent += len(spans)

    def flood(self, requests):
        """Thousands of spans that have to do with nothing, so that what came before leaves memory."""
        mark = bytes.fromhex("aa" * 8)
        spans = [span("flood", INTERNAL, 1, trace=int("aa" * 8, 16) << 64 | i) for i in range(2000)]
        message = request_of(spans).SerializeToString()
        assert message.count(mark) == len(spans)
        with Sender(self.grpc) as sender:
            for number in range(requests):
                sender.insist(message.replace(mark, (self.sent + number).to_bytes(8, "big")))
        self.sent += requests * len(spans)

    def judged(self, waiting=0):
        """The map once all that was told is judged but for so many spans."""
        def answer():
            found = self.map()
            accounting = found["accounting"]
            done = accounting["received"] == self.sent and accounting["waiting"] == waiting
            return found if done else None
        return wait_until(answer, f"{self.sent} spans are judged but for {waiting}")


def edges(answer):
    """{edge: [requests, failed]}"""
    return {compare.edge_key(edge): [edge["requests"], edge["failed"]] for edge in answer["edges"]}


def classes(answer):
    """{class: spans}; they add up in every snapshot."""
    flat = compare.flat_accounting(answer["accounting"])
    received = flat.pop("received")
    assert received == sum(flat.values()), answer["accounting"]
    return flat


SENT = "service//a -> messaging//q [messaging_system]"
TAKEN = "messaging//q -> service//b [messaging_system]"


def test_a_server_that_comes_late_is_not_drawn_twice():
    with World() as world:
        world.tell(span("a", CLIENT, 1, attributes={"server.address": "b.example"}))
        world.judged()
        world.tell(span("b", SERVER, 2, parent=1))
        answer = world.judged()
        assert edges(answer) == {"service//a -> external//b.example [virtual_node]": [1, 0]}
        assert classes(answer) == {"unpaired.no_server": 1, "unpaired.late": 1}


def test_a_late_server_teaches_all_the_same():
    """N5: it is the SERVER child of a CLIENT span."""
    with World() as world:
        call = {"server.address": "b.example"}
        world.tell(span("a", CLIENT, 1, attributes=call))
        world.judged()
        world.tell(span("b", SERVER, 2, parent=1))
        world.judged()
        world.tell(span("c", CLIENT, 3, trace=2, attributes=call, status=ERROR))
        answer = world.judged()
        assert edges(answer)["service//c -> service//b"] == [1, 1]
        assert classes(answer)["unpaired.server_silent"] == 1


def test_a_lesson_comes_before_the_call_or_not_at_all():
    """What was counted stays; what comes later knows the service."""
    with World() as world:
        call = {"server.address": "b.example"}
        world.tell(span("c", CLIENT, 3, trace=2, attributes=call))
        world.judged()
        world.tell(span("a", CLIENT, 1, attributes=call), span("b", SERVER, 2, parent=1))
        world.judged()
        world.tell(span("c", CLIENT, 4, trace=3, attributes=call))
        answer = world.judged()
        assert edges(answer) == {
            "service//c -> external//b.example [virtual_node]": [1, 0],
            "service//a -> service//b": [1, 0], "service//c -> service//b": [1, 0]}


def test_a_key_that_becomes_a_gateways_is_no_longer_used():
    with World() as world:
        call = {"server.address": "gw.example"}
        world.tell(span("a", CLIENT, 1, attributes=call), span("b", SERVER, 2, parent=1))
        world.judged()
        world.tell(span("c", CLIENT, 3, trace=2, attributes=call))
        world.judged()
        world.tell(span("a", CLIENT, 4, trace=3, attributes=call),
                   span("d", SERVER, 5, trace=3, parent=4))
        world.judged()
        world.tell(span("c", CLIENT, 6, trace=4, attributes=call))
        answer = world.judged()
        assert edges(answer) == {
            "service//a -> service//b": [1, 0], "service//a -> service//d": [1, 0],
            "service//c -> service//b": [1, 0],
            "service//c -> external//gw.example [virtual_node]": [1, 0]}


def test_a_message_is_sent_before_anybody_takes_it():
    """E10: in the broker view producer -> destination counts at the end of pairing.wait."""
    with World(messaging_wait=LONG) as world:
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE))
        wait_until(lambda: edges(world.map()) == {SENT: [1, 0]}, "the message is drawn")
        assert classes(world.map()) == {"waiting": 1}
        world.tell(span("b", CONSUMER, 2, trace=2, links=[(1, 1)]))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 0]}
        assert classes(answer) == {"paired": 2}


def test_the_direct_view_waits_for_the_consumer():
    """E9, E10: metrics.messaging is direct, and a PRODUCER waits messaging.wait."""
    with World(messaging_wait=LONG) as world:
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE))
        wait_until(lambda: edges(world.map()) == {SENT: [1, 0]}, "the message is drawn")
        name = series.GRAPH + "request_total"
        world.metrics()
        assert name + '{client="a",connection_type="messaging_system",server="q"}' not in {
            sample for sample, value in world.metrics().items() if value}
        world.tell(span("b", CONSUMER, 2, trace=2, links=[(1, 1)]))
        world.judged()
        world.metrics()  # A new series shows 0 first.
        found = {sample: value for sample, value in world.metrics().items()
                 if sample.startswith(name + "{") and value}
        assert found == {name + '{client="a",connection_type="messaging_system",server="b"}': 1}


def test_a_consumer_after_messaging_wait_is_late():
    for links, parent in (([(1, 1)], 0), ([], 1)):
        with World() as world:
            world.tell(span("a", PRODUCER, 1, attributes=QUEUE))
            world.judged()
            world.tell(span("b", CONSUMER, 2, trace=1 if parent else 2, parent=parent, links=links,
                            attributes=QUEUE))
            answer = world.judged()
            assert edges(answer) == {SENT: [1, 0]}
            assert classes(answer) == {"unpaired.no_consumer": 1, "unpaired.late": 1}


def test_a_producer_after_its_consumer_is_late():
    """E8: a CONSUMER waits pairing.wait for the producers it links to."""
    with World() as world:
        world.tell(span("b", CONSUMER, 2, trace=2, links=[(1, 1)], attributes=QUEUE))
        world.judged()
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 0]}
        assert classes(answer) == {"paired": 1, "unpaired.late": 1}


def test_a_consumer_waits_for_a_parent_longer_than_for_a_link():
    with World(pairing_parent_wait=LONG, messaging_wait=LONG) as world:
        world.tell(span("b", CONSUMER, 2, parent=1), span("c", SERVER, 3, trace=3))
        world.judged(waiting=1)
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 0],
                                 "user//user -> service//c [virtual_node]": [1, 0]}
        assert classes(answer) == {"paired": 3}


def test_a_second_processing_may_fail_what_was_counted():
    """E8: one request, failed if any is (raised later if need be), with the largest weight."""
    with World(messaging_wait=LONG) as world:
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE),
                   span("b", CONSUMER, 2, trace=2, links=[(1, 1)]))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 0]}
        again = span("b", CONSUMER, 3, trace=3, links=[(1, 1)], status=ERROR)
        again.tracestate = "ot=th:8"
        world.tell(again)
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [2, 2]}
        taken = [edge for edge in answer["edges"] if compare.edge_key(edge) == TAKEN][0]
        assert taken["server_seconds"]["count"] == 3
        assert classes(answer) == {"paired": 3}


def test_a_process_span_after_the_receive_span_was_counted():
    """Nothing counted can be withdrawn: it stays one request."""
    receive = {"messaging.operation.type": "receive"}
    with World(messaging_wait=LONG) as world:
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE),
                   span("b", CLIENT, 2, trace=2, links=[(1, 1)], attributes=receive))
        world.judged()
        world.tell(span("b", CONSUMER, 3, trace=2, parent=2, links=[(1, 1)], status=ERROR))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 1]}
        assert classes(answer) == {"paired": 3}


SMALL = {"memory.limit": "64MiB", "topology.memory_max": "4MiB"}
BROKER = {"server.address": "broker.example"}


def test_a_message_is_taken_long_after_its_span_has_left_memory():
    """E8: producers wait in a table of their own; E4 holds for them there, too."""
    with World(SMALL, messaging_wait=LONG) as world:
        for trace in (1, 2):  # The one is taken, the other never.
            world.tell(span("a", PRODUCER, 2, trace=trace, parent=1, attributes=QUEUE),
                       span("a", CLIENT, 1, trace=trace, attributes=BROKER),
                       span("a", PRODUCER, 4, trace=trace, parent=3, attributes=QUEUE),
                       span("a", PRODUCER, 3, trace=trace, attributes=QUEUE))
        world.judged(waiting=8)
        for _ in range(5):  # A little at a time, so that nothing is dropped before it was judged.
            world.flood(12)
            wait_until(lambda: world.accounting()["received"] == world.sent, "the flood is received")
            wait_until(lambda: world.accounting()["waiting"] <= 8, "the flood is judged")
        assert world.metrics()["spanmap_engine_remembered_spans"] < 60_000
        assert edges(world.map())[SENT] == [2, 0]  # Of the two by themselves it is not clear yet.
        world.tell(span("b", CONSUMER, 5, trace=5, links=[(1, 2), (1, 4)]))
        answer = wait_until(lambda: (lambda found: found if TAKEN in edges(found) else None)(
            world.map()), "the messages are taken")
        assert edges(answer)[TAKEN] == [2, 0]
        assert not [edge for edge in edges(answer) if "broker.example" in edge]


def test_copies_in_other_requests_and_over_other_connections():
    """E15: a duplicate, counted, nothing else, whether it comes at once or after it was judged."""
    with World(messaging_wait=LONG) as world:
        spans = [span("a", CLIENT, 1), span("b", SERVER, 2, parent=1),
                 span("b", PRODUCER, 3, parent=2, attributes=QUEUE),
                 span("c", CONSUMER, 4, trace=2, links=[(1, 3)])]
        world.tell(*spans)
        world.tell(*spans[::-1])
        first = world.judged()
        world.tell(*spans)
        world.tell(spans[3].copy(links=[(f"{1:032x}", f"{9:016x}")]))
        second = world.judged()
        for answer, copies in ((first, 4), (second, 9)):
            assert edges(answer) == {"service//a -> service//b": [1, 0],
                                     "service//b -> messaging//q [messaging_system]": [1, 0],
                                     "messaging//q -> service//c [messaging_system]": [1, 0]}
            assert classes(answer) == {"paired": 4, "duplicate": copies}
        assert second["edges"] == first["edges"]


def test_the_ninth_span_of_an_id_links_to_nothing():
    """E17: in time, and from another shard."""
    with World(messaging_wait=LONG) as world:
        world.tell(span("a", PRODUCER, 1, attributes=QUEUE),
                   *[span(f"s{number}", INTERNAL, 7, trace=2) for number in range(8)])
        world.tell(*[span("b", CONSUMER, 7, trace=2, links=[(1, 1)]) for _ in range(2)])
        wait_until(lambda: edges(world.map()) == {SENT: [1, 0]}, "the message is drawn")
        answer = world.judged(waiting=1)
        assert edges(answer) == {SENT: [1, 0]}
        assert classes(answer) == {"internal": 8, "waiting": 1, "rejected.id_reused": 2}
        world.tell(span("b", CONSUMER, 8, trace=2, links=[(1, 1)]))
        answer = world.judged()
        assert edges(answer) == {SENT: [1, 0], TAKEN: [1, 0]}
