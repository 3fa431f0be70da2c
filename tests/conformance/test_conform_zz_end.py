"""C5 and C19: a server that is told to end. The last file: nobody is served after it."""

import os
import signal
import socket
import time
from types import SimpleNamespace

import endpoint
import http2
import payloads
import pytest
import rpc
import wire
from doors import PROTOBUF, probe
from test_conform_services import NOT_SERVING, SERVING, WATCH

ALL_STREAMS = (1 << 31) - 1


def begin_call(server):
    """gRPC: the head and half of a message."""
    peer = server.http2("grpc")
    peer.ping()
    stream = rpc.start(peer, fields=server.fields)
    body = rpc.prefixed(payloads.body())
    peer.data(stream, body[:20], end=False)
    peer.ping()
    return SimpleNamespace(peer=peer, stream=stream, rest=body[20:])


def begin_post(server):
    """HTTP/1: the same."""
    peer, body = server.http1(), payloads.body()
    peer.send(peer.head("POST", "/v1/traces", [("Host", peer.host), ("Content-Type", PROTOBUF), ("Content-Length", len(body)),
                                               *server.fields]) + body[:20])
    return SimpleNamespace(peer=peer, rest=body[20:])


def watch(server):
    peer = server.http2("grpc")
    stream = rpc.start(peer, WATCH, server.fields)
    peer.data(stream, rpc.prefixed(b""))
    peer.ping()
    return SimpleNamespace(peer=peer, stream=stream)


def refuses(address):
    """Whether no new connection comes about, or it is ended at once."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=0.3) as connection:
            return not endpoint.receive(connection)
    except OSError:
        return True


def will_refuse(address):
    """Whether that comes soon, while requests are still under way."""
    until = time.monotonic() + 2
    while not refuses(address):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(scope="module")
def end(server):
    """What clients of each kind saw while the server ended."""
    pid = server.options.pid
    if not pid:
        pytest.skip("--pid was not given: the server is not told to end")
    seen = SimpleNamespace()
    if server.grpc:
        seen.call, seen.idle, seen.watch = begin_call(server), server.http2("grpc"), watch(server)
        seen.idle.ping()
    if server.http:
        seen.post, seen.kept = begin_post(server), server.http1()
        assert seen.kept.request("POST", "/v1/traces", payloads.body(), server.fields).status == 200
    os.kill(pid, signal.SIGTERM)
    seen.refuses = {}
    if server.http:
        seen.refuses["http"] = will_refuse(server.http)
        seen.post.answer = finish_post(seen.post)
    # One door may close after the other.
    if server.grpc:
        seen.call.peer.read()
        seen.refuses["grpc"] = will_refuse(server.grpc)
        finish_call(seen.call)
        seen.watch.peer.is_closed()
        seen.idle.is_closed()
    if server.http:
        seen.kept_closed = seen.kept.is_closed()
        seen.post_closed = seen.post.peer.is_closed()
    seen.gone = has_ended(pid)
    return seen


def finish_post(post):
    try:
        post.peer.send(post.rest)
        return post.peer.response()
    except (endpoint.Closed, TimeoutError):
        return None


def finish_call(call):
    try:
        call.peer.send(http2.frame(http2.DATA, http2.END_STREAM, call.stream, call.rest))
    except endpoint.Closed:
        pass
    call.peer.is_closed()


def has_ended(pid):
    """Whether the process is no more (or waits for its parent to look)."""
    until = time.monotonic() + endpoint.patience_s()
    while time.monotonic() < until:
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def need(server, which):
    server.address(which)


@probe("C5", "GOAWAY without an error comes first for all streams, then for those that were taken")
@pytest.mark.parametrize("which", ["with a call", "idle"])
def test_goaway(server, end, which):
    need(server, "grpc")
    peer = end.call.peer if which == "with a call" else end.idle
    assert peer.goaway is not None, "the connection ended without GOAWAY"
    assert peer.goaway[0] == http2.NO_ERROR
    assert peer.last_streams[0] == ALL_STREAMS
    assert peer.last_streams[-1] < ALL_STREAMS, "the second GOAWAY is missing"


@probe("C5", "a call that is under way is finished")
def test_call_is_finished(server, end):
    need(server, "grpc")
    stream = end.call.peer.stream(end.call.stream)
    assert stream.ended, f"reset: {stream.reset}"
    assert rpc.answer_of(stream).code == rpc.OK


@probe("C5", "a request of HTTP/1 that is under way is finished, and its connection ended")
def test_post_is_finished(server, end):
    need(server, "http")
    assert end.post.answer is not None, "it was cut off"
    assert end.post.answer.status == 200
    assert end.post_closed


@probe("C5", "idle connections are ended")
@pytest.mark.parametrize("which", ["grpc", "http"])
def test_idle_is_ended(server, end, which):
    need(server, which)
    assert end.idle.closed if which == "grpc" else end.kept_closed


@probe("C5", "new connections are refused meanwhile")
@pytest.mark.parametrize("which", ["grpc", "http"])
def test_new_connections(server, end, which):
    need(server, which)
    assert end.refuses[which]


@probe("C5", "the process ends")
def test_process_ends(end):
    assert end.gone


@probe("C19", "who watches the health is told NOT_SERVING")
def test_not_serving(server, end):
    need(server, "grpc")
    stream = end.watch.peer.stream(end.watch.stream)
    if stream.over and rpc.answer_of(stream).code == rpc.UNIMPLEMENTED:
        pytest.skip("the server has no grpc.health.v1.Health")
    states = [wire.values(message, 1) for message in rpc.messages_of(stream.body)]
    assert states[0] == [SERVING]
    assert states[-1] == [NOT_SERVING]
