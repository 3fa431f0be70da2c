"""Connections that stall, dribble and pile up, on HTTP/1.1 and HTTP/2: each ends and is counted, within the memory
limit, and the exporter beside them loses nothing."""

import itertools
import resource
import signal
import socket
import sys
import time
from pathlib import Path

import hpack
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile import FAST, PROTOBUF, beside, connect, ended, head, refused, say  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.h2_raw import (DATA, END_HEADERS, END_STREAM, HEADERS, PING, PREFACE, SETTINGS,  # noqa: E402
                        WINDOW_UPDATE, RawPeer, frame, message)
from lib.sender import EXPORT, request_of  # noqa: E402
from model.otlp_json import SERVER, Span  # noqa: E402

SMALL = {**FAST, "memory.limit": "128MiB"}
SLOW = {**SMALL, "receiver.request_timeout": "1s", "receiver.header_timeout": "1s", "receiver.write_timeout": "1s"}
START = 1_700_000_000_000_000_000


def request(number=0):
    span = Span(f"{number + 1:032x}", "1" * 16, "", SERVER, "serve", START, START + 1_000_000,
                resource={"service.name": "stock"})
    return request_of([span]).SerializeToString()


def gone(daemon, least):
    """How many connections were ended for being slow, or for their fault."""
    metrics = daemon.metrics()
    return sum(metrics[name] for name in ("spanmap_receiver_connections_timed_out_total",
                                          "spanmap_receiver_protocol_errors_total")) + \
        sum(refused(daemon).values()) >= least


def export(peer, stream):
    return peer.headers(stream, path="/v1/traces", content_type=PROTOBUF)


# --- Slow ones --------------------------------------------------------------------------------------

SLOW_HTTP1 = {"silence": b"", "cut line": b"POST /v1/tr", "cut fields": head(), "cut field": head("X-Long: aa"),
              "no body": head(length=100), "cut body": head(length=100) + b"abc",
              "cut chunk": head("Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
              "cut size of a chunk": head("Transfer-Encoding: chunked\r\n\r\n5"),
              "cut trailers": head("Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n"), "cut preface": PREFACE[:12],
              "Expect": head("Expect: 100-continue\r\n", 5)}


def test_property_slow_http1_peers_end():
    with Daemon(SLOW) as daemon, beside(daemon):
        peers = {}
        for name, said in SLOW_HTTP1.items():
            peers[name] = [connect(daemon.http) for _ in range(5)]
            for peer in peers[name]:
                peer.sendall(said)
        for name, connections in peers.items():
            for peer in connections:
                assert b"HTTP/1.1 200" not in ended(peer), name
                peer.close()
        wait_until(lambda: gone(daemon, 5 * len(SLOW_HTTP1)), "each is counted")
        assert daemon.metrics()["spanmap_receiver_body_bytes"] == 0


@pytest.mark.parametrize("what", ["line", "fields", "body", "chunks", "trailers"])
def test_property_dribbling_peer_ends(what):
    """A byte now and then does not make a request go on for ever."""
    said = {"line": b"", "fields": head(), "body": head(length=1000), "chunks": head("Transfer-Encoding: chunked\r\n\r\n"),
            "trailers": head("Transfer-Encoding: chunked\r\n\r\n0\r\n")}[what]
    drop = {"line": b"a", "fields": b"X: y\r\n", "body": b"a", "chunks": b"1\r\na\r\n", "trailers": b"X: y\r\n"}[what]
    with Daemon(SLOW) as daemon, beside(daemon), connect(daemon.http) as peer:
        peer.sendall(said)

        def dribble():
            while True:
                yield drop
                time.sleep(0.02)
        assert say(peer, dribble())
        wait_until(lambda: gone(daemon, 1), "it is counted")


def test_property_half_closed_and_abandoned_http1():
    with Daemon(SMALL) as daemon, beside(daemon):
        with connect(daemon.http) as peer:  # It says no more, but hears its answer.
            peer.sendall(head(length=len(request())) + request())
            peer.shutdown(socket.SHUT_WR)
            assert b"HTTP/1.1 200" in ended(peer)
        for said in SLOW_HTTP1.values():
            with connect(daemon.http) as peer:
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                assert b"HTTP/1.1 200" not in ended(peer)
            with connect(daemon.http) as peer:  # And it is gone altogether, with a reset.
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.sendall(said)
        wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"] == 0, "nothing is held")
        # The exporter's connection alone is left.
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "they are gone")


# --- Floods of HTTP/1 -------------------------------------------------------------------------------

FLOODS = {
    "fields": lambda: (b"".join(b"X-%d: y\r\n" % i for i in range(at, at + 100)) for at in itertools.count(0, 100)),
    "one field": lambda: (b"x" * 10_000 for _ in itertools.count()),
    "target": lambda: (b"x" * 10_000 for _ in itertools.count()),
    "extension of a chunk": lambda: (b"x" * 10_000 for _ in itertools.count()),
    "trailers": lambda: (b"X-Y: z\r\n" * 1000 for _ in itertools.count()),
    "chunks of a byte": lambda: (b"1\r\na\r\n" * 10_000 for _ in itertools.count()),
    "empty lines": lambda: (b"\r\n" * 10_000 for _ in itertools.count()),
    "responses": lambda: (b"HTTP/1.1 200 OK\r\n\r\n" for _ in itertools.count()),
}
BEFORE = {"fields": head(), "one field": head("X-Long: "), "target": b"POST /v1/traces?", "empty lines": b"", "responses": b"",
          "extension of a chunk": head("Transfer-Encoding: chunked\r\n\r\n1;a="),
          "trailers": head("Transfer-Encoding: chunked\r\n\r\n0\r\n"), "chunks of a byte": head("Transfer-Encoding: chunked\r\n\r\n")}


@pytest.mark.parametrize("what", FLOODS)
def test_property_http1_flood_is_stopped(what):
    options = {**SMALL, "receiver.message_bytes_max": "1MiB", "receiver.request_timeout": "5s"}
    with Daemon(options) as daemon, beside(daemon), connect(daemon.http) as peer:
        peer.sendall(BEFORE[what])
        assert say(peer, FLOODS[what]())  # What it says goes on for ever.
        wait_until(lambda: gone(daemon, 1), "it is counted")


def test_property_refused_requests_in_a_pipeline_are_answered_and_counted():
    bad = b"POST /x HTTP/1.1\r\nHost: a\r\n\r\n"
    with Daemon(SMALL) as daemon, beside(daemon), connect(daemon.http) as peer:
        # All are there before the first is read: in pieces that come by and by each would be answered.
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            say(peer, [bad * 4000])
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        answer = ended(peer)
        answered = answer.count(b"HTTP/1.1 404")
        # Too many at once end the connection behind an answer that says so.
        assert 0 < answered < 4000
        assert answer.count(b"connection: close") == 1
        assert answer.rindex(b"connection: close") > answer.rindex(b"HTTP/1.1 404")
        assert refused(daemon) == {"404": answered}


def test_property_answers_that_nobody_reads_hold_up_nobody():
    ask = b"POST /v1/nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" * 100
    with Daemon({**SMALL, "receiver.request_timeout": "1s"}) as daemon, beside(daemon):
        peers = [connect(daemon.http) for _ in range(20)]
        for peer in peers:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.settimeout(0.1)
            try:
                say(peer, (ask for _ in range(2000)))
            except TimeoutError:
                pass  # It reads no more while its answers lie about: that is how to bear with it.
        for peer in peers:
            peer.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "they are gone")


# --- HTTP/2 on the HTTP door --------------------------------------------------------------------------


def test_property_http2_peers_that_stall_end():
    with Daemon(SLOW) as daemon, beside(daemon):
        peers = [RawPeer(daemon.http) for _ in range(4)]
        peers[0].send(export(peers[0], 1))
        peers[1].send(export(peers[1], 1) + frame(DATA, 0, 1, b"abc"))
        peers[2].send(frame(HEADERS, 0, 1, b"\x82"))
        closed = RawPeer(daemon.http, window=0)
        closed.send(export(closed, 1) + frame(DATA, END_STREAM, 1, b"\xff"))
        for peer in peers[:2]:
            peer.wait_for(lambda peer=peer: 1 in peer.ended or 1 in peer.resets)
            assert peer.fields.get(1, {}).get(":status") != "200"
        peers[2].read_to_the_end()
        closed.wait_for(lambda: 1 in closed.resets)
        for peer in (*peers, closed):
            peer.socket.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "they are gone")


@pytest.mark.parametrize("door", ["grpc", "http"])
def test_property_one_byte_a_frame_is_slow_for_its_sender_alone(door):
    body = message(request()) if door == "grpc" else request()
    with Daemon(SMALL) as daemon, beside(daemon):
        peers = [RawPeer(getattr(daemon, door)) for _ in range(10)]
        for number in range(20):
            stream = 1 + 2 * number
            for peer in peers:
                peer.send((peer.headers(stream) if door == "grpc" else export(peer, stream)) + b"".join(
                    frame(DATA, END_STREAM if at + 1 == len(body) else 0, stream, body[at:at + 1])
                    for at in range(len(body))))
        for peer in peers:
            peer.wait_for(lambda peer=peer: len(peer.ended) == 20)
            if door == "http":
                assert {peer.fields[stream][":status"] for stream in peer.ended} == {"200"}
            else:
                assert {peer.fields[stream]["grpc-status"] for stream in peer.ended} == {"0"}
            peer.socket.close()


# --- Wrong bytes at every offset ----------------------------------------------------------------------


def session_of(door):
    """All that a client says in one session."""
    if door == "http1":
        body = request()
        return head("Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body)) + body + b"\r\n0\r\n\r\n" + \
            head(length=len(body)) + body
    block = hpack.Encoder().encode([
        (":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", EXPORT if door == "grpc" else "/v1/traces"),
        ("content-type", "application/grpc" if door == "grpc" else PROTOBUF), ("te", "trailers")])
    body = message(request()) if door == "grpc" else request()
    return PREFACE + frame(SETTINGS, payload=b"\0\4\0\0\xff\xff") + frame(HEADERS, END_HEADERS, 1, block) + \
        frame(DATA, 0, 1, body[:20]) + frame(DATA, END_STREAM, 1, body[20:]) + frame(PING, payload=b"12345678") + \
        frame(WINDOW_UPDATE, payload=b"\0\0\1\0")


@pytest.mark.parametrize("door", ["grpc", "http1", "http2"])
def test_wrong_bytes_at_every_offset_of_a_session(door):
    sound = session_of(door)
    with Daemon(SLOW) as daemon, beside(daemon):
        for change in (lambda byte: byte ^ 1, lambda byte: 0, lambda byte: 255):
            peers = []
            for at in range(len(sound)):
                peers.append(connect(daemon.grpc if door == "grpc" else daemon.http))
                say(peers[-1], [sound[:at] + bytes((change(sound[at]),)) + sound[at + 1:]])
            for peer in peers:  # Each ends, now that its client says no more.
                try:
                    peer.shutdown(socket.SHUT_WR)
                except OSError:
                    pass
                ended(peer)
                peer.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "they are gone")
        assert daemon.metrics()["spanmap_receiver_body_bytes"] == 0


# --- Ten thousand -------------------------------------------------------------------------------------

IDLE = 10_000


@pytest.fixture
def files():
    """As many files as the idle connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + 500:
        pytest.skip(f"RLIMIT_NOFILE is {hard}: there cannot be {IDLE} connections")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, IDLE + 500), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ten_thousand_idle_connections_hold_up_nobody(files):
    said = [("grpc", PREFACE + frame(SETTINGS)), ("http", head(length=0)), ("http", PREFACE + frame(SETTINGS)),
            ("grpc", b""), ("http", b"")]
    with Daemon({**FAST, "memory.limit": "512MiB", "receiver.connections_max": IDLE + 100,
                 "receiver.request_timeout": "5m"}) as daemon, beside(daemon):
        idle = []
        for number in range(IDLE):
            door, greeting = said[number % len(said)]
            idle.append(connect(getattr(daemon, door)))
            idle[-1].sendall(greeting)
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] >= IDLE, "all are there")
        for connection in idle:
            connection.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 1, "they are gone")


def test_connections_beyond_their_number_leave_the_well_behaved_alone(files):
    with Daemon({**SMALL, "receiver.connections_max": 200}) as daemon, beside(daemon):
        idle = [connect(daemon.grpc if number % 2 else daemon.http) for number in range(2000)]
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections_total"] +
                   daemon.metrics()["spanmap_receiver_connections_refused_total"] >= 2000, "all were met")
        # Those that had to give way are counted until they are gone.
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] <= 200, "their number is kept")
        for connection in idle:
            connection.close()
