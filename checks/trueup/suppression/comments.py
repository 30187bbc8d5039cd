"""Ignore comments in documents: `<!-- trueup: ignore links/missing-file: REASON -->`.

Alone on its line a comment covers the next line that is neither blank nor another such comment;
otherwise the line on which it stands. Marks of quotes and list items before it do not count.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

_BODY = re.compile(r"<!--\s*+trueup:\s*+([\w-]*+)(.*?)(?:-->|\Z)", re.DOTALL)
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BEFORE = re.compile(rb"[ \t>]*+(?:(?:[-*+]|\d{1,9}[.)])[ \t]++)?[ \t>]*+")
_BLANK = re.compile(rb"[ \t>]*+")
_VERB = "ignore"
_SYNTAX = "<!-- trueup: ignore RULE: REASON -->"


class IgnoreComment(msgspec.Struct, frozen=True, array_like=True):
    """One comment. `line` and `column` (from 1, code points) are its own; `covered_line` is what it is about.

    `rules` are ids, or a check with `/*`.
    """

    rules: list[str]
    reason: str
    line: int
    covered_line: int
    column: int


class MalformedComment(msgspec.Struct, frozen=True, array_like=True):
    """A comment that was meant to suppress something and does not, where it stands, and what to do about it."""

    line: int
    column: int
    message: str


def parse(source: str, comments: Sequence[tuple[int, int]]) -> tuple[list[IgnoreComment], list[MalformedComment]]:
    """The ignore comments among the HTML comments at these byte ranges of the UTF-8 source.

    The source has no byte-order mark. A comment that names a rule that exists beside one that does
    not is in both lists; one without a reason suppresses nothing.
    """
    lines = _Lines(source.encode("utf-8", "surrogatepass"))
    found: list[_Parsed] = []
    for start, end in comments:
        body = _BODY.match(lines.data[start:end].decode("utf-8", "replace"))
        if body is not None:
            found.append(_read(body[1], body[2], *lines.place(start), lines.line(max(start, end - 1))))
    standing = {one.line: one.last_line for one in found if one.is_meant and lines.is_alone(one.line, one.last_line)}
    return (
        [
            IgnoreComment(one.rules, one.reason, one.line, lines.covered(one.line, one.last_line, standing), one.column)
            for one in found
            if one.rules and one.reason
        ],
        [fault for one in found for fault in one.faults],
    )


class _Parsed(NamedTuple):
    rules: list[str]
    reason: str
    line: int
    column: int
    last_line: int
    faults: list[MalformedComment]
    is_meant: bool


def _read(verb: str, rest: str, line: int, column: int, last_line: int) -> _Parsed:
    from trueup.config.validate import ignorable_rules
    from trueup.rules import nearest_hint

    names, _, reason = rest.partition(":")
    reason = " ".join(reason.split())
    rules: list[str] = []
    faults: list[MalformedComment] = []

    def fault(message: str, hint: str = f"write {_SYNTAX}") -> None:
        faults.append(MalformedComment(line, column, f"{message}; {hint}"))

    if verb != _VERB:
        # Prose may begin with the word `trueup:`; only what was plainly meant as a command is a fault.
        if meant := nearest_hint(verb, [_VERB]).startswith("did you mean"):
            fault(f"{verb!r} is not a word that trueup obeys")
        return _Parsed([], "", line, column, last_line, faults, meant)
    known = ignorable_rules()
    for name in names.replace(",", " ").split():
        if name in known:
            rules.append(name)
        else:
            fault(f"there is no rule {name!r}", nearest_hint(name, known))
    if not names.strip(" \t\r\n,"):
        fault("the comment names no rule")
    if not reason:
        fault("the comment gives no reason")
    return _Parsed(rules, reason, line, column, last_line, faults, True)


class _Lines:
    """The lines of a source, counted as editors count them: after LF, CR and CRLF."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._starts = [0, *(found.end() for found in _LINE_END.finditer(data))]

    def line(self, offset: int) -> int:
        return bisect.bisect_right(self._starts, offset)

    def place(self, offset: int) -> tuple[int, int]:
        line = self.line(offset)
        before = self.data[self._starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "replace")) + 1

    def _text(self, first: int, last: int) -> bytes:
        end = self._starts[last] if last < len(self._starts) else len(self.data)
        return self.data[self._starts[first - 1] : end].rstrip(b"\r\n")

    def is_alone(self, first: int, last: int) -> bool:
        """Whether a comment that takes these lines shares them with nothing else."""
        text = self._text(first, last).rstrip()
        before = _BEFORE.match(text)
        assert before is not None  # it matches the empty text
        rest = text[before.end() :]
        return rest.startswith(b"<!--") and rest.find(b"-->") == len(rest) - 3

    def covered(self, first: int, last: int, standing: dict[int, int]) -> int:
        """The line that a comment on these lines is about; `standing` are all that are alone on theirs."""
        if first not in standing:
            return first if self._text(first, first).lstrip()[:4] != b"<!--" else last
        line = last + 1
        while line <= len(self._starts):
            if line in standing:
                line = standing[line] + 1
            elif _BLANK.fullmatch(self._text(line, line)):
                line += 1
            else:
                return line
        return last + 1
