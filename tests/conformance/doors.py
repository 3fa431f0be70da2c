"""doors: the ways that a request can go in (gRPC; HTTP/1.1 with protobuf and with JSON; HTTP/2), and one
shape for what comes back.
"""

import gzip
import json
from dataclasses import dataclass
from typing import Any

import endpoint
import payloads
import pytest
import rpc
from google.protobuf import json_format
from google.rpc import status_pb2
from http2 import H2
from http1 import Http1

PROTOBUF, JSON = "application/x-protobuf", "application/json"
PATHS = {"traces": "/v1/traces", "metrics": "/v1/metrics", "logs": "/v1/logs", "profiles": "/v1development/profiles"}
RETRYABLE_HTTP = {429, 502, 503, 504}


@dataclass
class Outcome:
    """`kind`: ok, warning, partial, or refused."""

    kind: str
    code: int            # gRPC's, or HTTP's
    rejected: int = 0
    message: str = ""
    retryable: bool = False
    raw: Any = None

    def __str__(self):
        return f"{self.kind} ({self.code}{f', {self.rejected} rejected' if self.rejected else ''}) {self.message!r}"


def probe(item, says):
    return pytest.mark.probe(item, says)


def of_response(response, signal, code, raw):
    """The outcome that a response's message tells."""
    if not response.HasField("partial_success"):
        return Outcome("ok", code, raw=raw)
    rejected = getattr(response.partial_success, payloads.REJECTED[signal])
    message = response.partial_success.error_message
    kind = "partial" if rejected else "warning" if message else "ok"
    return Outcome(kind, code, rejected, message, raw=raw)


def status_of(content_type, body):
    """The google.rpc.Status that an error's body must be."""
    kind = content_type.partition(";")[0].strip().lower()
    assert kind in (PROTOBUF, JSON), f"an error of type {content_type!r}: {body[:80]!r}"
    try:
        if kind == PROTOBUF:
            return status_pb2.Status.FromString(body)
        return json_format.Parse(body, status_pb2.Status(), ignore_unknown_fields=True)
    except Exception as error:
        raise AssertionError(f"the body is no Status: {body[:80]!r}") from error


class GrpcDoor:
    name = "grpc"
    json = False

    def __init__(self, server):
        self.server = server

    def send(self, payload, signal="traces", packed=False):
        """One request on a connection of its own; the outcome."""
        with self.server.http2("grpc") as peer:
            body = rpc.gzipped(payload) if packed else rpc.prefixed(payload)
            fields = [*self.server.fields, ("grpc-encoding", "gzip")] if packed else self.server.fields
            answer = rpc.call(peer, body, f"/{rpc.SERVICES[signal]}/Export", fields)
        if answer.code:
            return Outcome("refused", answer.code, message=answer.message, retryable=answer.retryable, raw=answer)
        assert len(answer.messages) == 1, f"{len(answer.messages)} messages in the response"
        return of_response(payloads.RESPONSES[signal].FromString(answer.messages[0]), signal, 0, answer)

    is_bad_data = staticmethod(lambda outcome: outcome.code == rpc.INVALID_ARGUMENT)
    is_too_large = staticmethod(lambda outcome: outcome.code == rpc.RESOURCE_EXHAUSTED and not outcome.retryable)
    is_untaken = staticmethod(lambda outcome: outcome.code == rpc.UNIMPLEMENTED)


class HttpDoor:
    json = False
    content_type = PROTOBUF

    def __init__(self, server):
        self.server = server

    def exchange(self, payload, path, fields):
        with self.server.http1() as peer:
            return peer.request("POST", path, payload, [*self.server.fields, *fields], self.content_type)

    def send(self, payload, signal="traces", packed=False, fields=()):
        fields = [*fields, *([("Content-Encoding", "gzip")] if packed else [])]
        answer = self.exchange(gzip.compress(payload) if packed else payload, PATHS[signal], fields)
        kind = answer.get("content-type")
        if answer.status != 200:
            try:
                message = status_of(kind, answer.body).message
            except AssertionError:
                message = answer.body[:200].decode("utf-8", "replace")
            return Outcome("refused", answer.status, message=message, retryable=answer.status in RETRYABLE_HTTP,
                           raw=answer)
        response = payloads.RESPONSES[signal]()
        if self.json:
            json_format.Parse(answer.body, response)
        else:
            response.ParseFromString(answer.body)
        return of_response(response, signal, 200, answer)

    is_bad_data = staticmethod(lambda outcome: outcome.code == 400)
    is_too_large = staticmethod(lambda outcome: outcome.code == 413)
    is_untaken = staticmethod(lambda outcome: outcome.code == 404)


class ProtobufDoor(HttpDoor):
    name = "http"


class JsonDoor(HttpDoor):
    name = "json"
    json = True
    content_type = JSON


class H2Door(HttpDoor):
    name = "h2"

    def exchange(self, payload, path, fields):
        with self.server.http2("http") as peer:
            stream = peer.post(path, payload, [*self.server.fields, *fields], self.content_type)
            assert stream.ended or stream.blocks, f"the stream was reset with {stream.reset}"
            return response_of(stream)


def response_of(stream):
    """A stream as http1.Response."""
    from http1 import Response
    fields = [pair for pair in (stream.blocks[0][0] if stream.blocks else ()) if not pair[0].startswith(":")]
    return Response(stream.status, fields, stream.body, "HTTP/2")


DOORS = {"grpc": GrpcDoor, "http": ProtobufDoor, "json": JsonDoor, "h2": H2Door}


class Server:
    """The server under test, as the command line names it."""

    def __init__(self, options):
        self.options = options
        self.grpc, self.http = options.grpc, options.http
        self.limit = options.limit
        self.fields = [tuple(pair.split("=", 1)) for pair in options.field]
        self.tls = endpoint.Tls(options.tls_ca, options.tls_cert, options.tls_key) if options.tls_ca else None
        self.taken = {}
        self.speaks = None

    def address(self, which):
        address = getattr(self, which)
        if not address:
            pytest.skip(f"no --{which} was given")
        return address

    def http2(self, which="grpc", **options):
        return H2(self.address(which), self.tls, **options)

    def http1(self, **options):
        return Http1(self.address("http"), self.tls, **options)

    def door(self, name):
        self.address("grpc" if name == "grpc" else "http")
        if name == "h2":
            self.require_http2()
        return DOORS[name](self)

    def speaks_http2(self):
        """Whether the HTTP door does."""
        if self.speaks is None:
            with self.http2("http") as peer:
                try:
                    peer.ping()
                    self.speaks = True
                except AssertionError:
                    self.speaks = False
        return self.speaks

    def require_http2(self):
        if not self.speaks_http2():
            pytest.skip("the server does not speak HTTP/2 on its HTTP door (judged by A4)")

    def require(self, signal, door):
        """Skips where the server does not take that signal."""
        key = signal, door.name
        if key not in self.taken:
            outcome = door.send(b"{}" if door.json else b"", signal)
            self.taken[key] = not door.is_untaken(outcome)
        if not self.taken[key]:
            pytest.skip(f"the server does not take {signal}")
        return door

    def assert_serves(self):
        """It still takes a sound request."""
        if self.grpc:
            outcome = self.door("grpc").send(payloads.body())
            assert outcome.kind == "ok", f"a sound request afterwards: {outcome}"
        else:
            outcome = self.door("http").send(payloads.body())
            assert outcome.kind == "ok", f"a sound request afterwards: {outcome}"
