"""The long run: hours of mixed load, with a look at everything that must not grow or break.

SPANMAP_SOAK_S   how long (default 3600)
SPANMAP_SEED     the seed of what is sent (default 1)

Senders over several connections, some of them slow, broken or gone in the middle; scrapes and
drawings beside them. Each look checks the accounting's law, memory and open files. Prints a line a
minute, and ends with 1 where something was wrong.
"""

import os
import random
import socket
import sys
import threading
import time
from pathlib import Path

import grpc

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import compare, generate  # noqa: E402

SECONDS = float(os.environ.get("SPANMAP_SOAK_S") or 3600)
SEED = int(os.environ.get("SPANMAP_SEED") or 1)
OPTIONS = {"memory.limit": "256MiB", "pairing.wait": "2s", "pairing.parent_wait": "30s"}
LIMIT_BYTES = 256 << 20
PATHS = ("/metrics", "/map.svg", "/map.dot", "/api/v1/map", "/", "/debug/cardinality", "/readyz")


class Load:
    """What all threads share."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.taken = 0
        self.refused = 0
        self.faults = []

    def fault(self, what):
        with self.lock:
            self.faults.append(what)
        self.over.set()

    def run(self, action, seed):
        """Calls an action again and again until the end."""
        rng = random.Random(seed)
        while not self.over.is_set():
            try:
                action(self, rng)
            except Exception as error:  # pylint: disable=broad-except
                self.fault(f"{action.__name__}: {error!r}")


def send_traces(load, rng):
    """A connection that lives for a while and is closed in order."""
    with Sender(load.daemon.grpc, rng.choice([grpc.Compression.NoCompression,
                                              grpc.Compression.Gzip])) as sender:
        for _ in range(rng.randrange(1, 50)):
            seed = rng.randrange(1 << 30)
            spans = generate.scripted(seed, generate.Mix(traces=20)).spans
            if rng.random() < 0.3:
                spans = generate.lossy(seed, spans)
            for request in generate.split(rng, spans):
                if load.over.is_set():
                    return
                sender.send(request)
                with load.lock:
                    load.taken += len(request)
        with load.lock:
            load.refused += sender.refused


def send_garbage(load, rng):
    """Requests that are none, and connections that are no HTTP/2."""
    with Sender(load.daemon.grpc) as sender:
        try:
            sender.raw(rng.randbytes(rng.randrange(1, 2000)))
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.INVALID_ARGUMENT,):
                raise
    host, port = load.daemon.grpc.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(rng.choice([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                                       b""]) + rng.randbytes(rng.randrange(200)))
    load.over.wait(rng.random())


def scrape(load, rng):
    status, _, _ = load.daemon.get(rng.choice(PATHS))
    if status not in (200, 503):
        raise AssertionError(f"status {status}")
    load.over.wait(rng.random() * 2)


def look(load, seen):
    """What must hold at any moment."""
    accounting = load.daemon.accounting()
    flat = compare.flat_accounting(accounting)
    classes = sum(count for name, count in flat.items() if name != "received")
    if classes != flat.get("received", 0):
        load.fault(f"the law is broken: {accounting}")
    if accounting["received"] < seen.get("received", 0):
        load.fault(f"received fell: {accounting}")
    seen["received"] = accounting["received"]
    resident = load.daemon.resident_bytes()
    files = len(os.listdir(f"/proc/{load.daemon.pid}/fd"))
    if resident > LIMIT_BYTES:
        load.fault(f"{resident >> 20} MiB are resident")
    seen.setdefault("resident", []).append(resident)
    seen.setdefault("files", []).append(files)
    return resident, files


def judge(load, seen, answered):
    """What must hold of the whole."""
    with load.lock:
        taken = load.taken
    if answered["received"] < taken:
        load.fault(f"{taken} spans were answered with OK, {answered['received']} are counted")
    third = len(seen["resident"]) // 3
    if third >= 5:
        middle, last = seen["resident"][third:2 * third], seen["resident"][2 * third:]
        if max(last) > 1.15 * max(middle):
            load.fault(f"memory grows: {max(middle) >> 20} MiB, then {max(last) >> 20} MiB")
        if min(seen["files"][2 * third:]) > max(seen["files"][:third]):
            load.fault("open files grow")


def main():
    print(f"soak: {SECONDS:.0f} s, seed {SEED}", flush=True)
    seen = {}
    with Daemon(OPTIONS) as daemon:
        load = Load(daemon)
        actions = [send_traces] * 4 + [send_garbage] + [scrape] * 2
        threads = [threading.Thread(target=load.run, args=(action, SEED * 1000 + number))
                   for number, action in enumerate(actions)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + SECONDS
        told = 0.0
        while time.monotonic() < end and not load.over.is_set():
            resident, files = look(load, seen)
            if time.monotonic() - told >= 60:
                told = time.monotonic()
                print(f"soak: {seen['received']} spans received, {resident >> 20} MiB, "
                      f"{files} files, {end - told:.0f} s to go", flush=True)
            load.over.wait(5)
        load.over.set()
        for thread in threads:
            thread.join()
        judge(load, seen, daemon.accounting())
    for fault in load.faults:
        print(f"soak: FAULT: {fault}")
    print(f"soak: {len(load.faults)} faults, {load.taken} spans taken on, {load.refused} refusals")
    return 1 if load.faults else 0


if __name__ == "__main__":
    sys.exit(main())
