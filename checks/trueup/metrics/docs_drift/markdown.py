"""The parts of a Markdown text in which metrics are named: inline code, table rows, list items, fenced blocks.

Only what is needed here: lines, code spans and fences with their places. Prose is never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})[ \t]*([\w.+-]*)")
_LONGEST_LINE = 20_000
_TICKS = re.compile(r"`+")


class Code(NamedTuple):
    """A code span in a line; `[start, end)` is its content in the text, without the backticks."""

    text: str
    start: int
    end: int


class Line(NamedTuple):
    """A line outside fences. `cells` are those of a table's row, as offsets in the text; empty where it is none."""

    text: str
    start: int
    codes: list[Code]
    cells: list[tuple[int, int]]


class Fence(NamedTuple):
    """A fenced block: its language in lower case, its content, and where that begins."""

    language: str
    text: str
    start: int


def parts_of(text: str) -> Iterator[Line | Fence]:
    """Lines and fences, in order."""
    position = 0
    fence: tuple[str, str, int] | None = None
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end]
        found = _FENCE.match(line)
        if fence is not None:
            mark, language, start = fence
            if found is not None and found[1].startswith(mark) and not found[2]:
                yield Fence(language, text[start:position], start)
                fence = None
        elif found is not None and not (found[1][0] == "`" and "`" in line[found.end(1) :]):
            fence = (found[1], found[2].lower(), min(end + 1, len(text)))
        elif len(line) <= _LONGEST_LINE and ("`" in line or "|" in line):
            yield Line(line, position, list(_codes(line, position)), list(_cells(line, position)))
        position = end + 1
    if fence is not None:
        yield Fence(fence[1], text[fence[2] :], fence[2])


def _codes(line: str, base: int) -> Iterator[Code]:
    """Code spans: between two runs of backticks of one length."""
    runs = [(found.start(), found.end()) for found in _TICKS.finditer(line)]
    closing: dict[int, list[int]] = {}
    for index, (start, end) in enumerate(runs):
        closing.setdefault(end - start, []).append(index)
    index = 0
    while index < len(runs):
        start, end = runs[index]
        same = closing[end - start]
        while same and same[0] <= index:
            same.pop(0)
        if same:
            close = same[0]
            yield Code(line[end : runs[close][0]], base + end, base + runs[close][0])
            index = close + 1
        else:
            index += 1


def _cells(line: str, base: int) -> Iterator[tuple[int, int]]:
    stripped = line.strip()
    if not stripped.startswith("|") or stripped.count("|") < 2:
        return
    start = line.index("|") + 1
    in_code = False
    for position in range(start, len(line)):
        sign = line[position]
        if sign == "`":
            in_code = not in_code
        elif sign == "|" and line[position - 1] != "\\" and not in_code:
            yield base + start, base + position
            start = position + 1
