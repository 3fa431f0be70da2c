"""libspanmap: what it shows, where it is installed, hosts in three languages, and that it counts
exactly what the daemon counts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import IS_SANITIZED, Daemon, binary, wait_until  # noqa: E402
from lib.library import SHARED, Library, SpanmapError  # noqa: E402
from lib.sender import Sender, request_of  # noqa: E402
from model import chaos, generate, otlp_json  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = SHARED.parents[1]
HEADER = ROOT / "include" / "spanmap.h"
FIRST = int(os.environ.get("SPANMAP_SEED") or 1)
START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000

pytestmark = pytest.mark.skipif(IS_SANITIZED, reason="Python is no host for a sanitizer's library")


def run(*arguments, **more):
    return subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True,
                          timeout=300, check=False, **more)


def succeed(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# --- What others see -------------------------------------------------------------------------


def declared():
    return set(re.findall(r"^SPANMAP_API [^(]*?\*?(spanmap_\w+)\(", HEADER.read_text(), re.M))


def defined(*arguments):
    return {line.split()[-1] for line in succeed("nm", "--defined-only", *arguments).splitlines()
            if len(line.split()) == 3}


def test_only_the_header_s_functions_are_visible():
    assert len(declared()) > 20
    assert defined("-D", SHARED) == declared()
    assert defined("--extern-only", BUILD / "lib" / "libspanmap.a") == declared()


def test_the_shared_library_has_its_soname_and_needs_no_more_than_it_should():
    dynamic = succeed("readelf", "-d", SHARED)
    assert re.search(r"SONAME.*\[libspanmap\.so\.0\]", dynamic)
    needed = set(re.findall(r"NEEDED.*\[lib([\w+-]+)[.\d]*\.so", dynamic))
    assert not needed & {"uv", "nghttp2", "ssl", "crypto", "crypt", "curl", "gvc", "cgraph"}


@pytest.mark.parametrize("command", [
    ["cc", "-x", "c", "-std=c11"], ["cc", "-x", "c", "-std=c17"], ["g++", "-x", "c++", "-std=c++11"],
    ["g++", "-x", "c++", "-std=c++17"], ["clang", "-x", "c", "-std=c11"],
    ["clang", "-x", "c++", "-std=c++17"]], ids=lambda command: command[0] + command[-1])
def test_the_header_stands_alone(command, tmp_path):
    source = tmp_path / "alone"
    source.write_text("#include <spanmap.h>\n#include <spanmap.h>\nint main(void)\n{\n"
                      "    struct spanmap_error error = SPANMAP_INIT(struct spanmap_error);\n"
                      "    return error.size == sizeof(error) && error.code == 0 ? 0 : 1;\n}\n")
    flags = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-I", HEADER.parent]
    succeed(*command, *flags, source, "-x", "none", "-o", tmp_path / "program")
    succeed(tmp_path / "program")


# --- Installed -----------------------------------------------------------------------------------


@pytest.fixture(name="prefix", scope="module")
def prefix_of_an_installed_library(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    succeed("make", "-s", "install-library", f"BUILD={BUILD}", f"PREFIX={prefix}", cwd=ROOT)
    return prefix


@pytest.fixture(name="traces", scope="module")
def file_with_one_request(tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "traces.json"
    spans = generate.scripted(FIRST, generate.Mix(without=generate.MESSAGES)).spans
    path.write_text(json.dumps(otlp_json.request_of(spans)))
    return path


def flags_of(prefix, *arguments):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    return succeed("pkg-config", *arguments, "spanmap", env=environment).split()


def sources():
    """The programs of docs/LIBRARY.md by their names."""
    text = (ROOT / "docs" / "LIBRARY.md").read_text()
    return dict(re.findall(r"(?s)```\w+ (host\.\w+)\n(.*?)```", text))


def host(prefix, tmp_path, name, compiler, *, static=False):
    source = tmp_path / name
    source.write_text(sources()[name])
    libs = (["-l:libspanmap.a", *flags_of(prefix, "--static", "--libs")] if static
            else flags_of(prefix, "--libs"))
    succeed(*compiler, "-Wall", "-Wextra", "-Werror", "-pedantic", *flags_of(prefix, "--cflags"),
            source, "-L", prefix / "lib", *libs, "-o", tmp_path / "host")
    if static:
        assert "libspanmap" not in succeed("readelf", "-d", tmp_path / "host")
    return tmp_path / "host"


def test_the_static_library_for_go_as_the_collector_s_page_has_it(prefix, traces, tmp_path):
    """All but the last line, which builds a Collector: cgo asks pkg-config without --static."""
    text = (ROOT / "docs" / "COLLECTOR.md").read_text()
    [block] = re.findall(r"(?s)```\n(mkdir static\n.*?)```", text)
    lines, last = block.rstrip("\n").rsplit("\n", 1)
    assert last.startswith("PKG_CONFIG_PATH=$PWD/static ") and " builder " in last
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    succeed("sh", "-euc", lines, cwd=tmp_path, env=environment)
    environment["PKG_CONFIG_PATH"] = str(tmp_path / "static")
    flags = succeed("pkg-config", "--cflags", "--libs", "spanmap", env=environment).split()
    source = tmp_path / "host.c"
    source.write_text(sources()["host.c"])
    succeed("cc", "-std=c11", source, *flags, "-o", tmp_path / "host")
    assert "libspanmap" not in succeed("readelf", "-d", tmp_path / "host")
    assert succeed(tmp_path / "host", traces).splitlines() == expected_edges(traces)


def expected_edges(traces):
    """As the daemon's own command has it."""
    shown = json.loads(succeed(binary(), "map", "--format", "json", "--set", "map.messaging=direct",
                               traces))
    assert shown["edges"]
    return [f"{edge['client']} -> {edge['server']} {edge['requests']:g}" for edge in shown["edges"]]


def preloaded(prefix):
    return {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_the_host_in_c(prefix, traces, tmp_path, static):
    program = host(prefix, tmp_path, "host.c", ["cc", "-std=c11"], static=static)
    shown = succeed(program, traces, env=preloaded(prefix))
    assert shown.splitlines() == expected_edges(traces)
    done = run(program, "/nowhere", env=preloaded(prefix))
    assert done.returncode == 1 and "/nowhere" in done.stderr


def test_the_host_in_cpp(prefix, traces, tmp_path):
    program = host(prefix, tmp_path, "host.cpp", ["g++", "-std=c++17"])
    shown = json.loads(succeed(program, traces, env=preloaded(prefix)))
    assert shown["window"]["end_unix_nano"] == str(START + 48 * 3600 * SECOND)
    assert shown["accounting"]["waiting"] == 0 and shown["edges"]
    wrong = tmp_path / "wrong"
    wrong.write_text("{")
    assert "not an ExportTraceServiceRequest" in run(program, wrong, env=preloaded(prefix)).stdout


def test_the_host_in_python(prefix, traces, tmp_path):
    source = tmp_path / "host.py"
    source.write_text(sources()["host.py"])
    shown = succeed(sys.executable, source, "/api/v1/map", traces, env=preloaded(prefix))
    first, _, body = shown.partition("\n")
    assert first == "200 application/json" and json.loads(body)["edges"]


def test_what_is_installed_is_taken_back(tmp_path):
    where = [f"BUILD={BUILD}", f"DESTDIR={tmp_path}", "PREFIX=/usr"]
    succeed("make", "-s", "install-library", *where, cwd=ROOT)
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert {"usr/include/spanmap.h", "usr/lib/libspanmap.a", "usr/lib/libspanmap.so",
            "usr/lib/libspanmap.so.0", "usr/lib/pkgconfig/spanmap.pc"} < files
    assert (tmp_path / "usr/lib/libspanmap.so").resolve().is_file()
    assert "prefix=/usr\n" in (tmp_path / "usr/lib/pkgconfig/spanmap.pc").read_text()
    succeed("make", "-s", "uninstall", *where, cwd=ROOT)
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []


# --- The same as the daemon --------------------------------------------------------------------------

# All that is sent is there long before any wait is over, and is judged long before the test looks.
WAITS = {"pairing.wait": "3s", "pairing.parent_wait": "3s", "messaging.wait": "3s",
         "memory.limit": "1GiB", "map.messaging": "both", "map.self_edges": "true"}


def spans_of(seed):
    """Calls, messages, peers and losses of every kind, in one request."""
    spans = generate.scripted(seed, generate.Mix(many_links=True)).spans
    spans += chaos.lossy(seed, generate.scripted(seed + 1000).spans)
    return spans


def counted(document):
    """Edges, nodes and the accounting, without what tells the time or the program."""
    shown = json.loads(document)
    return {key: shown[key] for key in ("nodes", "edges", "accounting", "links")}


def series(text):
    """{sample: value} of the metrics that were measured, without when they began, and exemplars."""
    samples = [line.partition(" # ")[0].rpartition(" ") for line in text.split("\n")
               if line.startswith("traces_") and "_created" not in line]
    return {name: float(value) for name, _, value in samples}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 2))
def test_it_counts_what_the_daemon_counts(seed):
    print(f"seed {seed}")
    spans = spans_of(seed)
    request = request_of(spans).SerializeToString()
    with Daemon(WAITS) as daemon:
        with Sender(daemon.grpc) as sender:
            sender.insist(request)
        assert daemon.accounting()["received"] > 100
        wait_until(lambda: daemon.accounting()["waiting"] == 0, "all spans are judged")
        expected = counted(daemon.text("/api/v1/map"))
        scraped = series(daemon.get("/metrics", {"Accept": "application/openmetrics-text"})[2]
                         .decode())
    assert len(expected["edges"]) > 20 and len(scraped) > 100
    assert "otel_metric_overflow" not in json.dumps(expected)

    with Library(WAITS) as own:
        own.feed(request)
        own.drain()
        assert counted(own.render("json")) == expected
        assert series(own.render("openmetrics").decode()) == scraped

    with Library(WAITS, start=START) as given:
        assert sum(given.feed(request, START)) == expected["accounting"]["received"]
        for second in range(1, 12):
            given.advance(START + second * SECOND)
        assert counted(given.render("json")) == expected
        assert series(given.render("openmetrics").decode()) == scraped

    # One leap, over all that shards have to tell each other meanwhile.
    with Library({**WAITS, "topology.shards": "3"}, start=START) as given:
        given.feed(request, START)
        given.advance(START + 12 * SECOND)
        assert counted(given.render("json")) == expected

    # The same spans as JSON.
    with Library(WAITS, start=START) as given:
        text = json.dumps(otlp_json.request_of(spans)).encode()
        given.feed(text, START, encoding=1)
        given.drain()
        assert counted(given.render("json")) == expected


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 2))
@pytest.mark.parametrize("dimensions", ["[]", "[http.route, noise.a, server.port]"])
def test_what_the_filter_leaves_out_changes_nothing(seed, dimensions):
    print(f"seed {seed}")
    options = {**WAITS, "metrics.dimensions": dimensions}
    request = request_of(spans_of(seed))
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for number, span in enumerate(scope.spans):
                for key in ("noise.a", "user_agent.original", "thread.name", "url.path")[number % 5:]:
                    span.attributes.add(key=key).value.string_value = f"value {number % 3}"
    shown = []
    left = 0
    for _ in range(2):
        with Library(options, start=START) as library:
            library.feed(request.SerializeToString(), START)
            library.drain()
            shown.append((counted(library.render("json")), series(library.render("openmetrics").decode())))
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        kept = [pair for pair in span.attributes if library.wants(pair.key)]
                        left += len(span.attributes) - len(kept)
                        del span.attributes[:]
                        span.attributes.extend(kept)
    assert left > 100 and shown[0] == shown[1]


def test_a_wrong_option_is_told():
    with pytest.raises(SpanmapError, match="did you mean pairing.wait?"):
        Library({"pairing.wiat": "1s"})
