"""`spanmap map --from URL`: a running spanmap, what is none, and what does not answer."""

import gzip
import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import Daemon, binary  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model import compare, generate, otlp_json  # noqa: E402

FAST = {"pairing.wait": "50ms", "pairing.parent_wait": "50ms", "messaging.wait": "50ms"}


def ask(url, *arguments, text=True):
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    return subprocess.run([binary(), "map", "--from", url, *arguments], capture_output=True,
                          text=text, check=False, timeout=180, env=env)


@pytest.fixture(scope="module")
def daemon():
    spans = generate.scripted(7, generate.Mix(traces=20, duplicates=0)).spans
    with Daemon(FAST) as running:
        with Sender(running.grpc) as sender:
            sender.send(spans)
        running.wait_for_counted(len(spans))
        yield running


def test_the_map_is_that_of_the_api(daemon):
    done = ask(daemon.web, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    shown, expected = json.loads(done.stdout), daemon.map()
    for part in ("nodes", "edges", "accounting"):
        assert shown[part] == expected[part]
    assert shown["edges"]


@pytest.mark.parametrize(("format_", "begins"), [("svg", "<svg"), ("dot", "digraph")])
def test_each_format_is_asked_for(daemon, format_, begins):
    done = ask(daemon.web + "/", "--format", format_)
    assert (done.returncode, done.stderr) == (0, "")
    assert begins in done.stdout


def test_the_ending_of_a_file_is_the_format(daemon, tmp_path):
    done = ask(daemon.web, "-o", str(tmp_path / "map.json"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "map.json").read_text())["edges"]


def test_focus_depth_and_self_edges_are_passed_on(daemon):
    node = next(node for node in daemon.map()["nodes"] if node["type"] == "service")
    done = ask(daemon.web, "--format", "json", "--focus", node["id"], "--depth", "2",
               "--self-edges")
    assert done.returncode == 0
    shown = json.loads(done.stdout)
    expected = daemon.json(f"/api/v1/map?focus={node['id']}&depth=2&self-edges=true")
    assert shown["nodes"] == expected["nodes"] and shown["edges"] == expected["edges"]


def test_a_focus_that_is_not_there_is_told(daemon):
    done = ask(daemon.web, "--focus", "no such+thing&format=json#?%20\u00e9")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spanmap: {daemon.web}/api/v1/map answers 404: ")
    assert "no such+thing&format=json#?%20" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_path_is_told(daemon):
    done = ask(daemon.web + "/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spanmap: {daemon.web}/nowhere/api/v1/map answers 404: ")


# --- What is no spanmap ---------------------------------------------------------------------------


@contextmanager
def serving(status, body=b"", **headers):
    """A server that answers each GET so; the paths that it was asked for."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 (the name is the library's)
            paths.append(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:
                pass

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_query_is_encoded():
    with serving(200, b"{}", Content_Type="application/json") as (url, paths):
        done = ask(url + "/proxy//", "--format", "json", "--focus", "a b&c=\u00e9+", "--depth", "3")
        assert (done.returncode, done.stdout) == (0, "{}")
    assert paths == ["/proxy/api/v1/map?format=json&focus=a+b%26c%3d%c3%a9%2b&depth=3"]


def test_packed_answers_are_unpacked():
    with serving(200, gzip.compress(b"{}"), Content_Type="application/json; charset=utf-8",
                 Content_Encoding="gzip") as (url, _):
        assert ask(url, "--format", "json").stdout == "{}"


def test_an_answer_of_another_type_is_refused():
    with serving(200, b"<html>", Content_Type="text/html") as (url, _):
        done = ask(url)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (f"spanmap: {url}/api/v1/map answers with text/html and not with "
                               "image/svg+xml; charset=utf-8: is that a spanmap?\n")


def test_redirects_are_told_and_not_followed():
    with serving(200, b"{}", Content_Type="application/json") as (target, followed), \
            serving(302, Location=target + "/api/v1/map") as (url, _):
        done = ask(url, "--format", "json")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == (f"spanmap: {url}/api/v1/map redirects to {target}/api/v1/map, which "
                               "is not followed; ask there\n")
        assert not followed


def test_a_refusal_is_shown_harmlessly():
    with serving(500, b"\x1b[31mbad\nsecond", Content_Type="text/plain") as (url, _):
        assert ask(url).stderr == f"spanmap: {url}/api/v1/map answers 500: ?[31mbad\n"
    with serving(503, b"<html>", Content_Type="text/html") as (url, _):
        assert ask(url).stderr == f"spanmap: {url}/api/v1/map answers 503: is that a spanmap?\n"


def test_what_is_too_large_is_refused():
    packed = gzip.compress(bytes((256 << 20) + 1), 1)
    with serving(200, packed, Content_Type="application/json", Content_Encoding="gzip") as (url, _):
        done = ask(url, "--format", "json")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == f"spanmap: {url}/api/v1/map answers with more than 256 MiB\n"


def test_nobody_there_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as door:
        url = f"http://127.0.0.1:{door.getsockname()[1]}"
    done = ask(url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"spanmap: {url}/api/v1/map does not answer: ")
    assert done.stderr.count("\n") == 1


def test_a_password_is_not_shown():
    with serving(500) as (url, _):
        done = ask(url.replace("//", "//user:geheim@"))
        assert done.returncode == 1
        assert "geheim" not in done.stderr and "answers 500" in done.stderr


@pytest.mark.parametrize(("arguments", "says"), [
    (["--from", "file:///etc/passwd"], "--from: only http and https are asked; write http://"),
    (["--from", "ftp://localhost/"], "--from: only http and https are asked"),
    (["--from", ""], "--from: this is no address"),
    (["--from", "http://"], "--from: this is no address"),
    (["--from", "http://localhost:99999"], "--from: this is no address"),
    (["--from", "http://localhost:9464/?x=y"], "--from: the address has a '?' or '#'"),
    (["--from", "http://localhost:9464", "x.json"], "--from asks a running spanmap"),
    (["--from", "http://localhost:9464", "--set", "log.level=warn"], "--set says nothing to"),
    (["--from", "http://localhost:9464", "-c", "x"], "--config says nothing to"),
    (["--from", "http://localhost:9464", "--lenient"], "--lenient says nothing to"),
    (["--from", "http://localhost:9464", "--format", "gif"], "unknown format 'gif'"),
])
def test_a_wrong_call_is_told(arguments, says):
    done = subprocess.run([binary(), "map", *arguments], capture_output=True, text=True,
                          check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_file_and_the_daemon_draw_the_same(tmp_path):
    spans = generate.scripted(11, generate.Mix(traces=10, duplicates=0)).spans
    path = tmp_path / "spans.jsonl"
    otlp_json.write(path, [spans])
    waits = dict.fromkeys(FAST, "2s")  # Long enough for all to be there, and to have taught.
    with Daemon(waits) as running:
        with Sender(running.grpc) as sender:
            sender.send(spans)
        running.wait_for_counted(len(spans))
        shown = json.loads(ask(running.web, "--format", "json", "--self-edges").stdout)
    drawn = compare.run_map([path])
    for part in ("nodes", "edges", "accounting"):
        assert shown[part] == drawn[part]
