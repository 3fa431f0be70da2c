"""The JavaScript SDK in a real browser, on a page of another origin: CORS lets it in where it is configured to."""

import http.server
import threading
from functools import partial

import pytest
import toolchains
from calls import SPANS, assert_calls, assert_nothing_lost
from conftest import OPTIONS
from lib.browser import Browser
from lib.daemon import Daemon

CALLS = 600
SEND = "const done = arguments[arguments.length - 1]; window.send(arguments[0]).then(done, (e) => done([String(e)]));"


class Handler(http.server.SimpleHTTPRequestHandler):
    """A page that loads the bundle, and nothing else."""

    def do_GET(self):  # noqa: N802 (the name is the library's)
        if self.path == "/page.html":
            body = b"<!doctype html><meta charset=utf-8><title>shop</title><script src=/sender.bundle.js></script>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def origin():
    """Where the page is served."""
    folder = toolchains.browser()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def send(browser, daemon, origin, **options):
    """Plays calls in the page; what the exporters were told of each batch."""
    browser.open(f"{origin}/page.html")
    return browser.driver.execute_async_script(SEND, {"url": f"http://{daemon.http}/v1/traces", "headers": {},
                                                      "prefix": "shop", "calls": CALLS, **options})


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
def test_allowed_origin_sends_and_nothing_is_lost(origin, protocol):
    with Daemon({**OPTIONS, "cors.origins": f"[{origin}]"}) as daemon, Browser() as browser:
        assert set(send(browser, daemon, origin, protocol=protocol)) == {"ok"}
        answer = daemon.wait_for_counted(CALLS * SPANS)
        assert_calls(answer, "shop", CALLS)
        assert_nothing_lost(answer, CALLS * SPANS)
        messages = [entry["message"] for entry in browser.messages() if "favicon" not in entry["message"]]
        assert messages == []


def test_fields_of_its_own_need_their_names_in_the_configuration(origin):
    fields = {"x-tenant": "one"}
    with Daemon({**OPTIONS, "cors.origins": f"[{origin}]", "cors.headers": "[x-tenant]"}) as daemon, \
            Browser() as browser:
        assert set(send(browser, daemon, origin, protocol="http/json", headers=fields)) == {"ok"}
        daemon.wait_for_counted(CALLS * SPANS)
    with Daemon({**OPTIONS, "cors.origins": f"[{origin}]"}) as daemon, Browser() as browser:
        assert "ok" not in send(browser, daemon, origin, protocol="http/json", headers=fields)
        assert daemon.accounting()["received"] == 0


def test_other_origins_send_nothing(origin):
    for options in ({}, {"cors.origins": "[https://app.example]"}):
        with Daemon({**OPTIONS, **options}) as daemon, Browser() as browser:
            told = send(browser, daemon, origin, protocol="http/json")
            assert told and "ok" not in told
            assert any("CORS" in entry["message"] for entry in browser.messages())
            assert daemon.accounting()["received"] == 0
