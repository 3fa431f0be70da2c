"""rpc: gRPC calls over frames by hand, so that each byte of them can be chosen."""

import base64
import gzip
import struct
import urllib.parse
from dataclasses import dataclass, field

import http2
from google.rpc import error_details_pb2, status_pb2

SERVICES = {"traces": "opentelemetry.proto.collector.trace.v1.TraceService",
            "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
            "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
            "profiles": "opentelemetry.proto.collector.profiles.v1development.ProfilesService"}
EXPORT = f"/{SERVICES['traces']}/Export"
(OK, CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED,
 RESOURCE_EXHAUSTED, FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS) = range(16)
RETRYABLE = {CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS}
# What gRPC's clients make of a stream that was reset.
OF_RESET = {http2.NO_ERROR: INTERNAL, http2.REFUSED_STREAM: UNAVAILABLE, http2.CANCEL: CANCELLED,
            http2.ENHANCE_YOUR_CALM: RESOURCE_EXHAUSTED, 12: PERMISSION_DENIED}


@dataclass
class Answer:
    http_status: int
    code: int
    headers: dict
    trailers: dict
    messages: list = field(default_factory=list)
    reset: int | None = None

    @property
    def message(self):
        return urllib.parse.unquote(self.trailers.get("grpc-message", ""))

    @property
    def details(self):
        """The google.rpc.Status of the trailers; None: there is none."""
        text = self.trailers.get("grpc-status-details-bin")
        if text is None:
            return None
        return status_pb2.Status.FromString(base64.b64decode(text + "=" * (-len(text) % 4)))

    def retry_info(self):
        """The delay in seconds that a RetryInfo asks for; None: there is none."""
        for detail in self.details.details if self.details else ():
            info = error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                return info.retry_delay.seconds + info.retry_delay.nanos / 1e9
        return None

    @property
    def retryable(self):
        return self.code in RETRYABLE or self.code == RESOURCE_EXHAUSTED and self.retry_info() is not None


def prefixed(message, flag=0):
    """A message behind its prefix."""
    return struct.pack(">BI", flag, len(message)) + message


def gzipped(message):
    return prefixed(gzip.compress(message, mtime=0), 1)


def messages_of(body):
    out = []
    while body:
        flag, length = struct.unpack_from(">BI", body)
        message = body[5:5 + length]
        assert len(message) == length, "the response ends inside a message"
        out.append(gzip.decompress(message) if flag else message)
        body = body[5 + length:]
    return out


def answer_of(stream):
    code = stream.trailers.get("grpc-status")
    if code is None:
        code = OF_RESET.get(stream.reset, INTERNAL) if stream.reset is not None else UNKNOWN
    is_grpc = stream.headers.get("content-type", "").startswith("application/grpc")
    messages = messages_of(stream.body) if is_grpc and stream.status == 200 else []
    return Answer(stream.status, int(code), stream.headers, stream.trailers, messages, stream.reset)


def start(peer, path=EXPORT, fields=(), end=False, drop=()):
    """The head of a call; the number of its stream. `fields` stand in for ours, or join them."""
    known = {":method": "POST", ":scheme": peer.scheme, ":authority": peer.authority, ":path": path,
             "content-type": "application/grpc", "te": "trailers"}
    more = [pair for pair in fields if pair[0] not in known]
    known.update(pair for pair in fields if pair[0] in known)
    stream = peer.new_stream()
    peer.send(peer.fields(stream, [*(pair for pair in known.items() if pair[0] not in drop), *more],
                          http2.END_HEADERS | (http2.END_STREAM if end else 0)))
    return stream


def call(peer, body, path=EXPORT, fields=(), drop=()):
    """A whole call whose DATA are these bytes; its answer."""
    stream = start(peer, path, fields, drop=drop)
    peer.data(stream, body)
    return answer_of(peer.finish(stream))
