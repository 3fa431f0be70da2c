"""hostile: what the tests of hostile peers share: the well-behaved beside them, and ways to say the wrong thing.

Is:     an exporter of the real SDK that sends all the while; HTTP/1 as bytes; bombs of every encoding.
"""

import contextlib
import gzip
import http.client
import socket
import threading
import zlib
from pathlib import Path

from lib.daemon import IS_SANITIZED, PATIENCE_S, wait_until
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
PROTOBUF, JSON = "application/x-protobuf", "application/json"
EVERY_S = 0.002


def peak_bytes(daemon):
    """The most memory that was ever resident."""
    for line in Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("no VmHWM")


@contextlib.contextmanager
def beside(daemon):
    """A real exporter that sends roots all the while; none of its spans is lost, and the daemon, which is still the same,
    never held more than its limit."""
    limit = daemon.metrics()["spanmap_memory_limit_bytes"]
    stop, sent = threading.Event(), []
    provider = TracerProvider(resource=Resource.create({"service.name": "beside"}))
    provider.add_span_processor(BatchSpanProcessor(
        OTLPSpanExporter(endpoint=f"http://{daemon.grpc}", insecure=True, timeout=PATIENCE_S), max_queue_size=1 << 17,
        schedule_delay_millis=50, max_export_batch_size=64))

    def run():
        tracer = provider.get_tracer("beside")
        while not stop.wait(EVERY_S):
            tracer.start_span("GET /", kind=SpanKind.SERVER).end()
            sent.append(1)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: requests_of(daemon, "beside"), "the exporter is served before")
        yield
    finally:
        stop.set()
        thread.join()
        provider.shutdown()
    wait_until(lambda: requests_of(daemon, "beside") == len(sent), f"all {len(sent)} spans of the exporter are counted")
    assert daemon.process.poll() is None
    if not IS_SANITIZED:
        assert peak_bytes(daemon) < limit, f"{peak_bytes(daemon) >> 20} MiB were resident"


def requests_of(daemon, service):
    for edge in daemon.map()["edges"]:
        if edge["client"] == "user//user" and edge["server"] == f"service//{service}":
            return edge["requests"]
    return 0


def refused(daemon):
    """{code: number} of the refusals so far, of both transports."""
    found = {}
    for name, value in daemon.metrics().items():
        for prefix, label, fine in (("spanmap_receiver_requests_total{", "code", {"OK"}),
                                    ("spanmap_receiver_http_requests_total{", "status", {"200", "204"})):
            if name.startswith(prefix) and value:
                code = name.split(f'{label}="')[1].split('"')[0]
                if code not in fine:
                    found[code] = int(value)
    return found


# --- HTTP/1 ---------------------------------------------------------------------------------------


def connect(endpoint):
    host, _, port = endpoint.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def post(endpoint, body, content_type=PROTOBUF, encoding=None):
    """(status, body) of one request."""
    connection = http.client.HTTPConnection(endpoint, timeout=PATIENCE_S)
    fields = {"Content-Type": content_type, **({"Content-Encoding": encoding} if encoding else {})}
    try:
        try:
            connection.request("POST", "/v1/traces", body, fields)
        except (BrokenPipeError, ConnectionResetError):
            pass  # It has answered before it read all.
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def head(more="", length=None):
    """The head of a request, open at its end where no length is given."""
    text = f"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF}\r\n{more}"
    return (text if length is None else f"{text}Content-Length: {length}\r\n\r\n").encode()


def say(connection, pieces):
    """Sends until the other side has had enough; whether it had."""
    try:
        for piece in pieces:
            connection.sendall(piece)
        return False
    except (BrokenPipeError, ConnectionResetError):
        return True


def ended(connection):
    """Reads to the end, which must come; what came."""
    out = b""
    try:
        while part := connection.recv(65536):
            out += part
    except ConnectionResetError:
        pass
    return out


# --- Bombs ----------------------------------------------------------------------------------------

CHUNK = 1 << 20


def gzip_bomb(size, byte=b"\0", wbits=31):
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return b"".join(packer.compress(byte * CHUNK) for _ in range(size // CHUNK)) + packer.flush()


def zstd_bomb(size, byte=b"\0", window=0x40):
    """A frame of blocks of one repeated byte: four bytes for each 128 KiB. `window`: its descriptor."""
    block = 128 << 10
    count = size // block
    head_of = lambda last: ((block << 3) | 2 | last).to_bytes(3, "little")  # noqa: E731
    return b"\x28\xb5\x2f\xfd\x00" + bytes((window,)) + (head_of(0) + byte) * (count - 1) + head_of(1) + byte


BOMBS = {"gzip": gzip_bomb, "deflate": lambda size: gzip_bomb(size, wbits=15), "zstd": zstd_bomb,
         "gzip in members": lambda size: gzip.compress(b"\0" * CHUNK, 9) * (size // CHUNK)}
