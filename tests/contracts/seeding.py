"""The list of a suite's seeded faults, and how a class becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

_Made = TypeVar("_Made", bound=type)


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]


def adding_to(faults: list[Fault]) -> Callable[[str], Callable[[_Made], _Made]]:
    """Of a requirement, a decorator that adds a class to the list; its docstring says what is wrong."""

    def fault(requirement: str) -> Callable[[_Made], _Made]:
        def add(made: _Made) -> _Made:
            faults.append(Fault((made.__doc__ or "").strip(), requirement, made))
            return made

        return add

    return fault
