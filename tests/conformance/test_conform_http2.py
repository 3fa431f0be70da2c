"""C1 to C4, C13 and C17: connections that stall, flood and inflate."""

import functools
import gzip
import resource
import socket
import struct
import time
import zlib

import endpoint
import hpack
import http2
import payloads
import pytest
import rpc
import wire
from doors import PROTOBUF, probe
from http2 import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE, flood, frame

BOTH = pytest.mark.parametrize("which", ["grpc", "http"])


def peer_of(server, which, **options):
    server.address(which)
    if which == "http":
        server.require_http2()
    return server.http2(which, **options)


def begin(server, peer, which, end=False):
    """The head of an Export on this door; its stream."""
    if which == "grpc":
        return rpc.start(peer, fields=server.fields, end=end)
    stream = peer.new_stream()
    peer.send(peer.fields(stream, [(":method", "POST"), (":scheme", peer.scheme), (":path", "/v1/traces"),
                                   (":authority", peer.authority), ("content-type", PROTOBUF), *server.fields],
                          END_HEADERS | (END_STREAM if end else 0)))
    return stream


def body_of(which):
    return rpc.prefixed(payloads.body()) if which == "grpc" else payloads.body()


def succeeded(which, stream):
    return rpc.answer_of(stream).code == rpc.OK if which == "grpc" else stream.status == 200


def assert_goes_on(server, peer, which):
    stream = begin(server, peer, which)
    peer.data(stream, body_of(which))
    assert succeeded(which, peer.finish(stream))


# --- C1: all of them stall at once ------------------------------------------------------------------


STALLS = {
    "grpc": ["silence", "cut preface", "cut header block", "no CONTINUATION", "cut body", "no body", "window never opened"],
    "http": ["silence", "cut line", "cut fields", "cut body", "no body", "cut chunk", "idle after a request", "cut preface"],
}


def stall(server, which, what):
    """A connection that does not go on."""
    raw = endpoint.connect(server.address(which), server.tls, ("h2" if which == "grpc" else "http/1.1",) if server.tls else ())
    head = (f"POST /v1/traces HTTP/1.1\r\nHost: {server.address(which)}\r\nContent-Type: {PROTOBUF}\r\n" +
            "".join(f"{name}: {value}\r\n" for name, value in server.fields)).encode()
    greeting = http2.PREFACE + frame(SETTINGS)
    encoder = hpack.Encoder()
    block = encoder.encode([(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", rpc.EXPORT),
                            ("content-type", "application/grpc"), ("te", "trailers"), *server.fields])
    call = frame(HEADERS, END_HEADERS, 1, block)
    closed_window = http2.PREFACE + http2.settings((http2.INITIAL_WINDOW_SIZE, 0))
    endpoint.send(raw, {
        "silence": b"", "cut preface": http2.PREFACE[:10], "cut header block": greeting + call[:15],
        "no CONTINUATION": greeting + frame(HEADERS, 0, 1, block), "no body": greeting + call if which == "grpc" else
        head + b"Content-Length: 10\r\n\r\n", "window never opened": closed_window + call +
        frame(DATA, END_STREAM, 1, rpc.prefixed(payloads.body())), "cut line": b"POST /v1/tr", "cut fields": head,
        "cut body": greeting + call + frame(DATA, 0, 1, b"\0\0\0\0\x40abc") if which == "grpc" else
        head + b"Content-Length: 10\r\n\r\nabc", "cut chunk": head + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "idle after a request": head + b"Content-Length: 0\r\n\r\n"}[what])
    return raw


@pytest.fixture(scope="module")
def stalled(server):
    """{(which, what): seconds until the server had had enough}; None: it bore with it."""
    waiting, found = {}, {}
    for which, whats in STALLS.items():
        if getattr(server, which):
            waiting.update({(which, what): stall(server, which, what) for what in whats})
    begun = time.monotonic()
    said = dict.fromkeys(waiting, b"")
    while waiting and time.monotonic() - begun < server.options.stall:
        server.assert_serves()
        for key, raw in list(waiting.items()):
            raw.settimeout(0.02)
            try:
                data = endpoint.receive(raw)
            except TimeoutError:
                continue
            said[key] += data
            if not data or gave_up(key, said[key]):
                found[key] = time.monotonic() - begun
                raw.close()
                del waiting[key]
    for key, raw in waiting.items():
        found[key] = None
        raw.close()
    return found


def gave_up(key, said):
    """Whether these bytes, without the end of the connection, tell that the stream is over, or the connection is."""
    if key[1] == "idle after a request":
        return False
    if key[0] == "http" and key[1] != "cut preface":
        return said.startswith((b"HTTP/1.1 408", b"HTTP/1.1 4", b"HTTP/1.1 5"))
    kinds = []
    while len(said) >= 9:
        kinds.append((said[3], int.from_bytes(said[5:9], "big")))
        said = said[9 + int.from_bytes(said[:3], "big"):]
    # The window that is closed holds up DATA only: HEADERS may come, and are no end.
    ends = {RST_STREAM, http2.GOAWAY} | ({HEADERS} if key[1] in ("cut body", "no body") else set())
    return any(kind in ends for kind, _ in kinds)


@probe("C1", "a peer that does not go on is given up")
@pytest.mark.parametrize(("which", "what"), [(which, what) for which, whats in STALLS.items() for what in whats if
                                             what != "idle after a request"])
def test_stall(server, stalled, which, what):
    server.address(which)
    assert stalled[which, what] is not None, f"the server bore with it for {server.options.stall:g} s"


@probe("C1", "a connection that is idle between requests is not taken for one that stalls")
def test_idle_is_no_stall(server, stalled):
    server.address("http")
    least = min(server.options.stall, 1)
    assert (stalled["http", "idle after a request"] or server.options.stall) >= least


# --- C2 -------------------------------------------------------------------------------------------


@probe("C2", "the first frame is SETTINGS, and ours are acknowledged")
@BOTH
def test_settings(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        assert peer.frames[0][0] == SETTINGS
        assert peer.acked == 1


@probe("C2", "the number of streams and the size of header lists are announced, and are of use")
@BOTH
def test_announced(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        assert 1 <= peer.settings.get(http2.MAX_CONCURRENT_STREAMS, 1 << 31) <= 10_000
        assert 4096 <= peer.settings.get(http2.MAX_HEADER_LIST_SIZE, 1 << 31) <= 1 << 24
        assert peer.settings.get(http2.MAX_FRAME_SIZE, 16384) >= 16384
        assert peer.settings.get(http2.ENABLE_PUSH, 0) in (0, 1)


@probe("C2", "a header list beyond the bound costs one request, not the connection, and HPACK stays in step")
@BOTH
def test_large_header_list(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        size = peer.settings.get(http2.MAX_HEADER_LIST_SIZE, 1 << 20)
        if size > 1 << 20:
            pytest.skip("the bound is announced nowhere near")
        stream = peer.new_stream()
        fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", rpc.EXPORT), ("x-index", "remember me"),
                  *((f"x-{i}", "v" * 100) for i in range(size // 100 + 10))]
        block = peer.encoder.encode(fields)
        most = peer.settings.get(http2.MAX_FRAME_SIZE, 16384)
        parts = [block[at:at + most] for at in range(0, len(block), most)]
        assert len(parts) <= 8, "frames are too small for this probe"
        for i, part in enumerate(parts):
            flags = (END_HEADERS if i + 1 == len(parts) else 0) | (END_STREAM if i == 0 else 0)
            peer.send(frame(CONTINUATION if i else HEADERS, flags, stream, part))
        found = peer.finish(stream)
        assert found.reset is not None or found.status in (431, 400) or rpc.answer_of(found).code not in (rpc.OK, rpc.UNKNOWN)
        assert_goes_on(server, peer, which)


@probe("C2", "an HPACK bomb costs one request at most")
@BOTH
def test_hpack_bomb(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        first = hpack.Encoder().encode([(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/"),
                                        ("x-bomb", "b" * 3900)])
        stream = peer.new_stream()
        room = min(peer.settings.get(http2.MAX_FRAME_SIZE, 16384), 60_000) - len(first)
        peer.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, first + b"\xbe" * room))
        peer.wait(lambda: peer.stream(stream).over or peer.goaway, "the bomb is refused")
        assert not succeeded(which, peer.stream(stream))
    server.assert_serves()


@probe("C2", "CONTINUATION frames without end are stopped")
@BOTH
@pytest.mark.parametrize("piece", [b"", b"\x82", b"\0\x01a\x7f" + b"\xff" * 8], ids=["empty", "small", "never ending"])
def test_continuation_flood(server, which, piece):
    with peer_of(server, which) as peer:
        peer.read()
        peer.send(frame(HEADERS, 0, 1, b"\x82"))
        assert flood(peer, (frame(CONTINUATION, 0, 1, piece) for _ in range(100_000)))
    server.assert_serves()


@probe("C2", "windows are opened as bodies are read, so that much can follow on one connection")
@BOTH
def test_window_is_opened(server, which):
    payload = wire.pad(payloads.body(), min(server.limit, 1 << 20))
    with peer_of(server, which) as peer:
        for _ in range(8):
            stream = begin(server, peer, which)
            peer.data(stream, rpc.prefixed(payload) if which == "grpc" else payload)
            assert succeeded(which, peer.finish(stream))


@probe("C2", "padding counts in the windows, and is given back")
@BOTH
def test_padding_is_given_back(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        for _ in range(30):
            stream = begin(server, peer, which)
            body = body_of(which)
            peer.windows[stream] = peer.settings.get(http2.INITIAL_WINDOW_SIZE, 65535)
            for at in range(0, len(body), 10):
                part = body[at:at + 10]
                flags = http2.PADDED | (END_STREAM if at + 10 >= len(body) else 0)
                while peer.window < 300 or peer.windows[stream] < 300:
                    assert peer.read(), "the window stays closed"
                peer.send(frame(DATA, flags, stream, b"\xff" + part + b"\0" * 255))
                peer.window -= len(part) + 256
                peer.windows[stream] -= len(part) + 256
                peer.read(0)
            assert succeeded(which, peer.finish(stream))


@probe("C2", "a peer that sends beyond a window is stopped")
@BOTH
def test_window_is_kept(server, which):
    with peer_of(server, which) as peer:
        peer.ping()
        window = max(peer.settings.get(http2.INITIAL_WINDOW_SIZE, 65535), peer.window)
        stream = begin(server, peer, which)
        total = window * 2 + (64 << 20)
        assert flood(peer, (frame(DATA, 0, stream, b"\xff" * 16384) for _ in range(total // 16384))) or \
            peer.stream(stream).over
    server.assert_serves()


PROTOCOL_ERRORS = {
    # Stream 1 is open.
    "DATA on stream 0": lambda peer: frame(DATA, 0, 0, b"x"), "DATA on an idle stream": lambda peer: frame(DATA, 0, 99, b"x"),
    "SETTINGS of a wrong size": lambda peer: frame(SETTINGS, 0, 0, b"12345"), "SETTINGS on a stream": lambda peer: frame(SETTINGS, 0, 1),
    "PING of a wrong size": lambda peer: frame(PING, 0, 0, b"1234"), "window of zero": lambda peer: frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0"),
    "window beyond": lambda peer: frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2, "stream of even number":
    lambda peer: peer.fields(2, [(":method", "POST"), (":scheme", "http"), (":path", "/")]), "PUSH_PROMISE":
    lambda peer: frame(http2.PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2\x82"), "CONTINUATION alone":
    lambda peer: frame(CONTINUATION, END_HEADERS, 3, b"\x82"), "HPACK that is damaged": lambda peer: frame(HEADERS, END_HEADERS, 3, b"\xff\xff\xff\xff\xff\xff"),
    "index beyond the table": lambda peer: frame(HEADERS, END_HEADERS, 3, b"\xfe"), "frame beyond its size": lambda peer:
    frame(DATA, 0, 1, b"x" * (peer.settings.get(http2.MAX_FRAME_SIZE, 16384) + 1)), "padding beyond the frame": lambda peer:
    frame(DATA, http2.PADDED, 1, b"\xffabc"),
    "window setting beyond": lambda peer: http2.settings((http2.INITIAL_WINDOW_SIZE, 1 << 31)),
    "frame size setting too small": lambda peer: http2.settings((http2.MAX_FRAME_SIZE, 100)),
    "push setting of 2": lambda peer: http2.settings((http2.ENABLE_PUSH, 2)), "RST_STREAM on an idle stream": lambda peer:
    frame(RST_STREAM, 0, 77, b"\0\0\0\0"),
}


@probe("C2", "what HTTP/2 forbids ends the connection, and harms nobody else")
@BOTH
@pytest.mark.parametrize("what", list(PROTOCOL_ERRORS))
def test_protocol_error(server, which, what):
    with peer_of(server, which) as peer:
        begin(server, peer, which)
        peer.ping()
        try:
            peer.send(PROTOCOL_ERRORS[what](peer))
        except endpoint.Closed:
            pass
        assert peer.is_closed() or peer.goaway and peer.goaway[0], "it goes on"
    server.assert_serves()


# --- C3, C4 -----------------------------------------------------------------------------------------

RESETS = {
    "by the client": lambda server, peer, which, i: reset_at_once(server, peer, which),
    "by the server, for a window beyond": lambda server, peer, which, i: provoke(
        server, peer, which, lambda stream: frame(WINDOW_UPDATE, 0, stream, b"\x7f\xff\xff\xff")),
    "by the server, for a window of zero": lambda server, peer, which, i: provoke(
        server, peer, which, lambda stream: frame(WINDOW_UPDATE, 0, stream, b"\0\0\0\0")),
    "by the server, for DATA behind the end": lambda server, peer, which, i: provoke(
        server, peer, which, lambda stream: frame(DATA, END_STREAM, stream) + frame(DATA, 0, stream, b"x")),
}


def provoke(server, peer, which, what):
    """The bytes of a call and of what makes the server reset it."""
    stream, sent = peer.next_stream, []
    keep, peer.send = peer.send, sent.append
    try:
        begin(server, peer, which)
    finally:
        peer.send = keep
    return b"".join(sent) + what(stream)


def reset_at_once(server, peer, which):
    return provoke(server, peer, which, lambda stream: frame(RST_STREAM, 0, stream, struct.pack(">I", http2.CANCEL)))


@probe("C3", "streams that are opened and reset in a flood end the connection")
@BOTH
@pytest.mark.parametrize("how", list(RESETS))
def test_reset_flood(server, which, how):
    with peer_of(server, which) as peer:
        peer.read()
        peer.streams = DevNull()
        assert flood(peer, (RESETS[how](server, peer, which, i) for i in range(20_000))), "20,000 resets were borne"
    server.assert_serves()


class DevNull(dict):
    """Streams that nobody looks at."""

    def setdefault(self, key, default=None):
        if len(self) > 1000:
            self.clear()
        return super().setdefault(key, default)


@probe("C3", "a client that gives up some calls is served on")
@BOTH
def test_some_resets(server, which):
    with peer_of(server, which) as peer:
        for _ in range(20):
            peer.send(reset_at_once(server, peer, which))
            assert_goes_on(server, peer, which)


FLOODS = {
    "PING": frame(PING, payload=b"12345678"), "SETTINGS": http2.settings((http2.HEADER_TABLE_SIZE, 4096)), "empty SETTINGS": frame(SETTINGS),
    "PRIORITY": frame(PRIORITY, 0, 1, b"\0\0\0\0\7"), "WINDOW_UPDATE": frame(WINDOW_UPDATE, payload=b"\0\0\0\1"),
    "PING answers": frame(PING, http2.ACK, payload=b"12345678"), "unknown frames": frame(0xEE),
}


@probe("C4", "control frames in a flood end the connection, and the others are served")
@BOTH
@pytest.mark.parametrize("what", list(FLOODS))
def test_control_flood(server, which, what):
    with peer_of(server, which) as peer:
        peer.read()
        stopped = flood(peer, (FLOODS[what] * 100 for _ in range(3000)))
    server.assert_serves()
    assert stopped, "300,000 of them were borne"


@probe("C4", "empty DATA frames in a flood end the connection")
@BOTH
def test_empty_data_flood(server, which):
    with peer_of(server, which) as peer:
        stream = begin(server, peer, which)
        stopped = flood(peer, (frame(DATA, 0, stream) * 100 for _ in range(3000)))
    server.assert_serves()
    assert stopped, "300,000 of them were borne"


@probe("C4", "a PING between calls, as real clients send it to measure, is answered")
@BOTH
def test_ping_between_calls(server, which):
    with peer_of(server, which) as peer:
        for _ in range(5):
            assert_goes_on(server, peer, which)
            peer.ping()
        assert peer.goaway is None


@probe("C4", "PINGs at once and without calls end the connection with too_many_pings")
def test_too_many_pings(server):
    with server.http2("grpc") as peer:
        peer.read()
        try:
            for _ in range(200):
                peer.send(frame(PING, payload=b"12345678"))
                peer.read(0.002)
                if peer.goaway or peer.closed:
                    break
        except endpoint.Closed:
            pass
        peer.is_closed()
        assert peer.goaway is not None, "200 PINGs in less than a second were borne"
        assert peer.goaway[0] == http2.ENHANCE_YOUR_CALM


# --- C13 ------------------------------------------------------------------------------------------


@functools.cache
def bomb(size, form):
    """That many zeros behind a field's head, packed as small as may be."""
    head = wire.tag(15, wire.BYTES) + wire.varint(size)
    packer = zlib.compressobj(9, zlib.DEFLATED, {"gzip": 31, "deflate": 15}[form])
    out = packer.compress(head)
    for _ in range(size >> 20):
        out += packer.compress(b"\0" * (1 << 20))
    return out + packer.flush()


@probe("C13", "a bomb is refused as too large, or for its ratio, and soon")
@pytest.mark.parametrize("which", ["grpc", "http", "json"])
def test_bomb(server, which):
    server.address("grpc" if which == "grpc" else "http")
    packed = bomb(max(1 << 28, 4 * server.limit), "gzip")
    if which == "grpc":
        with server.http2("grpc") as peer:
            answer = rpc.call(peer, rpc.prefixed(packed, 1), fields=[*server.fields, ("grpc-encoding", "gzip")])
        assert answer.code == rpc.RESOURCE_EXHAUSTED
        assert not answer.retryable
    else:
        with server.http1() as peer:
            answer = peer.request("POST", "/v1/traces", packed, [*server.fields, ("Content-Encoding", "gzip")],
                                  PROTOBUF if which == "http" else "application/json")
        assert answer.status == 413
    server.assert_serves()


@probe("C13", "a bomb behind another, and many small ones at once, are refused or taken, and the server serves on")
@BOTH
def test_many_bombs(server, which):
    packed = gzip.compress(b"\0\0" * (server.limit // 2 - 100), 9)
    peers = [peer_of(server, which) for _ in range(20)] if which == "grpc" else [server.http1() for _ in range(20)]
    for peer in peers:
        if which == "grpc":
            stream = rpc.start(peer, fields=[*server.fields, ("grpc-encoding", "gzip")])
            peer.data(stream, rpc.prefixed(packed, 1))
        else:
            peer.send(peer.head("POST", "/v1/traces", [("Host", peer.host), ("Content-Type", PROTOBUF), ("Content-Encoding", "gzip"),
                                                       ("Content-Length", len(packed)), *server.fields]) + packed)
    for peer in peers:
        if which == "grpc":
            assert rpc.answer_of(peer.finish(1)).code in (rpc.INVALID_ARGUMENT, rpc.UNAVAILABLE, rpc.RESOURCE_EXHAUSTED)
        else:
            assert peer.response().status in (400, 413, 429, 503)
        peer.socket.close()
    server.assert_serves()


@probe("C13", "deflate, where it is taken, is bounded too")
def test_deflate_bomb(server):
    server.address("http")
    packed = bomb(max(1 << 28, 4 * server.limit), "deflate")  # It takes its time, so it is made before.
    with server.http1() as peer:
        answer = peer.request("POST", "/v1/traces", packed, [*server.fields, ("Content-Encoding", "deflate")])
    assert answer.status in (413, 415)
    server.assert_serves()


# --- C17 ------------------------------------------------------------------------------------------


@probe("C17", "hundreds of idle connections hold up nobody")
@BOTH
def test_idle_connections(server, which):
    count = min(400, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
    address = server.address(which)
    host, _, port = address.rpartition(":")
    idle = []
    try:
        for _ in range(count):
            idle.append(socket.create_connection((host.strip("[]"), int(port)), timeout=endpoint.patience_s()))
        server.assert_serves()
    finally:
        for connection in idle:
            connection.close()
    server.assert_serves()
