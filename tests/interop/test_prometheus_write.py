"""A real Prometheus takes what spanmap pushes by remote write (a Prometheus 3 also 2.0: Debian's 2.42 knows none), and
answers with the numbers of the map."""

import subprocess
import sys
from pathlib import Path

import pytest
import toolchains
from collector_process import free_port
from prometheus_process import Prometheus, major

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import programs  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.sender import Sender  # noqa: E402
from test_grafana_queries import FEATURE, QUERIES, SERVER_SECONDS, check_exemplar, exemplars  # noqa: E402
from test_prometheus import CALLS, EDGE, FAST, calls  # noqa: E402

TOTAL = "traces_service_graph_request_total"
PROGRAM = programs.find("prometheus")
VERSIONS = ["1.0", "2.0"] if PROGRAM is not None and major(PROGRAM) >= 3 else ["1.0"]


class Written(Prometheus):
    """One that scrapes nobody."""

    def __init__(self, program, folder, *arguments):
        config = Path(folder, "prometheus.yml")
        config.write_text("global: {}\n", encoding="utf-8")
        self.log_file = Path(folder, "prometheus.log")
        self.url = f"http://127.0.0.1:{free_port()}"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 "--web.enable-remote-write-receiver",
                 f"--web.listen-address={self.url.removeprefix('http://')}", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.api("status/runtimeinfo")
        except OSError:
            return False

    def target(self):
        return {"lastError": self.log()[-500:]}

    def options(self, version):
        return {"push.remote_write.url": f"{self.url}/api/v1/write", "push.remote_write.interval": "500ms",
                "push.remote_write.version": version}


@pytest.fixture(name="program")
def program_of():
    if PROGRAM is None:
        toolchains.require("prometheus")
    return PROGRAM


@pytest.mark.parametrize("version", VERSIONS)
def test_prometheus_answers_with_what_was_pushed(program, tmp_path, version):
    with Written(program, tmp_path, FEATURE) as prometheus:
        with Daemon(FAST | prometheus.options(version)) as daemon, Sender(daemon.grpc) as sender:
            sender.send(calls(0))
            prometheus.wait_for(TOTAL, lambda got: got.get(EDGE) == CALLS, "the first batch")
            sender.send(calls(1))
            daemon.wait_for_counted(8 * CALLS)
            got = prometheus.wait_for(TOTAL, lambda got: got.get(EDGE) == 2 * CALLS, "the second batch")
            expected = {(edge["client"].split("/")[-1], edge["server"].split("/")[-1]): edge["requests"]
                        for edge in daemon.map()["edges"]}
            assert {(dict(key)["client"], dict(key)["server"]): value for key, value in got.items()} == expected
            assert prometheus.query(f"{SERVER_SECONDS}_count")[EDGE] == 2 * CALLS
            # With the 0 in front of the first value nothing of it is lost.
            assert prometheus.query(f"increase({TOTAL}[1m])")[EDGE] >= 2 * CALLS * 0.99
            assert not [query for query in QUERIES if not prometheus.query(query)]
            found = wait_until(lambda: exemplars(prometheus, SERVER_SECONDS + "_bucket"), "exemplars")
            for series, own, value in found:
                check_exemplar(series, own, value)
            metrics = daemon.metrics()
            push = 'protocol="remote_write"'
            assert metrics[f'spanmap_push_requests_total{{{push},outcome="refused"}}'] == 0
            assert metrics[f'spanmap_push_retries_total{{{push},reason="status"}}'] == 0
        # Stale at once, by the markers; not after five minutes.
        prometheus.wait_for(TOTAL, lambda got: not got, "all series have ended")


@pytest.mark.parametrize("version", VERSIONS)
def test_prometheus_takes_native_histograms(program, tmp_path, version):
    with Written(program, tmp_path, FEATURE + ",native-histograms") as prometheus:
        options = prometheus.options(version) | {"push.remote_write.histograms": "both"}
        with Daemon(FAST | options) as daemon, Sender(daemon.grpc) as sender:
            sender.send(calls(0))
            daemon.wait_for_counted(4 * CALLS)
            got = prometheus.wait_for(f"histogram_count({SERVER_SECONDS})", lambda got: EDGE in got, "edge")
            assert got[EDGE] == CALLS
            total = prometheus.query(f"histogram_sum({SERVER_SECONDS})")[EDGE]
            assert total == pytest.approx(sum(range(21, 21 + CALLS)) / 1000)
            [edge] = [edge for edge in daemon.map()["edges"] if edge["server"].endswith("//back")]
            got = prometheus.query(f"histogram_quantile(0.95, {SERVER_SECONDS})")[EDGE]
            assert got == pytest.approx(edge["server_seconds"]["p95"], rel=0.045)
            assert prometheus.query(f"{SERVER_SECONDS}_count")[EDGE] == CALLS
            assert daemon.metrics()['spanmap_push_requests_total{protocol="remote_write",outcome="refused"}'] == 0
        prometheus.wait_for(f"histogram_count({SERVER_SECONDS})", lambda got: not got, "it has ended")
