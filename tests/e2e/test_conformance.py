"""spanmap owes its clients what tests/conformance asks for: every probe passes, and each applies to one of these runs."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import conformance  # noqa: E402
from lib.certificates import Authority  # noqa: E402
from lib.daemon import Daemon  # noqa: E402

LIMIT = 1 << 20
ORIGIN = "https://app.example"
OPTIONS = {"receiver.message_bytes_max": f"{LIMIT}B", "receiver.memory_max": "32MiB",
           "receiver.request_timeout": "3s", "receiver.header_timeout": "3s", "receiver.write_timeout": "3s"}
LIMITED = ("--limit", str(LIMIT))
# What the runs together leave out, and why that is right.
NEVER = {
    "--defaults was not given: the server need not run on its default addresses":
        "the default ports may be taken where the tests run; test_run looks at the defaults",
    "--defaults was not given: the server need not run on its default ports": "the same",
}


def assert_all_pass(outcome):
    code, output, probes = outcome
    assert code == 0, output[-6000:]
    assert not [name for name, result in probes.items() if result["found"] == "fail"]
    assert any(result["found"] == "pass" for result in probes.values()), output[-6000:]


@pytest.fixture(scope="module", name="run")
def make_run():
    """Runs the suite against a daemon with these options, and remembers the report."""
    done = []

    def run(name, options, *arguments, files=("",)):
        with Daemon(options) as daemon:
            outcome = conformance.run("spanmap", name, "--grpc", daemon.grpc, "--http", daemon.http,
                                      "--pid", str(daemon.pid), *arguments, files=files)
        assert_all_pass(outcome)
        done.append(name)

    run.done = done
    return run


def test_everything_passes_with_all_signals_and_one_origin(run):
    run("spanmap-signals", {**OPTIONS, "signals.metrics": "discard", "signals.logs": "discard",
                            "cors.origins": f"[{ORIGIN}]"}, *LIMITED, "--cors-origin", ORIGIN, "--stall", "12")


def test_signals_and_origins_are_refused_unless_configured(run):
    run("spanmap-refusing", OPTIONS, *LIMITED, files=("test_conform_transport.py", "test_conform_cors.py"))


def test_a_server_that_is_full_says_so(run):
    run("spanmap-full", {**OPTIONS, "receiver.memory_max": "8MiB"}, *LIMITED, "-k", "overload")


def test_the_default_limit_is_what_is_recommended(run):
    run("spanmap-defaults", {}, "--defaults", "-k", "default_limit")


def test_tls(run, tmp_path):
    authority = Authority(tmp_path)
    pair = authority.issue("localhost")
    run("spanmap-tls", {**OPTIONS, "tls.cert": pair.cert, "tls.key": pair.key}, *LIMITED, "--tls-ca",
        str(authority.cert), files=("test_conform_transport.py", "test_conform_answers.py", "test_conform_sizes.py"))


def test_what_does_not_apply_has_its_reason_and_the_page_is_true(run):
    if len(run.done) != 5:
        pytest.skip("the runs before did not all pass")
    module = conformance.document()
    probes = module.merged([conformance.reports() / f"{name}.json" for name in run.done])
    left = {result["detail"] for result in probes.values() if result["found"] == "not applicable"}
    assert left <= set(NEVER), left - set(NEVER)
    conformance.assert_documented("spanmap", *run.done)
