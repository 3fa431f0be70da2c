"""Each check finds what is wrong in a bad sample, and nothing in a good one."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import checks  # noqa: E402
import csource  # noqa: E402
import rules  # noqa: E402
import tidy  # noqa: E402
from tree import Tree  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

HEADER = """/* thing.h: a thing.
 * Is: a sample.
 */
#ifndef BASE_THING_H
#define BASE_THING_H

int thing_do(int number);

#endif
"""
SOURCE = """/* A thing does what it is told. */
#include "base/thing.h"

int thing_do(int number)
{
    return number + 1;
}
"""
USER = """/* Uses the thing. */
#include "base/thing.h"

int use_thing(void);

int use_thing(void)
{
    return thing_do(1);
}
"""
UNIT_TEST = """/* Tests of the thing. */
#include "base/thing.h"

static void thing__adds_one(void **state)
{
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(thing__adds_one)};
    return cmocka_run_group_tests(tests, 0, 0);
}
"""
ROOMS = """<!-- rooms of base -->
| file | is |
|---|---|
| `thing` | a thing |
<!-- end -->
<!-- rooms of net -->
| file | is |
|---|---|
| `user.c` | Uses the thing |
<!-- end -->
| `net/lock.c` `known` |
"""
GOOD = {
    "base/thing.h": HEADER,
    "base/thing.c": SOURCE,
    "net/user.c": USER,
    "tests/unit/base/thing_test.c": UNIT_TEST,
    "tests/fuzz/thing_fuzz.c": "/* Fuzzes the thing. */\n",
    "tests/fuzz/corpus/thing/one": "1\n",
    "scripts/make-thing.sh": "#!/bin/sh\necho thing\n",
    "exporters/web/index.html": "<script src=page.js></script>\n",
    "exporters/web/page.js": "'use strict';\n",
    "Makefile": "all:\n\tsh scripts/make-thing.sh\n",
    "tests/tidy/exceptions.txt": "# none\n",
    "docs/ARCHITECTURE.md": ROOMS,
}


def long_function(lines: int) -> str:
    return USER.replace("    return", "    thing_do(2);\n" * (lines - 4) + "    return")


# Check -> the files that make the good tree bad, and a word of the finding.
BAD = [
    ("format", {"base/thing.c": SOURCE.replace("    return", "  return")}, "make format"),
    ("opening", {"base/thing.h": HEADER[HEADER.index("#ifndef"):]}, "does not open"),
    ("opening", {"base/thing.h": HEADER.replace("thing.h:", "other.h:")}, "does not open"),
    ("opening", {"base/thing.c": SOURCE[SOURCE.index("#include"):]}, "does not open"),
    ("typedefs", {"net/user.c": USER + "typedef struct a {\n    int b;\n} a;\n"}, "typedef"),
    ("outputs", {"base/thing.h": HEADER.replace("int number", "int *out_sum, int b")}, "out_"),
    ("headers_alone", {"base/thing.h": HEADER.replace("int number", "size_t n")}, "alone"),
    ("headers_alone", {"base/thing.h": HEADER.replace("#ifndef BASE_THING_H\n", "#if 1\n")
                       .replace("int thing_do", "struct thing {\n    int a;\n};\nint thing_do")},
     "alone"),
    ("own_header_first", {"base/thing.c": SOURCE.replace("#inc", "#include <stdio.h>\n#inc")},
     "first include"),
    ("include_paths", {"net/user.c": USER.replace("base/thing.h", "../base/thing.h")}, "root"),
    ("include_paths", {"net/user.c": USER.replace('"base/thing.h"', "<base/thing.h>")}, "quote"),
    ("directions", {"base/thing.c": SOURCE.replace("#inc", '#include "net/a.h"\n#inc')}, "must"),
    ("directions", {"topology/a.c": '#include "net/user.h"\n'}, "topology/ must not"),
    ("directions", {"net/user.c": '#include "topology/a.h"\n'}, "net/ must not"),
    ("directions", {"receiver/a.c": '#include "exporters/a.h"\n'}, "receiver/ must not"),
    ("directions", {"exporters/a.c": '#include "receiver/a.h"\n'}, "exporters/ must not"),
    ("directions", {"exporters/a.c": '#include "engine/a.h"\n'}, "exporters/ must not"),
    ("directions", {"engine/a.c": '#include "daemon/a.h"\n'}, "engine/ must not"),
    ("directions", {"engine/a.c": '#include "tests/lib/a.h"\n'}, "engine/ must not"),
    ("circles", {"base/a.h": '#include "base/b.h"\n', "base/b.h": '#include "base/a.h"\n'},
     "includes itself"),
    ("libraries", {"net/user.c": "#include <nghttp2/nghttp2.h>\n"}, "belongs in"),
    ("libraries", {"net/user.c": "#include <llhttp.h>\n"}, "belongs in"),
    ("libraries", {"topology/a.c": "#include <uv.h>\n"}, "belongs in"),
    ("libraries", {"exporters/a.c": "#include <graphviz/gvc.h>\n"}, "belongs in"),
    ("libraries", {"engine/a.c": "#include <yaml.h>\n"}, "belongs in"),
    ("libraries", {"net/user.c": "#include <jansson.h>\n"}, "belongs in"),
    ("libraries", {"receiver/a.c": "#include <pcre2.h>\n"}, "belongs in"),
    ("silence", {"base/thing.c": SOURCE.replace("#inc", '#include "base/log.h"\n#inc')}, "log"),
    ("silence", {"topology/a.c": '#include "base/log.h"\n'}, "must not log"),
    ("silence", {"net/h2.c": '#include "base/log.h"\n'}, "must not log"),
    ("banned", {"net/user.c": USER.replace("thing_do(1)", 'sprintf(0, "")')}, "sprintf"),
    ("banned", {"net/user.c": USER.replace("thing_do(1)", "!malloc(1)")}, "malloc"),
    ("banned", {"net/user.c": USER.replace("thing_do(1)", 'printf("x")')}, "printf"),
    ("banned", {"net/user.c": USER.replace("thing_do(1)", 'fprintf(stderr, "x")')}, "terminal"),
    ("banned", {"base/mem.c": "int a = strcpy(b, c);\n"}, "strcpy"),
    ("banned", {"tests/lib/a.c": "int a = atoi(b);\n"}, "atoi"),
    ("globals", {"base/thing.c": SOURCE + "\nint thing_count;\n"}, "thing_count"),
    ("globals", {"base/thing.c": SOURCE.replace("    ret", "    static int calls = 1;\n"
                                                "    number += calls++;\n    ret")}, "calls"),
    ("lengths", {"net/user.c": long_function(71)}, "71 lines"),
    ("lengths", {"net/user.c": USER + "\n" * 700}, "the limit is 700"),
    ("lengths", {"exporters/web/page.js": "\n" * 701}, "the limit is 700"),
    ("lengths", {"tests/tidy/exceptions.txt": "file base/gone.c 900\n"}, "not there any more"),
    ("lengths", {"tests/tidy/exceptions.txt": "file base/thing.c 900\n"}, "short enough"),
    ("lengths", {"tests/tidy/exceptions.txt": "function net/user.c:use_thing 80\n",
                 "net/user.c": long_function(75)}, "lower 80 to 75"),
    ("lengths", {"tests/tidy/exceptions.txt": "function net/user.c:use_thing 72\n",
                 "net/user.c": long_function(75)}, "grew"),
    ("lengths", {"tests/tidy/exceptions.txt": "file a 800\nfile b 800\n"}, "2 exceptions"),
    ("rooms", {"base/thing.h": HEADER.replace("a thing", "another thing")}, "not up to date"),
    ("rooms", {"base/more.c": "/* more.c: more. */\n"}, "not up to date"),
    ("rooms", {"topology/a.c": "/* a.c: a. */\n"}, "has no table `rooms of topology`"),
    ("rooms", {"docs/MAPS.md": "<!-- map options -->\nold\n<!-- end -->\n"}, "not up to date"),
    ("rooms", {"docs/ARCHITECTURE.md": "Nothing.\n"}, "has no table `rooms of base`"),
    ("locks", {"net/lock.c": "/* lock.c: locks. */\npthread_mutex_t known;\nuv_mutex_t new;\n"},
     "the lock new is not in the table"),
    ("dead_sources", {"tests/unit/base/helper.c": "/* Helps. */\n"}, "nothing compiles"),
    ("dead_sources", {"net/deep/a.c": "/* Deep. */\n"}, "nothing compiles"),
    ("dead_headers", {"base/lone.h": "/* lone.h: alone. */\n",
                      "base/lone.c": '#include "base/lone.h"\n'}, "base/lone.h"),
    ("dead_scripts", {"scripts/lonely-one.sh": "#!/bin/sh\n"}, "nothing names"),
    ("dead_scripts", {"exporters/web/lonely.css": "a {}\n"}, "nothing names"),
    ("words", {"net/user.c": USER + "/* TO" "DO: more. */\n"}, "unfinished"),
    ("words", {"docs/a.md": "see /wo" "rk/main\n"}, "machine's path"),
    ("words", {"docs/a.md": "see `/ro" "ot/x`\n"}, "machine's path"),
    ("whitespace", {"docs/a.md": "text \n"}, "space at"),
    ("whitespace", {"docs/a.md": "text"}, "no line end"),
    ("scripts", {"scripts/make-thing.sh": "#!/bin/sh\nif\n"}, "make-thing.sh"),
    ("scripts", {"tests/a.py": "def\n"}, "a.py"),
    ("test_names", {"tests/unit/base/thing_test.c": UNIT_TEST.replace("thing__", "test_")},
     "noun__says_what"),
    ("test_names", {"tests/unit/base/thing_test.c": UNIT_TEST.replace("adds_one", "001")},
     "noun__says_what"),
    ("test_names", {"tests/unit/base/other_test.c": UNIT_TEST}, "no module"),
    ("test_names", {"tests/unit/base/thing_test.c": "/* Empty. */\n"}, "no test"),
    ("fuzz_corpora", {"tests/fuzz/other_fuzz.c": "/* Fuzzes. */\n"}, "no corpus"),
    ("fuzz_corpora", {"tests/fuzz/corpus/other/one": "1\n"}, "no target"),
]


@pytest.fixture(name="make_tree")
def fixture_make_tree(tmp_path):
    def make(changes: dict[str, str]) -> Tree:
        for path, text in {**GOOD, **changes}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text)
        shutil.copy(ROOT / ".clang-format", tmp_path)
        return Tree(root=tmp_path, cflags=["-I."], clang_format=tidy.clang_format(ROOT),
                    exceptions_max=1)

    return make


def build(tree: Tree) -> None:
    """Compiles what the globals check looks at."""
    tree.build = tree.root / "build"
    for path in tree.sources:
        if path.startswith("base/"):
            target = tree.build / "obj" / (path[:-2] + ".o")
            target.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cc", "-I.", "-fPIE", "-c", "-o", target, path], cwd=tree.root,
                           check=True)


def run(name: str, tree: Tree) -> list[str]:
    if name == "globals":
        build(tree)
    try:
        return list(getattr(checks, f"check_{name}")(tree))
    except checks.Skipped as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", [check.__name__.removeprefix("check_") for check in checks.ALL])
def test_check_accepts_good_tree(name, make_tree):
    assert run(name, make_tree({})) == []


@pytest.mark.parametrize("name, changes, word", BAD,
                         ids=[f"{row[0]}-{next(iter(row[1]))}-{row[2]}" for row in BAD])
def test_check_finds_bad_sample(name, changes, word, make_tree):
    findings = run(name, make_tree(changes))
    assert any(word in finding for finding in findings), findings


def test_every_check_has_bad_sample():
    assert {name for name, _, _ in BAD} == {
        check.__name__.removeprefix("check_") for check in checks.ALL}


@pytest.mark.parametrize("function", " ".join(row[0] for row in rules.BANNED).split())
def test_every_banned_function_is_found(function, make_tree):
    tree = make_tree({"topology/a.c": f"int a = {function}(b);\n"})
    assert any(f"{function}()" in finding for finding in checks.check_banned(tree))


def test_banned_names_in_comments_and_longer_names_are_let_be(make_tree):
    text = '/* free(x) */\nint a = mem_free(b) + c->free(d) + e.exit(1) + f("malloc(1)");\n'
    assert list(checks.check_banned(make_tree({"net/user.c": text}))) == []


def test_allowed_file_may_use_its_library(make_tree):
    tree = make_tree({"net/h2_session.c": "#include <nghttp2/nghttp2.h>\n",
                      "engine/config.c": "#include <yaml.h>\n"})
    assert list(checks.check_libraries(tree)) == []


def test_constant_tables_of_pointers_are_no_globals(make_tree):
    table = SOURCE + '\nextern const char *const names[];\nconst char *const names[] = {"a"};\n'
    assert run("globals", make_tree({"base/thing.c": table})) == []


def test_recorded_exception_is_accepted(make_tree):
    tree = make_tree({"tests/tidy/exceptions.txt": "function net/user.c:use_thing 75\n",
                      "net/user.c": long_function(75)})
    assert list(checks.check_lengths(tree)) == []


def test_functions_are_found_with_their_lines():
    text = ("/* a\n{\n} */\n#define B 1\nstatic struct c *\nd(int e)\n{\n    if (e) {\n    }\n}\n"
            "\nint f[] = {\n    1,\n};\n\nint g(void)\n{\n    return '{';\n}\n")
    found = [(item.name, item.line, item.lines) for item in csource.functions(text)]
    assert found == [("d", 5, 6), ("g", 16, 4)]


def test_tool_exits_with_failure_and_closing_line(make_tree):
    tree = make_tree({"docs/a.md": "text \n"})
    tool = subprocess.run(
        [sys.executable, Path(__file__).parent / "tidy.py", "--root", tree.root,
         "--only", "whitespace"], capture_output=True, text=True, check=False)
    assert tool.returncode == 1
    assert tool.stdout.splitlines() == ["whitespace: docs/a.md:1: space at the line's end",
                                        "0 passed, 1 failed"]
