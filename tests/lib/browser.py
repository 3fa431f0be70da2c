"""browser: a real Chromium for the tests of the page.

Is:     Debian's Chromium driven by Selenium, without a window, with a profile of its own, that asks
        nobody but the daemon for anything. Skips, and says why, where one of them is missing.

    with Browser() as browser:
        browser.open(daemon.web)
        browser.wait_for("#panel h2")
"""

import json
import shutil
import tempfile
from urllib.parse import urlsplit

import pytest

from lib.daemon import PATIENCE_S, wait_until

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run", "--no-default-browser-check",
         "--disable-dev-shm-usage", "--window-size=1440,900"]


def _programs():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and its driver are not here: the page is not tested in a browser")
    return chromium, driver


class Browser:
    """One Chromium. `driver` is Selenium's, for what is not here."""

    def __init__(self, width=1440, height=900, dark=False):
        self.size = (width, height)
        self.dark = dark

    def __enter__(self):
        selenium = pytest.importorskip("selenium", reason="selenium is not here: the page is not tested")
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service
        chromium, driver = _programs()
        assert selenium
        self.folder = tempfile.TemporaryDirectory(prefix="spanmap-chromium-", ignore_cleanup_errors=True)
        options = Options()
        options.binary_location = chromium
        for flag in [*FLAGS, f"--user-data-dir={self.folder.name}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        try:
            self.driver = webdriver.Chrome(options=options, service=Service(driver))
        except BaseException:
            self.folder.cleanup()
            raise
        self.driver.set_script_timeout(PATIENCE_S)
        self.resize(*self.size)
        scheme = "dark" if self.dark else "light"
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print("--- what the page showed:\n" + self.run("return document.body.innerText")[:3000])
        self.driver.quit()
        self.folder.cleanup()

    def cdp(self, command, **parameters):
        return self.driver.execute_cdp_cmd(command, parameters)

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, url):
        self.driver.get("about:blank")
        self.messages()
        self.requests()
        self.driver.get(url)

    # --- Looking ------------------------------------------------------------------------------

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def module(self, path, expression, *arguments):
        """The value of an expression over a module `m` of the page and `a`, the arguments."""
        script = ("const done = arguments[arguments.length - 1];"
                  f"const a = arguments[0]; import({json.dumps(path)}).then((m) => done({expression}));")
        return self.driver.execute_async_script(script, list(arguments))

    def text(self, selector):
        """The visible text of the first such element; None: there is none."""
        return self.run("const e = document.querySelector(arguments[0]); return e && (e.innerText ?? e.textContent)", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText ?? e.textContent)", selector)

    def attribute(self, selector, name):
        return self.run("return document.querySelector(arguments[0])?.getAttribute(arguments[1])", selector, name)

    def is_shown(self, selector):
        return self.run("const e = document.querySelector(arguments[0]);"
                        "return !!e && e.checkVisibility({visibilityProperty: true})", selector)

    def wait_for(self, selector, text=None, patience_s=PATIENCE_S):
        """Waits until such an element is shown, with that text in it."""
        def shown():
            return self.is_shown(selector) and (text is None or text in (self.text(selector) or ""))
        wait_until(shown, f"{selector} is shown" + (f" with “{text}”" if text else ""), patience_s)

    def group(self, key):
        """The selector of an element of the map."""
        return f'#canvas g[data-key="{key}"]'

    def box(self, selector):
        """left, top, width, height on the screen."""
        return self.run("const b = document.querySelector(arguments[0]).getBoundingClientRect();"
                        "return [b.left, b.top, b.width, b.height]", selector)

    # --- Doing --------------------------------------------------------------------------------

    def point_at(self, x, y):
        self.cdp("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click_at(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def click(self, selector):
        """A real click in the middle of an element, brought into sight where it has scrolled away."""
        self.run("const e = document.querySelector(arguments[0]);"
                 "if (e instanceof HTMLElement) e.scrollIntoView({block: 'nearest', inline: 'nearest'})", selector)
        left, top, width, height = self.box(selector)
        self.click_at(left + width / 2, top + height / 2)

    def drag(self, start, end):
        self.cdp("Input.dispatchMouseEvent", type="mousePressed", x=start[0], y=start[1], button="left", clickCount=1)
        for step in range(1, 6):
            x = start[0] + (end[0] - start[0]) * step / 5
            y = start[1] + (end[1] - start[1]) * step / 5
            self.cdp("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.cdp("Input.dispatchMouseEvent", type="mouseReleased", x=end[0], y=end[1], button="left", clickCount=1)

    def wheel(self, x, y, delta):
        self.cdp("Input.dispatchMouseEvent", type="mouseWheel", x=x, y=y, deltaX=0, deltaY=delta)

    def press(self, *keys):
        """Keys to what has the focus: Escape, Enter, ArrowRight and so on, or texts."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys
        named = {"Escape": Keys.ESCAPE, "Enter": Keys.ENTER, "ArrowLeft": Keys.LEFT, "ArrowRight": Keys.RIGHT,
                 "ArrowUp": Keys.UP, "ArrowDown": Keys.DOWN, "Tab": Keys.TAB, "Space": Keys.SPACE}
        ActionChains(self.driver).send_keys(*[named.get(key, key) for key in keys]).perform()

    def choose(self, selector, value):
        """Sets a control of a form, as a user's choice would."""
        self.run("const e = document.querySelector(arguments[0]); e.value = arguments[1];"
                 "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}))",
                 selector, value)

    # --- What it did --------------------------------------------------------------------------

    def messages(self):
        """Warnings and errors on the console since the last call."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]

    def requests(self):
        """The URLs asked for since the last call, by whoever asked."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls

    def check_quiet(self, origin):
        """Nothing went wrong in the page, and it asked nobody else for anything."""
        assert self.messages() == []
        foreign = [url for url in self.requests() if not url.startswith("data:") and
                   "{0.scheme}://{0.netloc}".format(urlsplit(url)) != origin]
        assert foreign == []
