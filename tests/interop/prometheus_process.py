"""A real Prometheus that scrapes one spanmap every second."""

import json
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from collector_process import free_port  # noqa: E402
from lib.daemon import wait_until  # noqa: E402

CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: spanmap{native}
    static_configs: [{{targets: ['{target}']}}]
"""


NATIVE = "\n    scrape_native_histograms: true"


def major(program):
    """Of its version."""
    said = subprocess.run([program, "--version"], check=True, timeout=60, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, encoding="utf-8").stdout
    return int(re.search(r"version (\d+)\.", said)[1])


class Prometheus:
    def __init__(self, program, folder, web, *arguments):
        config = Path(folder, "prometheus.yml")
        # Before version 3 the feature alone says so, and the option is unknown.
        native = NATIVE if "native-histograms" in " ".join(arguments) and major(program) >= 3 else ""
        config.write_text(CONFIG.format(target=web.removeprefix("http://"), native=native), encoding="utf-8")
        self.log_file = Path(folder, "prometheus.log")
        self.url = f"http://127.0.0.1:{free_port()}"
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.url.removeprefix('http://')}", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self):
        wait_until(self._is_up, f"Prometheus has scraped once; its log:\n{self.log()}")
        return self

    def __exit__(self, *error):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def api(self, path, **query):
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)["data"]

    def _is_up(self):
        assert self.process.poll() is None, self.log()
        try:
            return self.target()["health"] == "up"
        except (OSError, IndexError):
            return False

    def target(self):
        return self.api("targets")["activeTargets"][0]

    def query(self, text):
        """{sorted labels without those of the scrape: value} at this moment."""
        out = {}
        for result in self.api("query", query=text)["result"]:
            labels = {key: value for key, value in result["metric"].items()
                      if key not in ("__name__", "instance", "job")}
            out[tuple(sorted(labels.items()))] = float(result["value"][1])
        return out

    def wait_for(self, text, wanted, what):
        """The query's answer, once `wanted` says so of it."""
        last = {}

        def answered():
            nonlocal last
            last = self.query(text)
            return wanted(last)

        try:
            wait_until(answered, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{text}\n{last}\n{self.target()['lastError']}") from None
        return last
