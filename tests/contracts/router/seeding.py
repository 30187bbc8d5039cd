"""What a seeded fault is: a router, and the requirement that must find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from contracts.router.hooked import Hooked


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[type[Hooked]], type[Hooked]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Hooked]) -> type[Hooked]:
        FAULTS.append(Fault((made.__doc__ or "").strip(), requirement, made))
        return made

    return add


def forgiving(requirement: str, *rules: str) -> None:
    """A router that accepts what breaks these rules of the grid check."""
    name = f"accepts {' and '.join(rules)}"
    FAULTS.append(Fault(name, requirement, type("Forgiving", (Hooked,), {"forgives": frozenset(rules)})))
