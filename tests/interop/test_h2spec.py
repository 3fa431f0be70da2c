"""h2spec, HTTP/2's own conformance tester, finds nothing at either door."""

import subprocess
import xml.etree.ElementTree as xml

import pytest
import toolchains
from lib.daemon import Daemon

# One of its tests sends 20 kB of fields in frames of 16 KiB, which it expects to be too large; ours may be larger.
FLAGS = ["--max-header-length", "16000", "--timeout", "5"]
TESTS = 145
# Where HTTP/1 is spoken too, bytes that are neither are answered in HTTP/1 before the end, which h2spec cannot read.
ANSWERED = {"grpc": [], "http": ["Sends invalid connection preface"]}


@pytest.mark.parametrize("door", ["grpc", "http"])
def test_h2spec_passes(door, tmp_path):
    report = tmp_path / "report.xml"
    with Daemon() as daemon:
        host, _, port = getattr(daemon, door).rpartition(":")
        done = subprocess.run([toolchains.h2spec(), "-h", host, "-p", port, "-j", str(report), *FLAGS], text=True,
                              capture_output=True, timeout=300, check=False)
        assert report.exists(), done.stdout[-3000:] + done.stderr
        cases = list(xml.parse(report).getroot().iter("testcase"))
        failed = [case.get("classname") for case in cases
                  if case.find("failure") is not None or case.find("error") is not None]
        assert failed == ANSWERED[door], done.stdout[-6000:]
        assert len(cases) >= TESTS
