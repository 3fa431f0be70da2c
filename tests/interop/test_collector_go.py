"""The Go code of deploy/collector: its own tests under the race detector, vet, and the layout."""

import subprocess

import toolchains

MODULE = toolchains.ROOT / "deploy/collector"


def test_the_module_is_laid_out_by_gofmt():
    toolchains.require("go", "gofmt")
    done = subprocess.run(["gofmt", "-l", "."], cwd=MODULE, capture_output=True, text=True, check=True)
    assert not done.stdout


def test_its_tests_pass_under_the_race_detector():
    toolchains.require("go", "make")
    done = subprocess.run(["make", "-s", "collector-test"], cwd=toolchains.ROOT, capture_output=True, text=True,
                          timeout=toolchains.BUILD_S, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
