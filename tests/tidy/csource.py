"""What the checks know of C: text without comments, includes, and functions.

This is not a parser. It relies on the layout that the format check enforces: a
function's braces stand in the first column.
"""

import re
from typing import NamedTuple

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'""", re.DOTALL
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


class Include(NamedTuple):
    line: int
    name: str
    system: bool


class Function(NamedTuple):
    name: str
    line: int
    lines: int
    body: str


def blank(match: re.Match) -> str:
    """Spaces in place of a comment or literal; its line ends and quotes stay."""
    text = match.group(0)
    kept = re.sub(r"[^\n]", " ", text)
    if text[0] in "\"'":
        return text[0] + kept[1:-1] + text[-1]
    return kept


def strip(text: str) -> str:
    """The text without comments and literals, each line where it was."""
    return TOKEN.sub(blank, text)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def includes(text: str) -> list[Include]:
    # Comments may hold examples of includes; a literal is needed, so only they go.
    plain = re.sub(r"/\*.*?\*/", blank, text, flags=re.DOTALL)
    return [
        Include(line_of(plain, match.start(1)), match.group(2), match.group(1) == "<")
        for match in INCLUDE.finditer(plain)
    ]


def functions(text: str) -> list[Function]:
    plain = strip(text)
    found = []
    for match in re.finditer(r"^\{.*?^\}", plain, re.MULTILINE | re.DOTALL):
        before = plain[: match.start()]
        # Directives between two functions are no part of either.
        start = max(before.rfind(";"), before.rfind("}"), before.rfind("\n#"))
        if start >= 0 and plain[start] == "\n":
            start = plain.find("\n", start + 1)
        head = plain[start + 1 : match.start()]
        name = re.search(r"(\w+)\s*\(", head)
        if not name:
            continue
        first = start + 1 + len(head) - len(head.lstrip())
        line = line_of(plain, first)
        last = line_of(plain, match.end() - 1)
        found.append(Function(name.group(1), line, last - line + 1, match.group(0)))
    return found
