"""Who may send: tokens, passwords, names of certificates, users of Unix sockets."""

import base64
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import pytest
from google.rpc import status_pb2

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.certificates import Authority, replace  # noqa: E402
from lib.daemon import PATIENCE_S, Daemon, binary, wait_until  # noqa: E402
from lib.sender import EXPORT, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "tls.reload_interval": "50ms",
        "listen.http": "127.0.0.1:0"}
START = 1_700_000_000_000_000_000
# The word `secret`, as htpasswd -B and mkpasswd -m sha512crypt write it.
BCRYPT = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW"
SHA512 = ("$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN"
          ".Pq.H91p5hVO1")


def message_of(number=0):
    trace = f"{number + 1:032x}"
    return request_of([
        Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
             resource={"service.name": "shop"}),
        Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
             resource={"service.name": "stock"})]).SerializeToString()


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def by_grpc(daemon, authorization=None, number=0, credentials=None, target=None):
    """The status of one try, without retries."""
    target = target or daemon.grpc
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.default_authority", "localhost")]
    with (grpc.secure_channel(target, credentials, options=options) if credentials
          else grpc.insecure_channel(target, options=options)) as channel:
        metadata = () if authorization is None else (("authorization", authorization),)
        try:
            channel.unary_unary(EXPORT)(message_of(number), metadata=metadata, timeout=PATIENCE_S)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def by_http(daemon, authorization=None, number=0, kind="application/x-protobuf", body=None):
    """(status, fields, body) of a POST."""
    request = urllib.request.Request(
        f"http://{daemon.ready['http']}/v1/traces", data=message_of(number) if body is None else body,
        headers={"content-type": kind})
    if authorization is not None:
        request.add_header("authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def requests(daemon, outcome):
    return daemon.metrics()[f'spanmap_auth_requests_total{{outcome="{outcome}"}}']


def test_tokens(tmp_path):
    path = tmp_path / "tokens"
    path.write_text("# senders\nfirst\n", encoding="ascii")
    options = {**FAST, "auth.token": "${env:SPANMAP_TEST_TOKEN}", "auth.token_file": path}
    with Daemon(options, env={"SPANMAP_TEST_TOKEN": "from-the-environment"}) as daemon:
        assert by_grpc(daemon, "Bearer first") == grpc.StatusCode.OK
        assert by_grpc(daemon, "bearer from-the-environment", 1) == grpc.StatusCode.OK
        assert by_http(daemon, "Bearer first", 2)[0] == 200
        daemon.wait_for_counted(6)
        for wrong, outcome in ((None, "missing"), ("Bearer second", "wrong_token"),
                               ("first", "malformed"), (basic("a", "b"), "wrong_password")):
            assert by_grpc(daemon, wrong) == grpc.StatusCode.UNAUTHENTICATED
            status, fields, body = by_http(daemon, wrong)
            assert (status, fields["www-authenticate"]) == (401, 'Bearer realm="spanmap"')
            told = status_pb2.Status.FromString(body)
            # Neither what was wrong nor what would be right is told.
            assert told.message == "credentials are missing or wrong" and not told.details
            assert json.loads(by_http(daemon, wrong, kind="application/json")[2])["message"]
            assert requests(daemon, outcome) == 3
        assert requests(daemon, "token") == 3
        assert daemon.accounting()["received"] == 6
        # It is read again when it changes, and what is wrong is left.
        new = tmp_path / "new"
        new.write_text("second\n", encoding="ascii")
        replace(path, new)
        wait_until(lambda: by_grpc(daemon, "Bearer second", 7) == grpc.StatusCode.OK, "new tokens")
        assert by_grpc(daemon, "Bearer first") == grpc.StatusCode.UNAUTHENTICATED
        new.write_text("two words\n", encoding="ascii")
        replace(path, new)
        daemon.wait_until_metric('spanmap_auth_reloads_total{file="tokens",outcome="failed"}', 1)
        assert by_grpc(daemon, "Bearer second", 8) == grpc.StatusCode.OK
        assert "line 1: a token is" in daemon.log() and "two words" not in daemon.log()
        # It is nowhere to be seen.
        for shown in (daemon.text("/debug/config"), daemon.text("/metrics"), daemon.log()):
            assert "from-the-environment" not in shown
        assert "***" in daemon.text("/debug/config")


def test_check_masks_the_token():
    done = subprocess.run([binary(), "check", "--set", "auth.token=hidden-word"],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert "***" in done.stdout and "hidden-word" not in done.stdout + done.stderr
    done = subprocess.run([binary(), "check", "--set", "auth.token=hidden word"],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2 and "auth.token" in done.stderr
    assert "hidden" not in done.stderr


def test_passwords(tmp_path):
    path = tmp_path / "passwords"
    path.write_text(f"ada:{BCRYPT}\nbob:{SHA512}\n", encoding="ascii")
    with Daemon({**FAST, "auth.password_file": path}) as daemon:
        for number, user in enumerate(("ada", "bob")):
            assert by_grpc(daemon, basic(user, "secret"), 2 * number) == grpc.StatusCode.OK
            assert by_http(daemon, basic(user, "secret"), 2 * number + 1)[0] == 200
        daemon.wait_for_counted(8)
        assert by_grpc(daemon, basic("ada", "wrong")) == grpc.StatusCode.UNAUTHENTICATED
        status, fields, _ = by_http(daemon, basic("eve", "secret"))
        assert (status, fields["www-authenticate"]) == (
            401, 'Basic realm="spanmap", charset="UTF-8"')
        assert requests(daemon, "password") == 4 and requests(daemon, "wrong_password") == 2


def test_strangers_are_refused_before_their_body_is_read():
    with Daemon({**FAST, "auth.token": "word"}) as daemon:
        host, _, port = daemon.ready["http"].rpartition(":")
        with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as peer:
            peer.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n"
                         b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
            answer = peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 401 "), answer
        # Of what follows nothing is held, whatever its length says.
        assert daemon.metrics()["spanmap_receiver_body_bytes"] == 0


def test_probes_need_no_credentials():
    with Daemon({**FAST, "auth.token": "word"}) as daemon:
        with grpc.insecure_channel(daemon.grpc) as channel:
            check = channel.unary_unary("/grpc.health.v1.Health/Check")
            assert check(b"", timeout=PATIENCE_S) == b"\x08\x01"  # SERVING
            assert requests(daemon, "missing") == 0
            reflect = channel.stream_stream(
                "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
            with pytest.raises(grpc.RpcError) as caught:
                next(reflect(iter([b"\x3a\x00"]), timeout=PATIENCE_S))
        assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_names_of_certificates(tmp_path):
    root = Authority(tmp_path / "root")
    server = root.issue("server")
    options = {**FAST, "tls.cert": server.cert, "tls.key": server.key, "tls.client_ca": root.cert,
               "auth.client_names": "[cn:collector, 'dns:*.prod.example']"}
    good = root.credentials(root.issue("collector", "DNS:a.example"))
    also = root.credentials(root.issue("other", "DNS:a.prod.example"))
    bad = root.credentials(root.issue("other", "DNS:prod.example"))
    with Daemon(options) as daemon:
        assert by_grpc(daemon, credentials=good) == grpc.StatusCode.OK
        assert by_grpc(daemon, credentials=also, number=1) == grpc.StatusCode.OK
        assert by_grpc(daemon, credentials=bad) == grpc.StatusCode.PERMISSION_DENIED
        assert requests(daemon, "client_name") == 2
        assert requests(daemon, "unlisted_client_name") == 1
        daemon.wait_for_counted(4)
    done = subprocess.run([binary(), "check", "--set", "auth.client_names=collector"],
                          capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2 and "needs tls.client_ca" in done.stderr


@pytest.mark.parametrize("listed", [True, False])
def test_users_of_unix_sockets(tmp_path, listed):
    user = os.getuid() if listed else os.getuid() + 1
    path = tmp_path / "grpc.sock"
    with Daemon({**FAST, "listen.grpc": f"unix:{path}", "auth.unix_users": f"[{user}]"}) as daemon:
        status = by_grpc(daemon, target=f"unix:{path}")
        assert status == (grpc.StatusCode.OK if listed else grpc.StatusCode.PERMISSION_DENIED)
        assert requests(daemon, "unix_user" if listed else "unlisted_unix_user") == 1
        # Who comes over TCP has no user.
        status, fields, _ = by_http(daemon)
        assert (status, fields["www-authenticate"]) == (403, None)


def test_wrong_files_of_credentials_are_told(tmp_path):
    path = tmp_path / "list"
    path.write_text("ada:plain-word\n", encoding="ascii")
    for key, value, words in (
            ("auth.password_file", path, "auth.password_file: line 1: the hash is neither"),
            ("auth.password_file", tmp_path / "none", f"cannot read {tmp_path}/none"),
            ("auth.token_file", tmp_path, "not a regular file"),
            ("auth.unix_users", "nobody-at-all", "there is no user 'nobody-at-all'"),
            ("auth.client_names", "a*b*", "auth.client_names")):
        done = subprocess.run([binary(), "run", "--set", f"{key}={value}"], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 2 and words in done.stderr, done
        assert "plain-word" not in done.stderr


def test_the_pages_configurations_are_right(tmp_path):
    """Those of docs/DEPLOY.md, with files of our own in the places of theirs."""
    root = Authority(tmp_path / "root")
    server = root.issue("server")
    (tmp_path / "tokens").write_text("word\n", encoding="ascii")
    (tmp_path / "passwords").write_text(f"ada:{BCRYPT}\n", encoding="ascii")
    places = {"/etc/spanmap/tls.crt": server.cert, "/etc/spanmap/tls.key": server.key,
              "/etc/spanmap/senders-ca.crt": root.cert, "/etc/spanmap/tokens": tmp_path / "tokens",
              "/etc/spanmap/passwords": tmp_path / "passwords", "[otel,": "[root,"}
    page = (Path(__file__).resolve().parents[2] / "docs/DEPLOY.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, re.S)
    assert len(blocks) == 3
    tls = blocks[0].split("tls:", 1)[1]
    blocks[1] += "tls:" + tls  # Names of certificates need those who sign them.
    for block in blocks:
        for there, here in places.items():
            block = block.replace(there, str(here))
        path = tmp_path / "spanmap.yaml"
        path.write_text(block, encoding="utf-8")
        done = subprocess.run([binary(), "check", "-c", path], capture_output=True, text=True,
                              timeout=PATIENCE_S, check=False,
                              env={**os.environ, "SPANMAP_TOKEN": "word"})
        assert done.returncode == 0, done.stderr
