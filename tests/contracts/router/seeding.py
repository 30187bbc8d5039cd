"""What a seeded fault is: a router, and the requirement that must find it."""

from __future__ import annotations

from contracts.router.hooked import Hooked
from contracts.seeding import Fault, adding_to

__all__ = ["FAULTS", "Fault", "fault", "forgiving"]

FAULTS: list[Fault] = []
fault = adding_to(FAULTS)


def forgiving(requirement: str, *rules: str) -> None:
    """A router that accepts what breaks these rules of the grid check."""
    name = f"accepts {' and '.join(rules)}"
    FAULTS.append(Fault(name, requirement, type("Forgiving", (Hooked,), {"forgives": frozenset(rules)})))
