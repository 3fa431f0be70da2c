"""Peers that attack, stall and flood: each is stopped and counted, and the others are served."""

import struct
import sys
import threading
from pathlib import Path

import hpack
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.h2_raw import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM,  # noqa: E402
                        HEADERS, PING, PREFACE, PRIORITY, PROTOCOL_ERROR, RST_STREAM, SETTINGS,
                        WINDOW_UPDATE, Closed, RawPeer, frame, message)
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
START = 1_700_000_000_000_000_000


def call_of(number):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def export(peer, door, stream):
    """The head of an Export on this door."""
    if door == "grpc":
        return peer.headers(stream)
    return peer.headers(stream, path="/v1/traces", content_type="application/x-protobuf")


def flood(peer, pieces):
    """Sends until the other side has had enough; what it said then."""
    try:
        for piece in pieces:
            peer.send(piece)
            while peer.read(0):
                pass
        peer.read_to_the_end()
    except Closed:
        pass
    return peer.goaway


def assert_serves(daemon, number):
    """The well-behaved beside them are served, and nothing of theirs is lost."""
    before = daemon.accounting()["received"]
    with Sender(daemon.grpc) as sender:
        sender.send(call_of(number))
    daemon.wait_for_counted(before + 2)


def faults(daemon):
    return daemon.metrics()["spanmap_receiver_protocol_errors_total"]


def settings(pairs=()):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


FLOODS = {
    "ping": lambda peer: (frame(PING, payload=b"12345678") for _ in range(10_000)),
    "settings": lambda peer: (settings(((1, 4096),)) * 50 for _ in range(1000)),
    "empty settings": lambda peer: (settings() * 50 for _ in range(1000)),
    "priority": lambda peer: (frame(PRIORITY, 0, 1, b"\0\0\0\0\7") * 50 for _ in range(1000)),
    "window update": lambda peer: (frame(WINDOW_UPDATE, payload=b"\0\0\0\1") * 50 for _ in range(1000)),
    "unknown frames": lambda peer: (frame(0xEE, payload=b"") * 50 for _ in range(1000)),
    "ping answers": lambda peer: (frame(PING, ACK, payload=b"12345678") * 50 for _ in range(1000)),
    "rapid reset": lambda peer: (
        peer.headers(1 + 2 * i) + frame(RST_STREAM, 0, 1 + 2 * i, b"\0\0\0\x08") for i in range(20_000)),
    "reset by the server": lambda peer: (
        peer.headers(1 + 2 * i) + frame(WINDOW_UPDATE, 0, 1 + 2 * i, b"\x7f\xff\xff\xff")
        for i in range(20_000)),
}


DOORS = pytest.mark.parametrize("door", ["grpc", "http"])


@DOORS
@pytest.mark.parametrize("name", FLOODS)
def test_property_flood_is_stopped(name, door):
    with Daemon(FAST) as daemon:
        with RawPeer(getattr(daemon, door)) as peer:
            error, text = flood(peer, FLOODS[name](peer))
            # Streams that are to be reset count as open until they are: there may be too many first.
            assert error in (ENHANCE_YOUR_CALM, PROTOCOL_ERROR if name == "reset by the server" else None)
            assert text
            address = "{}:{}".format(*peer.socket.getsockname())
        wait_until(lambda: faults(daemon) == 1, "it is counted")
        assert_serves(daemon, 0)
        lines = [line for line in daemon.log().splitlines() if "its peer's fault" in line]
        assert len(lines) == 1
        assert f"peer={address}" in lines[0] or f'peer="{address}"' in lines[0]
        assert "reason=" in lines[0]


@DOORS
def test_property_empty_data_is_stopped(door):
    with Daemon(FAST) as daemon:
        with RawPeer(getattr(daemon, door)) as peer:
            peer.send(export(peer, door, 1))
            assert flood(peer, (frame(DATA, 0, 1) * 50 for _ in range(1000)))[0] == ENHANCE_YOUR_CALM
        assert_serves(daemon, 0)


@DOORS
@pytest.mark.parametrize("piece", [b"", b"\x82"])
def test_property_continuation_flood_is_stopped(piece, door):
    with Daemon(FAST) as daemon:
        with RawPeer(getattr(daemon, door)) as peer:
            peer.send(frame(HEADERS, 0, 1, b"\x82"))
            flood(peer, (frame(CONTINUATION, 0, 1, piece) for _ in range(100_000)))
        wait_until(lambda: faults(daemon) == 1, "it is counted")
        assert_serves(daemon, 0)


def test_property_hpack_bomb_costs_one_request():
    bomb = hpack.Encoder()
    with Daemon(FAST) as daemon:
        before = daemon.resident_bytes()
        with RawPeer(daemon.grpc) as peer:
            peer.read()  # Frames may be large once the settings are known.
            # One field of 4 KiB in the table, and then its one-byte index, over and over.
            first = bomb.encode([(":method", "POST"), (":scheme", "http"), (":authority", "a"),
                                 (":path", "/"), ("x-bomb", "b" * 3900)])
            peer.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, first + b"\xbe" * 50_000))
            assert peer.status(1) == 8
            peer.send(peer.headers(3, 5))  # HPACK's state is still whole.
            assert peer.status(3) == 12
        assert daemon.resident_bytes() - before < 64 << 20
        assert_serves(daemon, 0)


def test_window_that_is_never_opened_holds_up_nobody():
    with Daemon({**FAST, "receiver.write_timeout": "1s"}) as daemon:
        with RawPeer(daemon.grpc, window=0) as peer:
            for stream in range(1, 100, 2):
                peer.send(peer.request(stream, request_of(call_of(stream)).SerializeToString()))
            daemon.wait_for_counted(100)
            assert_serves(daemon, 1000)
            # Their answers cannot be sent; the streams are given up one day.
            peer.wait_for(lambda: len(peer.resets) == 50)
            assert set(peer.resets.values()) == {8}


def test_property_half_open_and_silent_connections_end():
    with Daemon({**FAST, "receiver.request_timeout": "500ms"}) as daemon:
        silent = RawPeer(daemon.grpc, greet=False)
        half = RawPeer(daemon.grpc, greet=False)
        half.send(PREFACE[:10])
        slow_body = RawPeer(daemon.grpc)
        slow_body.send(slow_body.headers(1) + frame(DATA, 0, 1, message(b"x" * 100)[:50]))
        slow_fields = RawPeer(daemon.grpc)
        slow_fields.send(frame(HEADERS, 0, 1, b"\x82"))
        assert_serves(daemon, 0)
        silent.read_to_the_end()
        half.read_to_the_end()
        slow_fields.read_to_the_end()
        assert slow_body.status(1) == 4
        assert slow_body.resets[1] == 0
        metrics = daemon.metrics()
        assert metrics["spanmap_receiver_connections_timed_out_total"] == 2
        assert metrics['spanmap_receiver_requests_total{code="DEADLINE_EXCEEDED"}'] == 1
        assert metrics["spanmap_receiver_body_bytes"] == 0
        slow_body.socket.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 0, "all are gone")


def test_peer_that_closes_its_side_has_its_answers():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.request(1, request_of(call_of(0)).SerializeToString()))
        peer.shut()
        assert peer.status(1) == 0
        daemon.wait_for_counted(2)


def test_bodies_under_way_are_bounded():
    limit = 8 << 20
    body = message(b"\xfa\x01\xff\xff\x3f" + b"x" * ((1 << 20) - 1))
    with Daemon({**FAST, "receiver.memory_max": f"{limit}B", "receiver.message_bytes_max": "2MiB"}) as daemon:
        before = daemon.resident_bytes()
        peers = []
        for _ in range(200):  # Each begins a message of a megabyte, and fills its first window.
            peer = RawPeer(daemon.grpc)
            peer.read()
            peer.send(peer.headers(1))
            for at in range(0, 60_000, 15_000):
                peer.send(frame(DATA, 0, 1, body[at:at + 15_000]))
            peers.append(peer)
        held = wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"], "some are held")
        assert limit // 4 < held <= limit
        assert daemon.resident_bytes() - before < 64 << 20
        assert_serves(daemon, 0)
        refused = daemon.metrics()['spanmap_receiver_requests_total{code="UNAVAILABLE"}']
        assert refused >= 50
        for peer in peers:
            while peer.read(0):
                pass
        # Those who were refused may come again; those who were not may go on.
        assert sum(peer.fields.get(1, {}).get("grpc-status") == "14" and
                   "grpc-status-details-bin" in peer.fields[1] for peer in peers) == refused
        for peer in peers:
            if 1 not in peer.ended:
                peer.send(frame(DATA, END_STREAM, 1, body[60_000:65_000]))
                assert peer.status(1) == 13  # It ends inside the message, as was said.
            peer.socket.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"] == 0, "nothing is held")


def test_many_idle_connections_hold_up_nobody():
    with Daemon({**FAST, "receiver.connections_max": 1500}, soft_files=4096) as daemon:
        peers = [RawPeer(daemon.grpc) for _ in range(400)]
        assert_serves(daemon, 0)
        assert daemon.metrics()["spanmap_receiver_connections"] >= 400
        for peer in peers:
            peer.socket.close()


def test_bytes_that_are_no_http2_end_the_connection():
    with Daemon(FAST) as daemon:
        for bytes_ in (b"G\0ET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
                       b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\0" * 100, PREFACE[:-1] + b"X"):
            with RawPeer(daemon.grpc, greet=False) as peer:
                peer.send(bytes_)
                peer.read_to_the_end()
        wait_until(lambda: faults(daemon) == 4, "they are counted")
        assert_serves(daemon, 0)


def test_property_everything_at_once_and_the_good_are_served():
    stop = threading.Event()

    def attack(name):
        while not stop.is_set():
            try:
                with RawPeer(daemon.grpc) as peer:
                    flood(peer, FLOODS[name](peer))
            except (Closed, OSError):
                pass

    with Daemon(FAST) as daemon:
        threads = [threading.Thread(target=attack, args=(name,)) for name in FLOODS]
        for thread in threads:
            thread.start()
        with Sender(daemon.grpc) as sender:
            for number in range(100):
                sender.send(call_of(number))
        stop.set()
        for thread in threads:
            thread.join()
        # Nothing of theirs reached the method.
        daemon.wait_for_counted(200)
        assert daemon.resident_bytes() < 400 << 20
