"""generate_peers: services that are known by what answered calls taught (N5), with the truth.

Is:     the shapes of `Scripted` for calls that a dead service did not answer, and the calls that
        teach whose address is whose, and those that must not.
"""

from .otlp_json import CLIENT, CONSUMER, INTERNAL, NONE, SERVER

GATEWAY = {"server.address": "gateway.example", "server.port": 80}
SHARED_RPC = {"rpc.system": "grpc", "rpc.method": "pkg.Shared/Get"}
# What teaches nothing though a SERVER answers, and the name of such a call without an answer.
LOOPBACK = (
    ({"server.address": "127.0.0.1", "server.port": 8080}, "external//127.0.0.1:8080"),
    ({"net.peer.ip": "127.8.8.8"}, "external//127.8.8.8"),
    ({"server.address": "::1", "server.port": 1}, "external//[::1]:1"),
    ({"network.peer.address": "0.0.0.0"}, "external//0.0.0.0"),
    ({"server.address": "::"}, "external//::"),
    ({"server.address": "localhost", "server.port": 8080}, "external//localhost"),
)
NOT_DIRECT = {"server.address": "not.direct.example"}
KINDLESS = {"server.address": "kindless.example", "rpc.service": "pkg.Kindless"}
ASYNC = {"server.address": "async.example"}


class PeerShapes:
    """To be mixed into Scripted."""

    def keys_of(self, service):
        """What a service can be reached by: (attributes, the name that N3 finds in them)."""
        which = self.services.index(service)
        return (
            ({"server.address": f"svc{which}.example", "server.port": 8000 + which},
             f"external//svc{which}.example"),
            ({"net.peer.name": f"bare{which}.example"}, f"external//bare{which}.example"),
            ({"network.peer.address": f"10.9.0.{which}", "network.peer.port": 9000},
             f"external//10.9.0.{which}:9000"),
            ({"rpc.system": "grpc", "rpc.method": f"pkg.Svc{which}/Get"},
             f"external//pkg.Svc{which}"),
            ({"rpc.service": f"old.Svc{which}", "rpc.method": "Get", "server.address": "::1"},
             f"external//old.Svc{which}"),
        )

    def teach(self):
        """Calls that are answered; each service answers by each of its keys."""
        for service in self.services:
            for attributes, _ in self.keys_of(service):
                self.answered_by(service, attributes)
        for service in self.rng.sample(self.services, 2):
            self.answered_by(service, GATEWAY)
            self.answered_by(service, SHARED_RPC)
        for attributes, _ in LOOPBACK:
            self.answered_by(self.any_service(), attributes)
        self.answered_by(self.any_service(), KINDLESS, NONE)
        self.answered_by(self.any_service(), ASYNC, CONSUMER)
        with self.other_trace():
            caller = self.any_service()
            client = self.span(caller, CLIENT, None, NOT_DIRECT)
            between = self.span(caller, INTERNAL, client)
            self.answer(client, client, self.other(caller), parent=between)

    def answered_by(self, service, attributes, kind=SERVER):
        with self.other_trace():
            caller = self.other(service)
            client = self.span(caller, CLIENT, None, attributes)
            self.answer(client, client, service,
                        "messaging_system" if kind == CONSUMER else "", kind)

    def silent(self, at, attributes, service=None, name=None):
        """A call without an answer: to the service that was learned, or to a name."""
        client = self.span(at.service, CLIENT, at, attributes)
        if service is not None:
            self.unanswered(client, self.node_of(service), "", "server_silent")
        else:
            self.unanswered(client, name, "virtual_node", "no_server")

    def shape_learned(self, at):
        service = self.any_service()
        attributes, name = self.rng.choice(self.keys_of(service))
        if service == at.service:  # a lesson that is the caller itself is not used
            self.silent(at, attributes, None, name)
        else:  # a lesson goes before a peer name
            self.silent(at, {**attributes, **self.rng.choice(({}, {"peer.service": "bank"}))},
                        service)

    def shape_learned_twice(self, at):
        """The address is asked before the RPC service."""
        one, two = self.rng.sample([each for each in self.services if each != at.service], 2)
        address, _ = self.keys_of(one)[self.rng.randint(0, 2)]
        rpc, _ = self.keys_of(two)[3]
        self.silent(at, {**address, **rpc}, one)
        own, _ = self.keys_of(at.service)[0]
        self.silent(at, {**own, **rpc}, two)
        self.silent(at, {**GATEWAY, **rpc}, two)

    def shape_not_learned(self, at):
        attributes, name = self.rng.choice((
            (GATEWAY, "external//gateway.example"), (SHARED_RPC, "external//pkg.Shared"),
            (NOT_DIRECT, "external//not.direct.example"), (KINDLESS, "external//pkg.Kindless"),
            (ASYNC, "external//async.example"), *LOOPBACK,
            ({"server.address": "svc1.example", "server.port": 1}, "external//svc1.example"),
            ({"server.address": "svc1.example"}, "external//svc1.example"),
            ({"net.peer.name": "bare1.example", "net.peer.port": 80}, "external//bare1.example"),
        ))
        self.silent(at, attributes, None, name)

    def shape_lessons_are_for_calls(self, at):
        """Neither databases nor messages are asked for by lessons."""
        service = self.other(at.service)
        attributes, name = self.keys_of(service)[0]
        name = name.partition("//")[2]
        client = self.span(at.service, CLIENT, at, {"db.system": "mysql", **attributes})
        self.unanswered(client, "database//" + name, "database", "no_server")
        client = self.span(at.service, CLIENT, at, {"messaging.system": "kafka", **attributes})
        self.unanswered(client, "messaging//" + name, "messaging_system", "no_server")
