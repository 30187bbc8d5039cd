"""Fragments: line numbers, and the verdict on a name against a page's anchors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.findings import Severity
from trueup.links.anchors import Anchors
from trueup.links.fragments import anchor_problem, clean, is_lines, lines_problem


@pytest.mark.parametrize(
    ("fragment", "name"),
    [
        (None, ""),
        ("", ""),
        ("top", ""),
        ("TOP", ""),
        ("topics", "topics"),
        (":~:text=hello", ""),
        ("part:~:text=hello", "part"),
        ("part", "part"),
    ],
)
def test_what_names_an_anchor(fragment: str | None, name: str) -> None:
    assert clean(fragment) == name


GOOD_LINES = ["L1", "L10", "L1-L10", "L1-10", "L1C1", "L1C3-L10C8", "L10-L1", "L5C2-L5C9"]
BAD_LINES = ["L0", "L11", "L1-L11", "L11-L1", "L1-11", "L0-L3", "L11C1", "L1C1-L11C1", "L999999999"]
NO_LINES = ["l1", "L", "L-1", "L1-", "L1L2", "L1-L2-L3", "L1.5", "Line1", "LC1", "L1 ", "L1234567890", "L١"]


@pytest.mark.parametrize("name", GOOD_LINES)
def test_lines_that_exist(name: str) -> None:
    assert is_lines(name)
    assert lines_problem(name, 10, "x.py") is None


@pytest.mark.parametrize("name", BAD_LINES)
def test_lines_behind_the_end(name: str) -> None:
    assert is_lines(name)
    problem = lines_problem(name, 10, "x.py")
    assert problem is not None
    assert (problem.rule, problem.message) == (
        "links/line-out-of-range",
        f"#{name} points behind the end of x.py, which has 10 lines",
    )


@pytest.mark.parametrize("name", NO_LINES)
def test_names_that_are_no_lines(name: str) -> None:
    assert not is_lines(name)
    assert lines_problem(name, 10, "x.py") is None


@pytest.mark.parametrize("name", GOOD_LINES + BAD_LINES)
def test_a_file_that_is_not_text_has_no_lines_to_judge(name: str) -> None:
    assert lines_problem(name, None, "x.bin") is None


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_a_range_is_good_when_both_its_ends_are(first: int, last: int, count: int) -> None:
    is_good = lines_problem(f"L{first}-L{last}", count, "x") is None
    assert is_good == (lines_problem(f"L{first}", count, "x") is None and lines_problem(f"L{last}", count, "x") is None)
    assert is_good == (first <= count and last <= count)


NAMES = frozenset({"getting-started", "Camel", "camel-case", "twice", "Twice", "über"})
VERDICTS = [
    # name, exact, and: rule, severity, replacement, certain
    ("getting-started", False, None),
    ("Camel", True, None),
    ("twice", True, None),
    ("Twice", True, None),
    ("Getting-Started", False, ("links/fragment-case", None, "getting-started", True)),
    ("Getting-Started", True, ("links/fragment-case", Severity.ERROR, "getting-started", True)),
    ("ÜBER", False, ("links/fragment-case", None, "über", True)),
    ("camel", False, ("links/fragment-case", Severity.ERROR, "Camel", True)),
    ("TWICE", False, ("links/fragment-case", None, "twice", True)),
    ("user-content-getting-started", False, None),
    ("user-content-Getting-Started", False, ("links/fragment-case", None, "getting-started", True)),
    ("user-content-getting-started", True, ("links/missing-fragment", None, None, False)),
    ("getting_started", False, ("links/missing-fragment", None, "getting-started", True)),
    ("getting-startet", False, ("links/missing-fragment", None, "getting-started", False)),
    ("8ebfd1e", False, ("links/missing-fragment", None, None, False)),
]


@pytest.mark.parametrize(("name", "exact", "expected"), VERDICTS, ids=[f"{row[0]}-{row[1]}" for row in VERDICTS])
def test_a_name_against_anchors(name: str, exact: bool, expected: tuple[object, ...] | None) -> None:
    problem = anchor_problem(name, Anchors(NAMES, lambda _: (), exact), "page.md")
    found = None if problem is None else (problem.rule, problem.severity, problem.replacement, problem.certain)
    assert found == expected


def test_messages_say_where() -> None:
    problem = anchor_problem("gone", Anchors(frozenset(), lambda _: (), False), "this file")
    assert problem is not None
    assert problem.message == "this file has no heading or anchor #gone"
