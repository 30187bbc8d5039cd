"""Exporters with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from contracts.metrics.hooked import Hooked


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


# Each module adds its own.
from contracts.metrics import (  # noqa: E402, F401
    faults_of_filters,
    faults_of_negotiation,
    faults_of_pages,
    faults_of_policies,
    faults_of_scrapes,
)
