"""`spanmap map` on the same spans in every form that a file can have."""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402

RECORDING = (Path(__file__).resolve().parents[1] / "data" / "onlineboutique"
             / "onlineboutique.otlp.jsonl.gz")


def run(*arguments, **more):
    return subprocess.run([binary(), "map", "--format", "json", *map(str, arguments)],
                          capture_output=True, timeout=120, check=False, **more)


def draw(path):
    done = run(path)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture(name="lines", scope="module")
def recording_lines():
    return gzip.decompress(RECORDING.read_bytes()).splitlines()


@pytest.fixture(name="expected", scope="module")
def recording_map():
    answer = draw(RECORDING)
    assert answer["accounting"]["received"] == 23019
    return answer


# --- A few fields of protobuf, by hand: an encoder that is not ours ---------------------------------


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def sized(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def fixed64(field, number):
    return varint(field << 3 | 1) + int(number).to_bytes(8, "little")


def value(of):
    if "stringValue" in of:
        return sized(1, of["stringValue"].encode())
    if "boolValue" in of:
        return varint(2 << 3) + varint(int(of["boolValue"]))
    if "intValue" in of:
        return varint(3 << 3) + varint(int(of["intValue"]) & (1 << 64) - 1)
    return b""


def attributes(field, pairs):
    return b"".join(sized(field, sized(1, pair["key"].encode()) + sized(2, value(pair["value"])))
                    for pair in pairs)


def span(of):
    out = sized(1, bytes.fromhex(of["traceId"])) + sized(2, bytes.fromhex(of["spanId"]))
    out += sized(4, bytes.fromhex(of.get("parentSpanId", "")))
    out += sized(5, of.get("name", "").encode()) + varint(6 << 3) + varint(of.get("kind", 0))
    out += fixed64(7, of["startTimeUnixNano"]) + fixed64(8, of["endTimeUnixNano"])
    out += attributes(9, of.get("attributes", []))
    return out + sized(15, varint(3 << 3) + varint(of.get("status", {}).get("code", 0)))


def request(of):
    out = b""
    for resource in of["resourceSpans"]:
        scopes = b"".join(sized(2, b"".join(sized(2, span(one)) for one in scope["spans"]))
                          for scope in resource["scopeSpans"])
        out += sized(1, sized(1, attributes(1, resource["resource"]["attributes"])) + scopes)
    return out


# --- The forms --------------------------------------------------------------------------------------


def as_lines(lines):
    return b"\n".join(lines) + b"\n"


def as_one_document(lines):
    blocks = [block for line in lines for block in json.loads(line)["resourceSpans"]]
    return json.dumps({"resourceSpans": blocks}, indent=1).encode()


def as_binary(lines):
    return b"".join(request(json.loads(line)) for line in lines)


def as_prefixed_binary(lines):
    bodies = [request(json.loads(line)) for line in lines]
    return b"".join(len(body).to_bytes(4, "big") + body for body in bodies)


def as_gzip_members(lines):
    return b"".join(gzip.compress(line + b"\n", 1) for line in lines)


@pytest.mark.parametrize("form", [as_lines, as_one_document, as_binary, as_prefixed_binary,
                                  as_gzip_members])
def test_every_form_gives_the_same_map(tmp_path, lines, expected, form):
    path = tmp_path / "input"
    path.write_bytes(form(lines))
    assert draw(path) == expected


@pytest.mark.skipif(shutil.which("zstd") is None, reason="there is no zstd to pack with")
def test_zstd_gives_the_same_map(tmp_path, lines, expected):
    plain = tmp_path / "input"
    plain.write_bytes(as_lines(lines))
    subprocess.run(["zstd", "-q", str(plain)], check=True, timeout=60)
    assert draw(tmp_path / "input.zst") == expected


def test_standard_input_may_be_packed(expected):
    done = run("-", input=RECORDING.read_bytes())
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == expected


def test_what_is_ignored_is_said(tmp_path):
    path = tmp_path / "snake.jsonl"
    path.write_text('{"resource_spans":[{}]}\n' * 3)
    done = run(path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["nodes"] == []
    assert done.stderr.decode().count("resource_spans was ignored: names are in lowerCamelCase") == 1


# --- Hostile ----------------------------------------------------------------------------------------


def assert_refused(path, *words):
    done = run(path)
    assert (done.returncode, done.stdout) == (1, b"")
    for word in (str(path), *words):
        assert word in done.stderr.decode()


def test_binary_that_is_cut_names_the_byte(tmp_path, lines):
    whole = as_binary(lines[:2])
    path = tmp_path / "cut"
    path.write_bytes(whole[:-10])
    assert_refused(path, "at byte ", "a field ends behind the end of its message")


def test_a_bomb_is_refused_before_it_goes_off(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"[" + b" " * (256 << 20), 9))
    assert_refused(path, "a thousand times its size")


def test_deep_nesting_is_refused(tmp_path):
    path = tmp_path / "deep.json"
    path.write_bytes(b'{"resourceSpans":' + b"[" * 1_000_000)
    assert_refused(path, "nested too deeply")


def test_one_long_string_is_refused(tmp_path):
    path = tmp_path / "long.json"
    with open(path, "wb") as out:
        out.write(b'{"resourceSpans":[{"schemaUrl":"')
        for _ in range(300):
            out.write(b"x" * (1 << 20))
    assert_refused(path, "bytes")
