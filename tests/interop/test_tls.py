"""The SDKs over TLS, with certificates of their own, lose nothing either."""

import os
import subprocess

import pytest
import toolchains
from calls import SPANS, assert_calls, assert_nothing_lost
from conftest import OPTIONS
from lib.certificates import Authority
from lib.daemon import Daemon

SEND_S = 300
CALLS = 500


@pytest.mark.parametrize("language", ["python", "go", "java"])
def test_senders_show_certificates(language, tmp_path):
    sender = getattr(toolchains, language)()
    root = Authority(tmp_path)
    server, client = root.issue("server"), root.issue("collector", "DNS:sender.example")
    environment = {**os.environ, "OTEL_EXPORTER_OTLP_CERTIFICATE": str(root.cert),
                   "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(client.cert),
                   "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(client.key)}
    with Daemon({**OPTIONS, "tls.cert": server.cert, "tls.key": server.key,
                 "tls.client_ca": root.cert, "auth.client_names": "[dns:sender.example]"}) as daemon:
        # By the name that the certificate has.
        endpoint = daemon.grpc.replace("127.0.0.1", "localhost")
        done = subprocess.run([*sender, endpoint, "tls", str(CALLS), "batch"], env=environment,
                              capture_output=True, text=True, timeout=SEND_S, check=False)
        assert done.returncode == 0 and not done.stdout, done
        answer = daemon.wait_for_counted(SPANS * CALLS)
        assert_calls(answer, "tls", CALLS)
        assert_nothing_lost(answer, SPANS * CALLS)
        assert daemon.metrics()['spanmap_auth_requests_total{outcome="client_name"}'] > 0
