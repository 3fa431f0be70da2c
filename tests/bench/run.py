#!/usr/bin/env python3
"""run: what a span costs on the whole way, from the socket to counted edges, beside the Collector.

Is:     real processes on loopback, the same payloads in turn, several rounds; the figure is CPU
        seconds of the server by the kernel's account of its threads, median of the rounds.
Is not: a pass/fail test, nor a measurement of latency or of the load generator, which shares the
        machine with the server.

The Collector runs otlp receiver -> span_metrics connector -> prometheus exporter. Its servicegraph
connector is left out (it cannot be built from published modules), so it pairs nothing and does less
work than spanmap. It is built by scripts/collector.sh; without it spanmap is measured alone.

    build/venv/bin/python tests/bench/run.py [--spans 200000] [--rounds 3] [--sizes 10,100,1000]
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from lib.daemon import Daemon, binary, wait_until  # noqa: E402

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
CONNECTIONS = 4
IN_FLIGHT = 8  # a connection
SPANS_PER_TRACE = 10
SERVICES = 7
SEED = 1

COLLECTOR_CONFIG = """
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: {otlp}
connectors:
  span_metrics:
exporters:
  prometheus:
    endpoint: {prometheus}
service:
  telemetry:
    metrics:
      level: none
    logs:
      level: error
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [span_metrics]
    metrics:
      receivers: [span_metrics]
      exporters: [prometheus]
"""


# --- Payloads -------------------------------------------------------------------------------------


def add_trace(rng, by_service, start):
    """Ten spans: a request through five services, with a call to a database and one to a host."""
    trace = rng.randbytes(16)
    # (service, kind, parent, name, attributes)
    plan = [
        (0, 2, None, "GET /checkout", {"http.request.method": "GET", "http.route": "/checkout"}),
        (0, 3, 0, "GET", {"http.request.method": "GET", "server.address": "cart"}),
        (1, 2, 1, "GET /cart", {"http.request.method": "GET", "http.route": "/cart"}),
        (1, 3, 2, "SELECT carts", {"db.system.name": "postgresql", "db.namespace": "carts"}),
        (0, 3, 0, "shop.Payment/Charge", {"rpc.system": "grpc", "rpc.method": "shop.Payment/Charge"}),
        (2, 2, 4, "shop.Payment/Charge", {"rpc.system": "grpc", "rpc.method": "shop.Payment/Charge"}),
        (2, 3, 5, "POST", {"http.request.method": "POST", "server.address": "bank.example"}),
        (3, 1, 5, "check the limit", {"customer.tier": "gold"}),
        (4, 2, 7, "POST /mail", {"http.request.method": "POST", "http.route": "/mail"}),
        (rng.randrange(5, SERVICES), 1, 8, "render", {"template": "receipt"}),
    ]
    ids = [rng.randbytes(8) for _ in plan]
    for (service, kind, parent, name, attributes), span_id in zip(plan, ids):
        span = by_service(service).spans.add(
            trace_id=trace, span_id=span_id, kind=kind, name=name, start_time_unix_nano=start,
            end_time_unix_nano=start + rng.randrange(1_000_000, 50_000_000), flags=0x101,
            parent_span_id=ids[parent] if parent is not None else b"")
        attributes = {**attributes, "network.protocol.version": "1.1", "thread.id": 4711,
                      "code.function.name": "com.example.shop.Handler.handle",
                      "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) example/1.0"}
        for key, value in attributes.items():
            item = span.attributes.add(key=key)
            if isinstance(value, int):
                item.value.int_value = value
            else:
                item.value.string_value = value
        if rng.random() < 0.02:
            span.status.code = 2


def requests_of(spans, size, seed):
    """Serialized requests of `size` spans each."""
    rng = random.Random(seed)
    start = time.time_ns()
    out = []
    for _ in range(max(1, spans // size)):
        request = ExportTraceServiceRequest()
        scopes = {}

        def by_service(number):
            if number not in scopes:
                resource = request.resource_spans.add()
                for key, value in (("service.name", f"service-{number}"),
                                   ("service.version", "1.2.3"),
                                   ("service.instance.id", f"instance-{number}"),
                                   ("telemetry.sdk.language", "java")):
                    resource.resource.attributes.add(key=key).value.string_value = value
                scopes[number] = resource.scope_spans.add()
                scopes[number].scope.name = "io.opentelemetry.bench"
            return scopes[number]

        for _ in range(max(1, size // SPANS_PER_TRACE)):
            add_trace(rng, by_service, start)
        out.append(request.SerializeToString())
    return out


# --- Load -----------------------------------------------------------------------------------------


def send(address, requests):
    """All of them, a few connections with a few requests in flight each."""
    channels = [grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
                for _ in range(CONNECTIONS)]
    calls = [channel.unary_unary(METHOD) for channel in channels]
    flight = []
    for number, request in enumerate(requests):
        if len(flight) == CONNECTIONS * IN_FLIGHT:
            flight.pop(0).result(timeout=60)
        flight.append(calls[number % CONNECTIONS].future(request))
    for call in flight:
        call.result(timeout=60)
    for channel in channels:
        channel.close()


def cpu_seconds(pid):
    """What the kernel has charged to the threads of a process, to the nanosecond."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def resident_mb(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


# --- Servers --------------------------------------------------------------------------------------


def measure_spanmap(requests, spans):
    """A second's wait, so that judging and counting fall into what is measured."""
    with Daemon({"pairing.wait": "1s", "log.level": "warn"}) as daemon:
        before = cpu_seconds(daemon.pid)
        send(daemon.grpc, requests)
        daemon.wait_for_counted(spans)
        daemon.text("/metrics")
        return cpu_seconds(daemon.pid) - before, resident_mb(daemon.pid)


def free_port():
    import socket
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_connect(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def measure_collector(program, requests):
    import urllib.request
    otlp, prometheus = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "config.yaml")
        config.write_text(COLLECTOR_CONFIG.format(otlp=f"127.0.0.1:{otlp}",
                                                  prometheus=f"127.0.0.1:{prometheus}"),
                          encoding="utf-8")
        with open(Path(folder, "log"), "wb") as log:
            process = subprocess.Popen([program, "--config", config], stdout=log, stderr=log)
        try:
            wait_until(lambda: can_connect(otlp), "the Collector listens")
            before = cpu_seconds(process.pid)
            send(f"127.0.0.1:{otlp}", requests)
            with urllib.request.urlopen(f"http://127.0.0.1:{prometheus}/metrics") as answer:
                answer.read()
            return cpu_seconds(process.pid) - before, resident_mb(process.pid)
        finally:
            process.terminate()
            process.wait()


def collector_program():
    """None where it cannot be built here."""
    done = subprocess.run(["sh", str(ROOT / "scripts" / "collector.sh")], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--spans", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default="10,100,1000")
    options = parser.parse_args()

    collector = collector_program()
    if collector is None:
        print("note: there is no Collector here, so spanmap is measured alone")
    version = subprocess.run([binary(), "version"], capture_output=True, text=True, check=True)
    print(version.stdout.splitlines()[0])
    print(f"{options.spans} spans a round, {options.rounds} rounds in turn, {CONNECTIONS} "
          f"connections, {IN_FLIGHT} requests in flight each; median (lowest-highest)\n")
    print("| spans a request | bytes a span | spanmap, CPU us a span | resident MB | Collector, "
          "CPU us a span | resident MB | ratio |")
    print("|---|---|---|---|---|---|---|")
    for size in map(int, options.sizes.split(",")):
        requests = requests_of(options.spans, size, SEED)
        spans = len(requests) * max(1, size // SPANS_PER_TRACE) * SPANS_PER_TRACE
        ours, theirs, memory, memory_theirs = [], [], [], []
        for _ in range(options.rounds):
            seconds, resident = measure_spanmap(requests, spans)
            ours.append(seconds / spans * 1e6)
            memory.append(resident)
            if collector:
                seconds, resident = measure_collector(collector, requests)
                theirs.append(seconds / spans * 1e6)
                memory_theirs.append(resident)
        row = [str(size), f"{sum(map(len, requests)) / spans:.0f}", spread(ours),
               f"{statistics.median(memory):.0f}"]
        if collector:
            row += [spread(theirs), f"{statistics.median(memory_theirs):.0f}",
                    f"{statistics.median(theirs) / statistics.median(ours):.1f}"]
        else:
            row += ["-", "-", "-"]
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
