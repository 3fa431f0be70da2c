"""Unix sockets, and sockets that a service manager passes."""

import configparser
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import PATIENCE_S, Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms"}
START = 1_700_000_000_000_000_000
ROOT = Path(__file__).resolve().parents[2]
ACTIVATE = shutil.which("systemd-socket-activate")


def call_of(number):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


def test_files_of_unix_sockets_have_their_rights(tmp_path):
    path, web = tmp_path / "grpc.sock", tmp_path / "web.sock"
    options = {**FAST, "listen.grpc": f"unix:{path}", "listen.web": f"unix:{web}",
               "listen.unix_mode": "0620", "listen.unix_group": os.getgid()}
    with Daemon(options) as daemon:
        for file in (path, web):
            assert stat.S_IMODE(file.stat().st_mode) == 0o620
            assert file.stat().st_gid == os.getgid()
        assert daemon.grpc == f"unix:{path}"
        with Sender(f"unix:{path}") as sender:
            sender.send(call_of(0))
        done = subprocess.run(["curl", "-sS", "--unix-socket", str(web),
                               "http://localhost/api/v1/map"], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=True)
        assert '"received":2' in done.stdout.replace(" ", "")
        # Somebody answers there: a second one does not take it away.
        second = subprocess.run(
            [binary(), "run", "--set", f"listen.grpc=unix:{path}", "--set", "listen.http=off",
             "--set", "listen.web=off"], capture_output=True, text=True, timeout=PATIENCE_S,
            check=False)
        assert second.returncode == 1 and "in use" in second.stderr
        with Sender(f"unix:{path}") as sender:
            sender.send(call_of(1))
    assert not path.exists() and not web.exists()


def test_a_socket_that_nobody_answers_is_replaced(tmp_path):
    path = tmp_path / "grpc.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with Daemon({**FAST, "listen.grpc": f"unix:{path}"}):
        with Sender(f"unix:{path}") as sender:
            sender.send(call_of(0))


def test_abstract_sockets():
    name = f"spanmap-test-{os.getpid()}"
    with Daemon({**FAST, "listen.grpc": f"unix:@{name}"}) as daemon:
        with Sender(f"unix-abstract:{name}") as sender:
            sender.send(call_of(0))
        daemon.wait_for_counted(2)


def test_wrong_rights_are_told(tmp_path):
    for option, value, words in (("mode", "rw", "listen.unix_mode"),
                                 ("owner", "nobody-at-all", "there is no user 'nobody-at-all'"),
                                 ("group", "nobody-at-all", "there is no group 'nobody-at-all'")):
        done = subprocess.run(
            [binary(), "run", "--set", f"listen.grpc=unix:{tmp_path}/s", "--set",
             f"listen.unix_{option}={value}"], capture_output=True, text=True, timeout=PATIENCE_S,
            check=False)
        assert done.returncode == 2 and words in done.stderr, done
        assert not (tmp_path / "s").exists()


# --- A service manager ----------------------------------------------------------------------------


def test_the_manager_is_told_how_it_goes(tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(PATIENCE_S)
        with Daemon(FAST, env={"NOTIFY_SOCKET": str(path)}) as daemon:
            assert manager.recv(100) == b"READY=1"
            daemon.signal(signal.SIGTERM)
            assert manager.recv(100) == b"STOPPING=1"


class Activated:
    """spanmap behind systemd-socket-activate, which starts it when somebody connects."""

    def __init__(self, folder, sockets, options, datagrams=False):
        """`sockets` are pairs of name and path."""
        self.ready = folder / "ready.json"
        self.log_file = folder / "log"
        command = ["setpriv", "--pdeathsig", "KILL", ACTIVATE]
        command += ["--datagram"] if datagrams else []
        for _, path in sockets:
            command += ["-l", str(path)]
        command += ["--fdname", ":".join(name for name, _ in sockets), binary(), "run",
                    "--ready-file", str(self.ready)]
        for key, value in {**FAST, "listen.http": "off", **options}.items():
            command += ["--set", f"{key}={value}"]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        for _, path in sockets:
            wait_until(path.exists, "systemd-socket-activate listens")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.code = self.process.wait(timeout=PATIENCE_S)

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not installed")
def test_sockets_are_passed_by_systemd(tmp_path):
    sockets = {"grpc": tmp_path / "grpc.sock", "web": tmp_path / "web.sock",
               "spare": tmp_path / "spare.sock"}
    options = {"listen.grpc": "fd:grpc", "listen.web": "fd:web"}
    with Activated(tmp_path, sockets.items(), options) as activated:
        # The first connection starts it, and is served like any other.
        with Sender(f"unix:{sockets['grpc']}") as sender:
            sender.send(call_of(0))
        done = subprocess.run(["curl", "-sS", "--unix-socket", str(sockets["web"]),
                               "http://localhost/metrics"], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=True)
        assert "spanmap_build_info" in done.stdout
        log = activated.log()
        assert f"address=unix:{sockets['grpc']}" in log
        assert 'msg="a socket that was passed is not used" name=spare' in log
    assert activated.code == 0
    # They are the manager's, and stay.
    assert sockets["grpc"].exists() and sockets["web"].exists()


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not installed")
def test_sockets_that_do_not_fit_are_told(tmp_path):
    path = tmp_path / "one.sock"
    with Activated(tmp_path, [("one", path)], {"listen.grpc": "fd:other"}) as activated:
        with socket.socket(socket.AF_UNIX) as peer:
            wait_until(lambda: peer.connect_ex(str(path)) == 0, "somebody listens")
            assert activated.process.wait(timeout=PATIENCE_S) == 1
        assert "cannot listen on fd:other: no socket of this name" in activated.log()
    path = tmp_path / "datagrams.sock"
    with Activated(tmp_path, [("one", path)], {"listen.grpc": "fd:one"}, True) as activated:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
            peer.connect(str(path))
            peer.send(b"x")
            assert activated.process.wait(timeout=PATIENCE_S) == 1
        assert "cannot listen on fd:one: it is not a stream socket" in activated.log()


@pytest.mark.skipif(ACTIVATE is None, reason="systemd-socket-activate is not installed")
def test_the_socket_unit_fits_what_its_comment_says(tmp_path):
    text = (ROOT / "deploy/systemd/spanmap.socket").read_text(encoding="utf-8")
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(text)
    name = unit["Socket"]["FileDescriptorName"]
    listen = re.search(r"listen: \{grpc: (\S+), http: (\S+)\}", text)
    paths = [tmp_path / f"{i}.sock" for i in range(text.count("\nListenStream="))]
    assert len(paths) > 1
    with Activated(tmp_path, [(name, path) for path in paths],
                   {"listen.grpc": listen[1], "listen.http": listen[2],
                    "listen.web": f"unix:{tmp_path}/web.sock"}) as activated:
        for number, path in enumerate(paths):
            with Sender(f"unix:{path}") as sender:
                sender.send(call_of(number))
        done = subprocess.run(
            ["curl", "-sS", "--unix-socket", str(paths[0]), "-H", "content-type: application/json",
             "-d", "{}", "http://localhost/v1/traces"], capture_output=True, text=True,
            timeout=PATIENCE_S, check=True)
        assert done.stdout == "{}"
        assert "is not used" not in activated.log()
    assert activated.code == 0
