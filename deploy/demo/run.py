"""The demo: a spanmap of its own and the shop that sends to it, until Ctrl-C.

    run.py SPANMAP [--any-port]     SPANMAP is the program that was built

Each part is a process that ends with this one: on Ctrl-C, on SIGTERM, when the terminal
closes, when any of them ends by itself. Files are in one temporary directory, but for
shop.svg, which goes to the current one.
"""

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
SERVICES = ("inventory", "payment", "catalog", "recommendations", "checkout", "frontend",
            "fulfilment")
UNINSTRUMENTED = ("partner", "traffic")
START_S = 90
MAP_S = 60
STOP_S = 5

# What the map must show, as node ids of its JSON: caller, callee.
EDGES = {
    ("user//user", "service//frontend"),
    ("service//frontend", "service//catalog"),
    ("service//frontend", "service//recommendations"),
    ("service//frontend", "service//checkout"),
    ("service//recommendations", "service//catalog"),
    ("service//recommendations", "database//redis"),
    ("service//catalog", "database//redis"),
    ("service//catalog", "database//products"),
    ("service//checkout", "service//inventory"),
    ("service//checkout", "service//payment"),
    ("service//checkout", "database//orders"),
    ("service//checkout", "messaging//orders.placed"),
    ("messaging//orders.placed", "service//fulfilment"),
    ("service//inventory", "database//stock"),
    ("service//payment", "external//api.partner.example"),
    ("service//fulfilment", "database//orders"),
}
FAILING = {("service//checkout", "service//payment")}

# A map within seconds: this shop's spans come half a second after they ended, at most.
SPANMAP_OPTIONS = ("pairing.wait=3s",)
SDK_ENVIRONMENT = {
    "OTEL_BSP_SCHEDULE_DELAY": "500",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "5",
    # The stable conventions' attributes where an instrumentation knows them.
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
}


class Stop(Exception):
    """Ends the demo. With a reason, it failed."""


class Child:
    def __init__(self, name, argv, directory, environment):
        self.name = name
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                env=environment, start_new_session=True, preexec_fn=die_with(os.getpid()))

    def last_lines(self, count=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


def die_with(parent):
    """Lets the kernel end a child whose parent was killed, and so could not end it."""
    libc = ctypes.CDLL(None)
    pr_set_pdeathsig = 1

    def before_exec():
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


def stop_on_signals():
    """The first one stops the demo. Others may be on their heels, before they are ignored: what
    forwards a Ctrl-C to a group that has it already sends two."""
    first = True

    def stop(number, frame):
        nonlocal first
        if first:
            first = False
            raise Stop

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals():
    """While everything is being stopped, which takes seconds at most."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def say(text=""):
    # The terminal may be gone.
    with contextlib.suppress(OSError):
        print(text, flush=True)


def free_port(wanted):
    """That port, if nothing listens there, else 0: any."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
    return wanted


def find_redis():
    """Beside this Python, where scripts/setup.sh puts it, or installed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which("redis-server", path=path)
    if not found:
        raise Stop("redis-server is missing (Debian: redis-tools); `sh scripts/setup.sh demo` gets it")
    return found


class Demo:
    def __init__(self, spanmap, any_port, directory):
        self.spanmap = spanmap
        self.any_port = any_port
        self.directory = directory
        self.children = []
        self.addresses = {}
        # Calls within one machine go through no proxy of the user's.
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.lower().endswith("_proxy") and not name.startswith("OTEL_")}
        self.environment.update(SDK_ENVIRONMENT, SHOP_DIR=str(directory), PYTHONPATH=str(HERE))
        self.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def start(self, name, *argv):
        self.children.append(Child(name, argv, self.directory, self.environment))

    def wait_until(self, what, seconds, done):
        """True once `done` is; false after that time. Raises if a child has ended."""
        end = time.monotonic() + seconds
        while not done():
            for child in self.children:
                status = child.process.poll()
                if status is not None:
                    raise Stop(f"{child.name} has ended by itself ({status}):\n{child.last_lines()}")
            if time.monotonic() > end:
                return False
            time.sleep(0.1)
        return True

    def start_spanmap(self):
        ready = self.directory / "spanmap.json"
        grpc, http, web = (0 if self.any_port else free_port(port) for port in (4317, 4318, 9464))
        options = [*SPANMAP_OPTIONS, f"listen.grpc=127.0.0.1:{grpc}", f"listen.http=127.0.0.1:{http}",
                   f"listen.web=127.0.0.1:{web}"]
        self.start("spanmap", self.spanmap, "run", "--ready-file", str(ready),
                   *(word for option in options for word in ("--set", option)))
        if not self.wait_until("spanmap", START_S, ready.exists):
            raise Stop("spanmap does not listen:\n" + self.children[-1].last_lines())
        self.addresses = json.loads(ready.read_text())
        self.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://{self.addresses['grpc']}"

    def start_redis(self):
        log = self.directory / "redis.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.start("redis", find_redis(), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
                   "--appendonly", "no", "--dir", str(self.directory))
        if not self.wait_until("redis", START_S, lambda: "Ready to accept" in log.read_text()):
            raise Stop("redis-server does not start:\n" + self.children[-1].last_lines())
        (self.directory / "redis.port").write_text(str(port))

    def start_shop(self):
        for name in (*SERVICES, *UNINSTRUMENTED):
            self.start(name, sys.executable, "-m", f"shop.{name}")
        if not self.wait_until("the shop", START_S, (self.directory / "traffic.port").exists):
            raise Stop(f"the shop is not up after {START_S} s")

    def ask(self, path):
        """The body, or nothing while spanmap cannot answer."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.addresses['web']}{path}", timeout=30) as answer:
                return answer.read()
        except (urllib.error.URLError, OSError):
            return b""

    def missing(self):
        """The calls that are not on the map yet, and those that should have failed by now."""
        body = self.ask("/api/v1/map")
        failed = {(edge["client"], edge["server"]): edge["failed"]
                  for edge in json.loads(body)["edges"]} if body else {}
        return EDGES - failed.keys() or {edge for edge in FAILING if not failed[edge]}

    def write_map(self):
        picture = self.ask("/map.svg")
        if not picture.lstrip().startswith(b"<"):
            say("the map cannot be drawn now; GET /map.svg says why")
            return
        Path("shop.svg").write_bytes(picture)
        say(f"shop.svg     the map as it is now ({len(picture)} bytes)")

    def run(self):
        self.start_spanmap()
        say(f"spanmap      http://{self.addresses['web']}/")
        self.start_redis()
        self.start_shop()
        say(f"the shop     {len(SERVICES)} services, Redis, SQLite, a partner, and users; "
            "its first calls are on the map in a few seconds")
        if not self.wait_until("the map", MAP_S, lambda: not self.missing()):
            pairs = ", ".join(f"{client} -> {server}" for client, server in sorted(self.missing()))
            raise Stop(f"after {MAP_S} s these calls, or their failures, are not on the map: {pairs}")
        self.write_map()
        self.say_what_to_try()
        self.wait_until("the end", float("inf"), lambda: False)

    def say_what_to_try(self):
        web = self.addresses["web"]
        say()
        say("Try:")
        say(f"  curl -s -H 'Accept: application/openmetrics-text' http://{web}/metrics | grep request_total")
        say(f"  {os.path.relpath(self.spanmap)} map --from http://{web} --focus checkout --format text")
        say("  OTEL_EXPORTER_OTLP_PROTOCOL=grpc "
            f"OTEL_EXPORTER_OTLP_ENDPOINT=http://{self.addresses['grpc']} your-own-service")
        say()
        say("Ctrl-C stops everything.")

    def stop(self):
        """The users first, then the shop, so that its last spans are taken; then what it stands on."""
        last = ("redis", "spanmap")
        stop_all([child for child in self.children if child.name == "traffic"])
        stop_all([child for child in self.children if child.name not in last])
        stop_all([child for child in self.children if child.name in last])


def stop_all(children):
    for child in children:
        if child.process.poll() is None:
            child.process.terminate()
    end = time.monotonic() + STOP_S
    for child in children:
        try:
            child.process.wait(max(0.0, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("spanmap", type=Path)
    parser.add_argument("--any-port", action="store_true", help="not the usual ports, even if free")
    arguments = parser.parse_args()
    stop_on_signals()
    directory = None
    demo = None
    status = 0
    try:
        if not os.access(arguments.spanmap, os.X_OK):
            raise Stop(f"{arguments.spanmap} is not a program; `make` builds build/spanmap")
        directory = Path(tempfile.mkdtemp(prefix="spanmap-demo-"))
        demo = Demo(arguments.spanmap.resolve(), arguments.any_port, directory)
        demo.run()
    except Stop as stop:
        ignore_signals()
        if str(stop):
            with contextlib.suppress(OSError):
                print(f"demo: {stop}", file=sys.stderr, flush=True)
            status = 1
    finally:
        ignore_signals()
        if demo:
            demo.stop()
        if directory:
            shutil.rmtree(directory, ignore_errors=True)
    say("stopped")
    return status


if __name__ == "__main__":
    sys.exit(main())
