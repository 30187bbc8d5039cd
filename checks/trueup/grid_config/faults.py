"""What is wrong in one configuration, before it becomes findings."""

from __future__ import annotations

from typing import NamedTuple

from trueup.reading.tree import Member, Node


class Fault(NamedTuple):
    """A rule that is broken at `pointer`, which stands at `[start, end)` of the file's text.

    `replacement`, where there is one certain answer, is what to write there instead.
    """

    rule: str
    pointer: str
    start: int
    end: int
    message: str
    suggestion: str | None = None
    replacement: str | None = None


class Faults:
    """Collects faults and notes."""

    def __init__(self) -> None:
        self.found: list[Fault] = []
        self.notes: list[str] = []
        self.unknown_values = False  # a placeholder stands where a number or a list belongs

    def at(
        self,
        rule: str,
        pointer: str,
        where: Node | Member,
        message: str,
        suggestion: str | None = None,
        replacement: str | None = None,
    ) -> None:
        """Adds a fault at a value, or at a key."""
        self.found.append(
            Fault(f"grid-config/{rule}", pointer, where.start, where.end, message, suggestion, replacement)
        )

    def cannot_tell(self, pointer: str, written: str) -> None:
        """Adds a note about a placeholder."""
        self.unknown_values = True
        self.notes.append(f"cannot tell what {pointer} will be: {written} is filled in later")
