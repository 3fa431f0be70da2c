"""servers: the two programs that are measured, started alike.

Is:     a process each, on ports of its own, that says how much processor time the kernel has charged
        to it, ended threads included, and how much memory it holds.

The Collector (scripts/collector.sh) runs otlp receiver -> span_metrics connector -> prometheus
exporter in the configuration that costs it least while it does that work: no telemetry of its own, no
batch processor in between, no dimensions added, its default histogram of 16 buckets, no exemplars.
Flushing every 15 s, it flushes seldom or never in a measured round, and nobody scrapes it. Its
servicegraph connector is left out, since it cannot be built from published modules: it pairs nothing.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from lib.daemon import Daemon, wait_until  # noqa: E402

BUILD = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")
FLOOR = str(BUILD / "tests" / "bench" / "floor")

# Long enough to judge spans while others come, short enough for a round of a second.
PAIRING_WAIT = "0.2s"

# Messages wait for their consumer longer than that, some of them in vain: room for those of a round.
MESSAGES = "192MiB"

COLLECTOR = """
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{grpc}{tls}
      http:
        endpoint: 127.0.0.1:{http}{tls}
connectors:
  span_metrics:
    metrics_flush_interval: {flush}
exporters:
  prometheus:
    endpoint: 127.0.0.1:{metrics}
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

# The same with spanmap's connector in the other's place, in a program that has both (`make collector`).
INSIDE = COLLECTOR.replace("""  span_metrics:
    metrics_flush_interval: {flush}
""", """  spanmap:
    metrics_flush_interval: {flush}
    extension: spanmap_map
    memory: {{limit: 1GiB}}
    messaging: {{memory_max: """ + MESSAGES + """}}
    pairing: {{wait: """ + PAIRING_WAIT + """}}
extensions:
  spanmap_map:
    endpoint: 127.0.0.1:{map}
""").replace("[span_metrics]", "[spanmap]").replace("service:\n", "service:\n  extensions: [spanmap_map]\n")

COLLECTOR_TLS = """
        tls:
          cert_file: {cert}
          key_file: {key}"""


class Certificate:
    """One for localhost, that nobody has signed."""

    def __init__(self, folder):
        self.cert, self.key = str(Path(folder, "cert.pem")), str(Path(folder, "key.pem"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", self.key, "-out", self.cert],
                       check=True, capture_output=True)


def cpu_seconds(pid):
    """Of all threads of a process: its clock, by the number that clock_getcpuclockid(3) makes."""
    return time.clock_gettime(~pid << 3 | 2)


def resident_mb(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def trouble_of(accounting, spans):
    dropped = sum(accounting["dropped"].values())
    if accounting["received"] == spans and not dropped and not accounting["duplicate"]:
        return None
    return f"of {spans} spans received {accounting['received']}, dropped {dropped}"


class Spanmap:
    name = "spanmap"
    warm_passes = 8  # Until its memory of spans is as large as it gets.

    def __init__(self, certificate=None, options=None):
        tls = {"tls.cert": certificate.cert, "tls.key": certificate.key} if certificate else {}
        self.daemon = Daemon({"listen.http": "127.0.0.1:0", "log.level": "error",
                              "memory.limit": "1GiB", "pairing.wait": PAIRING_WAIT,
                              "messaging.memory_max": MESSAGES,
                              **tls, **(options or {})})

    def __enter__(self):
        self.daemon.start()
        self.pid = self.daemon.pid
        self.grpc, self.http = self.daemon.grpc, self.daemon.http
        return self

    def __exit__(self, *error):
        self.daemon.__exit__(*error)

    def settle(self):
        """Until all that came is judged and counted."""
        wait = self.daemon.options["pairing.wait"]
        time.sleep(float(wait.removesuffix("s")) + 0.3)

    def trouble(self, spans):
        """What of that many spans was not counted as it should be; None: nothing."""
        return trouble_of(self.daemon.accounting(), spans)

    def scrape(self):
        return self.daemon.text("/metrics")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def can_connect(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Collector:
    name = "Collector"
    warm_passes = 1
    config = COLLECTOR

    def __init__(self, certificate=None, flush="15s"):
        self.flush = flush
        self.tls = ("" if certificate is None else
                    COLLECTOR_TLS.format(cert=certificate.cert, key=certificate.key))

    def program(self):
        return collector_program()

    def __enter__(self):
        grpc, http, self.metrics, self.map = free_port(), free_port(), free_port(), free_port()
        self.grpc, self.http = f"127.0.0.1:{grpc}", f"127.0.0.1:{http}"
        self.folder = tempfile.TemporaryDirectory()
        config = Path(self.folder.name, "config.yaml")
        config.write_text(self.config.format(grpc=grpc, http=http, metrics=self.metrics, map=self.map,
                                             tls=self.tls, flush=self.flush), encoding="utf-8")
        with open(Path(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen([self.program(), "--config", config],
                                            stdout=log, stderr=log)
        self.pid = self.process.pid
        wait_until(lambda: can_connect(grpc) and can_connect(http), "the Collector listens")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def settle(self):
        time.sleep(0.2)

    def trouble(self, _spans):
        return None

    def scrape(self):
        """Empty where it gives no answer: it ends connections whose answer takes it long."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics}/metrics",
                                        timeout=60) as answer:
                return answer.read().decode("utf-8")
        except OSError as error:
            print(f"note: the Collector's /metrics: {error}")
            return ""


class Connector(Collector):
    """A connector within the Collector that `make collector` builds."""

    program_path = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build", "collector/otelcol-spanmap")

    def __init__(self, connector):
        super().__init__()
        self.name = connector
        self.config = INSIDE if connector == "spanmap" else COLLECTOR
        self.warm_passes = Spanmap.warm_passes if connector == "spanmap" else Collector.warm_passes

    def program(self):
        return str(self.program_path)

    def settle(self):
        time.sleep(float(PAIRING_WAIT.removesuffix("s")) + 0.3)

    def trouble(self, spans):
        if self.name != "spanmap":
            return None
        with urllib.request.urlopen(f"http://127.0.0.1:{self.map}/api/v1/map", timeout=60) as answer:
            return trouble_of(json.load(answer)["accounting"], spans)


class Floor:
    """What no server can do without (tests/bench/tools/floor.c)."""

    warm_passes = 1

    def __init__(self, sums=False):
        self.name = "floor, summing" if sums else "floor"
        self.words = [FLOOR] + ["--sum"] * sums

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, text=True)
        self.pid = self.process.pid
        self.grpc = f"127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def settle(self):
        """All is done when it is answered."""

    def trouble(self, _spans):
        return None


def collector_program():
    """None where it cannot be built here."""
    done = subprocess.run(["sh", str(ROOT / "scripts" / "collector.sh")], capture_output=True,
                          text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
