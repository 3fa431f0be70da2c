"""An OpenTelemetry Collector; it passes traces on to spanmap unless another configuration is named."""

import os
import socket
import subprocess
import time
from pathlib import Path

import toolchains

CONFIG = toolchains.HERE / "collector/config.yaml"
START_S = 60
STOP_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Collector:
    def __init__(self, directory, spanmap_grpc="", config=CONFIG, settings=None):
        self.grpc = f"127.0.0.1:{free_port()}"
        self.log = Path(directory, "collector.log")
        environment = {name: value for name, value in os.environ.items()
                       if not name.lower().endswith("_proxy")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [toolchains.collector(), "--config", str(config)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
                env=environment | {"COLLECTOR_GRPC": self.grpc, "SPANMAP_GRPC": spanmap_grpc,
                                   **(settings or {})})
        self.wait_for("Everything is ready", START_S)

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for(self, words, seconds):
        end = time.monotonic() + seconds
        while words not in self.text():
            assert self.process.poll() is None and time.monotonic() < end, self.text()[-3000:]
            time.sleep(0.05)

    def stop(self):
        """Sends what is in its queue, if it can, and ends."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
