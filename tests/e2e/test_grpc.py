"""OTLP/gRPC as clients see it: limits, statuses, compression, many at once, the way down."""

import gzip
import socket
import sys
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.h2_raw import (DATA, END_STREAM, RawPeer, frame, message)  # noqa: E402
from lib.otlp_http import zstd_of  # noqa: E402
from lib.sender import EXPORT, Sender, request_of, retry_delay_s  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
START = 1_700_000_000_000_000_000
CONNECTIONS = 64
STREAMS = 50


def call_of(number):
    """A client's span and its server's."""
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def padded_to(size, number=0):
    """A sound request of exactly so many bytes: unknown fields fill it up."""
    request = request_of(call_of(number)).SerializeToString()
    filler = size - len(request)
    for length_bytes in range(1, 6):
        body = filler - 2 - length_bytes  # Tags above 15 take two bytes.
        length = bytes((body >> 7 * i & 0x7F) | (0x80 if i + 1 < length_bytes else 0)
                       for i in range(length_bytes))
        if body >> 7 * length_bytes == 0:
            request += b"\xfa\x01" + length + b"x" * body
            assert len(request) == size
            return request
    raise AssertionError(size)


def refusal(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


# --- Limits ---------------------------------------------------------------------------------------


def test_message_of_exactly_the_limit_is_taken_and_one_byte_more_is_not():
    limit = 1 << 20
    with Daemon({**FAST, "receiver.message_bytes_max": f"{limit}B"}) as daemon:
        with Sender(daemon.grpc) as sender:
            assert sender.raw(padded_to(limit)) == b""
            error = refusal(lambda: sender.raw(padded_to(limit + 1)))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "receiver.message_bytes_max" in error.details()
            assert retry_delay_s(error) is None
        with Sender(daemon.grpc, compression=grpc.Compression.Gzip) as sender:
            assert sender.raw(padded_to(limit)) == b""
            error = refusal(lambda: sender.raw(padded_to(limit + 1)))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert retry_delay_s(error) is None
        assert daemon.accounting()["received"] == 4
        assert daemon.metrics()['spanmap_receiver_requests_total{code="RESOURCE_EXHAUSTED"}'] == 2


def test_prefix_alone_decides_about_a_message_that_is_too_large():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1) + frame(DATA, 0, 1, b"\0\x04\0\0\x01"))
        assert peer.status(1) == 8
        peer.wait_for(lambda: 1 in peer.resets)
        assert peer.resets[1] == 0


# --- Statuses -------------------------------------------------------------------------------------


def test_what_is_no_trace_request_gets_its_status():
    with Daemon(FAST) as daemon, Sender(daemon.grpc) as sender:
        assert refusal(lambda: sender.raw(b"\xff\xff")).code() == grpc.StatusCode.INVALID_ARGUMENT
        logs = EXPORT.replace("trace.v1.Trace", "logs.v1.Logs")
        error = refusal(lambda: sender.channel.unary_unary(logs)(b"", timeout=60))
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED
        assert sender.raw(b"") == b""
        metrics = daemon.metrics()
        assert metrics['spanmap_receiver_requests_total{code="OK"}'] == 1
        assert metrics['spanmap_receiver_requests_total{code="INVALID_ARGUMENT"}'] == 1
        assert metrics['spanmap_receiver_requests_total{code="UNIMPLEMENTED"}'] == 1


def test_two_messages_in_one_request_are_not_half_taken():
    body = request_of(call_of(0)).SerializeToString()
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1) + frame(DATA, END_STREAM, 1, message(body) + message(body)))
        assert peer.status(1) == 12
        assert daemon.accounting()["received"] == 0


def test_browser_is_told_what_listens():
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1, 5, content_type="text/html"))
        peer.wait_for(lambda: 1 in peer.ended)
        assert peer.fields[1][":status"] == "415"
        assert b"application/grpc" in peer.bodies[1]


@pytest.mark.parametrize("encoding, pack", [
    ("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstd_of)])
def test_each_encoding_is_unpacked(encoding, pack):
    body = request_of(call_of(0)).SerializeToString()
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        packed = pack(body)
        peer.send(peer.headers(1, grpc_encoding=encoding) +
                  frame(DATA, END_STREAM, 1, b"\x01" + len(packed).to_bytes(4, "big") + packed))
        assert peer.status(1) == 0
        assert encoding in peer.fields[1]["grpc-accept-encoding"]
        daemon.wait_for_counted(2)


def test_gzip_of_several_members_is_taken_whole():
    first, second = (request_of(call_of(i)).SerializeToString() for i in range(2))
    packed = gzip.compress(first) + gzip.compress(second)
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1, grpc_encoding="gzip") +
                  frame(DATA, END_STREAM, 1, b"\1" + len(packed).to_bytes(4, "big") + packed))
        assert peer.status(1) == 0
        daemon.wait_for_counted(4)


def test_one_byte_a_frame_is_as_good_as_any():
    body = message(request_of(call_of(0)).SerializeToString())
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1))
        for at in range(len(body)):
            peer.send(frame(DATA, END_STREAM if at + 1 == len(body) else 0, 1, body[at:at + 1]))
        assert peer.status(1) == 0
        daemon.wait_for_counted(2)


# --- Many at once -----------------------------------------------------------------------------------


def test_property_many_connections_and_streams_lose_nothing():
    def run(connection):
        with Sender(daemon.grpc) as sender:
            calls = [sender.call.future(request_of(call_of(connection * STREAMS + i)).SerializeToString(),
                                        timeout=120, wait_for_ready=True) for i in range(STREAMS)]
            return sum(call.result() == b"" for call in calls)

    with Daemon(FAST) as daemon:
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            assert sum(pool.map(run, range(CONNECTIONS))) == CONNECTIONS * STREAMS
        answer = daemon.wait_for_counted(2 * CONNECTIONS * STREAMS)
        assert [edge["requests"] for edge in answer["edges"]
                if edge["client"] == "service//shop"] == [CONNECTIONS * STREAMS]


def test_property_large_messages_in_little_memory_lose_nothing():
    senders, messages = 12, 6

    def send(sender, message):
        while True:
            try:
                return sender.raw(message)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAVAILABLE
                time.sleep(retry_delay_s(error))

    def run(number):
        requests = [padded_to(700_000, number * messages + i) for i in range(messages)]
        with Sender(daemon.grpc) as sender, ThreadPoolExecutor(messages) as streams:
            return list(streams.map(lambda message: send(sender, message), requests))

    with Daemon({**FAST, "receiver.memory_max": "4MiB"}) as daemon:
        with ThreadPoolExecutor(senders) as pool:
            answers = list(pool.map(run, range(senders)))
        assert answers == [[b""] * messages] * senders
        daemon.wait_for_counted(2 * senders * messages)
        assert daemon.metrics()["spanmap_receiver_body_bytes"] == 0


def test_connections_beyond_their_number_are_closed_and_counted():
    with Daemon({**FAST, "receiver.connections_max": 3}) as daemon:
        peers = [RawPeer(daemon.grpc) for _ in range(3)]
        for peer in peers:
            peer.send(peer.request(1, b""))
            assert peer.status(1) == 0
        with RawPeer(daemon.grpc, greet=False) as peer:
            peer.read_to_the_end()
        assert daemon.metrics()["spanmap_receiver_connections_refused_total"] == 1
        assert daemon.metrics()["spanmap_receiver_connections"] == 3
        assert "receiver.connections_max is reached" in daemon.log()
        for peer in peers:
            peer.socket.close()
        wait_until(lambda: daemon.metrics()["spanmap_receiver_connections"] == 0, "they are gone")
        with Sender(daemon.grpc) as sender:
            sender.send(call_of(0))


# --- Where it listens -------------------------------------------------------------------------------


def test_localhost_is_both_loopbacks_on_one_port():
    with Daemon({**FAST, "listen.grpc": "localhost:0"}) as daemon:
        port = int(daemon.grpc.rpartition(":")[2])
        hosts = ["127.0.0.1"]
        try:
            socket.create_connection(("::1", port), timeout=10).close()
            hosts.append("[::1]")
        except OSError:
            pass  # This machine has no IPv6.
        for number, host in enumerate(hosts):
            with Sender(f"{host}:{port}") as sender:
                sender.send(call_of(number))
        daemon.wait_for_counted(2 * len(hosts))


def test_unix_socket_serves_and_goes_with_the_daemon():
    with Daemon(FAST) as daemon:
        pass
    daemon = Daemon(FAST)
    daemon.prepare()
    path = Path(daemon.folder.name, "otlp.sock")
    daemon.options["listen.grpc"] = f"unix:{path}"
    with daemon:
        assert daemon.grpc == f"unix:{path}"
        with Sender(daemon.grpc) as sender:
            sender.send(call_of(0))
        daemon.wait_for_counted(2)
        daemon.stop()
        assert not path.exists()


# --- The way down -----------------------------------------------------------------------------------


def test_drain_takes_what_is_under_way_and_refuses_what_comes_later():
    body = message(request_of(call_of(0)).SerializeToString())
    with Daemon(FAST) as daemon, RawPeer(daemon.grpc) as peer:
        peer.send(peer.headers(1) + frame(DATA, 0, 1, body[:20]))
        wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"] > 0, "it has begun")
        daemon.signal()
        peer.wait_for(lambda: peer.goaway is not None)
        assert peer.goaway == (0, "")
        with pytest.raises(OSError):
            while True:  # The door closes at about the same time.
                socket.create_connection(peer.socket.getpeername(), timeout=10).close()
        peer.send(frame(DATA, END_STREAM, 1, body[20:]))
        assert peer.status(1) == 0
        peer.read_to_the_end()
        assert peer.goaway == (0, "draining")
        assert daemon.wait() == 0


def test_senders_lose_nothing_when_the_daemon_goes():
    taken = []
    refused = []

    def run(number):
        with Sender(daemon.grpc) as sender:
            for i in range(100000):
                try:
                    sender.call(request_of(call_of(number * 1000000 + i)).SerializeToString(), timeout=60)
                    taken.append(i)
                except grpc.RpcError as error:
                    refused.append(error.code())
                    return

    with Daemon(FAST) as daemon:
        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(taken) > 100, "they send")
        daemon.stop()
        for thread in threads:
            thread.join()
        # Each request was answered, or its sender knows that it may send it elsewhere.
        assert set(refused) == {grpc.StatusCode.UNAVAILABLE}
        assert f"spans={2 * len(taken)}" in daemon.log() or f"received={2 * len(taken)}" in daemon.log()
