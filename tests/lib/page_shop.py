"""page_shop: traces of a small shop, for the tests of the page."""

import itertools

from lib.sender import Sender
from model.otlp_json import CLIENT, ERROR, SERVER, UNSET, Span

FAST = {"pairing.wait": "100ms", "pairing.parent_wait": "100ms", "messaging.wait": "100ms"}
# The page asks by itself at least every 10 s; this ends a test that hangs, and judges nothing.
REFRESH_S = 60
ids = itertools.count(1)


def service(name, namespace=""):
    resource = {"service.name": name}
    if namespace:
        resource["service.namespace"] = namespace
    return resource


def call(client, server, milliseconds=20, failed=False, attributes=None, name="op"):
    """A trace of one request: the user calls the client, and it the server."""
    trace = f"{next(ids):032x}"
    start = 1_700_000_000_000_000_000
    end = start + milliseconds * 1_000_000
    status = ERROR if failed else UNSET

    def span(number, parent, kind, resource, inset, state, more=None):
        return Span(trace=trace, id=f"{number:016x}", parent=parent, kind=kind, name=name, resource=resource,
                    start=start + inset, end=end - inset, status=state, attributes=more or {})
    spans = [span(1, "", SERVER, client, 0, UNSET), span(2, f"{1:016x}", CLIENT, client, 1000, status, attributes)]
    if server is not None:
        spans.append(span(3, f"{2:016x}", SERVER, server, 2_000_000, status))
    return spans


def shop(times=1):
    """The user calls front, front calls checkout and, failing, payment, and a database."""
    spans = []
    for number in range(times):
        spans += call(service("front"), service("checkout"), 20 + number)
        spans += call(service("front"), service("payment"), 40 + number, failed=number == 0)
        spans += call(service("checkout"), None, 5, attributes={"db.system.name": "redis", "server.address": "cache"})
    return spans


def show(daemon, spans):
    """Sends, and waits until the daemon has counted all that was sent to it."""
    daemon.sent = getattr(daemon, "sent", 0) + len(spans)
    with Sender(daemon.grpc) as sender:
        sender.send(spans)
    return daemon.wait_for_counted(daemon.sent)


def node_of(answer, name):
    return next(node for node in answer["nodes"] if node["name"] == name)


def edge_of(answer, client, server):
    return next(edge for edge in answer["edges"]
                if edge["client"].endswith("/" + client) and edge["server"].endswith("/" + server))
