"""What a seeded fault is: a part of the plain router that is wrong, and the requirement that must find it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from contracts.router_service import plain

_Part = TypeVar("_Part", bound=Callable[..., Any])


class Fault(NamedTuple):
    """A fault. `part` takes the place of what is called `replaces` in the plain router's modules."""

    name: str
    requirement: str
    replaces: str
    part: Callable[..., Any]

    @property
    def switch(self) -> str:
        """Its name on the command line."""
        return self.part.__name__

    def seed(self) -> None:
        """From now on this process has it."""
        for found in pkgutil.iter_modules(plain.__path__, f"{plain.__name__}."):
            module = importlib.import_module(found.name)
            if self.replaces in vars(module):
                setattr(module, self.replaces, self.part)


FAULTS: list[Fault] = []


def fault(requirement: str, replaces: str = "") -> Callable[[_Part], _Part]:
    """Adds a class or a function to the list; its docstring says what is wrong.

    A class takes the place of the one that it inherits from.
    """

    def add(made: _Part) -> _Part:
        name = replaces or made.__bases__[0].__name__  # type: ignore[attr-defined]
        FAULTS.append(Fault(" ".join((made.__doc__ or "").split()), requirement, name, made))
        return made

    return add
