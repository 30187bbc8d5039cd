"""Patterns match what Git says they match; severities follow the configuration."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from fix_repository import Repository
from trueup.config import Config, PathMatcher, Severities
from trueup.config.globs import BadGlob, parse, text_pattern
from trueup.config.model import DEFAULT_EXCLUDE, DEFAULT_SOURCES, Override
from trueup.findings import Severity


@pytest.mark.parametrize(
    ("globs", "matched", "unmatched"),
    [
        (["*.md"], ["a.md", "x/a.md", "x/y/.md"], ["a.mdx", "amd"]),
        (["a"], ["a", "x/a", "a/b", "x/a/b"], ["ab", "x/ab", "ba"]),
        (["/a"], ["a", "a/b"], ["x/a"]),
        (["a/"], ["a/b", "x/a/b"], ["a", "x/a"]),
        (["x/a"], ["x/a", "x/a/b"], ["y/x/a"]),
        (["**/a"], ["a", "x/y/a", "a/b"], ["xa"]),
        (["x/**"], ["x/a", "x/a/b"], ["x", "y/x/a"]),
        (["x/**/a"], ["x/a", "x/y/a", "x/y/z/a/b"], ["x", "xa"]),
        (["**/x/*/a"], ["x/y/a", "q/x/y/a"], ["x/a", "x/y/z/a"]),
        (["x/*/a"], ["x/y/a"], ["x/a", "x/y/z/a"]),
        (["a**c", "***"], ["ac", "abc", "x/abc"], []),
        (["/a**c"], ["ac", "abc"], ["a/c", "x/ac"]),
        (["a?c"], ["abc", "aéc", "a\ud800c"], ["ac", "a/c", "abbc"]),
        (["[a-c]x", "[!a]z", r"[\]]"], ["ax", "cx", "bz", "]"], ["dx", "az", "/z"]),
        ([r"\#a", r"\!b", r"c\*"], ["#a", "!b", "c*"], ["a", "b", "cc"]),
        (["a b", "é", "\n"], ["a b", "x/é", "\n"], ["a", "e", "n"]),
        (["*.md", "!keep.md"], ["a.md", "x/a.md"], ["keep.md", "x/keep.md"]),
        (["!keep.md", "*.md"], ["keep.md"], ["a"]),
        (["x/", "!x/keep"], ["x/keep"], ["keep"]),
        (["x/*", "!x/keep"], ["x/a", "x/b/keep"], ["x/keep"]),
        (["*", "!*/"], ["a", "x/a"], []),
        ([], [], ["a"]),
    ],
)
def test_patterns(globs: list[str], matched: list[str], unmatched: list[str]) -> None:
    matcher = PathMatcher(globs)
    assert [path for path in matched + unmatched if matcher.matches(path)] == matched


@pytest.mark.parametrize("glob", ["a", "*/", "**", "!a"])
def test_a_folder_is_written_with_a_slash(glob: str) -> None:
    assert PathMatcher([glob]).matches("a/") is (glob != "!a")


@pytest.mark.parametrize(
    ("glob", "why"),
    [
        ("", "it matches nothing"),
        ("/", "it matches nothing"),
        ("!", "it matches nothing"),
        ("a//b", "an empty part, `.` or `..` between slashes matches nothing"),
        ("./a", "an empty part, `.` or `..` between slashes matches nothing"),
        ("a/../b", "an empty part, `.` or `..` between slashes matches nothing"),
        ("#a", r"a `#` at the beginning is a comment in .gitignore; write `\#`"),
        ("a ", r"Git ignores a space at the end; write `\ `"),
        ("[a", "its `[` is never closed"),
        ("[a/b]", "its `[` is never closed"),
        ("[a\\", "its `[` is never closed"),
        ("[z-a]", "the range z-a is empty"),
        ("[[:alpha:]]", "classes such as `[:alpha:]` are not supported"),
        ("a\\", r"a `\` at the end of a part escapes nothing"),
        ("a\0", "no path holds a NUL character"),
    ],
)
def test_patterns_that_make_no_sense_are_refused(glob: str, why: str) -> None:
    with pytest.raises(BadGlob) as caught:
        parse(glob)
    assert str(caught.value) == why


def git_ignored(repository: Repository, globs: list[str], paths: list[str]) -> list[str]:
    """Which of these paths, none of which exists, Git would ignore: `check-ignore` decides by the patterns alone."""
    repository.write(".gitignore", "\n".join(globs) + "\n")
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "--stdin", "-z"],
        cwd=repository.root,
        input="\0".join(paths).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.decode().split("\0")[:-1]


NAMES = st.text("ab.", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PARTS = st.one_of(
    st.just("**"),
    # Git documents that `a**` means `a*`, and yet lets it match across folders where it is optimised away.
    st.text("ab.*?", min_size=1, max_size=4).filter(lambda part: "**" not in part),
    st.lists(st.sampled_from(["a", "b", ".", "*", "?", "[ab]", "[!a]", "[a-c]", "\\a"]), min_size=1, max_size=4)
    .map("".join)
    .filter(lambda part: "**" not in part),
)
GLOBS = st.builds(
    lambda negated, start, parts, end: negated + start + "/".join(parts) + end,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(PARTS, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(GLOBS, min_size=1, max_size=4), st.lists(PATHS, min_size=1, max_size=12, unique=True))
@example(["a/**", "!a/**/b"], ["a/b", "a/a/b", "a/a"])
@example(["*", "!a/", "!b"], ["a/b", "b", "a/a", "b/a"])
def test_git_agrees(repository: Repository, globs: list[str], paths: list[str]) -> None:
    for glob in globs:
        try:
            parse(glob)
        except BadGlob:
            assume(False)
    matcher = PathMatcher(globs)
    assert [path for path in paths if matcher.matches(path)] == git_ignored(repository, globs, paths)


@pytest.mark.parametrize("globs", [DEFAULT_SOURCES, DEFAULT_EXCLUDE])
def test_the_default_patterns_make_sense(globs: tuple[str, ...]) -> None:
    assert [glob for glob in globs if not parse(glob).covering] == []


HARD = [
    ("*a" * 100 + "b", "a" * 250),
    ("a/**/" + "*a*/" * 20 + "b", "a/" + "a" * 200 + ("/" + "a" * 200) * 20),
    ("**/a/" * 50 + "b", "a/" * 2000 + "c"),
    ("/x/" + "**/a/" * 50 + "b", "x/" + "a/" * 2000 + "c"),
    ("?*" * 100 + "b", "a" * 250),
]


@pytest.mark.parametrize("extra", [[], ["!x"]], ids=["plain", "negation"])
@pytest.mark.parametrize(("glob", "path"), HARD, ids=range(len(HARD)))
def test_no_pattern_takes_long(glob: str, path: str, extra: list[str]) -> None:
    """A plain translation to a regular expression takes longer than the age of the universe for the first."""
    matcher = PathMatcher([glob, *extra])
    started = time.perf_counter()
    assert not matcher.matches(path)
    assert time.perf_counter() - started < 2


def test_no_target_pattern_takes_long() -> None:
    started = time.perf_counter()
    assert text_pattern(["*a" * 100 + "b"]).match("a" * 100_000) is None
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    ("pattern", "matched", "unmatched"),
    [
        ("a", ["a"], ["ab", "ba", ""]),
        ("a*", ["a", "ab", "a/b\n"], ["ba"]),
        ("*a", ["a", "x/a"], ["ab"]),
        ("a*b*c", ["abc", "a-b-c", "abbcc"], ["ac", "abcd"]),
        ("a?", ["ab", "a/"], ["a", "abc"]),
        ("[a].(b)", ["[a].(b)"], ["a.(b)"]),
        ("*", ["", "a"], []),
    ],
)
def test_patterns_for_targets(pattern: str, matched: list[str], unmatched: list[str]) -> None:
    compiled = text_pattern(["never", pattern])
    assert [text for text in matched + unmatched if compiled.match(text)] == matched


def test_severities() -> None:
    severities = Severities(
        Config(
            rules={"links/malformed": "warning", "symlinks/loop": "off"},
            overrides=[
                Override(paths=["docs/"], rules={"links/malformed": "off", "links/missing-file": "warning"}),
                Override(paths=["docs/new/"], rules={"links/malformed": "error"}),
                Override(paths=["docs/new/"], rules={"symlinks/absolute": "off"}),
            ],
        )
    )
    asked = [
        ("links/missing-file", "a.md"),
        ("links/missing-file", "docs/a.md"),
        ("links/missing-file", "docs/new/a.md"),
        ("links/malformed", "a.md"),
        ("links/malformed", "docs/a.md"),
        ("links/malformed", "docs/new/a.md"),
        ("symlinks/loop", "docs/new/a.md"),
        ("symlinks/absolute", "docs/new/a.md"),
    ]
    assert [severities.configured(rule, path) for rule, path in asked] == [
        None,
        Severity.WARNING,
        Severity.WARNING,
        Severity.WARNING,
        "off",
        Severity.ERROR,
        "off",
        "off",
    ]


def test_matching_needs_no_library(tmp_path: Path) -> None:
    """pathspec takes longer to load than a run over a small repository; it is here for other purposes."""
    code = "import sys; from trueup.config import PathMatcher; PathMatcher(['a']); sys.exit('pathspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, check=False).returncode == 0
