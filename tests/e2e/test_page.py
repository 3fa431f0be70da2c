"""The page at `/` in a real Chromium, against the real daemon."""

import shutil
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.browser import Browser  # noqa: E402
from lib.daemon import Daemon, binary, wait_until  # noqa: E402
from lib.page_shop import FAST, REFRESH_S, call, edge_of, ids, node_of, service, shop, show  # noqa: E402
from lib.sender import Sender  # noqa: E402
from model.otlp_json import SERVER, Span  # noqa: E402


def figures(browser):
    """What the panel says, by the name of the figure."""
    return browser.run("return Object.fromEntries([...document.querySelectorAll('#panel [data-figure]')]"
                       ".map((e) => [e.dataset.figure, e.innerText]))")


def shown_as(browser, kind, *values):
    """How the page writes a number."""
    return browser.module("/format.js", f"m.{kind}(...a)", *values)


def check_whole(browser, found, item, answer):
    """The figures since the start are those of the API."""
    window = answer["window"]
    assert found["requests"] == f"{item['requests']:,}"
    assert found["failed"] == f"{item['failed']:,}"
    assert found["share"] == shown_as(browser, "formatShare", item["failed"], item["requests"])
    assert int(window["end_unix_nano"]) > int(window["start_unix_nano"])


def check_seconds(browser, found, row, seconds):
    for quantile in ("p50", "p95", "p99", "max"):
        value = seconds[quantile] if seconds else None
        assert found[f"{row}-{quantile}"] == shown_as(browser, "formatSeconds", value)


# --- Empty, then not --------------------------------------------------------------------------------


def test_empty_page_says_how_to_send_and_what_has_come(browser):
    with Daemon({"pairing.wait": "1h"}) as daemon:
        browser.open(daemon.web)
        browser.wait_for("#message h2", "Waiting for the first spans")
        said = browser.text("#message")
        assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" in said
        assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in said
        assert "pairing.wait" in said
        assert browser.text("#arrived") == "0"
        with Sender(daemon.grpc) as sender:
            sender.send(shop())
        browser.wait_for('#sums [data-class="received"]', str(len(shop())), REFRESH_S)
        assert browser.text('#sums [data-class="waiting"]') == str(len(shop()))
        browser.check_quiet(daemon.web)


def test_empty_page_knows_where_spans_come_in(browser):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with Daemon({"listen.grpc": f"127.0.0.1:{port}", "pairing.wait": "7s"}) as daemon:
        browser.open(daemon.web)
        browser.wait_for("#message", f"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:{port}\n")
        assert "pairing.wait (7s)" in browser.text("#message")
        assert "only this machine can send" in browser.text("#message")
        browser.check_quiet(daemon.web)
    with Daemon({"listen.grpc": "off"}) as daemon:
        browser.open(daemon.web)
        browser.wait_for("#message h2", "Nothing can come in")


def test_map_appears_and_shows_a_new_service_by_itself(browser):
    with Daemon(FAST) as daemon:
        browser.open(daemon.web)
        browser.wait_for("#message h2", "Waiting")
        answer = show(daemon, shop())
        for node in answer["nodes"]:
            browser.wait_for(browser.group("node:" + node["id"]), node["name"], REFRESH_S)
        assert not browser.is_shown("#message")
        show(daemon, call(service("front"), service("search")))
        browser.wait_for(browser.group("node:service//search"), "search", REFRESH_S)
        browser.wait_for(browser.group("edge:service//front|service//search|"), patience_s=REFRESH_S)
        browser.check_quiet(daemon.web)


def test_refresh_keeps_camera_selection_and_focus(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web + "/#select=node:service//checkout")
        selected = browser.group("node:service//checkout")
        browser.wait_for(selected + ".selected", patience_s=REFRESH_S)
        left, top, width, height = browser.box("#canvas")
        browser.wheel(left + width / 2, top + height / 2, -300)
        browser.drag((left + 30, top + 30), (left + 90, top + 70))
        browser.run("document.querySelector(arguments[0]).focus()", selected)
        before = browser.box(selected)
        show(daemon, call(service("front"), service("search")) + call(service("search"), service("index")))
        browser.wait_for(browser.group("node:service//index"), "index", REFRESH_S)
        after = browser.box(selected)
        assert [round(x) for x in before] == pytest.approx([round(x) for x in after], abs=1)
        assert browser.run("return document.activeElement.dataset.key") == "node:service//checkout"
        assert browser.run("return location.hash") == "#select=node:service//checkout"
        assert browser.text("#panel h2") == "checkout"
        browser.check_quiet(daemon.web)


# --- Numbers ----------------------------------------------------------------------------------------


def test_click_on_a_node_shows_its_numbers_and_neighbours(browser):
    with Daemon(FAST) as daemon:
        answer = show(daemon, shop(5))
        browser.open(daemon.web)
        key = browser.group("node:service//checkout")
        browser.wait_for(key, "checkout", REFRESH_S)
        browser.click(key)
        browser.wait_for("#panel h2", "checkout")
        node = node_of(answer, "checkout")
        assert node["requests"] > 0
        found = figures(browser)
        check_whole(browser, found, node, answer)
        check_seconds(browser, found, "server", node["seconds"])
        callers = [e["client"].rsplit("/", 1)[1] for e in answer["edges"] if e["server"] == node["id"]]
        callees = [e["server"].rsplit("/", 1)[1] for e in answer["edges"] if e["client"] == node["id"]]
        assert sorted(browser.texts("#panel .callers .node-link")) == sorted(callers)
        assert sorted(browser.texts("#panel .callees .node-link")) == sorted(callees)
        browser.click("#panel .callees .node-link")
        browser.wait_for("#panel h2", callees[0])
        browser.check_quiet(daemon.web)


def test_service_whose_callers_are_missing_says_so(browser):
    with Daemon(FAST) as daemon:
        spans = shop()
        for number in range(3):
            spans.append(Span(trace=f"{next(ids):032x}", id=f"{2:016x}", parent=f"{9:016x}", kind=SERVER, name="op",
                              resource=service("orphan"), start=1_700_000_000_000_000_000 + number,
                              end=1_700_000_000_005_000_000))
        answer = show(daemon, spans)
        assert node_of(answer, "orphan")["parent_missing"] == 3
        browser.open(daemon.web + "/#select=node:service//orphan")
        browser.wait_for("#panel [data-note='parent_missing']", "topology.orphan_servers: user", REFRESH_S)
        assert "3 of its spans name a parent that never came" in browser.text("#panel")
        browser.open(daemon.web + "/#select=node:service//checkout")
        browser.wait_for("#panel h2", "checkout", REFRESH_S)
        assert "orphan_servers" not in browser.text("#panel")
        browser.check_quiet(daemon.web)


def middle_of_line(browser, key):
    """Where the middle of an edge is on the screen, wherever it bends."""
    return browser.run("""
        const line = document.querySelector(arguments[0] + " path.hit");
        const p = line.getPointAtLength(line.getTotalLength() / 2).matrixTransform(line.getScreenCTM());
        return [p.x, p.y];""", key)


def test_tip_says_what_the_map_says(browser):
    """The drawing's figures and the page's are written by two programs in one way."""
    with Daemon(FAST) as daemon:
        answer = show(daemon, shop(30))
        browser.open(daemon.web)
        for client, server in (("front", "checkout"), ("front", "payment"), ("user", "front")):
            edge = edge_of(answer, client, server)
            kind = edge["connection_type"]
            key = browser.group(f"edge:{edge['client']}|{edge['server']}|{kind}")
            browser.wait_for(key, patience_s=REFRESH_S)
            browser.point_at(*middle_of_line(browser, key))
            browser.wait_for("#tip", server)
            seconds = edge["client_seconds"] or edge["server_seconds"]
            p95 = shown_as(browser, "formatSeconds", seconds["p95"])
            assert f"p95 {p95}" in browser.text("#tip")
            assert p95 in browser.text(key)
            share = shown_as(browser, "formatShare", edge["failed"], edge["requests"])
            assert f"{share} failed" in browser.text("#tip")
            assert (share in browser.text(key)) == (edge["failed"] > 0)
        browser.check_quiet(daemon.web)


def test_click_on_an_edge_shows_its_numbers(browser):
    with Daemon(FAST) as daemon:
        answer = show(daemon, shop(5))
        browser.open(daemon.web)
        key = browser.group("edge:service//front|service//payment|")
        browser.wait_for(key, patience_s=REFRESH_S)
        browser.click_at(*middle_of_line(browser, key))
        browser.wait_for("#panel h2", "payment")
        edge = edge_of(answer, "front", "payment")
        assert edge["failed"] == 1
        found = figures(browser)
        check_whole(browser, found, edge, answer)
        for row in ("client", "server", "network"):
            check_seconds(browser, found, row, edge[row + "_seconds"])
        assert browser.attribute(key, "data-level") == "3"
        browser.check_quiet(daemon.web)


def test_without_windows_the_live_rate_comes_from_what_came_since(browser):
    with Daemon({**FAST, "windows.span": "off"}) as daemon:
        show(daemon, shop())
        browser.open(daemon.web + "/#select=edge:service//front|service//checkout|")
        browser.wait_for('#panel [data-figure="requests"]', "1", REFRESH_S)
        show(daemon, shop(3))
        wait_until(lambda: figures(browser)["live-requests"] == "3", "the panel counts three new requests", REFRESH_S)
        assert figures(browser)["requests"] == "4"
        # Figures of some seconds do not stand beside those since the start as if they were the same.
        assert " failed · last " in browser.text("#totals")
        browser.wait_for("#panel .curve", patience_s=REFRESH_S)
        assert not browser.is_shown("#window")
        assert not browser.is_shown("#panel .charts")
        browser.check_quiet(daemon.web)


def test_tables_hold_the_numbers_and_sort(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop(3))
        answer = show(daemon, call(service("front"), service("checkout")))
        browser.open(daemon.web + "/#view=edges")
        browser.wait_for("#tables tbody tr", patience_s=REFRESH_S)
        rows = browser.texts('#tables td[data-column="requests"]')
        assert rows == [f"{n:,}" for n in sorted((e["requests"] for e in answer["edges"]), reverse=True)]
        shares = '#tables td[data-column="share"]'
        browser.click("#tables thead th:nth-child(8) a")
        wait_until(lambda: browser.texts(shares)[0] != "0%", "the failing edge comes first")
        failing = edge_of(answer, "front", "payment")
        assert browser.texts(shares)[0] == shown_as(browser, "formatShare", failing["failed"], failing["requests"])
        assert browser.run("return location.hash") == "#view=edges&sort=-share"
        assert browser.attribute("#tables thead th:nth-child(8)", "aria-sort") == "descending"
        browser.click('#tables [data-quantile="max"]')
        browser.wait_for("#tables thead", "Client max")
        browser.open(daemon.web + "/#view=services&sort=name")
        browser.wait_for("#tables tbody tr", patience_s=REFRESH_S)
        names = browser.texts("#tables tbody .node-link")
        assert sorted(names) == names
        assert len(names) == len(answer["nodes"])
        browser.check_quiet(daemon.web)


def test_footer_accounts_for_every_span(browser):
    with Daemon(FAST) as daemon:
        accounting = show(daemon, shop(2) + call(service("front"), None))["accounting"]
        browser.open(daemon.web)
        browser.wait_for('#sums [data-class="received"]', str(accounting["received"]), REFRESH_S)
        for word in ("paired", "internal", "waiting", "duplicate"):
            shown = browser.text(f'#sums [data-class="{word}"]')
            assert shown == str(accounting[word]) or (shown is None and accounting[word] == 0)
        assert browser.text('#sums [data-class="unpaired"]') == str(sum(accounting["unpaired"].values()))
        browser.click("#sums")
        browser.wait_for("#account h2")
        for reason, count in accounting["unpaired"].items():
            assert (reason in browser.text("#account")) == (count > 0)
        for page in ("unpaired", "lateness", "budgets", "cardinality"):
            assert browser.attribute(f'#account a[href="debug/{page}"]', "href")
            assert daemon.json(f"/debug/{page}")
        browser.press("Escape")
        assert not browser.is_shown("#account")
        browser.check_quiet(daemon.web)


# --- By hand ----------------------------------------------------------------------------------------


def test_keyboard_alone_is_enough(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web)
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        browser.press("/", "paym")
        browser.wait_for("#found [role=option]", "payment")
        assert browser.attribute("#search", "aria-expanded") == "true"
        browser.press("Enter")
        browser.wait_for("#panel h2", "payment")
        assert not browser.is_shown("#found")
        browser.run("document.getElementById('canvas').focus()")
        browser.press("Escape")
        assert not browser.is_shown("#panel")
        at = "return document.activeElement.dataset.key ?? ''"
        browser.press("ArrowRight")
        assert browser.run(at).startswith("node:")
        browser.run("document.querySelector(arguments[0]).focus()", browser.group("node:user//user"))
        browser.press("ArrowRight")
        assert browser.run(at) in ("node:service//front", "node:service//checkout")
        browser.press("Enter")
        browser.wait_for("#panel h2")
        assert browser.run("return document.querySelector('.node[aria-pressed=true]').dataset.key") == browser.run(at)
        browser.check_quiet(daemon.web)


def test_every_element_has_words_for_a_screen_reader(browser):
    with Daemon(FAST) as daemon:
        answer = show(daemon, shop())
        browser.open(daemon.web)
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        labels = browser.run("return [...document.querySelectorAll('#canvas g[data-key]')].map((e) => e.ariaLabel)")
        assert len(labels) == len(answer["nodes"]) + len(answer["edges"])
        assert all(labels)
        assert any("front calls payment" in label and "100% failed" in label for label in labels)
        nameless = browser.run("""
            return [...document.querySelectorAll('button, a, input')].filter((e) => e.checkVisibility() &&
                !(e.ariaLabel || e.innerText.trim() || e.labels?.length)).map((e) => e.outerHTML)""")
        assert nameless == []


def test_deep_link_to_what_is_not_there_says_so_and_waits(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web + "/#select=node:service//later")
        browser.wait_for("#panel", "not on the map", REFRESH_S)
        assert browser.text("#panel h2") == "later"
        show(daemon, call(service("front"), service("later")))
        browser.wait_for('#panel [data-figure="requests"]', "1", REFRESH_S)
        browser.check_quiet(daemon.web)


def test_back_returns_to_the_selection_before(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web)
        for name in ("checkout", "payment"):
            browser.wait_for(browser.group(f"node:service//{name}"), patience_s=REFRESH_S)
            browser.click(browser.group(f"node:service//{name}"))
            browser.wait_for("#panel h2", name)
        browser.driver.back()
        browser.wait_for("#panel h2", "checkout")


def test_pause_stops_asking_until_it_is_lifted(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web)
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        browser.click("#live")
        browser.wait_for("#live", "Paused")
        assert browser.attribute("#live", "aria-pressed") == "true"
        show(daemon, call(service("front"), service("search")))
        browser.click("#live")
        browser.wait_for(browser.group("node:service//search"), patience_s=REFRESH_S)


def test_dark_page_is_dark_and_narrow_page_does_not_scroll_sideways():
    with Daemon(FAST) as daemon, Browser(800, 600, dark=True) as browser:
        show(daemon, shop())
        browser.open(daemon.web + "/#select=node:service//front")
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        red = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
        assert int(red) < 64
        for view in ("map", "services", "edges"):
            browser.run("location.hash = `view=${arguments[0]}`", view)
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), view
        browser.check_quiet(daemon.web)


# --- Hostile names ----------------------------------------------------------------------------------

HOSTILE = [
    "<script>window.hurt = 1</script>",
    "<img src=x onerror=window.hurt=1>",
    "\"' onload=\"window.hurt=1",
    "javascript:window.hurt=1",
    "</title></svg><script>window.hurt=1</script>",
    "a&amp;b|c\\N\\G%41#d=e",
    "n" * 10_000,
    "\u202eevil\u202c \u0001 \u2028 end",
    "__proto__",
    "constructor",
]


def test_hostile_names_are_only_names(browser):
    with Daemon(FAST) as daemon:
        spans = []
        for name in HOSTILE:
            spans += call(service("front", "<b>"), service(name, "\"'><x"))
        answer = show(daemon, spans)
        browser.open(daemon.web)
        browser.wait_for("#canvas g.node", patience_s=REFRESH_S)
        keys = browser.module("/model.js", "a[0].map(m.keyOfNodeId)", [node["id"] for node in answer["nodes"]])
        for key in keys:
            browser.wait_for(browser.group(key), patience_s=REFRESH_S)
        assert len(browser.texts("#canvas g.edge")) == len(answer["edges"])
        for view in ("services", "edges", "map"):
            for node in answer["nodes"]:
                key = browser.module("/model.js", "m.keyOfNodeId(a[0])", node["id"])
                browser.run("location.hash = `select=${arguments[0]}&view=${arguments[1]}`", key, view)
                wait_until(lambda key=key: browser.attribute("#panel .panel-body", "data-key") == key, "the panel follows")
                assert "not on the map" not in browser.text("#panel")
        assert browser.run("return window.hurt") is None
        assert browser.run("return document.querySelectorAll('script').length") == 1
        assert browser.run("return document.querySelectorAll('#panel img, #canvas a, #canvas image, x').length") == 0
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        browser.check_quiet(daemon.web)


def test_page_forbids_itself_everything_from_elsewhere():
    with Daemon() as daemon:
        status, headers, _ = daemon.get("/")
        assert status == 200
        rules = {rule.split()[0]: rule.split()[1:] for rule in headers["Content-Security-Policy"].split(";") if rule.strip()}
        assert rules["default-src"] == ["'none'"]
        assert rules["script-src"] == ["'self'"]
        assert rules["style-src"] == ["'self'"]
        assert rules["connect-src"] == ["'self'"]


# --- What fails -------------------------------------------------------------------------------------


def test_lost_daemon_is_told_and_found_again(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop())
        browser.open(daemon.web + "/#select=node:service//front")
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        web = daemon.ready["web"]
    browser.wait_for("#notice", "cannot be reached", REFRESH_S)
    assert "ago" in browser.text("#notice")
    browser.wait_for("#live", "Not connected")
    assert browser.text(browser.group("node:service//front"))
    assert browser.text("#panel h2") == "front"
    with Daemon({**FAST, "listen.web": web}) as daemon:
        browser.wait_for("#message h2", "Waiting for the first spans", REFRESH_S)
        assert not browser.is_shown("#notice")
        show(daemon, call(service("other"), service("payment")))
        browser.wait_for(browser.group("node:service//other"), patience_s=REFRESH_S)
        assert not browser.is_shown(browser.group("node:service//front"))


def test_missing_helper_costs_the_picture_and_nothing_else(browser, tmp_path):
    with Daemon({**FAST, "draw.helper": tmp_path / "nothing"}) as daemon:
        answer = show(daemon, shop())
        status, _, body = daemon.get("/map.svg")
        assert status == 503
        browser.open(daemon.web)
        browser.wait_for("#message h2", "The map cannot be drawn", REFRESH_S)
        assert body.decode("utf-8").strip().rstrip(".") in browser.text("#message")
        browser.click("#message a")
        browser.wait_for("#tables tbody tr")
        assert len(browser.texts("#tables tbody tr")) == len(answer["edges"])
        assert not browser.is_shown("#notice")


def test_drawing_that_fails_later_leaves_the_last_picture(browser, tmp_path):
    helper = tmp_path / "draw"
    shutil.copy(Path(binary()).parent / "libexec/spanmap-draw", helper)
    with Daemon({**FAST, "draw.helper": helper}) as daemon:
        show(daemon, shop())
        browser.open(daemon.web)
        browser.wait_for(browser.group("node:service//front"), patience_s=REFRESH_S)
        helper.unlink()
        show(daemon, call(service("front"), service("search")))
        browser.wait_for("#notice", "could not be drawn anew", REFRESH_S)
        assert "old" in browser.text("#notice")
        assert browser.is_shown(browser.group("node:service//front"))
        assert "Services 6" in browser.text("#tab-services").replace("\n", " ")


# --- Large ------------------------------------------------------------------------------------------


def test_large_map_tells_what_it_leaves_out(browser):
    """Past 300 nodes the drawing leaves some out; the tables have them all."""
    with Daemon(FAST) as daemon:
        spans = []
        for number in range(320):
            spans += call(service("front"), service(f"leaf-{number}"))
        answer = show(daemon, spans)
        browser.open(daemon.web)
        browser.wait_for("#canvas g.node", patience_s=REFRESH_S)
        drawn = browser.run("return document.querySelectorAll('#canvas g.node:not([data-key^=\"node:others/\"])').length")
        assert drawn < len(answer["nodes"])
        browser.wait_for("#hint", f"not drawn: {len(answer['nodes']) - drawn} nodes", REFRESH_S)
        browser.run("location.hash = 'view=services'")
        browser.wait_for("#tables tbody tr")
        assert len(browser.texts("#tables tbody tr")) == len(answer["nodes"])
        browser.check_quiet(daemon.web)
