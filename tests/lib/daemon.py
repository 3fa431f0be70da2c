"""daemon: starts `spanmap run` for a test, and ends it.

Is:     one process on ports of its own, waited for by its ready file, ended by its own process id.
        What it wrote is shown where the test fails.

    with Daemon({"pairing.wait": "100ms"}) as daemon:
        ... send to daemon.grpc, look at daemon.json("/api/v1/map") ...

Leaving the block ends it by SIGTERM and expects the exit code 0.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Sanitizers and a loaded machine are slow; these end a test that hangs, and judge nothing.
PATIENCE_S = float(os.environ.get("SPANMAP_PATIENCE_S") or 60)
POLL_S = 0.02
# A sanitizer has memory of its own: how much is resident says nothing then.
IS_SANITIZED = any(kind in os.environ.get("SPANMAP_BUILD", "") for kind in ("asan", "tsan"))


def binary():
    path = Path(os.environ.get("SPANMAP") or "build/spanmap")
    return str(path if path.is_absolute() else ROOT / path)


def _wrapped(command, soft_files):
    """Ends with the tests, and starts with so many files. What does that is a program in front, not
    code between fork and exec: gRPC's threads in this process do not survive a fork."""
    wrapper = ["setpriv", "--pdeathsig", "KILL"]
    if soft_files is not None:
        wrapper += ["prlimit", f"--nofile={soft_files}:"]
    return wrapper + command


def wait_until(condition, what, patience_s=PATIENCE_S):
    """Calls `condition` until its result is true, and returns that."""
    end = time.monotonic() + patience_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience_s:.0f} s in vain: {what}")
        time.sleep(POLL_S)


class Daemon:
    """One running `spanmap run`. `options` are --set, `arguments` come behind them."""

    def __init__(self, options=None, arguments=(), env=None, config=None, soft_files=None):
        self.options = {"listen.grpc": "127.0.0.1:0", "listen.http": "127.0.0.1:0",
                        "listen.web": "127.0.0.1:0",
                        **(options or {})}
        self.arguments = list(arguments)
        self.env = env
        self.config = config
        self.soft_files = soft_files  # RLIMIT_NOFILE as it starts; None: that of the tests
        self.folder = None
        self.process = None
        self.ready = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, error, trace):
        failed = kind is not None
        code = self.process.poll()
        if code is None:
            code = self.stop()
        log = self.log()
        if failed or code != 0:
            print(f"--- log of spanmap run, which ended with {code}:\n{log}")
        self.folder.cleanup()
        if not failed and code != 0:
            raise AssertionError(f"spanmap run ended with {code}:\n{log[-4000:]}")

    # --- Its life ---------------------------------------------------------------------------

    def prepare(self):
        """The folder that ready file and log go to."""
        self.folder = tempfile.TemporaryDirectory(prefix="spanmap-test-")
        self.ready_file = Path(self.folder.name, "ready.json")
        self.log_file = Path(self.folder.name, "log")

    def launch(self):
        """Starts the process, and waits for nothing."""
        if self.folder is None:
            self.prepare()
        command = [binary(), "run", "--ready-file", str(self.ready_file)]
        if self.config is not None:
            path = Path(self.folder.name, "spanmap.yaml")
            path.write_text(self.config, encoding="utf-8")
            command += ["-c", str(path)]
        for key, value in self.options.items():
            command += ["--set", f"{key}={value}"]
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                _wrapped(command + self.arguments, self.soft_files), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **(self.env or {})})

    def start(self):
        self.launch()
        try:
            wait_until(self._is_ready, "spanmap run writes its ready file")
            self.ready = json.loads(self.ready_file.read_text(encoding="utf-8"))
        except BaseException:
            self.process.kill()
            self.process.wait()
            print(f"--- log of spanmap run:\n{self.log()}")
            self.folder.cleanup()
            raise

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"spanmap run ended with {self.process.returncode}:\n{self.log()}")
        return self.ready_file.exists()

    def signal(self, which=signal.SIGTERM):
        self.process.send_signal(which)

    def wait(self, patience_s=PATIENCE_S):
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"spanmap run did not end:\n{self.log()}") from None

    def stop(self):
        self.signal()
        return self.wait()

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    # --- What it shows -------------------------------------------------------------------------

    @property
    def pid(self):
        return self.process.pid

    @property
    def grpc(self):
        """HOST:PORT of OTLP/gRPC."""
        return self.ready["grpc"]

    @property
    def http(self):
        """HOST:PORT of OTLP/HTTP."""
        return self.ready["http"]

    @property
    def web(self):
        return "http://" + self.ready["web"]

    def get(self, path, headers=None):
        """(status, headers, body) of a GET, whatever the status."""
        request = urllib.request.Request(self.web + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def text(self, path):
        status, _, body = self.get(path)
        assert status == 200, f"{path}: {status} {body[:500]!r}"
        return body.decode("utf-8")

    def json(self, path):
        return json.loads(self.text(path))

    def map(self):
        return self.json("/api/v1/map")

    def accounting(self):
        return self.map()["accounting"]

    def metrics(self):
        """{'name{labels}': value} of /metrics."""
        out = {}
        for line in self.text("/metrics").split("\n"):  # splitlines() knows more ends of lines
            if line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                out[name] = float(value)
        return out

    def wait_until_metric(self, name, least):
        """Until that sample of /metrics is at least so large."""
        return wait_until(lambda: self.metrics().get(name, -1) >= least, f"{name} >= {least}")

    def wait_for_counted(self, spans):
        """The map once this many spans are received and none of them waits."""
        def counted():
            answer = self.map()
            accounting = answer["accounting"]
            assert accounting["received"] <= spans, f"more than {spans}: {accounting}"
            return answer if accounting["received"] == spans and not accounting["waiting"] else None
        return wait_until(counted, f"{spans} spans are counted")

    def resident_bytes(self):
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
