"""How a test says which requirement of its suite it proves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

_Test = TypeVar("_Test", bound=Callable[..., object])
ATTRIBUTE = "__trueup_requirement__"


def requirement(requirement_id: str) -> Callable[[_Test], _Test]:
    """Marks a test function of a suite with the requirement that it proves, such as `RC-004`."""

    def mark(test: _Test) -> _Test:
        setattr(test, ATTRIBUTE, requirement_id)
        return test

    return mark
