"""What a suggestion comes to."""

from __future__ import annotations

from typing import NamedTuple


class Guess(NamedTuple):
    """A likely answer. `certain`: the only candidate, by a rule that does not guess."""

    answer: str
    certain: bool
    why: str
