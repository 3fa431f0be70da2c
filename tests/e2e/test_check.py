"""`spanmap check`: what is wrong with a configuration, what it comes to, what is written of it."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SPANMAP = os.environ.get("SPANMAP") or str(ROOT / "build" / "spanmap")


def check(*arguments, stdin=None, env=None):
    return subprocess.run([SPANMAP, "check", *arguments], input=stdin, text=True, check=False,
                          capture_output=True, timeout=60, env={**os.environ, **(env or {})})


def test_the_defaults_are_printed():
    done = check()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("listen:\n  grpc: localhost:4317\n")


def test_what_is_printed_is_taken_again(tmp_path):
    sets = ["pairing.parent_wait=1h30m", "names.rewrite=[{'^(a|b)$': '$1'}, {'(?<z>x): y': '$${z}'}]",
            "names.cidr={10.0.0.0/8: in, '::/0': out}", "web.hosts=[\"*\", a.b]",
            "listen.grpc=[::1]:0", "metrics.expiration=never", "draw.helper=/a b/\"c\""]
    first = check(*[argument for pair in sets for argument in ("--set", pair)])
    assert (first.returncode, first.stderr) == (0, "")
    assert "  parent_wait: 90m\n" in first.stdout
    path = tmp_path / "again.yaml"
    path.write_text(first.stdout)
    again = check("-c", str(path))
    assert (again.returncode, again.stderr, again.stdout) == (0, "", first.stdout)


def test_each_fault_is_told_with_its_place(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("listen:\n  grcp: off\npairing.wait: ten\n")
    done = check("-c", str(path), "--set", "log.level=loud")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"{path}:2:3: listen.grcp: there is no such option; did you mean listen.grpc?\n"
        f"{path}:3:15: pairing.wait: 'ten' is no duration; allowed: a duration from 1ms to 1h, "
        "such as 10s\n"
        "--set log.level: 'loud' is none of the words; allowed: debug, info, warn or error\n")


def test_standard_input_and_the_environment():
    done = check("-c", "-", stdin="log.level: ${env:SPANMAP_TEST_LEVEL}\n",
                 env={"SPANMAP_TEST_LEVEL": "warn"})
    assert done.returncode == 0
    assert "log:\n  level: warn\n" in done.stdout
    done = check("-c", "-", stdin="log.level: ${env:SPANMAP_TEST_UNSET}\n")
    assert done.returncode == 2
    assert done.stderr.startswith("standard input:1:12: log.level: ${env:SPANMAP_TEST_UNSET}: ")


def test_a_missing_file_is_one_line():
    done = check("-c", "/nowhere/x.yaml")
    assert done.returncode == 2
    assert done.stderr == "/nowhere/x.yaml: cannot be read: No such file or directory\n"


def test_options_that_do_not_fit_together_are_told():
    done = check("--set", "memory.limit=32MiB", "--set", "topology.memory_max=1GiB")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("spanmap: ") and "memory" in done.stderr


def test_a_closed_output_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([SPANMAP, "check"], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "spanmap: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize(("flag", "name"), [("--print-reference", "docs/CONFIGURATION.md"),
                                            ("--print-example", "deploy/spanmap.example.yaml")])
def test_the_written_page_follows_the_table(flag, name):
    done = check(flag)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (ROOT / name).read_text(), f"{name} is old: run `make docs`"


def test_the_example_comes_to_the_defaults():
    example = check("-c", str(ROOT / "deploy" / "spanmap.example.yaml"))
    assert (example.returncode, example.stderr) == (0, "")
    assert example.stdout == check().stdout


def keys_of(options, before=""):
    for key, value in options.items():
        if isinstance(value, dict):
            yield from keys_of(value, f"{before}{key}.")
        else:
            yield before + key


def test_help_lists_every_option():
    shown = subprocess.run([SPANMAP, "check", "--help"], capture_output=True, text=True, check=True,
                           timeout=60).stdout
    keys = list(keys_of(yaml.safe_load(check().stdout)))
    assert "push.otlp.endpoint" in keys
    for key in keys:
        assert f"\n  {key} " in shown
