"""Names given back: floods of names that never come again cost nobody else his name.

The floods are hundreds of thousands of services, peers and operations against small quotas, which the
shards remember all. Totals stay right all the way, memory stays where it was, and in the end a newcomer
gets a name of its own.
"""

import re
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import IS_SANITIZED, Daemon, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

QUOTAS = {"pairing.wait": "200ms", "pairing.parent_wait": "200ms", "messaging.wait": "200ms",
          "metrics.expiration": "1s", "names.services_max": 100, "names.peers_max": 100, "names.operations_max": 100,
          "names.sites_max": 500, "map.edges_max": 300, "metrics.operations_max": 300, "metrics.losses_max": 100,
          "topology.memory_max": "2MiB", "memory.limit": "256MiB"}
WAVES = 3 if IS_SANITIZED else 8
REQUESTS = 10 if IS_SANITIZED else 40  # A wave.
SPANS = 1000  # A request.
START = 1_700_000_000_000_000_000
GROWTH_MAX = 24 << 20
PLACE = b"@" * 12  # Of a word that is new each time.


class Flood:
    """Requests of one form, in which a word is another one for each span."""

    def __init__(self):
        self.words = 0
        self.spans = 0

    def word(self):
        """Letters alone: digits would become a template."""
        self.words += 1
        return "".join(chr(ord("a") + int(digit, 16)) for digit in f"{self.words:012x}").encode()

    def request(self, kind):
        template = request_of([self.span(kind, number) for number in range(SPANS)]).SerializeToString()
        self.spans += SPANS
        return re.sub(PLACE, lambda _: self.word(), template)

    def span(self, kind, number):
        place = PLACE.decode()
        span = Span(trace=f"{self.spans + number + 1:032x}", id=f"{1:016x}", start=START, end=START + 1_000_000,
                    kind=SERVER, resource={"service.name": "steady"})
        if kind == "service":
            return span.copy(resource={"service.name": place, "number": number})  # Else all are one.
        if kind == "operation":
            return span.copy(name=place)
        if kind == "value":
            return span.copy(attributes={"user": place})
        return span.copy(kind=CLIENT, attributes={"server.address": place})


def requests_of(answer):
    """Of all edges: each span of the floods is one call."""
    return sum(edge["requests"] for edge in answer["edges"])


def newcomers(flood):
    """A service that calls a peer, under names that only they have, the same each time; and enough of the usual to push
    what is old out of a small memory."""
    first = flood.spans + 1
    flood.spans += 2001
    usual = [Span(trace=f"{first + number:032x}", id=f"{1:016x}", start=START, end=START + 1_000_000, kind=SERVER,
                  resource={"service.name": "steady"}) for number in range(2000)]
    return usual + [usual[0].copy(trace=f"{first + 2000:032x}", name="newcomer-operation", kind=CLIENT,
                                  resource={"service.name": "newcomer"},
                                  attributes={"server.address": "newcomer-peer"})]


def has_names(daemon, client):
    answer = daemon.map()
    edges = {(edge["client"], edge["server"]) for edge in answer["edges"]}
    return (client, "external//newcomer-peer") in edges and any("newcomer-operation" in name for name in daemon.metrics())


def given_back(daemon, table):
    return daemon.json("/debug/cardinality")[table]["given_back"]


@pytest.mark.parametrize("memory", ["2MiB", "100MiB"])
def test_floods_of_names_cost_no_newcomer_its_name(memory):
    """A span that is remembered keeps its service, and that alone: with much memory services stay."""
    is_small = memory == "2MiB"
    with Daemon({**QUOTAS, "topology.memory_max": memory}) as daemon, Sender(daemon.grpc) as sender:
        flood = Flood()
        resident = []
        for wave in range(WAVES):
            for number in range(REQUESTS):
                sender.insist(flood.request(("service", "operation", "peer")[(wave + number) % 3]))
            answer = daemon.wait_for_counted(flood.spans)
            assert requests_of(answer) + answer["accounting"]["dropped"].get("evicted", 0) == flood.spans
            resident.append(daemon.resident_bytes() - int(daemon.metrics()["spanmap_engine_remembered_bytes"]))
        tables = daemon.json("/debug/cardinality")
        assert all(tables[table]["refused"] > 1000 for table in ("services", "peers", "operations"))

        def newcomer_is_known():
            sender.send(newcomers(flood))
            answer = daemon.wait_for_counted(flood.spans)
            assert requests_of(answer) + answer["accounting"]["dropped"].get("evicted", 0) == flood.spans
            return has_names(daemon, "service//newcomer" if is_small else "external//otel_metric_overflow")

        wait_until(newcomer_is_known, "the newcomer has its own names")
        assert all(given_back(daemon, table) > 0 for table in ("peers", "operations", "sites"))
        assert (given_back(daemon, "services") > 0) == is_small
        if not IS_SANITIZED:
            assert resident[-1] - resident[1] <= GROWTH_MAX, resident


def test_nothing_grows_while_nobody_looks():
    """Ever new names, edges and resources, and neither page nor metrics are asked for until the end."""
    with Daemon({**QUOTAS, "metrics.targets_max": 50}) as daemon, Sender(daemon.grpc) as sender:
        flood = Flood()
        resident = []
        for wave in range(WAVES):
            for number in range(REQUESTS):
                sender.insist(flood.request(("service", "operation", "peer")[(wave + number) % 3]))
            time.sleep(1.2)  # So that series, targets and names of this wave have had their time.
            resident.append(daemon.resident_bytes())
        if not IS_SANITIZED:
            assert max(resident[2:]) - resident[1] <= GROWTH_MAX, resident
        tables = daemon.json("/debug/cardinality")
        assert all(table["used"] <= table["max"] + 3 for table in tables.values() if isinstance(table, dict))
        wait_until(lambda: sender.send(newcomers(flood)) and has_names(daemon, "service//newcomer"), "the newcomer")
        assert all(given_back(daemon, table) > 0 for table in ("services", "edges", "targets"))


@pytest.mark.parametrize("kind", ["service", "operation", "peer", "value"])
def test_a_wave_gets_names_that_the_one_before_had(kind):
    """Each wave is small enough for the quota, if the names of the others are given back."""
    table = {"service": "services", "operation": "operations", "peer": "peers", "value": "dimension_sets"}[kind]
    options = {**QUOTAS, "metrics.operations_per_service_max": 90}
    if kind == "value":
        options = {**options, "metrics.dimensions": "[user]", "metrics.dimension_sets_max": 100}
    with Daemon(options) as daemon, Sender(daemon.grpc) as sender:
        flood = Flood()
        for _ in range(4):
            words = flood.words
            names = [flood.word().decode() for _ in range(80)]

            def all_are_named():
                flood.words = words
                message = request_of([flood.span(kind, number) for number in range(80)]).SerializeToString()
                flood.spans += 80
                sender.insist(re.sub(PLACE, lambda _: flood.word(), message))
                sender.send(newcomers(flood))
                text = "".join(name for name in [daemon.text("/api/v1/map"), *daemon.metrics()]
                               if not name.startswith("traces_target_info"))
                return all(name in text for name in names)

            wait_until(all_are_named, f"all 80 names of {kind} are there")
        assert given_back(daemon, table) > 0

