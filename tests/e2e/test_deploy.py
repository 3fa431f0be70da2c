"""What lies ready under deploy/, and what `make install` and `make deb` make, holds together."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib import programs  # noqa: E402
from lib.daemon import Daemon, binary  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana").glob("*.json"))
RULES = DEPLOY / "prometheus" / "spanmap.rules.yml"
BUILD = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")


def run(*arguments, **more):
    return subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True,
                          timeout=300, check=False, **more)


def succeed(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def promtool(*arguments):
    tool = programs.find("promtool")
    assert tool, "promtool is not there"
    return succeed(tool, *arguments)


# --- Grafana and Prometheus -------------------------------------------------------------------------


@pytest.fixture(name="families", scope="module")
def families_of_a_daemon():
    """The metrics that a daemon shows, by their types."""
    with Daemon() as daemon:
        text = daemon.text("/metrics")
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))


def assert_known(expression, families):
    """Each metric that the expression names is one that a daemon shows."""
    named = re.findall(r"\b(?:traces|spanmap)_[a-z0-9_]+", re.sub(r'"[^"]*"', '""', expression))
    assert named or expression.startswith("up{"), expression
    for name in named:
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert name in families or families.get(family) == "histogram", name


def panels(board):
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries(board):
    """The expressions of a dashboard, with Grafana's variables as Grafana would fill them in."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield re.sub(r"\$(__rate_interval|__range)", "5m",
                         re.sub(r"\$(client|server|instance)\b", ".*", target["expr"]))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_for_metrics_that_are_there(path, families, tmp_path):
    board = json.loads(path.read_text())
    asked = list(queries(board))
    assert len(asked) >= 10 and not any("$" in query for query in asked)
    for query in asked:
        assert_known(query, families)
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            assert_known(variable["query"]["query"], families)
    rules = tmp_path / "queries.yml"
    rules.write_text(json.dumps({"groups": [{"name": "queries", "rules": [
        {"record": f"q{i}", "expr": query} for i, query in enumerate(asked)]}]}))
    assert f"{len(asked)} rules found" in promtool("check", "rules", rules)


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_panels_do_not_lie_on_each_other(path):
    taken = set()
    board = json.loads(path.read_text())
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def test_alerts_ask_for_metrics_that_are_there(families):
    promtool("check", "rules", RULES)
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert len(rules) >= 10
    for rule in rules:
        assert_known(rule["expr"], families)


def test_alerts_fire_when_they_should(tmp_path):
    cases = (ROOT / "tests" / "data" / "rules.test.yml").read_text()
    tested = {test["alertname"] for case in yaml.safe_load(cases)["tests"]
              for test in case["alert_rule_test"]}
    named = set(re.findall(r"alert: (\w+)", RULES.read_text()))
    assert tested == named
    path = tmp_path / "rules.test.yml"
    path.write_text(cases.replace("RULES", str(RULES)))
    promtool("test", "rules", path)


def test_prometheus_takes_its_file():
    promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


# --- systemd and Kubernetes -------------------------------------------------------------------------


def test_units_are_right(tmp_path):
    assert shutil.which("systemd-analyze"), "systemd-analyze is not there"
    unit = tmp_path / "spanmap.service"
    text = (DEPLOY / "systemd" / "spanmap.service").read_text()
    unit.write_text(text.replace("/usr/bin/spanmap", binary())
                    .replace("Documentation=man:spanmap(1)\n", ""))
    done = run("systemd-analyze", "verify", unit)
    assert done.returncode == 0 and "spanmap.service" not in done.stderr, done.stderr
    succeed("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)


def test_the_installed_configuration_is_right():
    succeed(binary(), "check", "--config", DEPLOY / "systemd" / "spanmap.yaml")


def test_kubernetes_takes_the_manifests(tmp_path):
    manifests = list(yaml.safe_load_all((DEPLOY / "kubernetes" / "spanmap.yaml").read_text()))
    assert [one["kind"] for one in manifests] == ["Namespace", "ConfigMap", "Deployment", "Service"]
    for one in manifests:
        kubernetes_validate.validate(one, "1.31", strict=True)
    configuration = tmp_path / "spanmap.yaml"
    configuration.write_text(manifests[1]["data"]["spanmap.yaml"])
    effective = yaml.safe_load(succeed(binary(), "check", "--config", configuration))
    container = manifests[2]["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"otlp-grpc": port_of(effective, "grpc"), "otlp-http": port_of(effective, "http"),
                     "web": port_of(effective, "web")}
    assert {port["targetPort"]: port["port"] for port in manifests[3]["spec"]["ports"]} == ports


def port_of(effective, door):
    return int(effective["listen"][door].rsplit(":", 1)[1])


# --- What is installed ------------------------------------------------------------------------------


def test_the_man_page_has_every_command_and_option():
    page = succeed(binary(), "check", "--print-man")
    mandoc = shutil.which("mandoc")
    assert mandoc, "mandoc is not there"
    done = run(mandoc, "-T", "lint", "-W", "warning", input=page)
    left = [line for line in done.stdout.splitlines() if "missing date" not in line]
    assert not left, left
    shown = succeed(mandoc, "-T", "ascii", "-O", "width=200", input=page)
    shown = re.sub(".\b", "", shown)
    for command in ("run", "check", "map", "replay", "version"):
        assert f"spanmap {command}" in shown
    options = re.findall(r"^### `(\S+)`", (ROOT / "docs" / "CONFIGURATION.md").read_text(), re.M)
    assert len(options) > 50
    for option in options:
        assert option in shown


def complete(words):
    """What bash offers for the last of the words."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = (f"eval \"$('{binary()}' check --print-completion bash)\"\n"
              f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _spanmap\n"
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    return succeed("bash", "-c", script).split()


def test_bash_completes():
    assert complete(["spanmap", ""]) == ["run", "check", "map", "replay", "version", "--help"]
    assert complete(["spanmap", "map", "--fo"]) == ["--format", "--focus"]
    assert complete(["spanmap", "run", "--set", "pairing."]) == ["pairing.wait=",
                                                                 "pairing.parent_wait="]
    assert "--ready-file" in complete(["spanmap", "run", "-"])


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_take_their_completion(shell, tmp_path):
    assert shutil.which(shell), f"{shell} is not there"
    path = tmp_path / "completion"
    path.write_text(succeed(binary(), "check", "--print-completion", shell))
    succeed(shell, "-n", path)


def test_other_shells_are_refused():
    done = run(binary(), "check", "--print-completion", "tcsh")
    assert done.returncode == 2 and "bash, zsh and fish" in done.stderr


def test_the_package_holds_the_program(tmp_path):
    succeed("sh", "scripts/deb.sh", BUILD, tmp_path, cwd=ROOT)
    (package,) = tmp_path.glob("spanmap_*.deb")
    root = tmp_path / "root"
    succeed("dpkg-deb", "-x", package, root)
    assert succeed(root / "usr/bin/spanmap", "version").startswith("spanmap ")
    depends = succeed("dpkg-deb", "-f", package, "Depends")
    assert "libnghttp2-14" in depends and "libgvc" in depends
    # gRPC core is for those who pass spans on.
    assert "grpc" not in depends and "libgrpc" in succeed("dpkg-deb", "-f", package, "Recommends")
    assert succeed("dpkg-deb", "-I", package, "conffiles") == "/etc/spanmap/spanmap.yaml\n"
    for file in ("usr/libexec/spanmap-draw", "usr/libexec/spanmap-grpc.so", "usr/share/man/man1/spanmap.1.gz",
                 "lib/systemd/system/spanmap.service", "etc/spanmap/spanmap.yaml",
                 "usr/share/bash-completion/completions/spanmap", "usr/share/doc/spanmap/copyright"):
        assert (root / file).is_file(), file


def test_installed_pages_find_the_files_that_they_name(tmp_path):
    """What pages link to under deploy/ is installed beside them, and nothing stays behind `uninstall`."""
    where = [f"DESTDIR={tmp_path}", "PREFIX=/usr", f"BUILD={BUILD}"]
    succeed("make", "-s", "install-files", *where, cwd=ROOT)
    pages = sorted((tmp_path / "usr/share/doc/spanmap/docs").glob("*.md"))
    named = {(page.parent / link).resolve() for page in pages
             for link in re.findall(r"\]\((\.\./deploy/[^)#]+)", page.read_text())}
    assert len(named) > 5
    assert [path for path in named if not path.exists()] == []
    succeed("make", "-s", "uninstall", *where, cwd=ROOT)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
    assert not (tmp_path / "usr/share/doc/spanmap").exists()
