"""What the probes share: the server under test, its doors, and the report."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import endpoint  # noqa: E402
from doors import DOORS, Server  # noqa: E402
from report import Reporter  # noqa: E402


def pytest_addoption(parser):
    group = parser.getgroup("conformance", "OTLP conformance")
    group.addoption("--grpc", metavar="HOST:PORT", help="where the server takes OTLP/gRPC")
    group.addoption("--http", metavar="HOST:PORT", help="where the server takes OTLP/HTTP")
    group.addoption("--tls-ca", metavar="FILE", help="both doors speak TLS, and this signed their certificates")
    group.addoption("--tls-cert", metavar="FILE", help="the client's certificate")
    group.addoption("--tls-key", metavar="FILE", help="its key")
    group.addoption("--field", metavar="NAME=VALUE", action="append", default=[],
                    help="goes with each request, as for authorization")
    group.addoption("--limit", metavar="BYTES", type=int, default=64 << 20,
                    help="the server's limit for one request (default: the recommended 64 MiB)")
    group.addoption("--cors-origin", metavar="ORIGIN", help="an origin that the server lets in")
    group.addoption("--stall", metavar="SECONDS", type=float, default=30,
                    help="how long the server may bear with a peer that does not go on")
    group.addoption("--patience", metavar="SECONDS", type=float, default=endpoint.DEFAULT_PATIENCE_S,
                    help="how long a probe waits for an answer (default: %(default)s)")
    group.addoption("--pid", metavar="PID", type=int, help="the server's process, which is told to end by SIGTERM at the last")
    group.addoption("--defaults", action="store_true", help="the server runs with its defaults: judge those too")
    group.addoption("--subject", metavar="NAME", default="the server", help="its name in the report")
    group.addoption("--report", metavar="FILE", help="the findings as JSON")
    group.addoption("--known", metavar="FILE",
                    help="names of probes that must fail: known deviations; one that passes fails the run")


def pytest_configure(config):
    endpoint.set_patience(config.getoption("--patience"))
    config.addinivalue_line("markers", "probe(item, says): one thing that a server owes its clients")
    config.pluginmanager.register(Reporter(config), "conformance-report")


@pytest.fixture(scope="session")
def server(request):
    return Server(request.config.option)


@pytest.fixture(params=list(DOORS))
def door(request, server):
    """Each way that a request can go in."""
    return server.door(request.param)


@pytest.fixture(params=["grpc", "http"])
def binary_door(request, server):
    """Protobuf on both transports."""
    return server.door(request.param)


@pytest.fixture(params=["http", "json", "h2"])
def http_door(request, server):
    return server.door(request.param)
