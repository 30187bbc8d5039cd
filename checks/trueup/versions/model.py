"""A pin: one place in a file that names a version of a thing.

A *thing* is a name in its context: the package `pypi:vllm`, the image `image:vllm/vllm-openai`, the action
`action:actions/checkout`, the variable `variable:VLLM_REF`; never a bare number. Offsets count code points.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Strength(enum.IntEnum):
    """What a pin says: a bound that others may go beyond, or this version and no other."""

    RANGE = 0  # `>=1.2,<2`: says which versions are allowed
    FLOOR = 1  # `^1.2.3`, Cargo's `1.2.3`, `>=1.2.3`, go.mod: names one version, and allows later ones
    EXACT = 2


class Pin(NamedTuple):
    """`version` is as written, without quotes and operators; it stands at `[start, end)`.

    `where` is the pin's place in its file's own terms (a path of keys, an instruction): it tells which pin of an
    earlier state of the file is this one. `choice`: one of several in a list, of which each is meant. `bound` is the
    whole requirement, where the pin is a part of one: `>=2.13,<3`.
    """

    kind: str
    name: str
    version: str
    start: int
    end: int
    where: str
    strength: Strength = Strength.EXACT
    choice: bool = False
    bound: str = ""
    stated: tuple[int, int] | None = None  # where a comment behind a commit's id states its version

    @property
    def thing(self) -> str:
        """`pypi:vllm`."""
        return f"{self.kind}:{self.name}"


class Located(NamedTuple):
    """A pin in its file."""

    path: str
    pin: Pin
    line: int

    @property
    def place(self) -> str:
        """`docs/install.md:31`."""
        return f"{self.path}:{self.line}"


class Unreadable(Exception):
    """A file is not in its format; `offset` is where that shows."""

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
