"""mutant: the program with one fault in it, and the tests that look for it.

Only the faulty file is compiled, or what includes it. Its object stands before the library when programs are linked, so that
the library's own is never asked for; the tree and its build directory stay as they are.

    MUTATION_CC    compiles a file of the tree, without `-c`
    MUTATION_LD    links objects
    MUTATION_LIBS  what they are linked with
"""

import os
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SPANMAP_BUILD") or ROOT / "build")
CHECK_TIMEOUT_S = 300
MEMORY_BYTES = 4 << 30


def words(name):
    value = os.environ.get(name)
    if value is None:
        raise SystemExit(f"{name} is not set; run `make mutation`")
    return shlex.split(value)


def text_of(fault):
    return (ROOT / fault.file).read_text(encoding="utf-8")


def is_found(fault):
    """Whether the fault can still be made, and in one place only."""
    return text_of(fault).count(fault.text) == 1


def sources_of(file):
    """What is compiled for it: of a header, all of the program that includes it."""
    if not file.endswith(".h"):
        return [file]
    found = []
    for depends in sorted((BUILD / "obj/topology").glob("*.d")):
        source = f"topology/{depends.stem}.c"
        read = depends.read_text(encoding="utf-8").split()
        if (ROOT / source).exists() and any(os.path.normpath(word) == file for word in read):
            found.append(source)
    return found


def _limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _passes(command, env=None):
    """Whether it ends well; a fault that makes it hang or crash shows, too."""
    try:
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, preexec_fn=_limit,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                              timeout=CHECK_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


class Mutant:
    """`fault` None: the program as it is, which has to pass what is asked of mutants."""

    def __init__(self, folder, fault=None):
        self.folder = Path(folder)
        self.fault = fault
        self.objects = []

    def compile(self):
        if self.fault is None:
            return
        faulty = self.folder / self.fault.file
        faulty.parent.mkdir(parents=True)
        faulty.write_text(text_of(self.fault).replace(self.fault.text, self.fault.instead),
                          encoding="utf-8")
        for file in sources_of(self.fault.file):
            source = faulty if file == self.fault.file else ROOT / file
            made = (self.folder / file).with_suffix(".o")
            made.parent.mkdir(parents=True, exist_ok=True)
            compiler, *options = words("MUTATION_CC")
            done = subprocess.run([compiler, f"-I{self.folder}", *options, "-O1", "-g0", "-w", "-c",
                                   "-o", str(made), str(source)],
                                  cwd=ROOT, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise AssertionError(f"{self.fault}: does not compile:\n{done.stderr[-2000:]}")
            self.objects.append(str(made))

    def link(self, name, objects):
        program = self.folder / name
        subprocess.run(words("MUTATION_LD") + ["-o", str(program)] + [str(each) for each in objects]
                       + words("MUTATION_LIBS"), cwd=ROOT, check=True)
        return program

    def pytest(self, arguments, env=None):
        program = self.folder / "spanmap"
        if not program.exists():
            self.link("spanmap", [BUILD / "obj/daemon/main.o"] + self.objects
                      + [BUILD / "libspanmap.a"])
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        return _passes(command + arguments, {**(env or {}), "SPANMAP": str(program)})

    # --- What may notice -------------------------------------------------------------------------

    def cases(self):
        return self.pytest(["tests/e2e/test_cases.py", "-k", "spanmap_follows"])

    def units(self, sources):
        for source in sources:
            name = source.stem
            program = self.link(name, [BUILD / "obj" / source.relative_to(ROOT).with_suffix(".o")]
                                + self.objects + [BUILD / "tests/libtest.a", BUILD / "libspanmap.a"])
            passes = _passes([str(program)])
            program.unlink()
            if not passes:
                return False
        return True

    def properties(self):
        return self.pytest(["tests/e2e/test_property.py", "-k", "not model_finds"],
                           {"SPANMAP_SEEDS": "1"})


def units_for(file):
    """(the file's own unit test, those of the rest of its folder)."""
    path = Path(file)
    pattern = "otlp_*_test.c" if path.parts[0] == "receiver" else "*_test.c"
    found = sorted((ROOT / "tests/unit" / path.parts[0]).glob(pattern))
    own = [test for test in found if test.name == f"{path.stem}_test.c"]
    return own, [test for test in found if test not in own]


def caught_by(fault):
    """The name of the tests that notice the fault; None: it survives."""
    with tempfile.TemporaryDirectory(prefix="spanmap-mutant-") as folder:
        mutant = Mutant(folder, fault)
        mutant.compile()
        own, others = units_for(fault.file)
        if not mutant.units(own):
            return "own unit"
        if not mutant.cases():
            return "cases"
        if not mutant.units(others):
            return "units"
        if not mutant.properties():
            return "properties"
    return None


def unharmed_fails():
    """The names of those tests that fail without any fault: what they catch would mean nothing."""
    with tempfile.TemporaryDirectory(prefix="spanmap-mutant-") as folder:
        mutant = Mutant(folder)
        units = units_for("topology/")[1] + units_for("receiver/")[1]
        found = {"cases": mutant.cases(), "units": mutant.units(units),
                 "properties": mutant.properties()}
        return [name for name, passes in found.items() if not passes]
