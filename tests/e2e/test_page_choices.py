"""What a user can choose on the page, by hand and by link, and whether everybody can use it; in a real Chromium."""

import json
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import page_tools  # noqa: E402
from lib.daemon import Daemon, wait_until  # noqa: E402
from lib.page_shop import FAST, REFRESH_S, call, edge_of, node_of, service, shop, show  # noqa: E402

TRACE_URL = "https://jaeger.example/trace/{trace_id}?span={span_id}"


@pytest.fixture(scope="module")
def whole():
    """A daemon whose map does not change."""
    with Daemon({**FAST, "web.trace_url": TRACE_URL}) as daemon:
        daemon.answer = show(daemon, shop(20) + call(service("far", "eu"), service("away", "eu")))
        yield daemon


def open_at(browser, daemon, link, selector):
    browser.open(f"{daemon.web}/{link}")
    browser.wait_for(selector, patience_s=REFRESH_S)


def drawn(browser):
    """The keys of what is to be seen on the map."""
    # checkVisibility() finds every group of an SVG visible.
    return set(browser.run("return [...document.querySelectorAll('#canvas g[data-key]')].filter((e) => getComputedStyle(e).display !== 'none')"
                           ".map((e) => e.dataset.key).filter((key) => !key.startsWith('cluster:'))"))


def hash_of(browser):
    return browser.run("return location.hash")


# --- Details --------------------------------------------------------------------------------------------


def test_node_shows_its_operations(browser, whole):
    rows = whole.json("/api/v1/operations?node=service//checkout")["operations"]
    assert {(row["operation"], row["kind"]) for row in rows} == {("op", "server"), ("op", "client")}
    assert all(row["requests"] > 0 and row["seconds"]["count"] == row["requests"] for row in rows)
    open_at(browser, whole, "#select=node:service//payment", "#panel .operations tbody tr")
    only = whole.json("/api/v1/operations?node=service//payment")["operations"]
    assert len(only) == 1 and only[0]["failed"] == 1
    row = only[0]
    shown = browser.texts("#panel .operations tbody tr > *")
    assert shown == ["op\nserver".replace("\n", ""), f"{row['requests']:,}",
                     browser.module("/format.js", "m.formatShare(...a)", row["failed"], row["requests"]),
                     browser.module("/format.js", "m.formatSeconds(a[0])", row["seconds"]["p95"])]
    browser.check_quiet(whole.web)


def test_operations_sort_by_what_the_link_says(browser):
    with Daemon(FAST) as daemon:
        spans = []
        for number, name in enumerate(("slow", "quick", "plain")):
            for again in range(number + 1):
                spans += call(service("front"), service("back"), 10 ** (3 - number) + again, name=name)
        show(daemon, spans)
        open_at(browser, daemon, "#select=node:service//back", "#panel .operations tbody tr")
        names = "#panel .operations tbody .operation bdi"
        assert browser.texts(names) == ["plain", "quick", "slow"]
        browser.click("#panel .operations thead th:nth-child(4) a")
        wait_until(lambda: browser.texts(names) == ["slow", "quick", "plain"], "the slowest stands first")
        assert "ops=-p95" in hash_of(browser)
        assert browser.attribute("#panel .operations thead th:nth-child(4)", "aria-sort") == "descending"
        browser.check_quiet(daemon.web)


def test_examples_lead_to_the_trace_viewer(browser, whole):
    edge = edge_of(whole.answer, "front", "payment")
    query = f"client={edge['client']}&server={edge['server']}&connection_type={edge['connection_type']}"
    examples = whole.json(f"/api/v1/examples?{query}")["examples"]
    assert any(example["failed"] for example in examples)
    open_at(browser, whole, "#select=edge:service//front|service//payment|", "#panel .examples tbody tr")
    links = browser.run("return [...document.querySelectorAll('.examples a')].map((e) => [e.getAttribute('href'), e.rel, e.target])")
    expected = [f"https://jaeger.example/trace/{example['trace_id']}?span={example['span_id']}" for example in examples]
    assert [href for href, _, _ in links] == expected
    assert {(rel, target) for _, rel, target in links} == {("noopener noreferrer", "_blank")}
    browser.check_quiet(whole.web)


# --- Time -------------------------------------------------------------------------------------------------


def window_of(daemon, query):
    """The map of a window; without edges where nothing is kept."""
    status, _, body = daemon.get(f"/api/v1/map?{query}")
    return json.loads(body) if status == 200 else {"edges": []}


def moment_with(daemon, answer):
    """A moment a little ago whose window has the edges of the answer; None: there is none yet."""
    at = int(time.time()) - 2
    return at if len(window_of(daemon, f"window=1m&at={at}")["edges"]) == len(answer["edges"]) else None


def test_window_and_moment_are_those_of_the_link(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop(3))
        first = daemon.json("/api/v1/map")
        at = wait_until(lambda: moment_with(daemon, first), "a moment that is past has the edges")
        show(daemon, call(service("front"), service("search")))
        wait_until(lambda: len(window_of(daemon, "window=1m")["edges"]) > len(first["edges"]), "a window has the new edge")
        open_at(browser, daemon, "#view=edges&window=1m", "#tables tbody tr")
        browser.wait_for("#tables", "search", REFRESH_S)
        assert browser.text("#tables thead th.group").startswith("Last ")
        assert browser.run("return document.getElementById('window').value") == "1m"
        browser.open(f"{daemon.web}/#view=edges&window=1m&at={at}")
        browser.wait_for("#live", "Past", REFRESH_S)
        asked = window_of(daemon, f"window=1m&at={at}")
        assert 0 < len(asked["edges"]) == len(browser.texts("#tables tbody tr"))
        assert ("search" in browser.text("#tables")) == any(edge["server"].endswith("search") for edge in asked["edges"])
        browser.click("#time-now")
        browser.wait_for("#live", "Live", REFRESH_S)
        browser.wait_for("#tables", "search", REFRESH_S)
        assert hash_of(browser) == "#view=edges&window=1m"
        browser.check_quiet(daemon.web)


def test_comparison_marks_what_is_new(browser):
    with Daemon(FAST) as daemon:
        show(daemon, shop(3))
        first = daemon.json("/api/v1/map")
        at = wait_until(lambda: moment_with(daemon, first), "a moment that is past has the edges")
        show(daemon, call(service("front"), service("search")))
        asked = wait_until(lambda: compared(daemon, at), "the comparison has the new edge")
        assert [edge["change"] for edge in asked["edges"] if edge["server"].endswith("search")] == [["new"]]
        # The shortest comparison is of a minute ago; a test does not wait for that.
        script = browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=(
            "{ const real = window.fetch; window.fetch = (path, options) => "
            f"real(String(path).replace(/compare=\\d+/, 'compare={at}'), options); }}"))["identifier"]
        try:
            open_at(browser, daemon, "#window=1m&compare=1m&select=edge:service//front|service//search|", "#panel .changes")
        finally:
            browser.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=script)
        assert "New" in browser.text("#panel .changes")
        assert browser.text('#panel [data-figure="requests-before"]') == "was –"
        key = browser.group("edge:service//front|service//search|")
        wait_until(lambda: browser.attribute(key, "data-change") == "new", "the line is marked", REFRESH_S)
        assert browser.attribute(browser.group("edge:service//front|service//checkout|"), "data-change") == "same"
        assert "as before" in browser.text("#legend-body")
        browser.run("location.hash = 'window=1m&compare=1m&view=edges&sort=-change'")
        browser.wait_for("#tables tbody tr")
        assert browser.texts("#tables td.change")[0] == "new"
        assert browser.texts("#tables th.group")[-1].startswith("Before: ")
        browser.check_quiet(daemon.web)


def compared(daemon, at):
    answer = window_of(daemon, f"window=1m&compare={at}")
    return answer if any(edge["server"].endswith("search") for edge in answer["edges"]) else None


def test_what_is_not_kept_is_refused_aloud(browser, whole):
    browser.open(f"{whole.web}/#at=1000000000")
    browser.wait_for("#message", "nothing is kept", REFRESH_S)
    browser.wait_for("#live", "Refused")
    browser.click("#time-now")
    browser.wait_for(browser.group("node:service//payment"), patience_s=REFRESH_S)


def test_node_has_a_past(browser, whole):
    open_at(browser, whole, "#select=node:service//payment&window=1h", "#panel .charts .chart")
    assert "Requests a second" in browser.attribute("#panel .chart svg", "aria-label")
    browser.click("#panel .figures summary")
    browser.wait_for("#panel .figures td")
    steps = whole.json("/api/v1/history?node=service//payment&window=1h")
    assert sum(point["requests"] for point in steps["points"]) == node_of(whole.answer, "payment")["requests"]
    browser.check_quiet(whole.web)


# --- Filters --------------------------------------------------------------------------------------------


def test_only_failing_shows_failing_edges_and_their_ends(browser, whole):
    open_at(browser, whole, "", browser.group("node:service//payment"))
    browser.click("#failing")
    failing = edge_of(whole.answer, "front", "payment")
    expected = {"node:service//front", "node:service//payment",
                f"edge:{failing['client']}|{failing['server']}|{failing['connection_type']}"}
    wait_until(lambda: drawn(browser) == expected, "only what fails is drawn")
    assert hash_of(browser) == "#failing=1"
    open_at(browser, whole, "#failing=1&view=edges", "#tables tbody tr")
    assert len(browser.texts("#tables tbody tr")) == 1
    assert f"{len(whole.answer['edges']) - 1} hidden by choice" in browser.text(".table-head")
    browser.check_quiet(whole.web)


def test_types_can_be_hidden(browser, whole):
    open_at(browser, whole, "#hide=database,user", browser.group("node:service//payment"))
    kinds = {node["type"] for node in whole.answer["nodes"]}
    assert {"database", "user"} <= kinds
    assert not [key for key in drawn(browser) if "database/" in key or "user//user" in key]
    browser.click("#controls .menu summary")
    browser.wait_for(".menu-body")
    assert not browser.run("return document.querySelector('[data-type=database]').checked")
    browser.click(".menu-body input[data-type=database]")
    wait_until(lambda: hash_of(browser) == "#hide=user", "the link has one type less")
    assert [key for key in drawn(browser) if key.startswith("node:database/")]
    browser.press("Escape")
    assert not browser.is_shown(".menu-body")
    browser.check_quiet(whole.web)


def test_focus_draws_the_surroundings_and_widens(browser, whole):
    open_at(browser, whole, "#select=node:service//payment", "#panel .action")
    browser.wait_for(browser.group("node:service//checkout"), patience_s=REFRESH_S)
    browser.click("#panel .action")
    wait_until(lambda: {k for k in drawn(browser) if k.startswith("node:")} == {"node:service//front", "node:service//payment"},
               "only the surroundings are drawn", REFRESH_S)
    browser.wait_for("#hint", "Not drawn, by choice", REFRESH_S)
    browser.click("#focus-more")
    wait_until(lambda: "node:service//checkout" in drawn(browser), "one step more is drawn", REFRESH_S)
    assert "node:service/eu/away" not in drawn(browser)
    assert "focus=node:service//payment&depth=2" in hash_of(browser)
    browser.click("#focus-off")
    wait_until(lambda: "node:service/eu/away" in drawn(browser), "the whole map is drawn", REFRESH_S)
    browser.check_quiet(whole.web)


def test_theme_of_the_link_overrules_the_system(browser, whole):
    open_at(browser, whole, "#theme=dark", browser.group("node:service//payment"))
    red = "return Number(getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0])"
    assert browser.run(red) < 64
    browser.click("#controls .menu summary")
    browser.choose("#theme", "light")
    wait_until(lambda: browser.run(red) > 192, "the page is light")
    assert hash_of(browser) == "#theme=light"


def test_link_reproduces_the_view(browser, whole):
    link = "#select=node:service//payment&view=edges&q=front&sort=-share&quantile=p99&failing=1&theme=dark"
    open_at(browser, whole, link, "#tables tbody tr")
    assert "Client p99" in browser.text("#tables thead")
    shown = "#tables :is(tbody .name, tbody .text-cell, [aria-sort] a, [aria-pressed=true])"
    before = browser.texts(shown)
    assert len(before) == 5
    assert browser.text("#panel h2") == "payment"
    assert browser.run("return document.getElementById('search').value") == "front"
    open_at(browser, whole, "", browser.group("node:service//payment"))
    browser.run("location.hash = arguments[0]", link)
    wait_until(lambda: browser.texts(shown) == before, "the same is shown again")
    assert hash_of(browser) == link


# --- For everybody ----------------------------------------------------------------------------------------

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
VIEWS = [
    ("#select=node:service//front", "#panel .operations tbody tr"),
    ("#select=edge:service//front|service//payment|&theme=dark", "#panel h2"),
    ("#view=services&focus=node:service//front", "#tables tbody tr"),
    ("#view=edges&select=node:service//payment&theme=dark", "#tables tbody tr"),
]


@pytest.mark.parametrize(("link", "selector"), VIEWS)
def test_axe_finds_nothing(browser, whole, link, selector):
    axe = page_tools.axe()
    open_at(browser, whole, link, selector)
    if "view=" not in link:
        browser.wait_for(browser.group("node:service//payment"), patience_s=REFRESH_S)
    browser.click("#controls .menu summary")
    browser.click("#sums")
    browser.wait_for("#account h2")
    browser.run(axe + "; window.axe = axe")
    found = browser.driver.execute_async_script("""
        const done = arguments[0];
        const of = ({ id, help, nodes }) => nodes.map((node) => ({ id, help, html: node.html.slice(0, 200), why: node.failureSummary }));
        axe.run(document, { runOnly: RULES }).then((result) =>
          done({ passes: result.passes.length, violations: result.violations.flatMap(of) }));""".replace("RULES", str(RULES)))
    # An element of the map has its figures in its label in words, and newer ones than the picture.
    violations = [one for one in found["violations"]
                  if one["id"] != "label-content-name-mismatch" or not one["html"].startswith('<g class="')]
    assert violations == []
    assert found["passes"] > 20


def test_tab_reaches_every_control_in_the_order_of_the_eye(browser, whole):
    open_at(browser, whole, "#select=node:service//payment", "#panel .operations tbody tr")
    browser.wait_for(browser.group("node:service//payment"), patience_s=REFRESH_S)
    reached = []
    name = "const e = document.activeElement; return e === document.body ? '' : e.id || e.className?.baseVal || e.className || e.tagName"
    for _ in range(60):
        browser.press("Tab")
        at = browser.run(name)
        if at == "" or (reached and at == reached[0] and at == "skip"):
            break
        reached.append(at)
    order = [reached.index(control) for control in
             ("skip", "tab-map", "tab-services", "tab-edges", "search", "live", "failing", "canvas", "zoom-in", "close", "action", "sums")]
    assert order == sorted(order), reached
    assert reached[-1] == "sums"


def test_a_selection_is_said_to_screen_readers(browser, whole):
    open_at(browser, whole, "", browser.group("node:service//payment"))
    browser.run("document.querySelector(arguments[0]).focus()", browser.group("node:service//payment"))
    browser.press("Enter")
    browser.wait_for("#panel h2", "payment")
    node = node_of(whole.answer, "payment")
    wait_until(lambda: "Details of: payment, service" in (browser.text("#spoken") or ""), "it is said")
    assert f"{node['requests']} requests" in browser.text("#spoken")
    assert browser.attribute("#spoken", "role") == "status"
