"""gRPC's health and reflection, asked for by gRPC's own clients, and /healthz and /readyz."""

import queue
import socket
import sys
import threading
from http.client import HTTPConnection
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.h2_raw import DATA, END_STREAM, RawPeer, frame, message  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
TRACES = "opentelemetry.proto.collector.trace.v1.TraceService"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
V1_PATH = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"


def asked(name):
    return health_pb2.HealthCheckRequest(service=name)


def channel(daemon):
    return grpc.insecure_channel(daemon.grpc)


class Watcher:
    """What Watch says, by a thread of its own."""

    def __init__(self, open_channel, name):
        self.said = queue.Queue()
        self.call = health_pb2_grpc.HealthStub(open_channel).Watch(asked(name))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            for answer in self.call:
                self.said.put(answer.status)
        except grpc.RpcError as error:
            self.said.put(error.code())

    def next(self):
        return self.said.get(timeout=PATIENCE_S)


def test_property_health_is_told_by_name():
    with Daemon(FAST) as daemon, channel(daemon) as opened:
        health = health_pb2_grpc.HealthStub(opened)
        for name in ("", TRACES):
            assert health.Check(asked(name), timeout=PATIENCE_S).status == SERVING
        for name in ("no.such.Service", TRACES + "\0", "opentelemetry.proto.collector.logs.v1.LogsService"):
            with pytest.raises(grpc.RpcError) as error:
                health.Check(asked(name), timeout=PATIENCE_S)
            assert error.value.code() == grpc.StatusCode.NOT_FOUND
        watcher = Watcher(opened, "no.such.Service")
        assert watcher.next() == SERVICE_UNKNOWN
        watcher.call.cancel()
        assert watcher.next() == grpc.StatusCode.CANCELLED


def test_property_watchers_hear_of_the_end_before_it_comes():
    with Daemon(FAST) as daemon:
        with channel(daemon) as opened, Sender(daemon.grpc) as sender:
            watchers = [Watcher(opened, name) for name in ("", TRACES, "")]
            assert [watcher.next() for watcher in watchers] == [SERVING] * 3
            sender.send([Span(f"{1:032x}", "1" * 16, "", CLIENT, "call", 1, 2)])
            daemon.signal()
            assert [watcher.next() for watcher in watchers] == [NOT_SERVING] * 3
            assert [watcher.next() for watcher in watchers] == [grpc.StatusCode.UNAVAILABLE] * 3
        assert daemon.wait() == 0
        assert "received=1" in daemon.log()


def test_property_last_state_comes_before_goaway():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1, path="/grpc.health.v1.Health/Watch") +
                  frame(DATA, END_STREAM, 1, message(b"")))
        peer.wait_for(lambda: peer.bodies.get(1) == message(b"\x08\x01"))
        daemon.signal()
        peer.wait_for(lambda: peer.goaway is not None)
        assert peer.bodies[1] == message(b"\x08\x01") + message(b"\x08\x02")
        assert daemon.wait() == 0


def test_property_watchers_are_bounded_and_hold_up_nobody():
    with Daemon({**FAST, "receiver.streaming_max": 8}) as daemon:
        opened = [grpc.insecure_channel(daemon.grpc, options=(("grpc.use_local_subchannel_pool", 1),))
                  for _ in range(9)]
        watchers = [Watcher(one, "") for one in opened]
        answers = [watcher.next() for watcher in watchers]
        assert answers.count(SERVING) == 8
        assert answers.count(grpc.StatusCode.UNAVAILABLE) == 1
        assert daemon.metrics()['spanmap_receiver_limits_total{limit="streaming_max"}'] == 1
        with Sender(daemon.grpc) as sender:
            sender.send([Span(f"{1:032x}", "1" * 16, "", CLIENT, "call", 1, 2)])
        daemon.wait_for_counted(1)
        for one in opened:
            one.close()

        def watch_again():
            with channel(daemon) as again:
                return Watcher(again, "").next() == SERVING
        wait_until(watch_again, "who leaves makes room")


def test_property_reflection_finds_services_and_messages():
    with Daemon(FAST) as daemon, channel(daemon) as opened:
        database = ProtoReflectionDescriptorDatabase(opened)
        assert set(database.get_services()) == {
            TRACES, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"}
        pool = descriptor_pool.DescriptorPool(database)
        service = pool.FindServiceByName(TRACES)
        request = service.FindMethodByName("Export").input_type
        assert request.full_name.endswith("ExportTraceServiceRequest")
        assert request.fields_by_name["resource_spans"].message_type.file.name.endswith("trace.proto")
        with pytest.raises(KeyError):
            pool.FindMessageTypeByName("opentelemetry.proto.trace.v1.Nothing")


def ask_v1(opened, requests):
    """By the wire form that both versions share."""
    call = opened.stream_stream(V1_PATH, reflection_pb2.ServerReflectionRequest.SerializeToString,
                                reflection_pb2.ServerReflectionResponse.FromString)
    return list(call(iter(requests), timeout=PATIENCE_S))


def test_property_reflection_answers_in_order_with_errors_between():
    request = reflection_pb2.ServerReflectionRequest
    with Daemon(FAST) as daemon, channel(daemon) as opened:
        asked_for = [request(list_services="*"), request(file_by_filename="no.proto"),
                     request(file_containing_symbol="grpc.health.v1.Health.Watch", host="h")] * 50
        answers = ask_v1(opened, asked_for)
        assert [answer.original_request for answer in answers] == asked_for
        assert answers[1].error_response.error_code == 5
        assert answers[2].valid_host == "h"
        file = descriptor_pb2.FileDescriptorProto.FromString(
            answers[2].file_descriptor_response.file_descriptor_proto[0])
        assert file.name == "grpc/health/v1/health.proto"
        with pytest.raises(grpc.RpcError) as error:
            ask_v1(opened, [request()])
        assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        stub = reflection_pb2_grpc.ServerReflectionStub(opened)
        assert list(stub.ServerReflectionInfo(iter(()), timeout=PATIENCE_S)) == []


def test_property_health_needs_no_credentials():
    with Daemon({**FAST, "auth.token": "secret"}) as daemon, channel(daemon) as opened:
        health = health_pb2_grpc.HealthStub(opened)
        assert health.Check(asked(""), timeout=PATIENCE_S).status == SERVING
        assert Watcher(opened, TRACES).next() == SERVING
        with pytest.raises(grpc.RpcError) as error:
            ask_v1(opened, [reflection_pb2.ServerReflectionRequest(list_services="*")])
        assert error.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert probe(daemon, "GET", "/readyz") == (200, b"ok\n")
        assert probe(daemon, "POST", "/v1/traces")[0] == 401


def probe(daemon, method, path):
    """Asks the door of OTLP/HTTP; (status, body)."""
    host, _, port = daemon.http.rpartition(":")
    connection = HTTPConnection(host, int(port), timeout=PATIENCE_S)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_property_http_door_tells_ready_until_it_drains():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        assert probe(daemon, "GET", "/healthz") == (200, b"ok\n")
        assert probe(daemon, "HEAD", "/readyz") == (200, b"")
        assert probe(daemon, "GET", "/readyz?verbose") == (200, b"ok\n")
        for method in ("POST", "DELETE", "OPTIONS"):
            assert probe(daemon, method, "/readyz")[0] == 405
        peer.send(peer.headers(1))  # Keeps it from ending.
        peer.read()
        with socket.create_connection(tuple(daemon.http.rsplit(":", 1)), timeout=PATIENCE_S) as kept:
            kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n")
            wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 2, "both are there")
            daemon.signal()
            wait_until(lambda: daemon.get("/readyz")[0] == 503, "it is ready no more")
            kept.sendall(b"x")  # The end of its body.
            assert kept.recv(1000).startswith(b"HTTP/1.1 503 ")
        peer.send(frame(DATA, END_STREAM, 1, message(b"")))
        assert peer.status(1) == 0
        assert daemon.wait() == 0


def test_both_can_be_switched_off():
    with Daemon({**FAST, "receiver.health": "false", "receiver.reflection": "false"}) as daemon:
        with channel(daemon) as opened:
            for call in (lambda: health_pb2_grpc.HealthStub(opened).Check(asked(""), timeout=PATIENCE_S),
                         lambda: ask_v1(opened, [])):
                with pytest.raises(grpc.RpcError) as error:
                    call()
                assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED
            assert Watcher(opened, "").next() == grpc.StatusCode.UNIMPLEMENTED
        assert probe(daemon, "GET", "/readyz")[0] == 404


def test_property_web_door_tells_ready_until_it_drains():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        assert daemon.get("/healthz")[0] == 200
        assert daemon.get("/readyz")[0] == 200
        peer.send(peer.headers(1))  # A request that is not done keeps it from ending.
        peer.read()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "it is there")
        daemon.signal()
        wait_until(lambda: daemon.get("/readyz")[0] == 503, "it is ready no more")
        assert daemon.get("/healthz")[0] == 200
        peer.send(frame(DATA, END_STREAM, 1, message(b"")))
        assert peer.status(1) == 0
        assert daemon.wait() == 0
