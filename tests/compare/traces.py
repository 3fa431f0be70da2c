"""Small traces, each with what two well-known processors make of it, by their sources.

They are written to tests/data/comparison/, so that readers can draw them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from model.generate import CLIENT, CONSUMER, ERROR, INTERNAL, NONE, PRODUCER, SERVER  # noqa: E402
from model.generate import START_NS, Span  # noqa: E402

MS = 10**6


def span(number, parent, service, kind, ms=(0, 100), **more):
    namespace, _, name = service.rpartition("/")
    resource = {"service.name": name} if name else {}
    if namespace:
        resource["service.namespace"] = namespace
    return Span(more.pop("trace", "1").rjust(32, "0"), str(number).rjust(16, "0"),
                str(parent).rjust(16, "0") if parent else "", kind, more.pop("name", "op"),
                START_NS + ms[0] * MS, START_NS + ms[1] * MS, resource=resource, **more)


@dataclass
class Trace:
    name: str
    title: str
    spans: list
    connector: str  # The Collector's servicegraph connector.
    tempo: str


TRACES = [
    Trace("external", "A call to something that is not instrumented", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90), attributes={
            "server.address": "api.bank.example"})],
        "`client=shop server=unknown` unless one of its peer attributes is there; its server side is "
        "observed as 0 s, so the dependency looks instant",
        "nothing, unless one of its peer attributes is there; then with a server side of 0 s"),
    Trace("retries", "A request that was tried three times", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90)),
        span(3, 2, "stock", SERVER, (15, 25), status=ERROR),
        span(4, 2, "stock", SERVER, (35, 45), status=ERROR), span(5, 2, "stock", SERVER, (55, 85))],
        "one request: the first pair is taken off the store, the other two halves expire",
        "the same"),
    Trace("internal_parent", "An INTERNAL span between CLIENT and SERVER", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90)),
        span(3, 2, "shop", INTERNAL, (11, 89)), span(4, 3, "stock", SERVER, (15, 85))],
        "no edge: the halves have different keys; shop gets a virtual callee",
        "no edge; both halves expire"),
    Trace("mesh", "SERVER below SERVER, as where only proxies or servers are instrumented", [
        span(1, 0, "gateway", SERVER), span(2, 1, "shop", SERVER, (5, 95)),
        span(3, 2, "stock", SERVER, (10, 90))],
        "no edge between services: only CLIENT and PRODUCER spans open one", "the same"),
    Trace("kindless", "Spans without a kind, as older libraries send them", [
        span(1, 0, "shop", NONE), span(2, 1, "stock", NONE, (5, 95))],
        "nothing: such spans are passed over", "the same"),
    Trace("shared_id", "CLIENT and SERVER share a span id, as Zipkin's B3 does", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90)),
        span(2, 1, "stock", SERVER, (15, 85))],
        "no edge from the CLIENT: a SERVER is looked up by its parent's id alone", "the same"),
    Trace("slow_client", "A CLIENT that ends 30 s after its SERVER", [
        span(3, 2, "stock", SERVER, (20, 900)), span(1, 0, "shop", SERVER, (0, 31000)),
        span(2, 1, "shop", CLIENT, (10, 30900))],
        "no edge: the first half is given up after `store.ttl`, 2 s by default",
        "no edge: after `wait`, 10 s by default"),
    Trace("database", "A database with spans of its own", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90), attributes={
            "db.system.name": "postgresql", "db.namespace": "orders", "db.name": "orders"}),
        span(3, 2, "postgres", SERVER, (20, 80))],
        "`server=orders` at once, with the client's time as the server's; the real server's span finds "
        "no half and expires", "the same"),
    Trace("nested", "A library's CLIENT around that of the HTTP client", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", CLIENT, (10, 90), attributes={
            "server.address": "api.bank.example"}),
        span(3, 2, "shop", CLIENT, (15, 85), attributes={"server.address": "api.bank.example"})],
        "two requests", "two requests, where one of its peer attributes is there"),
    Trace("sampled", "One of two traces was kept (`ot=th:8`)", [
        span(1, 0, "shop", CLIENT, tracestate="ot=th:8"),
        span(2, 1, "stock", SERVER, (5, 95), tracestate="ot=th:8")],
        "1 request", "1 request; it weighs by an attribute, if one is configured"),
    Trace("namespaces", "Two services of one name", [
        span(1, 0, "shop", CLIENT), span(2, 1, "eu/search", SERVER, (5, 95)),
        span(1, 0, "shop", CLIENT, trace="2"), span(2, 1, "us/search", SERVER, (5, 95), trace="2")],
        "one node, `search`", "the same"),
    Trace("duplicate", "The same batch exported twice, after a lost answer", [
        span(1, 0, "shop", CLIENT), span(2, 1, "stock", SERVER, (5, 95)),
        span(1, 0, "shop", CLIENT), span(2, 1, "stock", SERVER, (5, 95))],
        "2 requests", "2 requests"),
    Trace("producer_alone", "A message that nobody took", [
        span(1, 0, "shop", SERVER), span(2, 1, "shop", PRODUCER, (10, 12), attributes={
            "messaging.system": "kafka", "messaging.destination.name": "orders"})],
        "a virtual callee, named by a peer attribute or `unknown`, with a server side of 0 s",
        "nothing, unless one of its peer attributes is there"),
    Trace("message", "A message between two services", [
        span(1, 0, "shop", PRODUCER, (0, 2), attributes={
            "messaging.system": "kafka", "messaging.destination.name": "orders"}),
        span(2, 1, "mail", CONSUMER, (50, 60), attributes={
            "messaging.system": "kafka", "messaging.destination.name": "orders"})],
        "`shop -> mail`, the destination is not shown", "the same"),
]
