"""What sequence numbers say of one endpoint: gaps, restarts, duplicates, and what cannot be told."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

REMEMBERED = 10_000  # of B, by publisher and topic: what is older than these is out of order, and no duplicate

GAP, RESTART, DUPLICATE, OUT_OF_ORDER, UNCERTAIN = "gap", "restart", "duplicate", "out-of-order", "uncertain"


class Note(NamedTuple):
    """What was noticed at a message: its kind, how many are missing (where that is known), the numbers around it."""

    kind: str
    missed: int | None
    last: int
    now: int

    @property
    def told(self) -> str:
        """In words."""
        if self.kind == GAP:
            first, end = self.last + 1, self.now - 1
            numbers = f"{first}" if first == end else f"{first} to {end}"
            messages = "1 message is" if self.missed == 1 else f"{self.missed} messages are"
            return f"{messages} missing: {numbers}"
        if self.kind == RESTART:
            return f"sequence {self.now} after {self.last}: the publisher has restarted, or repeats itself"
        if self.kind == UNCERTAIN:
            return (
                f"sequence {self.now} after {self.last}, and the connection was lost in between: a gap, or a publisher "
                "that has restarted and passed the old number"
            )
        if self.kind == DUPLICATE:
            return f"sequence {self.now} has come before"
        return f"sequence {self.now} comes after {self.last}"


@dataclass
class _Line:
    """One publisher and topic; in A, the endpoint."""

    last: int
    recent: OrderedDict[int, None] = field(default_factory=OrderedDict)
    was_cut: bool = False


class Sequences:
    """The state of one endpoint. Format A numbers by endpoint, B by publisher and topic."""

    def __init__(self) -> None:
        self._lines: dict[object, _Line] = {}

    def cut(self) -> None:
        """The connection was lost: what is missing at the next message may be a restart."""
        for line in self._lines.values():
            line.was_cut = True

    def take(self, sequence: int, identity: object = None) -> Note | None:
        """What the next number says. `identity`: publisher and topic in B, nothing in A."""
        line = self._lines.get(identity)
        if line is None:
            if len(self._lines) < 100_000:
                self._lines[identity] = _Line(sequence, OrderedDict({sequence: None}))
            return None
        note = _in_a(line, sequence) if identity is None else _in_b(line, sequence)
        if note is None or note.kind not in (DUPLICATE, OUT_OF_ORDER):
            line.last = sequence
            line.was_cut = False
        if identity is not None:
            line.recent[sequence] = None
            if len(line.recent) > REMEMBERED:
                line.recent.popitem(last=False)
        return note


def _in_a(line: _Line, sequence: int) -> Note | None:
    if sequence <= line.last:
        return Note(RESTART, None, line.last, sequence)
    if sequence == line.last + 1:
        return None
    if line.was_cut:
        return Note(UNCERTAIN, None, line.last, sequence)
    return Note(GAP, sequence - line.last - 1, line.last, sequence)


def _in_b(line: _Line, sequence: int) -> Note | None:
    if sequence > line.last:
        return None if sequence == line.last + 1 else Note(GAP, sequence - line.last - 1, line.last, sequence)
    kind = DUPLICATE if sequence in line.recent else OUT_OF_ORDER
    return Note(kind, None, line.last, sequence)
