"""Ignore comments: what they cover, and what is said of those that are wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.suppression import IgnoreComment, MalformedComment, parse

WRITE = "write <!-- trueup: ignore RULE: REASON -->"


def ranges(source: str) -> list[tuple[int, int]]:
    """Every HTML comment; in the link check the Markdown engine says which are some, and not code."""
    data = source.encode()
    return [(found.start(), found.end()) for found in re.finditer(rb"<!--.*?(?:-->|\Z)", data, re.DOTALL)]


def read(source: str) -> tuple[list[IgnoreComment], list[MalformedComment]]:
    return parse(source, ranges(source))


C = "<!-- trueup: ignore links/malformed: r -->"


@pytest.mark.parametrize(
    ("source", "line", "covered"),
    [
        (f"{C}\n[a](b)\n", 1, 2),
        (f"x\n[a](b) {C}\n", 2, 2),
        (f"{C} [a](b)\nx\n", 1, 1),
        (f"  {C}  \n[a](b)\n", 1, 2),
        (f"{C}\r\n[a](b)\r\n", 1, 2),
        (f"{C}\r[a](b)\r", 1, 2),
        (f"x\r\n[a](b) {C}\r\n", 2, 2),
        (f"{C}\n\n \t\n[a](b)\n", 1, 4),
        (f"> {C}\n>\n> [a](b)\n", 1, 3),
        (f"- {C}\n  [a](b)\n", 1, 2),
        (f"12. {C}\n    [a](b)\n", 1, 2),
        (f"| a | b {C} |\n", 1, 1),
        (f"# Title {C}\nx\n", 1, 1),
        (C, 1, 2),
        (f"{C}\n\n", 1, 2),
        (f"<!-- other --> {C}\nx\n", 1, 1),
        (f"{C} <!-- other -->\nx\n", 1, 1),
        (f"<!-- other -->\n{C}\nx\n", 2, 3),
        ("<!-- trueup: ignore\n links/malformed:\n r -->\n[a](b)\n", 1, 4),
        ("x <!-- trueup: ignore\n links/malformed: r -->\n", 1, 1),
        ("<!-- trueup: ignore\n links/malformed: r --> x\n", 1, 2),
    ],
)
def test_what_a_comment_covers(source: str, line: int, covered: int) -> None:
    (comment,), malformed = read(source)
    assert (comment.line, comment.covered_line, malformed) == (line, covered, [])


def test_comments_on_lines_of_their_own_add_up() -> None:
    source = f"{C}\n\n{C.replace('malformed', 'missing-file')}\n[a](b)\n"
    assert [comment.covered_line for comment in read(source)[0]] == [4, 4]


def test_a_wrong_comment_between_does_not_catch_the_cover() -> None:
    comments, malformed = read(f"{C}\n<!-- trueup: ignore -->\n[a](b)\n")
    assert [comment.covered_line for comment in comments] == [3]
    assert [fault.line for fault in malformed] == [2, 2]


def test_everything_that_a_comment_says() -> None:
    source = "é\n\té <!--trueup:ignore links/malformed , links/*,symlinks/loop: two words:\n  and a colon-->\n"
    assert read(source) == (
        [
            IgnoreComment(
                rules=["links/malformed", "links/*", "symlinks/loop"],
                reason="two words: and a colon",
                line=2,
                covered_line=2,
                column=4,
            )
        ],
        [],
    )


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        (" trueup: ignore links/malformed ", [f"the comment gives no reason; {WRITE}"]),
        (" trueup: ignore links/malformed: ", [f"the comment gives no reason; {WRITE}"]),
        (" trueup: ignore : because ", [f"the comment names no rule; {WRITE}"]),
        (" trueup: ignore ", [f"the comment names no rule; {WRITE}", f"the comment gives no reason; {WRITE}"]),
        (
            " trueup: ignore links/malforned: r ",
            ["there is no rule 'links/malforned'; did you mean 'links/malformed'?"],
        ),
        (" trueup: ignore link/*: r ", ["there is no rule 'link/*'; did you mean 'links/*'?"]),
        (" trueup: ignroe links/malformed: r ", [f"'ignroe' is not a word that trueup obeys; {WRITE}"]),
        (" trueup: ignores links/malformed: r ", [f"'ignores' is not a word that trueup obeys; {WRITE}"]),
    ],
)
def test_comments_that_cannot_be_obeyed(body: str, messages: list[str]) -> None:
    comments, malformed = read(f"x\n <!--{body}-->\n")
    assert (comments, malformed) == ([], [MalformedComment(2, 2, message) for message in messages])


def test_a_rule_that_exists_holds_beside_one_that_does_not() -> None:
    comments, malformed = read("<!-- trueup: ignore links/malformed, links/x: r -->")
    assert [comment.rules for comment in comments] == [["links/malformed"]]
    assert [fault.message.partition(";")[0] for fault in malformed] == ["there is no rule 'links/x'"]


@pytest.mark.parametrize(
    "source",
    [
        "<!-- an ordinary comment -->",
        "<!-- trueup is a tool -->",
        "<!-- trueup: see the manual -->",
        "<!-- Trueup: ignore links/malformed: r -->",
        "<!-- see trueup: ignore -->",
        "",
    ],
)
def test_other_comments_are_left_alone(source: str) -> None:
    assert read(source) == ([], [])


def test_only_the_given_ranges_are_read() -> None:
    """A comment in a code block is an example, not a decision."""
    source = f"```\n{C}\n```\n{C}\nx\n"
    assert [comment.line for comment in parse(source, ranges(source)[1:])[0]] == [4]


@given(st.text("<!-> trueup:ignorelinks/*malfd\r\n,x", max_size=120))
def test_nothing_crashes_and_lines_exist(text: str) -> None:
    source = f"{text}<!-- trueup: ignore{text}-->{text}"
    comments, malformed = read(source)
    lines = len(re.split(r"\r\n|\r|\n", source))
    assert all(1 <= comment.line <= lines and comment.covered_line >= comment.line for comment in comments)
    assert all(1 <= fault.line <= lines for fault in malformed)
