"""The demo as a user runs it: its map, its picture, and that nothing of it stays behind."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "deploy/demo/run.py"
SVG = "{http://www.w3.org/2000/svg}"
START_S = 120
STOP_S = 30

SERVICES = {"frontend", "recommendations", "catalog", "checkout", "inventory", "payment", "fulfilment"}


def load_run():
    spec = importlib.util.spec_from_file_location("demo_run", RUN)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stat_of(pid):
    """(parent, start time) of a process, or nothing where it is gone or only waits for its parent."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), fields[19])


def children_of(parent):
    pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    stats = {pid: stat_of(pid) for pid in pids}
    return {pid: stat[1] for pid, stat in stats.items() if stat and stat[0] == parent}


class Demo:
    """A running demo, in a directory of its own, with a directory for its temporary files."""

    def __init__(self, directory):
        self.directory = directory
        self.temporary = Path(tempfile.mkdtemp(dir=directory))
        self.log = directory / "demo.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(RUN), binary(), "--any-port"], cwd=directory,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=os.environ | {"TMPDIR": str(self.temporary)})

    def read(self):
        return self.log.read_text()

    def wait_for(self, text):
        end = time.monotonic() + START_S
        while text not in self.read():
            assert self.process.poll() is None and time.monotonic() < end, self.read()
            time.sleep(0.05)

    def ask(self, path):
        web = re.search(r"http://(\S+)/", self.read()).group(1)
        with urllib.request.urlopen(f"http://{web}{path}", timeout=30) as answer:
            return answer.read()

    def wait_for_end(self):
        self.process.wait(STOP_S)
        return self.process.returncode, self.read()

    def assert_nothing_left(self, children):
        end = time.monotonic() + STOP_S
        while left := [pid for pid, start in children.items()
                       if (stat := stat_of(pid)) and stat[1] == start]:
            assert time.monotonic() < end, f"still running: {left}\n{self.read()}"
            time.sleep(0.05)


@pytest.fixture
def demo(tmp_path):
    demo = Demo(tmp_path)
    yield demo
    if demo.process.poll() is None:
        demo.process.terminate()
        demo.process.wait(STOP_S)


def test_the_map_is_the_shop_and_nothing_stays(demo):
    demo.wait_for("Ctrl-C stops everything")
    answer = json.loads(demo.ask("/api/v1/map"))
    edges = {(edge["client"], edge["server"]): edge for edge in answer["edges"]}
    assert set(edges) == load_run().EDGES
    assert {node["name"] for node in answer["nodes"] if node["type"] == "service"} == SERVICES
    assert all(edge["requests"] > 0 for edge in edges.values())

    # Each side shows what it has seen, and no other.
    paid = edges["service//checkout", "service//payment"]
    assert paid["client_seconds"] and paid["server_seconds"]
    for key, edge in edges.items():
        if key[1].startswith(("database//", "external//")):
            assert edge["client_seconds"] and not edge["server_seconds"], key
            assert edge["connection_type"] in ("database", "virtual_node"), key
    assert edges["user//user", "service//frontend"]["client_seconds"] is None

    picture = ElementTree.parse(demo.directory / "shop.svg").getroot()
    text = " ".join(element.text or "" for element in picture.iter(f"{SVG}text"))
    assert all(name in text for name in SERVICES | {"api.partner.example", "redis"})

    # What it says to try.
    assert re.search(r"  curl -s -H 'Accept: \S+' http://\S+/metrics \|", demo.read())
    assert b"traces_service_graph_request_total{" in demo.ask("/metrics")
    command = re.search(r"  (\S+spanmap map .*)", demo.read())[1]
    tree = subprocess.run(command.split(), cwd=demo.directory, text=True, capture_output=True,
                          timeout=60, check=True).stdout
    assert "payment" in tree and "recommendations" not in tree

    children = children_of(demo.process.pid)
    assert len(children) >= len(SERVICES) + 2
    demo.process.send_signal(signal.SIGINT)
    status, output = demo.wait_for_end()
    assert status == 0 and output.endswith("stopped\n"), output
    demo.assert_nothing_left(children)
    left = {path.name for path in demo.directory.iterdir()}
    assert left == {"shop.svg", demo.log.name, demo.temporary.name}
    assert not list(demo.temporary.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_everything(demo, number):
    demo.wait_for("the shop")
    children = children_of(demo.process.pid)
    demo.process.send_signal(number)
    status, output = demo.wait_for_end()
    assert status == 0, output
    demo.assert_nothing_left(children)
    assert not list(demo.temporary.iterdir())


def test_further_signals_change_nothing(demo):
    demo.wait_for("the shop")
    children = children_of(demo.process.pid)
    # While it stands still, so that all are there at once when it goes on.
    for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCONT):
        demo.process.send_signal(number)
    status, output = demo.wait_for_end()
    assert status == 0 and output.endswith("stopped\n") and "Traceback" not in output, output
    demo.assert_nothing_left(children)
    assert not list(demo.temporary.iterdir())


def test_a_part_that_ends_stops_everything(demo):
    demo.wait_for("the shop")
    children = children_of(demo.process.pid)
    victim = next(pid for pid in children
                  if b"shop.payment" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(victim, signal.SIGKILL)
    status, output = demo.wait_for_end()
    assert status == 1 and "payment has ended by itself (-9)" in output, output
    demo.assert_nothing_left(children)
    assert not list(demo.temporary.iterdir())


def test_being_killed_leaves_no_process(demo):
    demo.wait_for("the shop")
    children = children_of(demo.process.pid)
    demo.process.kill()
    demo.wait_for_end()
    demo.assert_nothing_left(children)


def test_a_missing_program_is_one_clear_line(tmp_path):
    done = subprocess.run([sys.executable, str(RUN), "no-such-program"], cwd=tmp_path, text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "demo: no-such-program is not a program; `make` builds build/spanmap\n"
