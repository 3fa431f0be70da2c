"""The conformance suite can fail: the Collector's known deviations come out, each of them, and no others."""

import re

import toolchains
from collector_process import Collector, free_port
from lib import conformance

KNOWN = conformance.SUITE / "known"


def version():
    builder = (toolchains.HERE / "collector/builder.yaml").read_text(encoding="utf-8")
    return re.search(r"^  version: *(\S+)", builder, re.M).group(1)


def test_collector_deviates_as_known(tmp_path):
    http = f"127.0.0.1:{free_port()}"
    collector = Collector(tmp_path, config=toolchains.HERE / "collector/conformance.yaml",
                          settings={"COLLECTOR_HTTP": http})
    try:
        code, output, probes = conformance.run(
            f"the Collector {version()}", "collector", "--grpc", collector.grpc, "--http", http, "--limit", str(1 << 20),
            "--cors-origin", "https://app.example", "--pid", str(collector.process.pid), "--stall", "9", "--patience", "3",
            "--known", str(KNOWN / f"collector-{version()}.txt"))
    finally:
        collector.stop()
    assert code == 0, output[-6000:]
    assert sum(result["found"] == "fail" for result in probes.values()) > 100
    conformance.assert_documented(f"Collector {version()}", "collector")
