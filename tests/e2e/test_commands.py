"""The command line: help, wrong calls, exit codes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.daemon import binary  # noqa: E402


def spanmap(*arguments, **more):
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, timeout=60,
                          check=False, **more)


def commands():
    listed = spanmap("--help").stdout.split("Commands:")[1]
    return re.findall(r"^  (\w+) ", listed, re.MULTILINE)


def test_help_lists_the_commands():
    done = spanmap("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"run", "check", "map", "replay", "version"} <= set(commands())
    assert spanmap("help").stdout == done.stdout


def test_each_command_has_help():
    for name in commands():
        for flag in ("--help", "-h"):
            done = spanmap(name, flag)
            assert (done.returncode, done.stderr) == (0, ""), name
            assert done.stdout.startswith(f"Usage: spanmap {name}"), name
            assert "--help" in done.stdout


def test_help_goes_before_other_faults():
    assert spanmap("map", "--help", "--no-such-thing").returncode == 0


def test_version_names_itself_and_its_libraries():
    done = spanmap("version")
    assert done.returncode == 0
    assert re.match(r"spanmap \d+\.\d+\.\d+\S*\n", done.stdout)
    for library in ("nghttp2", "libuv", "jansson", "libcurl", "zlib"):
        assert re.search(rf"^  {library} +\d+\.\d+", done.stdout, re.MULTILINE), library
    assert spanmap("--version").stdout == done.stdout


@pytest.mark.parametrize("arguments, says", [
    ([], "no command"),
    (["mpa"], "did you mean 'map'?"),
    (["xyzzy"], "unknown command 'xyzzy'"),
    (["--verbose", "map"], "unknown option --verbose before the command"),
    (["map", "--fromat", "json", "x"], "did you mean --format?"),
    (["map", "--fromat=json", "x"], "unknown option --fromat;"),
    (["map", "-q", "x"], "unknown option -q"),
    (["map", "--format"], "--format needs a value"),
    (["map", "--lenient=yes", "x"], "--lenient takes no value"),
    (["version", "x"], "takes no arguments"),
    (["run", "x"], "takes no arguments"),
    (["run", "--readyfile", "x"], "did you mean --ready-file?"),
    (["run", "--set", "listen.grcp=off"], "listen.grpc"),
    (["run", "-c", "/nonexistent/spanmap.yaml"], "/nonexistent/spanmap.yaml"),
])
def test_wrong_calls_end_with_2(arguments, says):
    done = spanmap(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr


def test_a_wrong_option_names_the_commands_help():
    assert "spanmap map --help" in spanmap("map", "--nothing").stderr


@pytest.mark.parametrize("arguments", [["version"], ["--help"], ["map", "--help"]])
def test_output_that_cannot_be_written_is_a_failure(arguments):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary(), *arguments], stdout=full, stderr=subprocess.PIPE,
                              timeout=60, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "spanmap: cannot write standard output: No space left on device\n"


@pytest.mark.parametrize("command, says", [
    ('"$0" version >&-', "cannot write standard output: Bad file descriptor"),
    ('"$0" map - <&-', "cannot be read: Bad file descriptor"),
])
def test_closed_standard_files_are_a_failure(command, says):
    done = subprocess.run(["sh", "-c", command, binary()], stderr=subprocess.PIPE, timeout=60,
                          text=True, check=False)
    assert done.returncode == 1
    assert says in done.stderr
