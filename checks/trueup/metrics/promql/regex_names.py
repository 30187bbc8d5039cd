"""The metric names that a regular expression of a `__name__` matcher plainly lists."""

from __future__ import annotations

import re
from typing import NamedTuple

_GROUP = re.compile(r"\((?:\?:)?([^()]*)\)")
_ALTERNATIVE = re.compile(r"(?:[A-Za-z0-9_:]|\.[*+])+")


class Alternative(NamedTuple):
    """One name, or a pattern with `*`; `offset` is where it begins in the expression."""

    text: str
    offset: int


def alternatives(regex: str) -> list[Alternative]:
    """`a|b`, `(a|b:.*)`: its names and patterns; empty for an expression that says more than that."""
    offset = 0
    if regex.startswith("^"):
        regex, offset = regex[1:], 1
    regex = regex.removesuffix("$")
    group = _GROUP.fullmatch(regex)
    if group is not None:
        offset += group.start(1)
        regex = group[1]
    found: list[Alternative] = []
    for part in regex.split("|"):
        if not _ALTERNATIVE.fullmatch(part):
            return []
        found.append(Alternative(re.sub(r"\.[*+]", "*", part), offset))
        offset += len(part) + 1
    return found
