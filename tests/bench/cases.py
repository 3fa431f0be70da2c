"""cases: what is sent in the benchmark, and how.

A case is a stream of requests (tests/bench/tools/payload.c) and a way to send it (load.c). Nothing
in it depends on the machine; the seed decides every byte but the time of day.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    size: int  # Spans a request.
    services: int = 7
    senders: int = 0  # 0: one a service, as SDKs send.
    traces_in_flight: int = 1
    connections: int = 4
    in_flight: int = 8  # Requests a connection.
    spans: int = 400_000
    passes: int = 2
    rate: int = 0  # Requests a second; 0: as fast as they are answered.
    gzip: bool = False
    http: bool = False
    tls: bool = False
    plain: bool = False
    rounds: int = 3

    def payload(self, seed, start_s):
        """The arguments of `payload`."""
        words = ["--services", self.services, "--spans", self.spans, "--size", self.size,
                 "--senders", self.senders or self.services, "--seed", seed, "--start", start_s,
                 "--in-flight", self.traces_in_flight]
        return [str(word) for word in words] + (["--plain"] if self.plain else [])

    def load(self, passes):
        """The arguments of `load`."""
        words = ["--connections", self.connections, "--in-flight", self.in_flight]
        words += ["--repeat", passes] if not self.gzip else []
        words += ["--rate", self.rate] if self.rate else []
        words += [f"--{flag}" for flag in ("gzip", "http", "tls") if getattr(self, flag)]
        return [str(word) for word in words]


MAIN = [Case("10 spans a request", 10, rounds=5),
        Case("100 spans a request", 100, rounds=5),
        Case("1000 spans a request", 1000, rounds=5)]

OTHERS = [
    Case("100 spans, 1 connection", 100, connections=1),
    Case("100 spans, 64 connections", 100, connections=64, in_flight=2),
    Case("100 spans, gzip", 100, gzip=True, spans=500_000, passes=1),
    Case("100 spans, TLS", 100, tls=True),
    Case("100 spans, OTLP/HTTP", 100, http=True, connections=32, in_flight=1),
    Case("1000 spans, of 10,000 services", 1000, services=10_000, senders=100),
    Case("10 spans, 1,000 requests a second", 10, rate=1000, spans=30_000, passes=1),
]

INSIDE = [Case(f"{size} spans a request", size) for size in (100, 1000)]

# spanmap alone, at 1000 spans a request. Many services need room in the tables; what they do not
# fill is not touched.
ROOMY = {"memory.limit": "20GiB", "topology.memory_max": "256MiB"}
SERVICES = [Case(f"{count:,} services", 1000, services=count, senders=min(count, 100), plain=True)
            for count in (10, 100, 1_000, 10_000)]
# The longest-lived of these traces take two thirds of a second and more.
PATIENT = {"pairing.wait": "2s", "topology.memory_max": "1GiB", "memory.limit": "4GiB"}
TRACES = [Case(f"{count:,} traces in flight", 1000, traces_in_flight=count, senders=1,
               spans=1_000_000, passes=1, rounds=2)
          for count in (1, 100, 10_000, 100_000)]
THREADS = [(threads, shards) for threads in (1, 2) for shards in (1, 2)]
