"""TLS at the doors, with real clients: gRPC's own, openssl s_client, curl."""

import contextlib
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.certificates import Authority, replace  # noqa: E402
from lib.daemon import PATIENCE_S, Daemon, binary, wait_until  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "tls.reload_interval": "50ms"}
START = 1_700_000_000_000_000_000


def call_of(number):
    trace = f"{number + 1:032x}"
    return [Span(trace, "1" * 16, "", CLIENT, "call", START, START + 2_000_000,
                 resource={"service.name": "shop"}),
            Span(trace, "2" * 16, "1" * 16, SERVER, "serve", START, START + 1_000_000,
                 resource={"service.name": "stock"})]


@pytest.fixture(scope="module", name="root")
def made_root(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module", name="stranger")
def made_stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


def tls_options(pair, client_ca=None, **more):
    options = {**FAST, "tls.cert": pair.cert, "tls.key": pair.key, **more}
    if client_ca is not None:
        options["tls.client_ca"] = client_ca
    return options


def handshakes(daemon, outcome, door="receiver"):
    return daemon.metrics()[f'spanmap_tls_handshakes_total{{door="{door}",outcome="{outcome}"}}']


def wait_for_handshakes(daemon, outcome, least=1):
    wait_until(lambda: handshakes(daemon, outcome) >= least, f"{least} handshakes: {outcome}")


def assert_sends(daemon, credentials, number=0):
    before = daemon.accounting()["received"]
    with Sender(daemon.grpc, credentials=credentials) as sender:
        sender.send(call_of(number))
    daemon.wait_for_counted(before + 2)


def assert_cannot_send(daemon, credentials):
    with Sender(daemon.grpc, credentials=credentials) as sender:
        with pytest.raises(grpc.RpcError) as caught:
            sender.call(b"", timeout=PATIENCE_S)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def s_client(endpoint, *arguments):
    done = subprocess.run(["openssl", "s_client", "-connect", endpoint, *map(str, arguments)],
                          input="", capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return done.stdout + done.stderr


# --- Who comes in ---------------------------------------------------------------------------------


def test_senders_are_served_over_tls(root, stranger):
    with Daemon(tls_options(root.issue("server"))) as daemon:
        assert_sends(daemon, root.credentials())
        # gRPC's library just goes; OpenSSL says why.
        assert_cannot_send(daemon, stranger.credentials())
        wait_for_handshakes(daemon, "left")
        s_client(daemon.grpc, "-CAfile", stranger.cert, "-verify_return_error")
        wait_for_handshakes(daemon, "peer_refused")
        assert_cannot_send(daemon, None)
        wait_for_handshakes(daemon, "not_tls")
        assert handshakes(daemon, "ok") == 1
        expiry = daemon.metrics()['spanmap_tls_certificate_expiry_seconds{door="receiver"}']
        assert 86_400 < expiry <= 2 * 86_400


def test_senders_show_certificates_where_they_must(root, stranger):
    client = root.issue("collector", "DNS:collector.example")
    with Daemon(tls_options(root.issue("server"), root.cert)) as daemon:
        assert_sends(daemon, root.credentials(client))
        assert_cannot_send(daemon, root.credentials())
        wait_for_handshakes(daemon, "no_certificate")
        assert_cannot_send(daemon, root.credentials(stranger.issue("collector")))
        wait_for_handshakes(daemon, "certificate_refused")
        assert daemon.accounting()["received"] == 2
    with Daemon(tls_options(root.issue("server"), root.cert,
                            **{"tls.client_auth": "optional"})) as daemon:
        assert_sends(daemon, root.credentials(client))
        assert_sends(daemon, root.credentials(), 1)
        assert_cannot_send(daemon, root.credentials(stranger.issue("collector")))


def test_versions_and_protocols(root):
    with Daemon(tls_options(root.issue("server"))) as daemon:
        told = s_client(daemon.grpc, "-CAfile", root.cert, "-alpn", "h2,http/1.1")
        assert "ALPN protocol: h2" in told and "Verify return code: 0 (ok)" in told
        assert "TLSv1.3" in told
        assert "TLSv1.2" in s_client(daemon.grpc, "-CAfile", root.cert, "-tls1_2")
        s_client(daemon.grpc, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
        wait_for_handshakes(daemon, "version")
        s_client(daemon.grpc, "-alpn", "spdy/3")
        wait_for_handshakes(daemon, "protocol")
    with Daemon(tls_options(root.issue("server"), **{"tls.min_version": "1.3"})) as daemon:
        s_client(daemon.grpc, "-tls1_2")
        wait_for_handshakes(daemon, "version")
        assert_sends(daemon, root.credentials())


def test_handshakes_that_do_not_end_hold_up_nobody(root):
    options = tls_options(root.issue("server"), **{"tls.handshake_timeout": "500ms"})
    with Daemon(options) as daemon, contextlib.ExitStack() as stack:
        host, _, port = daemon.grpc.rpartition(":")
        for number in range(200):
            peer = stack.enter_context(socket.create_connection((host, int(port))))
            # Nothing, the beginning of a handshake, or something else.
            peer.sendall((b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n")[number % 3])
        assert_sends(daemon, root.credentials())
        wait_for_handshakes(daemon, "timeout", 134)
        wait_for_handshakes(daemon, "not_tls", 66)
        assert handshakes(daemon, "timeout") == 134 and handshakes(daemon, "not_tls") == 66


def test_the_web_door_speaks_tls_too(root):
    pair = root.issue("web")
    with Daemon({**FAST, "web.tls_cert": pair.cert, "web.tls_key": pair.key}) as daemon:
        context = ssl.create_default_context(cafile=root.cert)
        address = f"https://{daemon.ready['web']}"
        with urllib.request.urlopen(f"{address}/metrics", context=context,
                                    timeout=PATIENCE_S) as answer:
            text = answer.read().decode()
        assert 'spanmap_tls_handshakes_total{door="web",outcome="ok"} 1' in text
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"{address}/metrics", timeout=PATIENCE_S)
        done = subprocess.run(["curl", "-sS", "--cacert", str(root.cert), f"{address}/api/v1/map"],
                              capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["nodes"] == []
        # Telemetry still comes in by a plain door.
        with Sender(daemon.grpc) as sender:
            sender.send(call_of(0))


def test_the_map_of_an_encrypted_web_door_is_asked_for(root, stranger):
    pair, client = root.issue("web"), root.issue("reader")

    def ask(daemon, *arguments):
        return subprocess.run([binary(), "map", "--from", f"https://{daemon.ready['web']}",
                               "--format", "json", *map(str, arguments)], capture_output=True,
                              text=True, timeout=PATIENCE_S, check=False)

    with Daemon({"web.tls_cert": pair.cert, "web.tls_key": pair.key,
                 "web.tls_client_ca": root.cert}) as daemon:
        own = ("--cert", client.cert, "--key", client.key)
        done = ask(daemon, "--ca", root.cert, *own)
        assert done.returncode == 0 and json.loads(done.stdout)["nodes"] == [], done
        for arguments in (own, ("--ca", stranger.cert, *own), ("--ca", root.cert)):
            done = ask(daemon, *arguments)
            assert done.returncode == 1 and "does not answer" in done.stderr, done
    done = subprocess.run([binary(), "map", "--ca", str(root.cert), "x.json"], capture_output=True,
                          text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 2 and "--ca is for an https URL" in done.stderr


def test_http_over_tls_speaks_both_versions(root):
    client = root.issue("collector")
    with Daemon(tls_options(root.issue("server"), root.cert,
                            **{"listen.http": "127.0.0.1:0"})) as daemon:
        message = request_of(call_of(0)).SerializeToString()
        for number, version in enumerate(("--http1.1", "--http2")):
            done = subprocess.run(
                ["curl", "-sS", version, "--cacert", root.cert, "--cert", client.cert,
                 "--key", client.key, "-H", "content-type: application/x-protobuf",
                 "--data-binary", "@-", "-w", "%{http_code} %{http_version}",
                 f"https://{daemon.ready['http']}/v1/traces"],
                input=request_of(call_of(number)).SerializeToString(), capture_output=True,
                timeout=PATIENCE_S, check=False)
            assert done.stdout.decode() == ("200 1.1", "200 2")[number], done
        daemon.wait_for_counted(4)
        # Both doors are encrypted, and take no plain bytes.
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://{daemon.ready['http']}/v1/traces", data=message,
                                   timeout=PATIENCE_S)
        assert_sends(daemon, root.credentials(client), 7)


def test_a_door_can_stay_plain(root, tmp_path):
    path = tmp_path / "grpc.sock"
    options = tls_options(root.issue("server"), **{
        "listen.grpc": f"unix:{path}", "listen.http": "127.0.0.1:0", "tls.doors": "http"})
    with Daemon(options) as daemon:
        with Sender(f"unix:{path}") as sender:
            sender.send(call_of(0))
        context = ssl.create_default_context(cafile=root.cert)
        request = urllib.request.Request(
            f"https://{daemon.ready['http']}/v1/traces", headers={"content-type": "application/json"},
            data=b"{}")
        with urllib.request.urlopen(request, context=context, timeout=PATIENCE_S) as answer:
            assert answer.read() == b"{}"
        daemon.wait_for_counted(2)
        assert handshakes(daemon, "ok") == 1
    # One that serves both is encrypted all the same.
    options.update({"listen.grpc": f"unix:{path}", "listen.http": f"unix:{path}"})
    with Daemon(options) as daemon:
        assert_cannot_send(daemon, None)
        wait_for_handshakes(daemon, "not_tls")


# --- Files that change ----------------------------------------------------------------------------


def test_an_expired_certificate_is_told(root, tmp_path):
    good, bad = root.issue("good"), root.expire(root.issue("bad"))
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    replace(cert, good.cert)
    replace(key, good.key)
    with Daemon({**tls_options(good), "tls.cert": cert, "tls.key": key}) as daemon:
        assert "has expired" not in daemon.log()
        replace(key, bad.key)
        replace(cert, bad.cert)
        wait_until(lambda: "a certificate has expired" in daemon.log(), "it is logged")


def test_an_authority_that_is_emptied_lets_nobody_in(root, tmp_path):
    """A file that is written in place is empty for a moment."""
    server, client = root.issue("server"), root.issue("client")
    authority = tmp_path / "ca.crt"
    replace(authority, root.cert)
    with Daemon({**tls_options(server), "tls.client_ca": authority}) as daemon:
        authority.write_bytes(b"")
        daemon.wait_until_metric('spanmap_tls_reloads_total{door="receiver",outcome="failed"}', 1)
        assert_cannot_send(daemon, root.credentials())
        with Sender(daemon.grpc, credentials=root.credentials(client)) as sender:
            sender.send(call_of(1))
    options = {**tls_options(server), "tls.client_ca": authority}
    done = subprocess.run([binary(), "check", *sum((["--set", f"{key}={value}"]
                                                    for key, value in options.items()), [])],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "client_ca" in done.stderr


def subject_seen(daemon):
    found = re.search(r"subject=CN = (\S+)", s_client(daemon.grpc))
    return found and found[1]


def test_property_of_renewal_under_load_is_that_no_request_is_lost(root, tmp_path):
    old, new = root.issue("old"), root.issue("new")
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    replace(cert, old.cert)
    replace(key, old.key)
    sent, refused = [], []
    over = threading.Event()

    def send_on(first):
        number = first
        while not over.is_set():
            # Some connections live on, others come anew.
            with Sender(daemon.grpc, credentials=root.credentials()) as sender:
                for _ in range(5):
                    sender.send(call_of(number))
                    sent.append(number)
                    number += 1
                refused.append(sender.refused)

    with Daemon({**tls_options(old), "tls.cert": cert, "tls.key": key}) as daemon:
        lasting = Sender(daemon.grpc, credentials=root.credentials())
        lasting.send(call_of(1_000_000))
        threads = [threading.Thread(target=send_on, args=(i * 100_000,)) for i in range(2)]
        for thread in threads:
            thread.start()
        try:
            for pair, name in ((new, "new"), (old, "old"), (new, "new")):
                replace(key, pair.key)
                replace(cert, pair.cert)
                wait_until(lambda name=name: subject_seen(daemon) == name, f"the {name} certificate")
        finally:
            over.set()
            for thread in threads:
                thread.join()
        lasting.send(call_of(1_000_001))
        lasting.channel.close()
        assert lasting.refused == sum(refused) == 0
        daemon.wait_for_counted(2 * (len(sent) + 2))
        log = daemon.log()
        assert "certificate read anew" in log
        metrics = daemon.metrics()
        assert metrics['spanmap_tls_reloads_total{door="receiver",outcome="ok"}'] >= 3


def test_a_pair_that_does_not_fit_leaves_the_old_one(root, tmp_path):
    old, new = root.issue("old"), root.issue("new")
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    replace(cert, old.cert)
    replace(key, old.key)
    with Daemon({**tls_options(old), "tls.cert": cert, "tls.key": key}) as daemon:
        failed = 'spanmap_tls_reloads_total{door="receiver",outcome="failed"}'
        replace(key, new.key)
        daemon.wait_until_metric(failed, 1)
        assert subject_seen(daemon) == "old"
        assert_sends(daemon, root.credentials())
        assert daemon.log().count("not read anew") == 1
        assert "tls.key: does not belong to the certificate" in daemon.log()
        cert.unlink()
        daemon.wait_until_metric(failed, 2)
        assert subject_seen(daemon) == "old"
        replace(cert, new.cert)
        wait_until(lambda: subject_seen(daemon) == "new", "the new certificate")
        assert daemon.log().count("not read anew") == 2


def test_kubernetes_mounts_are_followed(root, tmp_path):
    def publish(number, pair):
        version = tmp_path / f"..{number}"
        version.mkdir()
        (version / "tls.crt").write_bytes(pair.cert.read_bytes())
        (version / "tls.key").write_bytes(pair.key.read_bytes())
        (tmp_path / "..data_tmp").symlink_to(version.name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish(1, root.issue("first"))
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    options = {**FAST, "tls.cert": tmp_path / "tls.crt", "tls.key": tmp_path / "tls.key",
               "tls.reload_interval": "1h"}
    with Daemon(options) as daemon:
        assert subject_seen(daemon) == "first"
        # Events tell, not the interval.
        publish(2, root.issue("second"))
        wait_until(lambda: subject_seen(daemon) == "second", "the second certificate")
        metrics = daemon.metrics()
        assert metrics['spanmap_tls_reloads_total{door="receiver",outcome="failed"}'] == 0


# --- What is wrong with a configuration -----------------------------------------------------------


def test_wrong_files_are_told(root, tmp_path):
    pair, other = root.issue("server"), root.issue("other")
    missing = tmp_path / "missing.pem"
    for options, words in (
            ({"tls.cert": pair.cert}, "tls.key: is missing"),
            ({"tls.key": pair.key}, "tls.cert: is missing"),
            ({"tls.client_ca": root.cert}, "tls.cert: is missing"),
            ({"tls.cert": missing, "tls.key": pair.key}, f"cannot read {missing}: No such file"),
            ({"tls.cert": pair.cert, "tls.key": other.key}, "tls.key: does not belong"),
            ({"tls.cert": pair.key, "tls.key": pair.key}, "tls.cert: holds no PEM certificate"),
            ({"web.tls_cert": pair.cert, "web.tls_key": other.key}, "web.tls_key: does not belong"),
            ({"tls.cert": pair.cert, "tls.key": pair.key, "tls.client_ca": pair.key},
             "tls.client_ca: holds no PEM certificate")):
        arguments = [word for key, value in options.items() for word in ("--set", f"{key}={value}")]
        for command in ("check", "run"):
            done = subprocess.run([binary(), command, *arguments], capture_output=True, text=True,
                                  timeout=PATIENCE_S, check=False)
            assert done.returncode == 2, done
            assert words in done.stderr, done.stderr
