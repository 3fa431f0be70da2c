"""Each limit on peers: who meets it is stopped and counted, and those beside are served."""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.h2_raw import (ACK, DATA, ENHANCE_YOUR_CALM, HEADERS, PING, PREFACE, RST_STREAM,  # noqa: E402
                        SETTINGS, WINDOW_UPDATE, Closed, RawPeer, frame, message)
from lib.sender import EXPORT, Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
START = 1_700_000_000_000_000_000


def call_of(number):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def assert_serves(daemon, number=0):
    """A sender beside is served, and nothing of its spans is lost."""
    before = daemon.accounting()["received"]
    with Sender(daemon.grpc) as sender:
        sender.send(call_of(number))
    daemon.wait_for_counted(before + 2)


def limit(daemon, name, door="receiver"):
    return daemon.metrics()[f'spanmap_{door}_limits_total{{limit="{name}"}}']


def connect(endpoint):
    host, _, port = endpoint.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_S)


# --- The web door -----------------------------------------------------------------------------------


def test_property_half_sent_heads_do_not_starve_the_web_door():
    with Daemon({**FAST, "web.connections_max": 16}) as daemon:
        slow = [connect(daemon.ready["web"]) for _ in range(16)]
        for peer in slow:
            peer.sendall(b"GET / HTTP/1.1\r\nHo")
        for _ in range(20):
            assert daemon.get("/healthz")[0] == 200
        assert limit(daemon, "displaced", "web") >= 1
        assert limit(daemon, "connections", "web") == 0
        for peer in slow:
            peer.close()


def test_property_head_that_never_ends_is_answered_and_counted():
    with Daemon({**FAST, "web.header_timeout": "200ms"}) as daemon:
        with connect(daemon.ready["web"]) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHo")
            assert slow.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert limit(daemon, "header_timeout", "web") == 1
        assert daemon.get("/healthz")[0] == 200


# --- Connections ------------------------------------------------------------------------------------


def test_property_connections_of_one_address_are_bounded():
    with Daemon({**FAST, "receiver.connections_per_address": 3}) as daemon:
        peers = [RawPeer(daemon.grpc, source="127.0.0.2") for _ in range(3)]
        for peer in peers:
            peer.read()
        with RawPeer(daemon.grpc, greet=False, source="127.0.0.2") as peer:
            peer.read_to_the_end()
        assert limit(daemon, "connections_per_address") == 1
        assert daemon.metrics()["spanmap_receiver_connections_refused_total"] == 0
        assert "receiver.connections_per_address is reached" in daemon.log()
        assert_serves(daemon)  # From another address.
        for peer in peers:
            peer.socket.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 0, "all are gone")
        with RawPeer(daemon.grpc, source="127.0.0.2") as peer:
            assert peer.read()


def test_property_connections_without_a_request_give_way():
    with Daemon({**FAST, "receiver.connections_max": 20}) as daemon:
        idle = [RawPeer(daemon.grpc) for _ in range(20)]
        for peer in idle:
            peer.read()
        for number in range(3):
            assert_serves(daemon, number)
        assert limit(daemon, "displaced") >= 1
        assert daemon.metrics()["spanmap_receiver_connections_refused_total"] == 0
        idle[0].read_to_the_end()  # The oldest was the first to go.
        for peer in idle:
            peer.socket.close()


def test_property_old_connections_end_in_two_steps():
    with Daemon({**FAST, "receiver.age_max": "1s", "receiver.age_grace": "4s"}) as daemon:
        with RawPeer(daemon.grpc) as gentle, RawPeer(daemon.grpc) as stubborn:
            gentle.send(gentle.headers(1))
            stubborn.send(stubborn.headers(1))
            for peer in (gentle, stubborn):
                peer.wait_for(lambda peer=peer: peer.goaway is not None)
            gentle.send(frame(DATA, 1, 1, message(b"")))
            assert gentle.status(1) == 0
            gentle.read_to_the_end()
            assert gentle.goaway == (0, "max_age")
            stubborn.read_to_the_end()
            assert limit(daemon, "age_max") == 2
            assert limit(daemon, "age_grace") == 1
        assert_serves(daemon)


def test_sender_whose_connection_ages_loses_nothing():
    with Daemon({**FAST, "receiver.age_max": "1s"}) as daemon, Sender(daemon.grpc) as sender:
        number = 0
        while limit(daemon, "age_max") < 2:
            sender.send(call_of(number))
            number += 1
        daemon.wait_for_counted(2 * number)


def test_property_silent_connections_are_asked_and_closed():
    options = {**FAST, "receiver.keepalive_interval": "1s", "receiver.keepalive_timeout": "500ms"}
    with Daemon(options) as daemon:
        with RawPeer(daemon.grpc) as dead, Sender(daemon.grpc) as alive:
            alive.send(call_of(0))
            dead.read_to_the_end()  # It does not answer PINGs; gRPC's library does.
            assert limit(daemon, "keepalive_timeout") == 1
            alive.send(call_of(1))
        daemon.wait_for_counted(4)


# --- Requests ---------------------------------------------------------------------------------------


def test_property_slow_heads_bodies_and_readers_are_ended():
    options = {**FAST, "receiver.header_timeout": "500ms", "receiver.write_timeout": "500ms"}
    with Daemon(options) as daemon:
        silent = RawPeer(daemon.grpc, greet=False)
        half = RawPeer(daemon.grpc, greet=False)
        half.send(PREFACE[:10])
        slow = RawPeer(daemon.grpc)
        slow.read()  # Nothing may come between the parts of a head.
        slow.acknowledges = False
        slow.send(frame(HEADERS, 0, 1, b"\x82"))
        for peer in (silent, half, slow):
            peer.read_to_the_end()
        assert limit(daemon, "header_timeout") == 3
        blind = RawPeer(daemon.grpc, window=0)
        blind.send(blind.headers(1, path="/grpc.health.v1.Health/Check") + frame(DATA, 1, 1, message(b"")))
        blind.wait_for(lambda: 1 in blind.resets)
        assert limit(daemon, "write_timeout") == 1
        assert_serves(daemon)


def test_body_that_hardly_comes_is_ended():
    with Daemon({**FAST, "receiver.body_rate_min": "1KiB"}) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1) + frame(DATA, 0, 1, message(b"x" * 100)[:50]))
        assert_serves(daemon)
        assert peer.status(1) == 4  # After ten seconds.
        assert limit(daemon, "body_rate_min") == 1


def test_property_header_lists_are_bounded_and_counted():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.read()
        peer.send(peer.headers(1, x_long="y" * 20000))
        assert peer.status(1) == 8
        assert peer.fields[1][":status"] == "431"
        assert limit(daemon, "header_bytes") == 1
        peer.send(peer.request(3, b""))
        assert peer.status(3) == 0


def test_property_streams_beyond_their_number_are_refused():
    with Daemon({**FAST, "receiver.streams_max": 5}) as daemon, RawPeer(daemon.grpc, greet=False) as peer:
        # They were opened before the number was known, so that none of them ends the connection.
        peer.send(PREFACE + frame(SETTINGS) + b"".join(peer.headers(1 + 2 * i) for i in range(8)))
        peer.wait_for(lambda: len(peer.resets) == 3)
        assert set(peer.resets.values()) == {7}
        assert limit(daemon, "streams_max") == 3
        peer.send(frame(SETTINGS, ACK) + frame(DATA, 1, 1, message(b"")))
        assert peer.status(1) == 0
        assert_serves(daemon)


class Greedy(RawPeer):
    """Bodies that do not end, on as many streams as there may be; it keeps to the windows."""

    credit = 65535

    def _take(self, kind, flags, stream, payload):
        if kind == WINDOW_UPDATE and stream == 0:
            self.credit += int.from_bytes(payload, "big")
        super()._take(kind, flags, stream, payload)

    def hold(self, stream, size):
        self.send(self.headers(stream))
        body = message(b"x" * 900_000)[:size]
        for at in range(0, size, 10_000):
            piece = body[at:at + 10_000]
            while self.credit < len(piece):
                if not self.read(1):
                    return False  # It is held back.
            self.credit -= len(piece)
            self.send(frame(DATA, 0, stream, piece))
        return True


def padded(number, size):
    """A request of that size: its spans, and a field that nobody knows."""
    spans = request_of(call_of(number)).SerializeToString()
    field = b"\xfa\x3f"  # 1023, bytes
    rest = size - len(spans)
    length = bytes(((rest & 0x7f) | 0x80, (rest >> 7 & 0x7f) | 0x80, rest >> 14))
    return spans + field + length + b"\0" * rest


def test_property_one_greedy_connection_does_not_starve_fifty():
    options = {**FAST, "receiver.memory_max": "8MiB", "receiver.message_bytes_max": "1MiB",
               "receiver.body_rate_min": "off"}
    with Daemon(options) as daemon, Greedy(daemon.grpc) as greedy:
        greedy.read()
        for stream in range(1, 200, 2):
            if not greedy.hold(stream, 60_000):
                break
        held = daemon.metrics()["spanmap_receiver_body_bytes"]
        assert held > 3 << 20  # More than there is to be held without thinking of others.

        def send(number):
            with grpc.insecure_channel(daemon.grpc, options=(("grpc.use_local_subchannel_pool", 1),)) as one:
                one.unary_unary(EXPORT)(padded(number, 100_000), timeout=PATIENCE_S)

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(send, range(50)))  # Each is served, the first time.
        daemon.wait_for_counted(100)
        metrics = daemon.metrics()
        assert metrics['spanmap_receiver_requests_total{code="UNAVAILABLE"}'] == \
            metrics['spanmap_receiver_limits_total{limit="memory_share"}'] + \
            metrics['spanmap_receiver_limits_total{limit="memory"}']
        assert metrics['spanmap_receiver_requests_total{code="OK"}'] == 50


# --- Manners ----------------------------------------------------------------------------------------


def flooded(peer, pieces):
    """What it is told in the end."""
    try:
        for piece in pieces:
            peer.send(piece)
            while peer.read(0):
                pass
        peer.read_to_the_end()
    except Closed:
        pass
    return peer.goaway


def test_property_pings_and_resets_follow_their_options():
    options = {**FAST, "receiver.resets_max": 50, "receiver.ping_interval_min": "off"}
    with Daemon(options) as daemon:
        with RawPeer(daemon.grpc) as peer:
            peer.send(b"".join(frame(PING, payload=b"12345678") for _ in range(100)))
            peer.send(peer.request(1, b""))
            assert peer.status(1) == 0
            resets = (peer.headers(3 + 2 * i) + frame(RST_STREAM, 0, 3 + 2 * i, b"\0\0\0\x08")
                      for i in range(2000))
            assert flooded(peer, resets)[0] == ENHANCE_YOUR_CALM
        wait_until(lambda: limit(daemon, "resets_max") == 1, "it is counted")
        assert_serves(daemon)


def test_property_floods_are_counted_by_the_limit_they_meet():
    floods = {
        "ping_interval_min": [frame(PING, payload=b"12345678")] * 10,
        "empty_frames": [frame(SETTINGS) * 50] * 100,
        "continuations": [frame(HEADERS, 0, 1, b"\x82")] + [frame(9, 0, 1)] * 20,
    }
    with Daemon(FAST) as daemon:
        for number, (name, pieces) in enumerate(floods.items()):
            with RawPeer(daemon.grpc) as peer:
                peer.read()
                peer.acknowledges = False
                assert flooded(peer, pieces)[0] == ENHANCE_YOUR_CALM
            wait_until(lambda name=name: limit(daemon, name) == 1, f"{name} is counted")
            assert_serves(daemon, number)
