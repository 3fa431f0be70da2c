#!/usr/bin/env python3
"""run: what a span costs on the whole way, from the socket to counted edges, beside the Collector.

Is:     real processes on loopback, the same requests in turn, several rounds; the figure is processor
        time of the server by the kernel's account, the median of the rounds; the sender is a C
        program that needs less of it than either server. Then the programs of tests/bench/*_bench.c.
        All of it goes to docs/BENCHMARKS.md and to the README's table (report.py).
Is not: a pass/fail test. Absolute times are the machine's; ratios are of one run.

    make bench                       all of it, some eleven minutes
    make bench BENCH='--only main --rounds 3 --dry'
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")
sys.path.insert(0, str(ROOT / "tests" / "bench"))

import report  # noqa: E402
from cases import (INSIDE, MAIN, OTHERS, PATIENT, ROOMY, SERVICES, THREADS, TRACES,  # noqa: E402
                   Case)
from servers import (Certificate, Collector, Connector, Floor, Spanmap,  # noqa: E402
                     collector_program, cpu_seconds, resident_mb)

QUIET_S = 0.25
QUIET_SHARE = 0.15  # Of a core; a merge of many series a second takes less.
PATIENCE = 80

MICRO = ["decode_bench", "topology_bench", "parts_bench", "series_bench", "exporters_bench"]
MAPS = [7, 60, 200, 1000, 3000]  # Services.
PICTURES = 8  # In a round.
HELPER = str(BUILD / "libexec" / "spanmap-draw")


def tool(name):
    return str(BUILD / "tests" / "bench" / name)


def write_requests(case, seed, path):
    with open(path, "wb") as file:
        subprocess.run([tool("payload")] + case.payload(seed, int(time.time())), stdout=file,
                       check=True)


def send(server, case, path, passes):
    """The report of `load`."""
    address = server.http if case.http else server.grpc
    done = subprocess.run([tool("load"), "--to", address] + case.load(passes) + [path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{case.name}, {server.name}: {done.stderr}")
    return json.loads(done.stdout)


def settle(server):
    """Until all that came is judged, counted and merged: until the server has little to do."""
    server.settle()
    for _ in range(PATIENCE):
        before = cpu_seconds(server.pid)
        time.sleep(QUIET_S)
        if cpu_seconds(server.pid) - before < QUIET_S * QUIET_SHARE:
            return
    print(f"note: {server.name} did not come to rest")


def measure(server, case, warm, requests):
    """One round of one server, which is started for it."""
    with server:
        idle_mb = resident_mb(server.pid)
        sent = send(server, replace(case, rate=0), warm, server.warm_passes)["spans"]
        settle(server)
        before = cpu_seconds(server.pid)
        answer = send(server, case, requests, case.passes)
        settle(server)
        seconds = cpu_seconds(server.pid) - before
        sent += answer["spans"]
        return {"us": seconds / answer["spans"] * 1e6,
                "idle_mb": idle_mb, "resident_mb": resident_mb(server.pid),
                "p50_ms": answer["latency_ms"]["p50"], "p99_ms": answer["latency_ms"]["p99"],
                "spans_per_s": answer["spans"] / answer["seconds"],
                "sender_us": answer["cpu_seconds"] / answer["spans"] * 1e6,
                "bytes": answer["bytes"] / answer["spans"], "refused": answer["refused"],
                "trouble": server.trouble(sent)}


def family_seconds(pid):
    """Processor time of a process and of the children that it has waited for, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def output_of(words, source=os.devnull):
    """What a command prints, and its processor time, that of what it started included."""
    with (open(source, "rb") as file,
          subprocess.Popen(words, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process):
        data = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: ended with {process.returncode}")
    return data, usage.ru_utime + usage.ru_stime


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.certificate = Certificate(folder)
        self.has_collector = collector_program() is not None and not options.alone
        self.warm = str(Path(folder, "warm"))
        self.requests = str(Path(folder, "requests"))

    def run(self, case, servers):
        """{name: [rounds]}; the servers take turns at who is first."""
        rounds = self.options.rounds or case.rounds
        write_requests(case, 1, self.warm)
        write_requests(case, 2, self.requests)
        out = {}
        for number in range(rounds):
            for name, make in (servers if number % 2 == 0 else servers[::-1]):
                out.setdefault(name, []).append(measure(make(), case, self.warm, self.requests))
        print(f"{case.name}: " + ", ".join(
            f"{name} {report.spread([one['us'] for one in rows])} us a span"
            for name, rows in out.items()), flush=True)
        return out

    def both(self, case, floors=False):
        certificate = self.certificate if case.tls else None
        servers = [("spanmap", lambda: Spanmap(certificate))]
        if self.has_collector:
            servers.append(("Collector", lambda: Collector(certificate)))
        if floors:
            servers += [("floor", Floor), ("floor, summing", lambda: Floor(sums=True))]
        return self.run(case, servers)

    def inside(self, case):
        """Two connectors of one Collector, in turn."""
        return self.run(case, [(name, lambda name=name: Connector(name)) for name in ("spanmap", "span_metrics")])

    def alone(self, case, options=None):
        return self.run(case, [("spanmap", lambda: Spanmap(options=options))])["spanmap"]

    def scrape(self):
        """{name: {lines, bytes, ms}} of a scrape of the series of 10,000 services."""
        case = Case("scrape", 1000, services=10_000, senders=100, passes=1, plain=True)
        write_requests(case, 2, self.requests)
        out = {}
        makers = [lambda: Spanmap(options=ROOMY)]
        if self.has_collector:
            makers.append(lambda: Collector(flush="1s"))
        for make in makers:
            with make() as server:
                send(server, case, self.requests, 1)
                server.settle()
                time.sleep(2.5)  # Both have merged or flushed by now.
                server.scrape()
                before, text = cpu_seconds(server.pid), server.scrape()
                seconds = cpu_seconds(server.pid) - before
                out[server.name] = {"series": sum(line[:1] != "#" for line in text.splitlines()),
                                    "mb": len(text) / 1e6, "ms": seconds * 1e3}
        return out

    def micro(self):
        """{program: what it prints}"""
        commands = {name: [tool(name)] for name in MICRO}
        commands["decode_bench"].append(self.one_request())
        commands["decode_upb"] = [sys.executable, str(ROOT / "tests" / "bench" / "decode_upb.py"),
                                  self.one_request()]
        out = {}
        for name, command in commands.items():
            print(name, flush=True)
            out[name] = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return out

    def maps(self):
        """{services: rounds of {what: seconds}}. All of it is processor time, children included.

        drawing   GET /map.svg: from a snapshot to the finished picture. Beside `dot`, this is the
                  figure of the target, which is about drawing.
        graphviz  `dot -Tsvg` of the very description that spanmap gives its helper (/map.dot), with
                  the height's bound unknown to it, so that it does one layout as it comes.
        start     `dot -Tsvg` of a node: what of that is not about this map.
        helper    spanmap-draw alone, of the same description.
        whole     `spanmap map --format svg`, reading: the same without drawing.
        """
        out = {}
        for services in MAPS:
            case = Case("map", 1000, services=services, senders=min(services, 100), passes=1,
                        spans=max(20_000, 200 * services), plain=True)
            write_requests(case, 2, self.requests)
            with Spanmap(options={**ROOMY, "messaging.wait": "1s"}) as server:
                send(server, case, self.requests, 1)
                settle(server)
                out[str(services)] = [self.map_round(server, number)
                                      for number in range(self.options.rounds or 3)]
            print(f"map of {services} services", flush=True)
        return out

    def map_round(self, server, number):
        description, one = str(Path(self.folder, "map.dot")), str(Path(self.folder, "one.dot"))
        Path(description).write_text(server.daemon.text("/map.dot"), encoding="utf-8")
        Path(one).write_text("digraph { one }", encoding="utf-8")
        read = output_of(self.map_words("text"))[1]
        whole = output_of(self.map_words("svg"))[1]
        drawing, svg = self.drawn(server, number)
        limits = ["60", str(1 << 30)]
        return {"read": read, "whole": whole, "drawing": drawing, "mb": len(svg) / 1e6,
                "nodes": svg.count('class="node '), "edges": svg.count('class="edge '),
                "helper": output_of([HELPER, "svg", *limits], description)[1],
                "graphviz": output_of(["dot", "-Tsvg"], description)[1],
                "start": output_of(["dot", "-Tsvg"], one)[1]}

    def drawn(self, server, number):
        """Seconds of a drawing by the daemon and its helper, less what the daemon does anyway."""
        begun, before = time.monotonic(), family_seconds(server.pid)
        for i in range(PICTURES):  # The least rate tells pictures apart, and hides nothing.
            svg = server.daemon.text(f"/map.svg?min-rate=0.00000{number * PICTURES + i + 1:04d}")
        seconds, lasted = family_seconds(server.pid) - before, time.monotonic() - begun
        before = family_seconds(server.pid)
        time.sleep(lasted)
        return (seconds - (family_seconds(server.pid) - before)) / PICTURES, svg

    def map_words(self, form):
        return [str(BUILD / "spanmap"), "map", "--format", form, self.requests]

    def one_request(self):
        """The first request of 1000 spans, in a file of its own."""
        write_requests(Case("one", 1000, spans=1000, senders=1), 1, self.requests)
        data = Path(self.requests).read_bytes()
        path = Path(self.folder, "one")
        path.write_bytes(data[4:4 + int.from_bytes(data[:4], "big")])
        return str(path)


def run_all(bench, only):
    results = {}
    if "main" in only:
        results["main"] = [(case.name, bench.both(case, floors=True)) for case in MAIN]
    if "others" in only:
        results["others"] = [(case.name, bench.both(case)) for case in OTHERS]
    if "inside" in only and Connector.program_path.exists():
        results["inside"] = [(case.name, bench.inside(case)) for case in INSIDE]
    if "scrape" in only:
        results["scrape"] = bench.scrape()
    if "scale" in only:
        results["services"] = [(case.name, bench.alone(case, ROOMY)) for case in SERVICES]
        results["traces"] = [(case.name, bench.alone(case, PATIENT)) for case in TRACES]
        results["threads"] = [
            (f"{threads} receiver thread{'s' * (threads > 1)}, {shards} shard{'s' * (shards > 1)}",
             bench.alone(Case("threads", 100), {"receiver.threads": threads,
                                                "topology.shards": shards}))
            for threads, shards in THREADS]
    if "maps" in only and shutil.which("dot") and Path(HELPER).exists():
        results["maps"] = bench.maps()
    if "micro" in only:
        results["micro"] = bench.micro()
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="main,others,inside,scrape,scale,maps,micro")
    parser.add_argument("--rounds", type=int, help="instead of each case's own number")
    parser.add_argument("--alone", action="store_true", help="without the Collector")
    parser.add_argument("--dry", action="store_true", help="writes no file of the tree")
    parser.add_argument("--from", dest="source", help="results of an earlier run, to write anew")
    options = parser.parse_args()

    if options.source:
        results = json.loads(Path(options.source).read_text(encoding="utf-8"))
    else:
        begun = time.time()
        with tempfile.TemporaryDirectory() as folder:
            results = run_all(Bench(options, folder), options.only.split(","))
        results["about"] = report.about(time.time() - begun, options)
        (BUILD / "bench.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    if options.dry:
        print(report.everything(results))
    else:
        report.write(results)


if __name__ == "__main__":
    main()
