"""The checks. Each takes a tree and yields findings `path:line: what is wrong`."""

import ast
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath

import csource
import rooms
import rules
from tree import Tree, matches


class Skipped(Exception):
    """This machine cannot run the check; the reason is told aloud."""


def top(path: str) -> str:
    return path.split("/", 1)[0]


def is_generated(name: str) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in rules.GENERATED)


# ------------------------------------------------------------ format and style


def check_format(tree: Tree) -> Iterator[str]:
    """clang-format would change nothing."""
    if not tree.clang_format:
        raise Skipped("clang-format 14 is not here")
    if not tree.c_files:
        return
    run = subprocess.run(
        [tree.clang_format, "--dry-run", "--style=file", *tree.c_files],
        cwd=tree.root, capture_output=True, text=True, check=False,
    )
    places = re.findall(r"^([^\s:]+):(\d+):\d+: (?:warning|error):", run.stderr, re.MULTILINE)
    for path in sorted({path for path, _ in places}):
        lines = [int(line) for where, line in places if where == path]
        yield f"{path}:{lines[0]}: {len(lines)} places are formatted otherwise; run `make format`"
    if run.returncode != 0 and not places:
        yield f"clang-format: {run.stderr.strip()}"


def check_opening(tree: Tree) -> Iterator[str]:
    """Each header opens with `/* name.h: what it is`, each source with a comment."""
    for path, text in tree.c_files.items():
        name = PurePosixPath(path).name
        if path.endswith(".h") and not text.startswith(f"/* {name}: "):
            yield f"{path}:1: the header does not open with `/* {name}: ...`"
        if path.endswith(".c") and not text.startswith("/*"):
            yield f"{path}:1: the file does not open with a comment that says what it is for"


def check_typedefs(tree: Tree) -> Iterator[str]:
    """A struct, union or enum is known by its tag."""
    for path, text in tree.c_files.items():
        plain = csource.strip(text)
        for match in re.finditer(r"\btypedef\s+(struct|union|enum)\b", plain):
            yield f"{path}:{csource.line_of(plain, match.start())}: typedef of a {match.group(1)}"


def check_outputs(tree: Tree) -> Iterator[str]:
    """Outputs come last."""
    for path, text in tree.headers.items():
        plain = csource.strip(text)
        for match in re.finditer(r"\b(\w+)\s*\(([^(){};]*\bout_\w+[^(){};]*)\)\s*[;\w]", plain):
            parts = match.group(2).split(",")
            outs = [bool(re.search(r"\bout_\w+\W*$", part)) for part in parts]
            # The length of a buffer that is filled stands behind the buffer.
            if not outs[-1] and outs[-2:-1] == [True] and parts[-1].strip().startswith("size_t "):
                outs.pop()
            if outs != sorted(outs):
                line = csource.line_of(plain, match.start())
                yield f"{path}:{line}: {match.group(1)} takes an argument after an out_ one"


# ------------------------------------------------------------------- includes


def check_headers_alone(tree: Tree) -> Iterator[str]:
    """Each header compiles by itself, and twice."""

    def compile_one(path: str) -> str | None:
        drawing = path.startswith("exporters/draw_helper/")
        run = subprocess.run(
            [tree.cc, "-std=gnu11", "-Wall", "-Wextra", "-Werror", *tree.cflags,
             *(tree.draw_cflags if drawing else []), "-fsyntax-only", "-x", "c", "-"],
            input=f'#include "{path}"\n#include "{path}"\n',
            cwd=tree.root, capture_output=True, text=True, check=False,
        )
        if run.returncode == 0:
            return None
        first = [line for line in run.stderr.splitlines() if "error" in line][:1]
        return f"{path}:1: does not compile alone: {''.join(first) or run.stderr.strip()}"

    paths = [path for path in tree.headers
             if tree.draw_cflags or not path.startswith("exporters/draw_helper/")]
    with ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(compile_one, paths))


def check_own_header_first(tree: Tree) -> Iterator[str]:
    """x.c includes x.h before anything else, so that x.h is seen to stand alone."""
    for path, text in tree.sources.items():
        own = path[:-2] + ".h"
        if own not in tree.headers:
            continue
        listed = csource.includes(text)
        if not listed or listed[0].name != own:
            yield f"{path}:{listed[0].line if listed else 1}: the first include is not {own}"


def check_include_paths(tree: Tree) -> Iterator[str]:
    """A quoted include is a path from the root to a file that is there."""
    for path, text in tree.c_files.items():
        for include in csource.includes(text):
            if include.system:
                if include.name in tree.c_files:
                    yield f"{path}:{include.line}: <{include.name}> is ours; quote it"
            elif include.name not in tree.c_files and not is_generated(include.name):
                yield f"{path}:{include.line}: \"{include.name}\" is no file from the root"


def check_directions(tree: Tree) -> Iterator[str]:
    """base <- {net, topology} <- {receiver, exporters} <- engine <- daemon."""
    for path, text in tree.c_files.items():
        allowed = rules.LAYERS.get(top(path))
        if allowed is None:
            continue
        for include in csource.includes(text):
            target = top(include.name)
            if "/" not in include.name or include.system:
                continue
            if target == "tests" or (target in rules.LAYERS and target not in allowed):
                yield f"{path}:{include.line}: {top(path)}/ must not include {include.name}"


def check_circles(tree: Tree) -> Iterator[str]:
    """No header includes itself by way of others."""
    graph = {path: [include.name for include in csource.includes(text)
                    if include.name in tree.headers] for path, text in tree.headers.items()}
    done: set[str] = set()

    def visit(path: str, trail: list[str]) -> Iterator[str]:
        if path in trail:
            circle = trail[trail.index(path):] + [path]
            yield f"{path}:1: includes itself: {' -> '.join(circle)}"
            return
        if path in done:
            return
        for target in graph[path]:
            yield from visit(target, trail + [path])
        done.add(path)

    for path in graph:
        yield from visit(path, [])


def check_libraries(tree: Tree) -> Iterator[str]:
    """An outside library is named in the files of its row only."""
    for path, text in tree.c_files.items():
        if path.startswith("tests/"):
            continue
        for include in csource.includes(text):
            for pattern, allowed in rules.LIBRARIES:
                if re.fullmatch(pattern, include.name) and not matches(path, allowed):
                    where = ", ".join(allowed) or "tests"
                    yield f"{path}:{include.line}: {include.name} belongs in {where}"


def check_silence(tree: Tree) -> Iterator[str]:
    """base, topology and protocol code return a status; they never log."""
    for path, text in tree.c_files.items():
        if not matches(path, rules.SILENT) or path in rules.LOG_OWN:
            continue
        for include in csource.includes(text):
            if include.name == rules.LOG_HEADER:
                yield f"{path}:{include.line}: must not log"


# ------------------------------------------------------------ banned functions


def check_banned(tree: Tree) -> Iterator[str]:
    """Functions that rules.py bans are called where it lets them only."""
    for path, text in tree.c_files.items():
        plain = csource.strip(text)
        for names, reason, allowed in rules.BANNED:
            if matches(path, allowed):
                continue
            pattern = r"(?<![\w.>])(%s)\s*\(" % "|".join(names.split())
            for match in re.finditer(pattern, plain):
                line = csource.line_of(plain, match.start())
                yield f"{path}:{line}: {match.group(1)}(): {reason}"
        if not matches(path, rules.TERMINAL_WRITERS):
            for match in re.finditer(r"\bv?f(?:printf|puts|putc|write)\s*\([^;]*\bstd(out|err)\b",
                                     plain):
                line = csource.line_of(plain, match.start())
                yield f"{path}:{line}: only the daemon speaks to a terminal"


def check_globals(tree: Tree) -> Iterator[str]:
    """No object below daemon/ holds a variable with static storage."""
    if not tree.build:
        raise Skipped("there is no build to look into")
    for folder in rules.CONSTANT_FOLDERS:
        for item in sorted((tree.build / "obj" / folder).glob("*.o")):
            source = f"{folder}/{item.stem}.c"
            if source not in tree.sources:
                continue
            table = subprocess.run(["objdump", "-t", str(item)], check=True,
                                   capture_output=True, text=True).stdout
            for row in table.splitlines():
                match = re.match(r"^[0-9a-f]+ .{7} (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$", row)
                if not match or not re.match(r"\.t?(data|bss)(\.(?!rel\.ro)|$)", match.group(1)):
                    continue
                name = match.group(2)
                if name[0] != "." and (source, name) not in rules.GLOBALS_ALLOWED:
                    yield f"{source}:1: `{name}` is a mutable global"


# -------------------------------------------------------------------- lengths


def read_exceptions(tree: Tree) -> dict[str, int]:
    text = tree.texts.get("tests/tidy/exceptions.txt", "")
    rows = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return {" ".join(row[:-1]): int(row[-1]) for row in rows}


def check_lengths(tree: Tree) -> Iterator[str]:
    """Functions and files stay short; the exceptions may only shrink."""
    known = read_exceptions(tree)
    listed = "tests/tidy/exceptions.txt"
    if len(known) > tree.exceptions_max:
        yield f"{listed}:1: {len(known)} exceptions, at most {tree.exceptions_max} are allowed"

    def judge(key: str, place: str, lines: int, lines_max: int) -> Iterator[str]:
        recorded = known.pop(key, None)
        if recorded is None and lines > lines_max:
            yield f"{place}: {key.split()[-1]} has {lines} lines, the limit is {lines_max}"
        elif recorded is not None and lines > recorded:
            yield f"{place}: {key} grew from {recorded} to {lines} lines"
        elif recorded is not None and lines <= lines_max:
            yield f"{listed}:1: `{key}` is short enough now; take it out"
        elif recorded is not None and lines < recorded:
            yield f"{listed}:1: `{key}` shrank; lower {recorded} to {lines}"

    for path, text in tree.sources.items():
        for function in csource.functions(text):
            yield from judge(f"function {path}:{function.name}", f"{path}:{function.line}",
                             function.lines, rules.FUNCTION_LINES_MAX)
    for path, text in tree.select(*rules.FILE_LENGTH_SUFFIXES).items():
        yield from judge(f"file {path}", f"{path}:1", text.count("\n"), rules.FILE_LINES_MAX)
    for key in known:
        yield f"{listed}:1: `{key}` is not there any more; take it out"


# ----------------------------------------------------------------- dead files


def check_dead_sources(tree: Tree) -> Iterator[str]:
    """Each .c belongs to a build."""
    for path in tree.select(".c"):
        if not any(re.fullmatch(pattern, path) for pattern in rules.BUILT):
            yield f"{path}:1: nothing compiles this file"


def check_dead_headers(tree: Tree) -> Iterator[str]:
    """Each header is included by another file than its own source."""
    users: dict[str, set[str]] = {}
    for path, text in tree.c_files.items():
        for include in csource.includes(text):
            users.setdefault(include.name, set()).add(path)
    for path in tree.headers:
        others = users.get(path, set()) - {path[:-2] + ".c"}
        if not others and path not in rules.HEADERS_ALONE:
            yield f"{path}:1: nobody includes this header but its own source"


def check_dead_scripts(tree: Tree) -> Iterator[str]:
    """Each script and each file of the page is named by another file."""
    wanted = [path for path in tree.texts
              if (path.startswith("scripts/") or path.startswith("exporters/web/"))
              and not path.endswith("index.html")]
    for path in wanted:
        name = PurePosixPath(path).name
        stem = PurePosixPath(path).stem
        named = re.compile(r"(?<![\w-])(%s|%s)(?![\w-])" % (re.escape(name), re.escape(stem)))
        if not any(named.search(text) for other, text in tree.texts.items() if other != path):
            yield f"{path}:1: nothing names this file"


# ---------------------------------------------------------------------- words


def check_words(tree: Tree) -> Iterator[str]:
    """Nothing unfinished, and no path of the machine that it was written on."""
    unfinished = re.compile(r"\b(%s)\b" % "|".join(rules.UNFINISHED))
    places = re.compile(r"(?<![\w.$)}-])(%s)" % "|".join(map(re.escape, rules.MACHINE_PATHS)))
    for path, text in tree.texts.items():
        if matches(path, rules.THIRD_PARTY):
            continue
        for pattern, what in ((unfinished, "is unfinished"), (places, "is a machine's path")):
            for match in pattern.finditer(text):
                line = csource.line_of(text, match.start())
                yield f"{path}:{line}: `{match.group(1)}` {what}"


def check_whitespace(tree: Tree) -> Iterator[str]:
    """No space at a line's end, no carriage return, a line end at the file's end."""
    for path, text in tree.texts.items():
        if matches(path, [*rules.THIRD_PARTY, "tests/data/*", "tests/fuzz/corpus/*"]):
            continue
        match = re.search(r"[ \t\r]+$", text, re.MULTILINE)
        if match:
            yield f"{path}:{csource.line_of(text, match.start())}: space at the line's end"
        if text and not text.endswith("\n"):
            yield f"{path}:{text.count(chr(10)) + 1}: no line end at the file's end"


def check_scripts(tree: Tree) -> Iterator[str]:
    """Each shell and Python file can be parsed."""
    for path, text in tree.texts.items():
        first = text.split("\n", 1)[0]
        if path.endswith(".py") or re.match(r"#!.*python", first):
            try:
                ast.parse(text, path)
            except SyntaxError as error:
                yield f"{path}:{error.lineno}: {error.msg}"
        elif path.endswith(".sh") or re.match(r"#!.*\b(ba)?sh\b", first):
            shell = "bash" if "bash" in first else "sh"
            run = subprocess.run([shell, "-n", path], cwd=tree.root, capture_output=True,
                                 text=True, check=False)
            if run.returncode != 0:
                yield f"{path}:1: {run.stderr.strip()}"


# ---------------------------------------------------------------------- tests


def check_test_names(tree: Tree) -> Iterator[str]:
    """A unit test is named `noun__says_what`, in a file named after a module."""
    for path, text in tree.sources.items():
        match = re.fullmatch(r"tests/unit/([^/]+)/([^/]+)_test\.c", path)
        if not match:
            continue
        folder, stem = match.groups()
        modules = {PurePosixPath(other).stem for other in tree.c_files
                   if PurePosixPath(other).parent.as_posix() == folder}
        if not any(stem == name or stem.startswith(name + "_") for name in modules):
            yield f"{path}:1: {folder}/ has no module that `{stem}` begins with"
        plain = csource.strip(text)
        tests = list(re.finditer(r"\bcmocka_unit_test\w*\s*\(\s*(\w+)", plain))
        if not tests:
            yield f"{path}:1: holds no test"
        for test in tests:
            if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*__[a-z][a-z0-9_]*[a-z]\w*",
                                test.group(1)):
                line = csource.line_of(plain, test.start())
                yield f"{path}:{line}: {test.group(1)} is not named `noun__says_what`"


def check_fuzz_corpora(tree: Tree) -> Iterator[str]:
    """Each fuzz target has a committed corpus, and each corpus a target."""
    targets = {PurePosixPath(path).name[: -len("_fuzz.c")] for path in tree.sources
               if re.fullmatch(r"tests/fuzz/[^/]+_fuzz\.c", path)}
    corpora = {path.split("/")[3] for path in tree.paths
               if path.startswith("tests/fuzz/corpus/") and path.count("/") > 3}
    for name in sorted(targets - corpora):
        yield f"tests/fuzz/{name}_fuzz.c:1: no corpus in tests/fuzz/corpus/{name}/"
    for name in sorted(corpora - targets):
        yield f"tests/fuzz/corpus/{name}:1: no target tests/fuzz/{name}_fuzz.c"


# ----------------------------------------------------------------- architecture


def check_rooms(tree: Tree) -> Iterator[str]:
    """The page of the architecture lists every file, in the file's own words."""
    page = tree.texts.get(rooms.PAGE, "")
    if rooms.rewritten(tree) != page:
        yield f"{rooms.PAGE}:1: its tables are not up to date; `make docs` makes them"
    if rooms.maps_rewritten(tree) != tree.texts.get(rooms.MAPS_PAGE, ""):
        yield f"{rooms.MAPS_PAGE}:1: its table is not up to date; `make docs` makes it"
    listed = {found[2] for found in rooms.TABLE.finditer(page)}
    for folder in sorted({top(path) for path in tree.c_files if top(path) in rules.LAYERS} - listed):
        yield f"{rooms.PAGE}:1: has no table `rooms of {folder}`"


def check_locks(tree: Tree) -> Iterator[str]:
    """Each lock stands in the page's table, where the order of locks is."""
    page = tree.texts.get(rooms.PAGE, "")
    for path, text in tree.c_files.items():
        if top(path) not in rules.LAYERS:
            continue
        plain = csource.strip(text)
        for lock in re.finditer(r"\b(?:pthread_(?:mutex|rwlock|spinlock)|uv_mutex|uv_rwlock|mtx)_t (\w+)"
                                r"\s*;", plain):
            if f"| `{path}` `{lock[1]}` |" not in page:
                line = csource.line_of(plain, lock.start())
                yield f"{path}:{line}: the lock {lock[1]} is not in the table of {rooms.PAGE}"


ALL = [
    check_format,
    check_opening,
    check_typedefs,
    check_outputs,
    check_headers_alone,
    check_own_header_first,
    check_include_paths,
    check_directions,
    check_circles,
    check_libraries,
    check_silence,
    check_banned,
    check_globals,
    check_lengths,
    check_dead_sources,
    check_dead_headers,
    check_dead_scripts,
    check_words,
    check_whitespace,
    check_scripts,
    check_test_names,
    check_fuzz_corpora,
    check_rooms,
    check_locks,
]
