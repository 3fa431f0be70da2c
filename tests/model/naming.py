"""naming: what nodes are called (N1-N4), for the model."""

import ipaddress

from .otlp_json import CONSUMER, PRODUCER


def present(attributes, key):
    """N1: empty attributes are as absent."""
    return attributes.get(key) not in (None, "")


def text(attributes, *keys):
    """The first of these attributes that is a text and not empty."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def service_of(span):
    """N1: (namespace, name)."""
    return (
        text(span.resource, "service.namespace") or "",
        text(span.resource, "service.name") or "unknown_service",
    )


def service_node(service):
    return ("service",) + service


def is_database(span):
    return any(
        present(span.attributes, key)
        for key in ("db.system.name", "db.system", "db.namespace", "db.name")
    )


def kind_of_call(span):
    """N2, the first that fits."""
    if is_database(span):
        return "database"
    if span.kind in (PRODUCER, CONSUMER):
        return "messaging"
    for prefix, kind in (("messaging.", "messaging"), ("rpc.", "rpc")):
        if any(key.startswith(prefix) and present(span.attributes, key) for key in span.attributes):
            return kind
    return "other"


def is_ip(address):
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return True


# Attribute of the address, attribute of its port; newest first within each of the two.
ADDRESSES = (
    ("server.address", "server.port"),
    ("net.peer.name", "net.peer.port"),
    ("network.peer.address", "network.peer.port"),
    ("server.socket.address", "server.socket.port"),
    ("net.sock.peer.addr", "net.sock.peer.port"),
    ("net.peer.ip", "net.peer.port"),
)


def host_and_port(attributes):
    """N3: (address, port or None), or (None, None)."""
    for key, port_key in ADDRESSES:
        address = text(attributes, key)
        if address:
            return address, attributes.get(port_key) or None
    return None, None


def address_of(attributes):
    """N3: (address, "address[:port]"), or (None, None)."""
    address, port = host_and_port(attributes)
    return address, f"{address}:{port}" if port else address


def is_no_place(address):
    """N5: loopback and unspecified addresses, at which each host has another callee."""
    if address.lower() == "localhost":
        return True
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return ip.is_loopback or ip.is_unspecified


def lesson_keys(span):
    """N5: what a CLIENT span may teach or ask, in the order of asking."""
    address, port = host_and_port(span.attributes)
    if address and not is_no_place(address):
        yield "address", address, port
    if rpc_service(span.attributes):
        yield "rpc", rpc_service(span.attributes)


def url_host(attributes):
    """N3: the host of url.full, without user, password and port."""
    url = text(attributes, "url.full", "http.url")
    if not url or "://" not in url:
        return None
    host = url.split("://", 1)[1]
    for stop in "/?#":
        host = host.split(stop, 1)[0]
    host = host.rsplit("@", 1)[-1]
    return host.split(":", 1)[0] or None


def rpc_service(attributes):
    """N3: the service part of the method, `pkg.Service/Method` or the old pair of attributes."""
    method = text(attributes, "rpc.method")
    if method and "/" in method:
        return method.rsplit("/", 1)[0] or None
    return text(attributes, "rpc.service")


def destination_of(attributes):
    """N3: (temporary), else the template, else the name."""
    for key in ("messaging.destination.temporary", "messaging.destination.anonymous"):
        if attributes.get(key) is True:
            return "(temporary)"
    return text(
        attributes,
        "messaging.destination.template",
        "messaging.destination.name",
        "messaging.destination",
    )


def peer_node(span, kind, reported):
    """N3: the peer that the span names, or None. Its own service is not its peer."""
    attributes = span.attributes
    namespace = text(attributes, "service.peer.namespace") or ""
    for key in ("service.peer.name", "peer.service"):
        name = text(attributes, key)
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
        return (node_type(kind), namespace, name)
    return None


def node_type(kind):
    return kind if kind in ("database", "messaging") else "external"


def callee_node(span, reported):
    """N3: the node of a call that nothing answered."""
    kind = kind_of_call(span)
    attributes = span.attributes
    if kind == "messaging" and destination_of(attributes):
        return ("messaging", "", destination_of(attributes))
    peer = peer_node(span, kind, reported)
    if peer:
        return peer
    address, address_port = address_of(attributes)
    by_name = None if address is None or is_ip(address) else address
    if kind == "database":
        database = text(attributes, "db.namespace", "db.name")
        names = [by_name, database, address_port, text(attributes, "db.system.name", "db.system")]
    else:
        names = [by_name, url_host(attributes), address_port]
        if kind == "rpc":
            names.insert(0, rpc_service(attributes))
        if kind == "messaging":
            names.append(text(attributes, "messaging.system"))
    for name in names:
        if name:
            return (node_type(kind), "", name)
    return ("external", "", "unknown")
