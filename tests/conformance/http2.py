"""http2: an HTTP/2 client of frames by hand, with hpack for the fields. It keeps to the protocol only where asked."""

import select
import struct
import time

import endpoint
import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
PADDED = 8
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 2, 7, 8, 11
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = \
    range(1, 7)


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def settings(*pairs):
    return frame(SETTINGS, payload=b"".join(struct.pack(">HI", *pair) for pair in pairs))


class Stream:
    """What the server said on one."""

    def __init__(self):
        self.blocks = []  # (fields, with END_STREAM)
        self.body = b""
        self.ended = False
        self.reset = None

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def headers(self):
        return dict(self.blocks[0][0]) if self.blocks else {}

    @property
    def trailers(self):
        """Of a Trailers-Only response they are its headers."""
        return dict(self.blocks[-1][0]) if self.blocks and self.ended else {}

    @property
    def status(self):
        return int(self.headers.get(":status", 0))


class H2:
    """One connection. `greet` says whether preface and SETTINGS go out at once."""

    def __init__(self, address, tls=None, greet=True, options=()):
        self.socket = endpoint.connect(address, tls, ("h2",) if tls else ())
        self.patience_s = endpoint.patience_s()
        self.scheme = "https" if tls else "http"
        self.authority = address
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.decoder.max_header_list_size = 1 << 24
        self.acknowledges = greet
        self.unread = b""
        self.block = b""
        self.streams = {}
        self.settings = {}      # of the server
        self.acked = 0          # our SETTINGS that it acknowledged
        self.pongs = []
        self.frames = []        # (kind, flags, stream) of all
        self.goaway = None      # (error, text) of the last
        self.last_streams = []  # of each GOAWAY
        self.closed = False
        self.window = 65535     # for the connection's DATA
        self.windows = {}       # for a stream's
        self.next_stream = 1
        if greet:
            self.send(PREFACE + settings(*options))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    # --- Sending --------------------------------------------------------------------------------

    def send(self, data):
        endpoint.send(self.socket, data)

    def fields(self, stream, fields, flags=END_HEADERS):
        """A HEADERS frame of these fields."""
        return frame(HEADERS, flags, stream, self.encoder.encode(list(fields)))

    def new_stream(self):
        self.next_stream += 2
        return self.next_stream - 2

    def data(self, stream, body, end=True):
        """DATA within the windows, reading in between."""
        sent = 0
        self.windows.setdefault(stream, self.settings.get(INITIAL_WINDOW_SIZE, 65535))
        while True:
            room = min(self.window, self.windows[stream], 16384)
            part = body[sent:sent + max(room, 0)]
            if part or not body:
                sent += len(part)
                last = sent == len(body)
                self.send(frame(DATA, END_STREAM if end and last else 0, stream, part))
                self.window -= len(part)
                self.windows[stream] -= len(part)
                if last:
                    return
                self.read(0)
            elif not self.read():
                raise TimeoutError("the window stays closed")
            if self.stream(stream).over or self.closed:
                return

    # --- Reading --------------------------------------------------------------------------------

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def read(self, patience_s=None):
        """Takes what came; False where nothing does so soon, or the connection is over."""
        wait_s = self.patience_s if patience_s is None else patience_s
        pending = getattr(self.socket, "pending", lambda: 0)()
        if self.closed or not (pending or select.select([self.socket], [], [], wait_s)[0]):
            return False
        data = endpoint.receive(self.socket)
        if not data:
            self.closed = True
            return False
        self.unread += data
        while len(self.unread) >= 9:
            length = int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < 9 + length:
                break
            kind, flags = self.unread[3], self.unread[4]
            stream = int.from_bytes(self.unread[5:9], "big") & 0x7FFFFFFF
            payload = self.unread[9:9 + length]
            self.unread = self.unread[9 + length:]
            self._take(kind, flags, stream, payload)
        return True

    def _take(self, kind, flags, stream, payload):
        self.frames.append((kind, flags, stream))
        if kind in (DATA, HEADERS, CONTINUATION):
            if kind == DATA:
                self.stream(stream).body += payload
                if payload and not self.closed:
                    self._reply(frame(WINDOW_UPDATE, payload=struct.pack(">I", len(payload))) +
                                frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", len(payload))))
            else:
                self.block += payload
                if flags & END_HEADERS:
                    self.stream(stream).blocks.append(self.decoder.decode(self.block))
                    self.stream(stream).blocks[-1] = (self.stream(stream).blocks[-1], False)
                    self.block = b""
            self.stream(stream).ended |= bool(kind != CONTINUATION and flags & END_STREAM)
        elif kind == SETTINGS:
            if flags & ACK:
                self.acked += 1
                return
            for at in range(0, len(payload), 6):
                key, value = struct.unpack_from(">HI", payload, at)
                if key == INITIAL_WINDOW_SIZE:
                    old = self.settings.get(key, 65535)
                    self.windows = {number: room + value - old for number, room in self.windows.items()}
                self.settings[key] = value
            if self.acknowledges:
                self._reply(frame(SETTINGS, ACK))
        elif kind == PING:
            if flags & ACK:
                self.pongs.append(payload)
            elif self.acknowledges:
                self._reply(frame(PING, ACK, payload=payload))
        elif kind == RST_STREAM:
            self.stream(stream).reset = int.from_bytes(payload, "big")
        elif kind == GOAWAY:
            self.last_streams.append(int.from_bytes(payload[:4], "big") & 0x7FFFFFFF)
            self.goaway = (int.from_bytes(payload[4:8], "big"), payload[8:].decode("utf-8", "replace"))
        elif kind == WINDOW_UPDATE:
            room = int.from_bytes(payload, "big")
            if stream:
                self.windows[stream] = self.windows.get(stream, self.settings.get(INITIAL_WINDOW_SIZE, 65535)) + room
            else:
                self.window += room

    def _reply(self, data):
        try:
            self.send(data)
        except endpoint.Closed:
            self.closed = True

    def wait(self, condition, what):
        """Reads until it holds."""
        end = time.monotonic() + self.patience_s
        while not condition():
            if not self.read(max(0, end - time.monotonic())) and not condition():
                state = f"closed, GOAWAY {self.goaway}" if self.closed else f"nothing for {self.patience_s} s"
                raise AssertionError(f"{what}: the connection is {state}")

    def finish(self, number):
        """Waits for the end of a stream; the stream."""
        self.wait(lambda: self.stream(number).over, "a response")
        return self.stream(number)

    def is_closed(self):
        """Whether the server ends the connection within our patience."""
        end = time.monotonic() + self.patience_s
        while not self.closed and time.monotonic() < end:
            self.read(max(0, end - time.monotonic()))
        return self.closed

    def ping(self):
        """Waits for the answer to a PING: all before it was handled."""
        mark = struct.pack(">Q", len(self.pongs) + 1)
        self.send(frame(PING, payload=mark))
        self.wait(lambda: mark in self.pongs, "an answer to PING")

    # --- HTTP -----------------------------------------------------------------------------------

    def post(self, path="/v1/traces", body=b"", fields=(), content_type="application/x-protobuf", method="POST"):
        """One HTTP request; its stream, at its end."""
        stream = self.new_stream()
        known = [(":method", method), (":scheme", self.scheme), (":authority", self.authority), (":path", path)]
        if content_type is not None:
            known.append(("content-type", content_type))
        ends = method in ("GET", "OPTIONS", "HEAD")
        self.send(self.fields(stream, [*known, *((name.lower(), str(value)) for name, value in fields)],
                              END_HEADERS | (END_STREAM if ends else 0)))
        if not ends:
            self.data(stream, body)
        return self.finish(stream)


def flood(peer, pieces):
    """Sends until the server has had enough; whether it had."""
    end = time.monotonic() + endpoint.patience_s()
    try:
        for piece in pieces:
            peer.send(piece)
            while peer.read(0):
                pass
            if peer.closed or peer.goaway is not None and peer.goaway[0] != NO_ERROR:
                return True
            if time.monotonic() > end:
                return False
        return peer.goaway is not None and peer.goaway[0] != NO_ERROR or peer.closed
    except endpoint.Closed:
        return True
