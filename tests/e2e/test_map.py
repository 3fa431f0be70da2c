"""`spanmap map`: inputs, damaged ones, options, and where the drawing goes."""

import gzip
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402
from model import otlp_json  # noqa: E402
from model.otlp_json import CLIENT, SERVER, Span  # noqa: E402

START = 1_700_000_000_000_000_000


def call(number, client="front", server="back"):
    """A root, its call, and the answer: three spans of one trace."""
    trace = f"{number:032x}"
    of_client, of_server = {"service.name": client}, {"service.name": server}
    return [
        Span(trace, "1" * 16, "", SERVER, "GET /", START, START + 30_000_000, resource=of_client),
        Span(trace, "2" * 16, "1" * 16, CLIENT, "GET", START + 1_000_000, START + 20_000_000,
             resource=of_client),
        Span(trace, "3" * 16, "2" * 16, SERVER, "GET /work", START + 2_000_000, START + 9_000_000,
             resource=of_server),
    ]


@pytest.fixture(name="good")
def good_file(tmp_path):
    path = tmp_path / "good.jsonl"
    otlp_json.write(path, [call(1), call(2)])
    return path


def run(*arguments, **more):
    return subprocess.run([binary(), "map", *map(str, arguments)], capture_output=True,
                          timeout=120, check=False, **more)


def draw(*arguments, **more):
    done = run("--format", "json", *arguments, **more)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def edges(answer):
    return {(edge["client"], edge["server"]): edge["requests"] for edge in answer["edges"]}


EXPECTED = {("user//user", "service//front"): 2, ("service//front", "service//back"): 2}


# --- What goes in ---------------------------------------------------------------------------------


def test_a_file_becomes_a_map(good):
    answer = draw(good)
    assert edges(answer) == EXPECTED
    assert answer["accounting"]["received"] == 6
    assert answer["accounting"]["waiting"] == 0
    assert answer["window"] == {"start_unix_nano": str(START),
                                "end_unix_nano": str(START + 30_000_000)}


def test_standard_input_is_an_input(good):
    assert edges(draw("-", input=good.read_bytes())) == EXPECTED


def test_inputs_are_added_up(good, tmp_path):
    packed = tmp_path / "more.jsonl.gz"
    more = tmp_path / "more.jsonl"
    otlp_json.write(more, [call(3)])
    packed.write_bytes(gzip.compress(more.read_bytes()))
    answer = draw(good, packed)
    assert edges(answer)["service//front", "service//back"] == 3


def test_an_option_of_the_configuration_holds(good, tmp_path):
    config = tmp_path / "spanmap.yaml"
    config.write_text("names: {rewrite: {}}\ntopology: {shards: 3}\n", encoding="utf-8")
    assert edges(draw("-c", config, good)) == EXPECTED
    assert edges(draw("--set", "topology.shards=2", good)) == EXPECTED


def test_spans_with_invalid_ids_are_left_out_aloud(tmp_path):
    spans = call(1) + [Span("0" * 32, "4" * 16, "", SERVER, resource={"service.name": "x"})]
    path = tmp_path / "ids.jsonl"
    otlp_json.write(path, [spans])
    done = run("--format", "json", path)
    assert done.returncode == 0
    assert b"1 spans were left out" in done.stderr
    answer = json.loads(done.stdout)
    assert answer["accounting"]["rejected"]["invalid_id"] == 1
    assert answer["accounting"]["received"] == 4


# --- Damaged input --------------------------------------------------------------------------------


def damaged(tmp_path, how):
    path = tmp_path / "damaged.jsonl"
    otlp_json.write(path, [call(1), call(2), call(3)])
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    third = whole.index(b"\n", second) + 1
    if how == "truncated":
        path.write_bytes(whole[:third + 40])
    elif how == "garbage":
        path.write_bytes(whole[:third] + b'{"resourceSpans":[{{' + whole[third + 20:])
    elif how == "wrong type":
        path.write_bytes(whole[:third] + b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"x"}]'
                         b"}]}]}\n")
    elif how == "bad gzip":
        path.write_bytes(gzip.compress(whole)[:-20])
    return path, third


@pytest.mark.parametrize("how", ["truncated", "garbage", "wrong type", "bad gzip"])
def test_damaged_input_draws_nothing(tmp_path, how):
    path, _ = damaged(tmp_path, how)
    done = run("--format", "json", path)
    assert done.returncode == 1
    assert done.stdout == b""
    first = done.stderr.decode().splitlines()[0]
    assert first.startswith("spanmap: ")
    assert str(path) in first
    assert "byte" in first
    assert "--lenient" in done.stderr.decode()


@pytest.mark.parametrize("how", ["truncated", "garbage", "wrong type"])
def test_lenient_draws_what_came_before(tmp_path, how):
    path, _ = damaged(tmp_path, how)
    done = run("--format", "json", "--lenient", path)
    assert done.returncode == 1
    assert str(path) in done.stderr.decode()
    answer = json.loads(done.stdout)
    assert edges(answer) == EXPECTED
    assert answer["accounting"]["received"] == 6


def test_lenient_goes_on_with_the_next_input(tmp_path, good):
    path, _ = damaged(tmp_path, "truncated")
    more = tmp_path / "more.jsonl"
    otlp_json.write(more, [call(9)])
    done = run("--format", "json", "--lenient", path, more)
    assert done.returncode == 1
    assert edges(json.loads(done.stdout))["service//front", "service//back"] == 3


def test_the_byte_is_the_one_that_is_wrong(tmp_path):
    path, third = damaged(tmp_path, "garbage")
    error = run("--format", "json", path).stderr.decode()
    offset = int(error.split("byte ")[1].split()[0].rstrip(":,;."))
    assert third <= offset <= third + 20


@pytest.mark.parametrize("content", [b"", b"hello, world\n", b"\x89PNG\r\n\x1a\n" + bytes(100),
                                     bytes(1000)])
def test_a_file_of_no_known_kind_is_refused(tmp_path, content):
    path = tmp_path / "what"
    path.write_bytes(content)
    done = run("--format", "json", path)
    assert (done.returncode, done.stdout) == (1, b"")
    assert str(path) in done.stderr.decode()
    assert "--lenient" not in done.stderr.decode()


def test_an_unreadable_file_is_named(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        done = run("--format", "json", path)
        assert (done.returncode, done.stdout) == (1, b"")
        assert str(path) in done.stderr.decode()


# --- Wrong calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments, says", [
    (["--format", "jsno"], "did you mean 'json'?"),
    (["--format", "bmp"], "there are "),
    (["--format", "json", "--focus", "a", "--depth", "-1"], "--depth is a number from 1 to 1000, not '-1'"),
    (["--format", "json", "--focus", "a", "--depth", "two"], "--depth is a number from 1 to 1000, not 'two'"),
    (["--format", "json", "--depth", "2"], "--focus"),
    (["--format", "json", "--set", "pairing.wait=soon"], "pairing.wait"),
    (["--format", "json", "--set", "topology.memory_max=100GiB", "--set", "memory.limit=1GiB"],
     "memory.limit"),
])
def test_wrong_calls(good, arguments, says):
    done = run(*arguments, good)
    assert (done.returncode, done.stdout) == (2, b"")
    assert says in done.stderr.decode()


def test_help_names_every_format(good):
    error = run("--format", "bmp", good).stderr.decode()
    names = error.split("there are ")[1].splitlines()[0].split(", ")
    assert {"svg", "dot", "json"} <= set(names)
    line = next(line for line in run("--help").stdout.decode().splitlines() if "--format" in line)
    assert set(names) <= set(line.replace(",", " ").split())


def test_no_input_is_a_wrong_call():
    done = run("--format", "json")
    assert done.returncode == 2
    assert "no INPUT" in done.stderr.decode()


def test_an_unknown_focus_fails(good):
    done = run("--format", "json", "--focus", "nobody", good)
    assert (done.returncode, done.stdout) == (1, b"")
    assert "nobody" in done.stderr.decode()


def test_a_focus_narrows(tmp_path):
    path = tmp_path / "chain.jsonl"
    otlp_json.write(path, [call(1, "a", "b"), call(2, "b", "c"), call(3, "c", "d")])
    near = draw("--focus", "d", path)
    assert {node["id"] for node in near["nodes"]} == {"service//c", "service//d"}
    assert {node["id"] for node in draw("--focus", "d", "--depth", 2, path)["nodes"]} >= {
        "service//b", "service//c", "service//d"}


def test_self_edges_are_asked_for(tmp_path):
    path = tmp_path / "self.jsonl"
    otlp_json.write(path, [call(1, "a", "a")])
    assert ("service//a", "service//a") not in edges(draw(path))
    assert edges(draw("--self-edges", path))["service//a", "service//a"] == 1
    assert edges(draw("--set", "map.self_edges=true", path))["service//a", "service//a"] == 1


# --- Where it goes --------------------------------------------------------------------------------


def test_output_is_a_new_file(good, tmp_path):
    out = tmp_path / "map.json"
    done = run("-o", out, good)
    assert (done.returncode, done.stdout) == (0, b"")
    assert edges(json.loads(out.read_text())) == EXPECTED
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


def test_output_replaces_a_file_and_keeps_its_mode(good, tmp_path):
    out = tmp_path / "map.json"
    out.write_text("old")
    out.chmod(0o600)
    assert run("--output", out, good).returncode == 0
    assert edges(json.loads(out.read_text())) == EXPECTED
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_failure_leaves_the_old_output(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "map.json"
    out.write_text("old")
    path, _ = damaged(tmp_path, "truncated")
    assert run("-o", out, path).returncode == 1
    assert out.read_text() == "old"
    assert os.listdir(folder) == ["map.json"]


def test_output_may_be_a_device(good):
    assert run("--format", "json", "-o", "/dev/null", good).returncode == 0
    assert Path("/dev/null").is_char_device()
    assert run("--format", "json", "-o", "-", good).stdout.startswith(b"{")


def test_output_that_cannot_be_written_is_said(good, tmp_path):
    out = tmp_path / "no" / "such" / "folder.json"
    done = run("-o", out, good)
    assert done.returncode == 1
    assert str(out) in done.stderr.decode()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([binary(), "map", "--format", "json", str(good)], stdout=full,
                              stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 1
    assert b"standard output" in done.stderr


def test_the_same_input_gives_the_same_bytes(good):
    assert run("--format", "json", good).stdout == run("--format", "json", good).stdout
