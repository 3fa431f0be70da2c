"""`spanmap run`: ready file, signals, a port in use, and nothing lost on the way down."""

import json
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import generate  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000
FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}


def logged(log, message):
    """The fields of each line of that message."""
    out = []
    for line in log.splitlines():
        fields = {key: quoted or plain for key, quoted, plain in
                  re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line)}
        if fields.get("msg") == message:
            out.append(fields)
    return out


def spans_of(seed, traces=20):
    return generate.scripted(seed, generate.Mix(traces=traces, duplicates=0)).spans


# --- Start ----------------------------------------------------------------------------------------


def test_ready_file_names_what_is_bound():
    with Daemon() as daemon:
        assert set(daemon.ready) >= {"grpc", "http", "web", "pid"}
        assert daemon.ready["pid"] == daemon.pid
        for door in ("grpc", "http", "web"):
            host, _, port = daemon.ready[door].rpartition(":")
            assert host == "127.0.0.1"
            with socket.create_connection((host, int(port)), timeout=10):
                pass
        assert os.listdir(daemon.folder.name).count("ready.json") == 1
        assert not [name for name in os.listdir(daemon.folder.name) if name.startswith("ready.json.")]


def test_ready_file_goes_with_the_drain():
    with Daemon() as daemon:
        daemon.stop()
        assert not daemon.ready_file.exists()


def test_a_stale_ready_file_is_removed_first():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = Daemon({"listen.web": f"127.0.0.1:{taken.getsockname()[1]}"})
        daemon.prepare()
        daemon.ready_file.write_text("{}", encoding="utf-8")
        daemon.launch()
        assert daemon.wait() == 1
        assert not daemon.ready_file.exists()
        daemon.folder.cleanup()


def test_file_limit_is_raised_to_the_connections():
    with Daemon({"receiver.connections_max": 2000}, soft_files=500) as daemon:
        text = Path(f"/proc/{daemon.pid}/limits").read_text(encoding="ascii")
        soft = int(re.search(r"Max open files +(\d+)", text).group(1))
        assert soft >= 2000 or soft == resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def test_localhost_is_both_loopbacks():
    with Daemon({"listen.grpc": "localhost:0"}) as daemon:
        port = int(daemon.grpc.rpartition(":")[2])
        for host in ("127.0.0.1", "::1"):
            try:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                with socket.socket(family) as probe:
                    probe.bind((host, 0))
            except OSError:
                continue  # This machine has no such address.
            with socket.create_connection((host, port), timeout=10):
                pass


def test_a_door_may_be_a_unix_socket(tmp_path):
    path = tmp_path / "grpc.sock"
    with Daemon({"listen.grpc": f"unix:{path}", **FAST}) as daemon:
        assert daemon.grpc == f"unix:{path}"
        assert stat.S_ISSOCK(path.stat().st_mode)
        with Sender(daemon.grpc) as sender:
            spans = spans_of(1)
            sender.send(spans)
            daemon.wait_for_counted(len(spans))


def test_a_door_may_be_off():
    with Daemon({"listen.grpc": "off"}) as daemon:
        assert daemon.ready["grpc"] is None
        assert daemon.get("/healthz")[0] == 200


@pytest.mark.parametrize("options", [{}, {"listen.http": "off"}])
def test_the_log_says_what_listens(options):
    with Daemon(options) as daemon:
        listening = {line["for"]: line for line in logged(daemon.log(), "listening")}
        assert listening["OTLP/gRPC"]["address"] == daemon.grpc
        assert listening["web"]["address"] == daemon.ready["web"]
        off = {line["for"]: line for line in logged(daemon.log(), "not listening")}
        if options:
            assert off["OTLP/HTTP"]["reason"] == "off"
        else:
            assert listening["OTLP/HTTP"]["address"] == daemon.http and not off
        assert logged(daemon.log(), "ready")[0]["pid"] == str(daemon.pid)
        daemon.stop()
        assert [line["signal"] for line in logged(daemon.log(), "draining")] == ["TERM"]
        assert len(logged(daemon.log(), "done")) == 1


def test_a_quieter_log_says_less():
    with Daemon({"log.level": "error"}) as daemon:
        daemon.stop()
        assert daemon.log() == ""


@pytest.mark.parametrize("door", ["listen.grpc", "listen.http", "listen.web"])
def test_a_port_in_use_is_one_clear_line(door):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = Daemon({door: address})
        daemon.launch()
        assert daemon.wait() == 1
        errors = [line for line in daemon.log().splitlines() if "level=error" in line]
        assert len(errors) == 1
        assert address in errors[0]
        assert "in use" in errors[0]
        assert not daemon.ready_file.exists()
        daemon.folder.cleanup()


def test_two_daemons_cannot_share_a_port():
    with Daemon() as first:
        second = Daemon({"listen.grpc": first.grpc})
        second.launch()
        assert second.wait() == 1
        assert first.grpc in second.log()
        second.folder.cleanup()


def test_a_ready_file_that_cannot_be_written_is_a_failure(tmp_path):
    daemon = Daemon(arguments=["--ready-file", str(tmp_path / "no" / "ready.json")])
    daemon.launch()
    assert daemon.wait() == 1
    assert str(tmp_path / "no") in daemon.log()
    daemon.folder.cleanup()


@pytest.mark.parametrize("options, says", [
    ({"pairing.wait": "soon"}, "pairing.wait"),
    ({"memory.limit": "64MiB", "topology.memory_max": "1GiB"}, "memory.limit"),
    ({"names.rewrite": "{'(': x}"}, "names.rewrite"),
])
def test_a_wrong_configuration_ends_with_2(options, says):
    daemon = Daemon(options)
    daemon.launch()
    assert daemon.wait() == 2
    assert says in daemon.log()
    daemon.folder.cleanup()


def test_the_effective_configuration_is_shown():
    with Daemon(config="pairing:\n  wait: 1234ms\n") as daemon:
        assert "1234ms" in daemon.text("/debug/config")
        assert daemon.json("/debug/cardinality")["services"]["used"] == 0


# --- Signals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(which):
    with Daemon() as daemon:
        daemon.signal(which)
        assert daemon.wait() == 0
        assert logged(daemon.log(), "draining")[0]["signal"] == signal.Signals(which).name[3:]


def effective(daemon):
    return daemon.text("/debug/config")


def test_a_hangup_has_the_configuration_read_anew(tmp_path):
    path = tmp_path / "spanmap.yaml"
    path.write_text("log.level: info\nmap.messaging: broker\n")
    with Daemon(arguments=("-c", str(path))) as daemon:
        assert "messaging: broker" in effective(daemon)
        path.write_text("log.level: debug\nmap.messaging: both\npairing.wait: 5s\n"
                        "names.cidr: {10.0.0.0/8: inside}\n")
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: logged(daemon.log(), "these change at the next start only"), "it is logged")
        [changed] = logged(daemon.log(), "changed")
        assert set(changed["options"].split()) == {"map.messaging", "log.level"}
        [left] = logged(daemon.log(), "these change at the next start only")
        assert set(left["options"].split()) == {"pairing.wait", "names.cidr"}
        assert "messaging: both" in effective(daemon) and "wait: 10s" in effective(daemon)
        # Nothing differs any more but what waits for a start.
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: len(logged(daemon.log(), "the configuration was read anew")) == 2,
                   "it is logged")
        assert len(logged(daemon.log(), "changed")) == 1


def test_a_wrong_configuration_is_not_taken_at_a_hangup(tmp_path):
    path = tmp_path / "spanmap.yaml"
    path.write_text("map.messaging: broker\n")
    with Daemon(arguments=("-c", str(path))) as daemon:
        for number, text in enumerate(("map.messaging: odd\n", "map: [\n"), 1):
            path.write_text(text)
            daemon.signal(signal.SIGHUP)
            wait_until(lambda: len(logged(daemon.log(), "the configuration is kept")) == number,
                       "it is logged")
            assert "messaging: broker" in effective(daemon)
        assert str(path) in daemon.log()
        path.unlink()
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: len(logged(daemon.log(), "the configuration is kept")) == 3, "it is logged")
        os.mkfifo(path)  # Nobody writes to it, and that must not hold up the signals that end all.
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: len(logged(daemon.log(), "the configuration is kept")) == 4, "it is logged")
        assert daemon.get("/readyz")[0] == 200


def test_what_is_reloaded_is_used(tmp_path):
    """The map draws the calls of a service to itself once it is told to."""
    path = tmp_path / "spanmap.yaml"
    path.write_text("")
    with Daemon({"pairing.wait": "50ms", "pairing.parent_wait": "50ms"},
                arguments=("-c", str(path))) as daemon, Sender(daemon.grpc) as sender:
        own = {"service.name": "own"}
        sender.send([Span("1" * 32, "1" * 16, "", CLIENT, "GET", START, START + 1000, resource=own),
                     Span("1" * 32, "2" * 16, "1" * 16, SERVER, "GET", START, START + 900,
                          resource=own)])
        daemon.wait_for_counted(2)
        assert not daemon.map()["edges"]
        path.write_text("map.self_edges: true\n")
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: daemon.map()["edges"], "the edge is drawn")
        assert b"own" in daemon.get("/map.svg")[2]


def test_closed_standard_files_are_not_taken_for_sockets(tmp_path):
    ready = tmp_path / "ready.json"
    with subprocess.Popen(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", binary(), "run", "--ready-file", str(ready),
             "--set", "listen.grpc=127.0.0.1:0", "--set", "listen.http=127.0.0.1:0",
             "--set", "listen.web=127.0.0.1:0",
             "--set", "log.level=debug"]) as process:
        try:
            wait_until(ready.exists, "it is ready")
            web = json.loads(ready.read_text(encoding="utf-8"))["web"]
            for path in ("/metrics", "/map.svg"):
                with urllib.request.urlopen(f"http://{web}{path}", timeout=60) as answer:
                    assert answer.read()
            process.terminate()
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()


class Unfinished:
    """A request that does not end before it is told to: it keeps the daemon draining."""

    def __init__(self, daemon):
        self.channel = grpc.insecure_channel(daemon.grpc)
        self.release = threading.Event()
        call = self.channel.stream_unary(
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        self.waiting = call.future(self.pieces())
        # A connection alone would not be waited for.
        wait_until(lambda: daemon.metrics()["spanmap_receiver_body_bytes"] > 0, "it has begun")

    def pieces(self):
        yield b"begun"
        self.release.wait()

    def end(self):
        self.release.set()
        self.waiting.cancel()
        self.channel.close()


def test_a_second_signal_ends_it_at_once():
    with Daemon({"shutdown.patience": "10m", "receiver.request_timeout": "10m"}) as daemon:
        request = Unfinished(daemon)
        daemon.signal()
        wait_until(lambda: logged(daemon.log(), "draining"), "the first signal is logged")
        # Whoever balances load sees it leave, and its last numbers can still be scraped.
        wait_until(lambda: daemon.get("/readyz")[0] == 503, "it is not ready any more")
        assert daemon.process.poll() is None
        assert daemon.get("/healthz")[0] == 200
        assert daemon.get("/metrics")[0] == 200
        # One that comes as fast as an echo does not count.
        wait_until(lambda: daemon.signal() or daemon.process.poll() is not None, "it ends")
        assert daemon.wait() == 1
        assert len(logged(daemon.log(), "ended at once")) == 1
        assert not logged(daemon.log(), "done")
        request.end()
        daemon.process.returncode = 0  # As it was meant to end here.


def test_one_signal_told_twice_ends_it_in_order():
    # As timeout(1) does: to the process, and to the group that it is in.
    with Daemon({"shutdown.patience": "10m", "receiver.request_timeout": "10m"}) as daemon:
        request = Unfinished(daemon)
        daemon.signal()
        daemon.signal()
        wait_until(lambda: logged(daemon.log(), "draining"), "the first signal is logged")
        wait_until(lambda: daemon.get("/readyz")[0] == 503, "it is not ready any more")
        request.end()
        assert daemon.wait() == 0
        assert logged(daemon.log(), "done")


def test_all_that_waits_is_judged_on_the_way_down():
    with Daemon({"pairing.wait": "1h", "pairing.parent_wait": "1h"}) as daemon:
        spans = spans_of(3)
        with Sender(daemon.grpc) as sender:
            sender.send(spans)
        wait_until(lambda: daemon.accounting()["received"] == len(spans), "all are received")
        assert daemon.accounting()["waiting"] > 0
        assert daemon.stop() == 0
        done = logged(daemon.log(), "done")[0]
        assert int(done["received"]) == len(spans)
        assert int(done["waiting"]) == 0
        assert int(done["paired"]) > 0


class Flood(threading.Thread):
    """Sends until the door closes; counts what was answered with OK."""

    def __init__(self, endpoint, seed):
        super().__init__()
        self.endpoint = endpoint
        self.seed = seed
        self.taken = 0
        self.error = None

    def run(self):
        channel = grpc.insecure_channel(
            self.endpoint, options=[("grpc.use_local_subchannel_pool", 1),
                                    ("grpc.enable_retries", 0)])
        call = channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        from lib.sender import request_of
        spans = spans_of(self.seed, traces=3)
        message = request_of(spans).SerializeToString()
        while True:
            try:
                call(message, timeout=30)
            except grpc.RpcError as error:
                self.error = error
                break
            self.taken += len(spans)
        channel.close()


def test_nothing_answered_is_lost_on_the_way_down():
    with Daemon() as daemon:
        floods = [Flood(daemon.grpc, seed) for seed in range(4)]
        for flood in floods:
            flood.start()
        wait_until(lambda: daemon.accounting()["received"] > 2000, "spans come in")
        assert daemon.stop() == 0
        for flood in floods:
            flood.join()
            # What was not taken is to be sent again, to whoever comes after.
            assert flood.error.code() == grpc.StatusCode.UNAVAILABLE, flood.error
        received = int(logged(daemon.log(), "done")[0]["received"])
        taken = sum(flood.taken for flood in floods)
        # An answer may have been cut off behind its spans, but never the other way round.
        assert taken <= received <= taken + sum(len(spans_of(flood.seed, 3)) for flood in floods)


def test_it_is_ready_once_it_says_so():
    with Daemon() as daemon:
        assert daemon.get("/readyz")[0] == 200
        assert daemon.get("/healthz")[0] == 200
        assert daemon.accounting()["received"] == 0
