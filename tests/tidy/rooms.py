#!/usr/bin/env python3
"""The rooms of docs/ARCHITECTURE.md: a table of each folder's files, made from the files' own first
sentences; and the options of docs/MAPS.md, made from their table in C. `rooms.py` rewrites them in
place; tidy only looks whether they are up to date."""

import re
import sys
from pathlib import Path, PurePosixPath

from tree import Tree

PAGE = "docs/ARCHITECTURE.md"
TABLE = re.compile(r"(?s)(<!-- rooms of ([\w/]+) -->\n).*?(<!-- end -->)")
MAPS_PAGE = "docs/MAPS.md"
MAPS_TABLE = re.compile(r"(?s)(<!-- map options -->\n).*?(<!-- end -->)")
MAP_OPTION = re.compile(r'X\("([^"]+)", (?:"([^"]*)"|NULL),\s*((?:"[^"]*"\s*)+),')
SUFFIXES = (".h", ".c", ".js", ".css")
# A comment's first paragraph ends at a blank line or at a heading such as `Is:`.
PARAGRAPH_END = re.compile(r"^\s*(\*\s*)?($|\*/|[A-Z][A-Za-z /]*:\s)")


def summary(path: str, text: str) -> str:
    """The first sentence of the comment that opens a file, behind the file's own name."""
    name = PurePosixPath(path).name
    opening = re.match(r"/\*\s*(?:%s:)?\s*(.*)" % re.escape(name), text)
    if not opening:
        return ""
    lines = [opening[1]]
    for line in text.splitlines()[1:]:
        if "*/" in lines[-1] or PARAGRAPH_END.match(line):
            break
        lines.append(line.strip().removeprefix("*"))
    words = " ".join(" ".join(lines).split("*/")[0].split())
    return re.split(r"(?<=[a-z\])`])[.;] (?=[A-Z])", words)[0].rstrip(".").replace("|", "\\|")


def rooms(tree: Tree, folder: str) -> str:
    """One row for each header and its source, and for each file that stands alone."""
    rows = []
    for path in tree.paths:
        place = PurePosixPath(path)
        if str(place.parent) != folder or place.suffix not in SUFFIXES:
            continue
        if place.suffix == ".c" and f"{folder}/{place.stem}.h" in tree.texts:
            continue
        name = place.stem if place.suffix == ".h" else place.name
        rows.append(f"| `{name}` | {summary(path, tree.texts[path])} |")
    return "".join(row + "\n" for row in ["| file | is |", "|---|---|", *rows])


def rewritten(tree: Tree) -> str:
    return TABLE.sub(lambda found: found[1] + rooms(tree, found[2]) + found[3],
                     tree.texts.get(PAGE, ""))


def map_options(tree: Tree) -> str:
    """One row for each option of a map."""
    rows = ["| option | does |", "|---|---|"]
    table = tree.texts.get("exporters/map_options.h", "").replace("\\\n", "\n")
    for name, value, doc in MAP_OPTION.findall(table):
        words = "".join(re.findall(r'"([^"]*)"', doc)).replace("|", "\\|")
        rows.append(f"| `{name}{' ' if value else ''}{value}` | {words} |")
    return "".join(row + "\n" for row in rows)


def maps_rewritten(tree: Tree) -> str:
    return MAPS_TABLE.sub(lambda found: found[1] + map_options(tree) + found[2],
                          tree.texts.get(MAPS_PAGE, ""))


def main() -> None:
    root = Path(__file__).resolve().parents[2]
    tree = Tree(root)
    (root / PAGE).write_text(rewritten(tree))
    (root / MAPS_PAGE).write_text(maps_rewritten(tree))


if __name__ == "__main__":
    sys.exit(main())
