"""The files that the checks look at, and what they are told about the build."""

import fnmatch
import os
import re
import subprocess
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import rules

SKIPPED_FOLDERS = re.compile(r"^(build(-.*)?|\.git|__pycache__|node_modules|\.venv)$")


def matches(path: str, globs: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, glob) for glob in globs)


@dataclass
class Tree:
    """A source tree. Paths are relative to its root, with forward slashes."""

    root: Path
    build: Path | None = None
    cc: str = "cc"
    cflags: list[str] = field(default_factory=list)
    draw_cflags: list[str] = field(default_factory=list)
    clang_format: str | None = None
    exceptions_max: int = rules.EXCEPTIONS_MAX

    @cached_property
    def paths(self) -> list[str]:
        """What git knows or would add; without git, what is there."""
        if (self.root / ".git").exists():
            names = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True, text=True,
            ).stdout.split("\0")
            return sorted({name for name in names if name and (self.root / name).is_file()})
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [name for name in folders if not SKIPPED_FOLDERS.match(name)]
            found += [os.path.relpath(os.path.join(folder, name), self.root) for name in files]
        return sorted(found)

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every text file with its text; binary data and other encodings are left out."""
        found = {}
        for path in self.paths:
            raw = (self.root / path).read_bytes()
            if b"\0" in raw[:8192]:
                continue
            try:
                found[path] = raw.decode()
            except UnicodeDecodeError:
                continue
        return found

    def select(self, *suffixes: str) -> dict[str, str]:
        return {path: text for path, text in self.texts.items() if path.endswith(suffixes)}

    @cached_property
    def c_files(self) -> dict[str, str]:
        """The project's C: its folders and its tests, no data that looks like C."""
        tops = tuple(f"{name}/" for name in (*rules.LAYERS, "tests", "include"))
        return {path: text for path, text in self.select(".c", ".h").items()
                if path.startswith(tops)}

    @cached_property
    def headers(self) -> dict[str, str]:
        return {path: text for path, text in self.c_files.items() if path.endswith(".h")}

    @cached_property
    def sources(self) -> dict[str, str]:
        return {path: text for path, text in self.c_files.items() if path.endswith(".c")}
