"""naming: what nodes are called (N1-N4), for the model."""

import ipaddress
import re

from .attributes import (
    address_of, database_namespace, database_system, ip_of, is_database, is_messaging, is_rpc,
    is_true, rpc_service, text, url_host, DESTINATION,
)
from .otlp_json import CONSUMER, PRODUCER

# N3 as one list: each kind of call uses the words that are meant for it.
PEER_ORDER = (
    "destination", "lesson", "peer", "rpc_service", "address", "url_host", "db_namespace",
    "address_port", "db_system", "messaging_system",
)


def service_of(span):
    """N1: (namespace, name)."""
    return (
        text(span.resource, "service.namespace") or "",
        text(span.resource, "service.name") or "unknown_service",
    )


def service_node(service):
    return ("service",) + service


def kind_of_call(span):
    """N2, the first that fits."""
    if is_database(span):
        return "database"
    if span.kind in (PRODUCER, CONSUMER) or is_messaging(span):
        return "messaging"
    return "rpc" if is_rpc(span) else "other"


def node_type(kind):
    return kind if kind in ("database", "messaging") else "external"


def raw_destination(attributes):
    """N3: (temporary), else the template, else the name."""
    for key in ("messaging.destination.temporary", "messaging.destination.anonymous"):
        if is_true(attributes, key):
            return "(temporary)"
    return text(attributes, "messaging.destination.template", *DESTINATION)


class Naming:
    """The rules with their configuration: names.peer_order, names.cidr and names.rewrite."""

    def __init__(self, peer_order=(), cidr=None, rewrite=None):
        self.order = tuple(peer_order) or PEER_ORDER
        networks = [(ipaddress.ip_network(prefix), name) for prefix, name in (cidr or {}).items()]
        self.networks = sorted(networks, key=lambda pair: -pair[0].prefixlen)
        self.rules = [(re.compile(pattern), re.sub(r"\$(\d)", r"\\g<\1>", replacement))
                      for pattern, replacement in (rewrite or {}).items()]

    # --- N4 ---

    def collapsed(self, address):
        """The name of the longest configured prefix that an IP address is in, or None."""
        ip = ip_of(address) if address else None
        for network, name in self.networks:
            if ip is not None and ip.version == network.version and ip in network:
                return name
        return None

    def rewritten(self, name):
        """N4. Reading: of the first rule that fits, what it matches is replaced, once. All names of
        callees are rewritten, those of destinations and peers too, before they are looked for among
        the services that have reported."""
        for pattern, replacement in self.rules:
            if name and pattern.search(name):
                return pattern.sub(replacement, name, count=1)
        return name

    # --- N3 ---

    def destination(self, span):
        """The name of the destination that a span names, or None."""
        return self.rewritten(raw_destination(span.attributes)) or None

    def peer(self, span, of_type, reported):
        """The node that the span's peer name means, or None. Its own service is not its peer."""
        namespace = text(span.attributes, "service.peer.namespace") or ""
        for key in ("service.peer.name", "peer.service"):
            name = self.rewritten(text(span.attributes, key))
            if not name:
                continue
            if namespace:
                services = [(namespace, name)] if (namespace, name) in reported else []
            else:
                services = [service for service in reported if service[1] == name]
            if services == [service_of(span)]:
                continue
            if len(services) == 1:
                return service_node(services[0])
            return (of_type, namespace, name)
        return None

    def address_name(self, span):
        """The address if it is a name."""
        address, _ = address_of(span.attributes)
        return None if address is None or ip_of(address) is not None else address

    def address_port(self, span):
        """address[:port]. Reading: a collapsed address has no port."""
        address, port = address_of(span.attributes)
        if self.collapsed(address):
            return self.collapsed(address)
        if address is None or port is None:
            return address
        bare_v6 = ":" in address and not address.startswith("[")
        return f"[{address}]:{port}" if bare_v6 else f"{address}:{port}"

    def url_name(self, span):
        host = url_host(span.attributes)
        return self.collapsed(host) or host

    def found_by(self, word, span, kind):
        """What one word of the order finds. Words for another kind of call find nothing."""
        if word == "destination" and kind == "messaging":
            return raw_destination(span.attributes)
        if word == "rpc_service" and kind == "rpc":
            return rpc_service(span.attributes)
        if word == "address":
            return self.address_name(span)
        if word == "url_host" and kind != "database":
            return self.url_name(span)
        if word == "db_namespace" and kind == "database":
            return database_namespace(span.attributes)
        if word == "address_port":
            return self.address_port(span)
        if word == "db_system" and kind == "database":
            return database_system(span.attributes)
        if word == "messaging_system" and kind == "messaging":
            return text(span.attributes, "messaging.system")
        return None

    def callee(self, span, reported, learned):
        """(the node of a call that nothing answered, whether a lesson said it). `learned` is the
        service that a lesson (N5) has for it, or None.

        Reading: a configured list without the word `lesson` does not use lessons.
        """
        kind = kind_of_call(span)
        for word in self.order:
            if word == "lesson" and learned:
                return service_node(learned), True
            if word == "peer":
                node = self.peer(span, node_type(kind), reported)
                if node:
                    return node, False
            name = self.rewritten(self.found_by(word, span, kind))
            if name:
                return (node_type(kind), "", name), False
        return ("external", "", "unknown"), False
