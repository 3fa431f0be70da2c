"""scripts/setup.sh on machines that lack something: what it says, and what it asks apt-get for.

The machines are made of a PATH with chosen programs in it. Nothing is installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "awk", "cat", "cmp", "cut", "dirname", "env", "find", "flock", "grep", "head", "mkdir",
         "mktemp", "rm", "sed", "tail", "tr")
LIBRARIES = ("libuv1-dev", "libnghttp2-dev", "libprotobuf-c-dev", "libgraphviz-dev")


class Machine:
    def __init__(self, directory):
        self.tree = directory / "tree"
        self.programs = directory / "bin"
        self.asked = directory / "asked"
        (self.tree / "scripts").mkdir(parents=True)
        self.programs.mkdir()
        shutil.copy(ROOT / "scripts/setup.sh", self.tree / "scripts")
        for name in TOOLS:
            (self.programs / name).symlink_to(shutil.which(name))

    def add(self, name, script):
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def user(self, number):
        self.add("id", f"echo {number}")

    def apt(self, result=0, known="*"):
        """An apt-get that writes down what it is asked; this release has the packages `known`."""
        self.add("apt-get", f'echo "$@" >> {self.asked}; echo trouble; exit {result}')
        self.add("apt-cache", f'for name; do :; done; case $name in {known}) ;; *) exit 1 ;; esac')

    def run(self, mode="build"):
        return subprocess.run(["sh", "scripts/setup.sh", mode], cwd=self.tree, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              env={"PATH": str(self.programs), "HOME": str(self.tree)})


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_without_apt_get_it_says_what_to_install(machine):
    machine.user(0)
    done = machine.run()
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("spanmap: this machine has no apt-get; build needs these packages")
    assert all(name in done.stderr for name in LIBRARIES)


def test_without_root_or_sudo_it_installs_nothing(machine):
    machine.user(1000)
    machine.apt()
    done = machine.run()
    assert done.returncode == 1 and not machine.asked.exists()
    assert done.stderr.startswith("spanmap: not root, and there is no sudo; build needs")


def test_a_password_that_nobody_can_type_is_not_waited_for(machine):
    machine.user(1000)
    machine.apt()
    machine.add("sudo", "exit 1")
    done = machine.run()
    assert done.returncode == 1 and not machine.asked.exists()
    assert done.stderr.startswith("spanmap: not root, and sudo asks for a password; build needs")


def test_a_user_installs_through_sudo(machine):
    machine.user(1000)
    machine.apt()
    machine.add("sudo", '[ "$1" = -n ] && exit; exec "$@"')
    done = machine.run()
    # This apt-get brings nothing, and that is found out.
    assert done.returncode == 1 and "still missing after apt-get" in done.stderr
    update, install = machine.asked.read_text().splitlines()
    assert update.endswith(" update")
    words = install.split()
    assert "--no-install-recommends" in words and "-y" in words
    assert set(LIBRARIES) <= set(words) and not set(words) & {"libcmocka-dev", "redis-tools"}


def test_says_what_it_installs_and_why(machine):
    machine.user(0)
    machine.apt()
    lines = machine.run().stdout.splitlines()
    assert lines[0] == "spanmap: build needs what this machine lacks; apt-get fetches it:"
    assert "  libuv1-dev                   event loop" in lines


def test_takes_the_name_that_this_release_has(machine):
    machine.user(0)
    machine.apt(known="pkgconf | libuv1-dev")
    machine.run()
    words = machine.asked.read_text().splitlines()[1].split()
    assert "pkgconf" in words and "pkg-config" not in words


def test_a_failing_apt_get_is_told_with_its_words(machine):
    machine.user(0)
    machine.apt(result=100)
    done = machine.run()
    assert done.returncode == 1
    assert "trouble" in done.stderr and "apt-get failed, see build/setup.log" in done.stderr


def test_makes_a_whole_environment_once(machine):
    """With every package there: the environment, Redis by its other name, then silence."""
    for name in ("pkg-config", "protoc-c", "redis-check-rdb"):
        machine.add(name, "exit 0")
    machine.add("cc", "echo /")
    for name in ("cp", "ln"):
        (machine.programs / name).symlink_to(shutil.which(name))
    (machine.programs / "python3").symlink_to(sys.executable)
    requirements = machine.tree / "deploy/demo/requirements.txt"
    requirements.parent.mkdir(parents=True)
    requirements.write_text("# none\n")
    done = machine.run("demo")
    assert (done.returncode, done.stderr) == (0, "")
    bin = machine.tree / "build/venv/bin"
    assert (bin / "redis-server").readlink() == machine.programs / "redis-check-rdb"
    assert subprocess.run([bin / "python", "-m", "pip", "--version"], check=False,
                          capture_output=True).returncode == 0
    assert "pip installs" in done.stdout and machine.run("demo").stdout == ""
    requirements.write_text("# none any more\n")
    assert "pip installs" in machine.run("demo").stdout


def test_an_unknown_word_is_a_wrong_call(machine):
    done = machine.run("everything")
    assert done.returncode == 2
    assert done.stderr == "usage: scripts/setup.sh build|test|demo\n"
    assert not (machine.tree / "build").exists()


@pytest.mark.parametrize("mode", ["build", "test", "demo"])
def test_where_nothing_is_missing_it_says_nothing(mode):
    """These tests run, so it has been here."""
    done = subprocess.run(["sh", "scripts/setup.sh", mode], cwd=ROOT, text=True, timeout=60,
                          capture_output=True, check=False, env=dict(os.environ))
    told = [line for line in done.stdout.splitlines() if "cannot be had here" not in line]
    assert (done.returncode, told, done.stderr) == (0, [], "")
