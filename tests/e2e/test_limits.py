"""Each limit on peers: who meets it is stopped and counted, and those beside are served."""

import socket
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import PATIENCE_S, Daemon, wait_until  # noqa: E402
from lib.h2_raw import RawPeer  # noqa: E402
from lib.sender import Sender  # noqa: E402
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
