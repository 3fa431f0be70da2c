"""A recording as Jaeger and Zipkin hold it gives the map that it gives as OTLP.

The Collector's own translators write both forms (translate/main.go); Jaeger's UI form, which lies in
a package of Jaeger that others cannot import, is written there from Jaeger's model.
"""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
import toolchains

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402

RECORDING = (Path(__file__).resolve().parents[1] / "data" / "onlineboutique"
             / "onlineboutique.otlp.jsonl.gz")
MICROSECOND = 1e-6


def draw(path):
    done = subprocess.run([binary(), "map", "--format", "json", str(path)], capture_output=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(name="translate", scope="module")
def translator():
    toolchains.require("go")
    directory = toolchains.built("translate", ("go", "build", "-o", "translate", "."))
    return str(directory / "translate")


@pytest.fixture(name="expected", scope="module")
def recording_map():
    return draw(RECORDING)


def assert_alike(edge, expected):
    for name in ("client", "server", "connection_type", "requests", "failed"):
        assert edge[name] == expected[name]
    for name in ("client_seconds", "server_seconds", "network_seconds", "messaging_seconds"):
        if expected[name] is None:
            assert edge[name] is None
            continue
        # Both count in microseconds, OTLP in nanoseconds; of a start and a duration each is cut.
        assert edge[name]["count"] == expected[name]["count"]
        error = 2 * MICROSECOND * expected[name]["count"]
        assert abs(edge[name]["sum"] - expected[name]["sum"]) <= error


@pytest.mark.parametrize("system", ["jaeger", "zipkin"])
def test_a_translated_recording_gives_the_same_map(system, translate, expected, tmp_path):
    path = tmp_path / f"{system}.json"
    done = subprocess.run([translate, system], input=gzip.decompress(RECORDING.read_bytes()),
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    path.write_bytes(done.stdout)
    answer = draw(path)
    assert answer["accounting"] == expected["accounting"]
    assert answer["accounting"]["received"] == 23019
    assert [node["id"] for node in answer["nodes"]] == [node["id"] for node in expected["nodes"]]
    assert len(answer["edges"]) == len(expected["edges"]) == 13
    for edge, other in zip(answer["edges"], expected["edges"]):
        assert_alike(edge, other)
