"""inside: spanmap inside the Collector (`make collector`), and a receiver for the metrics that it emits.

Is:     a process on ports that the system gives, which its log names; a sink of OTLP/HTTP.
"""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import toolchains
from lib.daemon import PATIENCE_S, wait_until
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2

BUILD = Path(os.environ.get("SPANMAP_BUILD") or toolchains.ROOT / "build")
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PROGRAM = BUILD / "collector/otelcol-spanmap"

# Receivers `otlp` and `otlp/second`, an extension, a sink and a scrape on a Unix socket; what stands in
# the connector's section is the test's.
CONFIG = """
extensions:
  spanmap_map:
    endpoint: 127.0.0.1:0
receivers:
  otlp:
    protocols: {{grpc: {{endpoint: "127.0.0.1:0", max_recv_msg_size_mib: 64}}}}
  otlp/second:
    protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}}}
processors:
  batch: {{timeout: 20ms}}
connectors:
  spanmap:
    extension: spanmap_map
    metrics_flush_interval: {flush}
    memory: {{limit: 1GiB}}
{options}
exporters:
  nop:
  prometheus:
    transport: unix
    endpoint: {folder}/metrics.sock
    enable_open_metrics: true
  otlp_http:
    metrics_endpoint: http://{sink}/v1/metrics
    compression: none
    sending_queue: {{enabled: false}}
service:
  extensions: [spanmap_map]
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [spanmap, nop]
    traces/second:
      receivers: [otlp/second]
      processors: [batch]
      exporters: [spanmap]
    metrics:
      receivers: [spanmap]
      exporters: [prometheus, {to_sink}]
"""


def program():
    """Skips aloud, or fails in CI, where it was not built."""
    toolchains.require("go")
    assert PROGRAM.exists(), f"{PROGRAM} is missing: run `make collector`"
    return str(PROGRAM)


class Sink:
    """Keeps the newest point of each series that came by OTLP/HTTP."""

    def __init__(self):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.take(metrics_service_pb2.ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.lock = threading.Lock()
        self.points = defaultdict(dict)  # name -> {attributes: point}
        self.resources = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "127.0.0.1:%d" % self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def take(self, request):
        with self.lock:
            for resource in request.resource_metrics:
                self.resources.append({each.key: each.value.string_value
                                       for each in resource.resource.attributes})
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in getattr(metric, metric.WhichOneof("data")).data_points:
                            key = frozenset((each.key, each.value.string_value)
                                            for each in point.attributes)
                            self.points[metric.name][key] = point

    def point(self, name, **labels):
        """The newest of that series; None: there is none."""
        with self.lock:
            return self.points[name].get(frozenset(labels.items()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Inside:
    """The Collector with the connector; `config` is a path, else CONFIG with these options is taken."""

    def __init__(self, folder, options="", flush="1h", sink="", config=None, env=None):
        self.folder = Path(folder)
        self.log_file = self.folder / "collector.log"
        self.env = env or {}
        self.config = config
        if config is None:
            self.config = self.folder / "config.yaml"
            self.config.write_text(CONFIG.format(
                folder=folder, options="".join(f"    {line}\n" for line in options.splitlines()), flush=flush,
                sink=sink or "127.0.0.1:1", to_sink="otlp_http" if sink else "nop"), encoding="utf-8")

    def __enter__(self):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program(), "--config", str(self.config),
                 *toolchains.SILENT],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=toolchains.environment(self.env))
        try:
            wait_until(lambda: self.runs() and "Everything is ready" in self.log(), "the Collector is ready")
        except BaseException:
            self.kill()
            print(self.log()[-4000:])
            raise
        return self

    def __exit__(self, kind, *_):
        code = self.process.poll()
        if code is None:
            code = self.stop()
        if kind is None:
            assert code in (0, -signal.SIGKILL), self.log()[-4000:]
        else:
            print(self.log()[-4000:])

    def runs(self):
        assert self.process.poll() is None, self.log()[-4000:]
        return True

    def log(self):
        return self.log_file.read_text(errors="replace")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.process.kill()
        self.process.wait()

    def _addresses(self, words, key):
        return [re.search(f'"{key}": "([^"]+)"', line)[1]
                for line in self.log().split("\n") if words in line]

    def grpc(self, which="otlp"):
        """The address of that receiver."""
        return next(re.search('"endpoint": "([^"]+)"', line)[1] for line in self.log().split("\n")
                    if "Starting GRPC server" in line and f'"otelcol.component.id": "{which}"' in line)

    @property
    def web(self):
        return "http://" + self._addresses("spanmap shows its map", "address")[0]

    def scrape(self, openmetrics=False):
        """What its Prometheus exporter shows."""
        accept = "application/openmetrics-text; version=1.0.0" if openmetrics else "text/plain"
        done = subprocess.run(["curl", "-sS", "--fail", "-H", f"Accept: {accept}", "--unix-socket",
                               str(self.folder / "metrics.sock"), "http://localhost/metrics"],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, path, headers=None):
        """(status, body) of a GET at its extension, whatever the status."""
        request = urllib.request.Request(self.web + path, headers=headers or {})
        try:
            with OPENER.open(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read().decode("utf-8")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode("utf-8")

    def wait_for_counted(self, spans):
        """The map once this many spans are received and none of them waits."""
        def counted():
            answer = json.loads(self.get("/api/v1/map")[1])
            accounting = answer["accounting"]
            assert accounting["received"] <= spans, f"more than {spans}: {accounting}"
            return answer if accounting["received"] == spans and not accounting["waiting"] else None
        return wait_until(counted, f"{spans} spans are counted")
