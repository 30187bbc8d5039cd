"""How a fault is planted: a class with one decision wrong, and the requirement that must find it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

_Made = TypeVar("_Made", bound=Callable[..., Any])


@dataclass(frozen=True)
class Fault:
    """`factory` can be imported by its name."""

    requirement: str
    name: str
    factory: Callable[..., Any]

    @property
    def target(self) -> str:
        """Its import string."""
        return f"{self.factory.__module__}:{self.factory.__qualname__}"


class Faults(list[Fault]):
    """Those of one module."""

    def add(self, requirement: str, name: str) -> Callable[[_Made], _Made]:
        """Adds the class below it."""

        def added(factory: _Made) -> _Made:
            self.append(Fault(requirement, name, factory))
            return factory

        return added
