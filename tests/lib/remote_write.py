"""remote_write: a receiver of Prometheus' remote write, 1.0 and 2.0, that can be told to fail.

Is:     an HTTP server on 127.0.0.1 that reads requests by the pinned definitions, with Google's library, and
        keeps what they say; a decoder of Snappy's blocks.
Is not: a judge of what was measured.
"""

import re
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = Path(__file__).resolve().parents[2]
STALE = 0x7ff0000000000002
FILES = {"1.0": (("prometheus/prompb/types.proto", "types.proto"), ("prometheus/prompb/remote.proto", "remote.proto")),
         "2.0": (("io/prometheus/write/v2/types.proto", "types.proto"),)}
NAMES = {"1.0": "prometheus.WriteRequest", "2.0": "io.prometheus.write.v2.Request"}


@lru_cache(None)
def request_class(version):
    """Without gogoproto's options, which change nothing on the wire."""
    with tempfile.TemporaryDirectory() as folder:
        for source, name in FILES[version]:
            text = (ROOT / "proto" / source).read_text(encoding="utf-8")
            text = re.sub(r'import "gogoproto/gogo.proto";', "", text)
            text = re.sub(r"\[\(gogoproto\.nullable\) = false\]", "", text)
            Path(folder, name).write_text(text, encoding="utf-8")
        subprocess.run(["protoc-c", f"-I{folder}", "--include_imports", f"--descriptor_set_out={folder}/set.pb",
                        f"{folder}/{FILES[version][-1][1]}"], check=True, timeout=60)
        described = descriptor_pb2.FileDescriptorSet.FromString(Path(folder, "set.pb").read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for one in described.file:
        pool.Add(one)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(NAMES[version]))


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def unpack(data):
    """A block of Snappy's."""
    size, at = _varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length = tag >> 2
            if length >= 60:
                extra = length - 59
                length = int.from_bytes(data[at:at + extra], "little")
                at += extra
            out += data[at:at + length + 1]
            at += length + 1
            continue
        if kind == 1:
            length, offset = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[at:at + width], "little")
            at += width
        assert 0 < offset <= len(out)
        for _ in range(length):
            out.append(out[-offset])
    assert len(out) == size
    return bytes(out)


def is_stale(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0] == STALE


@dataclass
class Series:
    """All that was told of one set of labels."""
    samples: list = field(default_factory=list)  # (milliseconds, value, start in milliseconds)
    histograms: list = field(default_factory=list)
    exemplars: list = field(default_factory=list)  # (labels, value, milliseconds)
    metadata: set = field(default_factory=set)  # (type, help, unit); None: it was told without


def told(requests):
    """{sorted labels: Series} of requests; what the protocol asks of them is checked."""
    out = {}
    for version, request in requests:
        symbols = list(request.symbols) if version == "2.0" else None
        assert symbols is None or (symbols[0] == "" and len(set(symbols)) == len(symbols))
        for each in request.timeseries:
            if symbols is not None:
                names = [symbols[ref] for ref in each.labels_refs]
                labels = list(zip(names[::2], names[1::2]))
            else:
                labels = [(label.name, label.value) for label in each.labels]
            assert labels == sorted(labels) and len(dict(labels)) == len(labels), labels
            assert labels[0][0] == "__name__" and all(value for _, value in labels), labels
            series = out.setdefault(tuple(labels), Series())
            for sample in each.samples:
                assert not series.samples or sample.timestamp > series.samples[-1][0], labels
                series.samples.append((sample.timestamp, sample.value,
                                       sample.start_timestamp if symbols is not None else 0))
            series.histograms += each.histograms
            for exemplar in each.exemplars:
                refs = [symbols[ref] for ref in exemplar.labels_refs] if symbols is not None else None
                own = dict(zip(refs[::2], refs[1::2])) if refs is not None else {
                    label.name: label.value for label in exemplar.labels}
                assert not series.exemplars or exemplar.timestamp >= series.exemplars[-1][2], labels
                series.exemplars.append((own, exemplar.value, exemplar.timestamp))
            if symbols is not None:
                series.metadata.add((each.metadata.type, symbols[each.metadata.help_ref],
                                     symbols[each.metadata.unit_ref]) if each.HasField("metadata") else None)
    return out


class Receiver:
    """Answers each request as `answer(number)` says: (status, headers), or None to break off in the
    midst of an answer; 204 if there is no such function."""

    def __init__(self, answer=None, certificates=None):
        self.answer = answer or (lambda number: (204, {}))
        self.lock = threading.Lock()
        self.requests = []  # (version, message) of those that were taken,
        self.seen = []  # (monotonic time, headers, status) of all.
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # noqa: N802
                receiver.take(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        scheme = "http"
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificates)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}/api/v1/write"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self.lock:
            answer = self.answer(len(self.seen))
            self.seen.append((time.monotonic(), dict(handler.headers), answer and answer[0]))
            if answer and answer[0] // 100 == 2:
                version = "2.0" if "v2.Request" in handler.headers["Content-Type"] else "1.0"
                assert handler.headers["Content-Encoding"] == "snappy"
                self.requests.append((version, request_class(version).FromString(unpack(body))))
        if answer is None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
            handler.close_connection = True
            return
        handler.send_response(answer[0])
        for name, value in answer[1].items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def told(self):
        with self.lock:
            return told(self.requests)

    def taken(self):
        with self.lock:
            return len(self.requests)

    def asked(self):
        with self.lock:
            return len(self.seen)
