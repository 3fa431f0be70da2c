"""h2_raw: an HTTP/2 client that says exactly what a test wants said, over a real socket.

Is:     frames by hand, with hpack for the fields.
Is not: a client that keeps to the protocol: that is the test's business.
"""

import gzip
import select
import socket
import struct

import hpack

from lib.daemon import PATIENCE_S
from lib.sender import EXPORT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, _, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS = 4
PROTOCOL_ERROR = 1
ENHANCE_YOUR_CALM = 11


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def message(body, compress=False):
    """A gRPC message behind its prefix."""
    body = gzip.compress(body, mtime=0) if compress else body
    return struct.pack(">BI", compress, len(body)) + body


class Closed(Exception):
    """The other side ended the connection."""


class RawPeer:
    """One connection. `greet` says whether preface and SETTINGS go out at once; `source` is the
    address that it comes from."""

    def __init__(self, endpoint, greet=True, window=None, source=None):
        host, _, port = endpoint.rpartition(":")
        self.socket = socket.create_connection((host.strip("[]"), int(port)), timeout=PATIENCE_S,
                                               source_address=source and (source, 0))
        self.encoder = hpack.Encoder()
        self.decoder = hpack.Decoder()
        self.acknowledges = greet
        self.unread = b""
        self.fields = {}   # stream -> its fields, trailers too
        self.bodies = {}   # stream -> its bytes
        self.ended = set()
        self.resets = {}   # stream -> error
        self.goaway = None  # (error, text) of the last
        if greet:
            settings = b"" if window is None else struct.pack(">HI", 4, window)
            self.send(PREFACE + frame(SETTINGS, payload=settings))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def send(self, data):
        """Raises Closed where the other side has ended the connection."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Closed from error

    def shut(self):
        """Says no more, but listens."""
        self.acknowledges = False
        self.socket.shutdown(socket.SHUT_WR)

    def headers(self, stream, flags=END_HEADERS, path=EXPORT, **more):
        fields = {":method": "POST", ":scheme": "http", ":authority": "localhost", ":path": path,
                  "content-type": "application/grpc", "te": "trailers",
                  **{name.replace("_", "-"): value for name, value in more.items()}}
        return frame(HEADERS, flags, stream, self.encoder.encode(list(fields.items())))

    def request(self, stream, body):
        """A whole unary request with this message, uncompressed."""
        return self.headers(stream) + frame(DATA, END_STREAM, stream, message(body))

    # --- Reading ------------------------------------------------------------------------------

    def _take(self, kind, flags, stream, payload):
        if kind == HEADERS:
            self.fields.setdefault(stream, {}).update(self.decoder.decode(payload))
        elif kind == DATA:
            self.bodies[stream] = self.bodies.get(stream, b"") + payload
        elif kind == RST_STREAM:
            self.resets[stream] = struct.unpack(">I", payload)[0]
        elif kind == GOAWAY:
            self.goaway = (struct.unpack(">I", payload[4:8])[0], payload[8:].decode())
        elif kind == SETTINGS and not flags & ACK and self.acknowledges:
            self.send(frame(SETTINGS, ACK))
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            self.ended.add(stream)

    def read(self, patience_s=PATIENCE_S):
        """Takes what has come, or waits for something; False: nothing came in time."""
        if not select.select([self.socket], [], [], patience_s)[0]:
            return False
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.unread += data
        while len(self.unread) >= 9:
            size = int.from_bytes(self.unread[:3], "big")
            if len(self.unread) < 9 + size:
                break
            kind, flags, stream = self.unread[3], self.unread[4], int.from_bytes(self.unread[5:9], "big")
            payload, self.unread = self.unread[9:9 + size], self.unread[9 + size:]
            self._take(kind, flags, stream, payload)
        return True

    def wait_for(self, condition):
        while not condition():
            if not self.read():
                raise AssertionError("waited in vain")

    def status(self, stream):
        """The gRPC status with which that stream ended."""
        self.wait_for(lambda: stream in self.ended or stream in self.resets)
        return int(self.fields[stream]["grpc-status"])

    def read_to_the_end(self):
        """Until the other side closes."""
        try:
            while self.read():
                pass
        except Closed:
            return
        raise AssertionError("the connection stayed open")
