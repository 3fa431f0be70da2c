"""A daemon that is stopped for longer than its waits, and goes on: what came meanwhile is no later for that."""

import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hostile import PROTOBUF, connect  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000
TRACE = "1" * 32


def post_of(span):
    body = request_of([span]).SerializeToString()
    return (f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def map_after_a_stop(wait_s):
    """(the map, how long the daemon ran while the client's span waited)"""
    client = Span(TRACE, "1" * 16, "", CLIENT, "call", START, START + 2_000_000, resource={"service.name": "shop"})
    server = Span(TRACE, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000, resource={"service.name": "stock"})
    with Daemon({"pairing.wait": f"{wait_s}s", "pairing.parent_wait": f"{wait_s}s"}) as daemon, \
            Sender(daemon.grpc) as sender, connect(daemon.http) as peer:
        begin = time.monotonic()
        sender.send([client])
        wait_until(lambda: daemon.accounting()["received"] == 1, "the client's span comes")
        daemon.signal(signal.SIGSTOP)
        ran_s = time.monotonic() - begin
        peer.sendall(post_of(server))  # It lies in the socket.
        time.sleep(1.5 * wait_s)
        begin = time.monotonic()
        daemon.signal(signal.SIGCONT)
        assert b"HTTP/1.1 200" in peer.recv(1000)
        ran_s += time.monotonic() - begin
        return daemon.wait_for_counted(2), ran_s


def test_what_lay_in_a_socket_while_it_was_stopped_is_paired():
    wait_s = 1
    answer, ran_s = map_after_a_stop(wait_s)
    while ran_s > wait_s / 2 and wait_s < 30:  # It may have been late on this machine.
        wait_s *= 3
        answer, ran_s = map_after_a_stop(wait_s)
    assert [(edge["client"], edge["server"], edge["connection_type"]) for edge in answer["edges"]] == \
        [("service//shop", "service//stock", "")]
    assert answer["accounting"]["paired"] == 2
