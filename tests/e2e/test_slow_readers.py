"""Those who ask the web door for much and read nothing: they cost a bounded amount of memory."""

import gzip
import socket
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import IS_SANITIZED, Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000
LIMIT_MIB = 48
READERS = 60
OPTIONS = {"memory.limit": f"{LIMIT_MIB}MiB", "pairing.wait": "50ms", "pairing.parent_wait": "50ms"}


def fill_edges(daemon, edges):
    """As many edges, each with all its histograms."""
    with Sender(daemon.grpc) as sender:
        for edge in range(edges):
            trace = f"{edge + 1:032x}"
            sender.send([
                Span(trace, "1" * 16, "", CLIENT, "call", START, START + 3_000_000,
                     resource={"service.name": f"client-{edge % 20}"}),
                Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                     resource={"service.name": f"server-{edge // 20}"})])
    daemon.wait_for_counted(2 * edges)


class DeafReader:
    """Asks for /metrics with the smallest buffer there is, and does not read."""

    def __init__(self, daemon):
        host, port = daemon.ready["web"].rsplit(":", 1)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.socket.settimeout(60)
        self.socket.connect((host, int(port)))
        self.socket.sendall(f"GET /metrics HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def status(self):
        """The answer has begun to come."""
        return int(self.socket.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL).split()[1])


def test_answers_that_nobody_reads_are_bounded():
    with Daemon(OPTIONS) as daemon:
        most = int(daemon.json("/debug/cardinality")["edges"]["max"])
        fill_edges(daemon, most)
        size = len(daemon.text("/metrics"))
        readers = [DeafReader(daemon) for _ in range(READERS)]
        statuses = [reader.status() for reader in readers]
        assert set(statuses) == {200, 503}
        # Without the bound they would hold far more than the limit.
        assert size * READERS > LIMIT_MIB << 20
        assert IS_SANITIZED or daemon.resident_bytes() <= LIMIT_MIB << 20
        # What is small is still answered.
        for path in ("/healthz", "/readyz", "/"):
            assert daemon.get(path)[0] == 200
        for reader in readers:
            reader.socket.close()
        wait_until(lambda: daemon.get("/metrics")[0] == 200, "the next scrape has room again")


def test_a_scrape_of_full_tables_fits():
    with Daemon(OPTIONS) as daemon:
        most = int(daemon.json("/debug/cardinality")["edges"]["max"])
        fill_edges(daemon, most + 10)
        assert daemon.json("/debug/cardinality")["edges"]["refused"] > 0
        for headers in ({}, {"Accept": "application/openmetrics-text; version=1.0.0"},
                        {"Accept-Encoding": "gzip"}):
            status, _, body = daemon.get("/metrics", headers)
            assert status == 200, body


class Reader(threading.Thread):
    """Asks for all edges without a pause, until it is told to end."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.server = daemon
        self.is_over = threading.Event()
        self.statuses = set()

    def run(self):
        while not self.is_over.is_set():
            self.statuses.add(self.server.get("/api/v1/edges")[0])


def test_scrapes_are_answered_beside_many_readers_without_a_pause():
    with Daemon(OPTIONS) as daemon:
        fill_edges(daemon, 60)
        readers = [Reader(daemon) for _ in range(20)]
        for reader in readers:
            reader.start()
        paths = ["/metrics", "/debug/budgets", "/debug/cardinality"] * 10
        answers = [daemon.get(path, {"Accept-Encoding": "gzip"})[0] for path in paths]
        for reader in readers:
            reader.is_over.set()
        for reader in readers:
            reader.join()
        assert set(answers) == {200}
        assert all(reader.statuses <= {200, 503} and reader.statuses for reader in readers)


def series_of(text):
    """All but what tells of the process itself."""
    return [line for line in text.splitlines() if line.startswith("traces_")]


def test_long_metrics_are_the_same_for_whoever_likes_them_packed():
    with Daemon(OPTIONS) as daemon:
        fill_edges(daemon, int(daemon.json("/debug/cardinality")["edges"]["max"]))
        daemon.text("/metrics")  # What is new is shown at 0 first.
        for accept in ("text/plain", "application/openmetrics-text; version=1.0.0"):
            status, headers, plain = daemon.get("/metrics", {"Accept": accept})
            assert status == 200 and headers.get("Content-Encoding") is None
            assert len(plain) > 1 << 20  # So it was packed while it was written.
            status, headers, packed = daemon.get(
                "/metrics", {"Accept": accept, "Accept-Encoding": "gzip"})
            assert status == 200 and headers["Content-Encoding"] == "gzip"
            assert len(packed) * 8 < len(plain)
            found = series_of(gzip.decompress(packed).decode())
            assert len(found) > 10_000
            assert found == series_of(plain.decode())
