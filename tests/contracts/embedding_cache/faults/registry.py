"""The list of faults, and how a class becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from contracts.embedding_cache.hooked import CLAIMS, Hooked, OnCuda


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]
    needs_cuda: bool


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[type[Hooked]], type[Hooked]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Hooked]) -> type[Hooked]:
        FAULTS.append(Fault((made.__doc__ or "").strip(), requirement, made, issubclass(made, OnCuda)))
        return made

    return add


def claiming(*, without: str = "", also: str = "") -> frozenset[str]:
    """The claims of `Hooked`, with changes."""
    return frozenset(CLAIMS.split()) - set(without.split()) | set(also.split())
