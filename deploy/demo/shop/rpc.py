"""gRPC between the services, with JSON for messages: nothing has to be generated."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc

from . import discovery

TIMEOUT_S = 10


def encode(message):
    return json.dumps(message).encode()


def serve(name, service, methods):
    """Serves {method: function(message, context)} until SystemExit."""
    handlers = {method: grpc.unary_unary_rpc_method_handler(function, json.loads, encode)
                for method, function in methods.items()}
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    discovery.announce(name, port)
    try:
        server.wait_for_termination()
    finally:
        server.stop(grace=1).wait()


class Peer:
    """Another service. A failure raises grpc.RpcError."""

    def __init__(self, name, service):
        self.service = service
        self.channel = grpc.insecure_channel(f"127.0.0.1:{discovery.port_of(name)}")

    def call(self, method, **message):
        function = self.channel.unary_unary(f"/{self.service}/{method}", encode, json.loads)
        return function(message, timeout=TIMEOUT_S)
