"""What is wrong at one place of an exposition."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """`rule` without its `metrics/`; line and columns from 1, in code points; `target` is the family or series."""

    rule: str
    target: str
    line: int
    column: int
    end_column: int
    message: str
    suggestion: str | None = None


class Refused(Exception):
    """A line that cannot be read on from `start` (0-based)."""

    def __init__(self, rule: str, start: int, end: int, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.start = start
        self.end = end
        self.message = message
        self.suggestion = suggestion
