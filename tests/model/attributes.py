"""attributes: what a span's attributes mean, under their old names and new ones.

Is:     one table for each purpose, the current name first.
Is not: what is made of them (naming.py, sampling.py, errors.py).
"""

import ipaddress

from .otlp_json import CLIENT, CONSUMER, INTERNAL, PRODUCER

# An address and the port of the same age; newest first within each of the two addresses.
ADDRESSES = (
    ("server.address", "server.port"),
    ("net.peer.name", "net.peer.port"),
    ("http.host", None),
    ("http.server_name", None),
    ("network.peer.address", "network.peer.port"),
    ("server.socket.address", "server.socket.port"),
    ("net.sock.peer.addr", "net.sock.peer.port"),
    ("net.peer.ip", "net.peer.port"),
)
PORT_MAX = 65535

DB_NAMESPACE = (
    "db.namespace", "db.name", "db.redis.database_index", "db.cassandra.keyspace",
    "db.hbase.namespace", "db.elasticsearch.cluster.name", "db.mssql.instance_name",
)
DB_SYSTEM = ("db.system.name", "db.system")
DB_SYSTEMS_RENAMED = {
    "mssql": "microsoft.sql_server", "oracle": "oracle.db", "dynamodb": "aws.dynamodb",
    "cosmosdb": "azure.cosmosdb", "spanner": "gcp.spanner", "db2": "ibm.db2",
    "redshift": "aws.redshift", "h2": "h2database", "hanadb": "sap.hana",
}
DATABASE = ("db.system.name", "db.system", "db.namespace", "db.name")  # N2

DESTINATION = ("messaging.destination.name", "messaging.destination")
OPERATION = ("messaging.operation.type", "messaging.operation")
OPERATIONS_RENAMED = {"publish": "send", "deliver": "process"}
GROUP = (
    "messaging.consumer.group.name", "messaging.kafka.consumer.group",
    "messaging.kafka.consumer_group", "messaging.rocketmq.client_group",
    "messaging.eventhubs.consumer.group",
)


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


def text_or_number(attributes, *keys):
    """Likewise; a whole number is its digits."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
    return None


def integer(attributes, *keys):
    """The first of these that is a whole number, or a text of digits."""
    for key in keys:
        value = attributes.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
    return None


def is_true(attributes, key):
    """Reading: imported spans have texts only, so "true" is true as well."""
    return attributes.get(key) in (True, "true")


def ip_of(address):
    """The IP address that a text is, brackets and zone allowed, or None."""
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(ip, "ipv4_mapped", None) or ip


def host_of_authority(value):
    """`host`, `host:port`, `[v6]:port` and a bare IPv6 address, without the port."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.partition(":")[0] if value.count(":") == 1 else value


def address_of(attributes):
    """N3: (address, port), each of which may be None.

    Reading: a port belongs to the address of its own age (net.peer.port to net.peer.name and
    net.peer.ip). http.host loses its port.
    """
    for key, port_key in ADDRESSES:
        address = text(attributes, key)
        if not address:
            continue
        if port_key is None:
            return host_of_authority(address), None
        port = integer(attributes, port_key)
        return address, port if port and 0 < port <= PORT_MAX else None
    return None, None


def url_host(attributes):
    """N3: the host of url.full, without user, password and port."""
    url = text(attributes, "url.full", "http.url")
    if not url or "://" not in url:
        return None
    host = url.split("://", 1)[1]
    for stop in "/?#":
        host = host.split(stop, 1)[0]
    host = host.rsplit("@", 1)[-1]
    return (host[1:].split("]", 1)[0] if host.startswith("[") else host.split(":", 1)[0]) or None


def rpc_service(attributes):
    """N3: the service part of the method, `pkg.Service/Method` or the old pair of attributes."""
    method = text(attributes, "rpc.method")
    if method and "/" in method.lstrip("/"):
        return method.removeprefix("/").rsplit("/", 1)[0] or None
    return text(attributes, "rpc.service")


def database_namespace(attributes):
    return text_or_number(attributes, *DB_NAMESPACE)


def database_system(attributes):
    """Reading: the convention renamed values too; a database known by both is one."""
    system = text(attributes, *DB_SYSTEM)
    return DB_SYSTEMS_RENAMED.get(system, system)


def is_database(span):
    return any(present(span.attributes, key) for key in DATABASE)


def is_messaging(span):
    return any(key.startswith("messaging.") and present(span.attributes, key)
               for key in span.attributes)


def is_rpc(span):
    return any(key.startswith("rpc.") and present(span.attributes, key) for key in span.attributes)


def operation_of(span):
    """What a span does with messages: create, send, receive, process, settle, another or None."""
    operation = text(span.attributes, *OPERATION)
    return OPERATIONS_RENAMED.get(operation, operation)


def group_of(span):
    """The consumer group, or None."""
    return text(span.attributes, *GROUP)


def kind_in_all(span):
    """E8: the kind that a span has in all rules.

    "`settle` counts as INTERNAL"; a CLIENT that receives counts as CONSUMER, one that sends as
    PRODUCER. (An operation is a messaging attribute, so a CLIENT that sends has messaging
    attributes.) Reading: only what could be a side of a message settles; a SERVER stays one.
    """
    operation = operation_of(span)
    if operation == "settle" and span.kind in (CLIENT, PRODUCER, CONSUMER):
        return INTERNAL
    if span.kind == CLIENT and operation == "receive":
        return CONSUMER
    if span.kind == CLIENT and operation in ("send", "create"):
        return PRODUCER
    return span.kind
