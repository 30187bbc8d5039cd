"""What a seeded fault is: a subscriber, and the requirement that must find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

_Made = TypeVar("_Made", bound=type)


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[_Made], _Made]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: _Made) -> _Made:
        FAULTS.append(Fault((made.__doc__ or "").strip(), requirement, made))
        return made

    return add
