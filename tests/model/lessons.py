"""lessons: which addresses and RPC services belong to which service (N5)."""

from collections import defaultdict

from .attributes import address_of, ip_of, rpc_service
from .otlp_json import CLIENT, SERVER


def teaches_nothing(address):
    """Loopback and unspecified addresses. Reading: the name localhost is a loopback address."""
    ip = ip_of(address)
    if ip is not None:
        return ip.is_loopback or ip.is_unspecified
    name = address.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def keys_of(span):
    """What a CLIENT span knows its peer by: the address is asked before the RPC service.

    Reading: without a port a key is another key than with any port. A loopback address spoils only
    itself: the RPC service beside it teaches.
    """
    keys = []
    address, port = address_of(span.attributes)
    if address and not teaches_nothing(address):
        keys.append(("address", address, port))
    service = rpc_service(span.attributes)
    if service:
        keys.append(("rpc", service))
    return keys


class Lessons:
    """Everything that the spans of a run teach, in any trace."""

    def __init__(self, parents, kind, service):
        """N5: only a CLIENT that is itself the parent of a SERVER in another service teaches."""
        self.taught = defaultdict(set)
        self.service = service
        for span, parent in parents.items():
            if kind[span] == SERVER and kind[parent] == CLIENT and service[span] != service[parent]:
                for key in keys_of(parent):
                    self.taught[key].add(service[span])

    def learned(self, span):
        """The service that an unanswered CLIENT call went to, or None. A key that two services have
        taught is a gateway's; a lesson that is the caller itself is not used. Reading: the next key
        is asked then."""
        for key in keys_of(span):
            services = self.taught.get(key, ())
            if len(services) == 1 and self.service[span] not in services:
                return next(iter(services))
        return None
