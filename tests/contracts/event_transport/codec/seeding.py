"""What a seeded fault is: a codec, and the requirement that must find it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from contracts.event_transport.codec.hooked import Codec


class Fault(NamedTuple):
    """A fault: what is wrong, the suite and the requirement that must find it, and the factory."""

    name: str
    suite: str
    requirement: str
    factory: Codec


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[type[Codec]], type[Codec]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Codec]) -> type[Codec]:
        suite = "event-subscriber" if requirement.startswith("ES") else "event-publisher"
        FAULTS.append(Fault((made.__doc__ or "").strip(), suite, requirement, made()))
        return made

    return add
