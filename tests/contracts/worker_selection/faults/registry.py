"""The list of faults, and how a class becomes one."""

from __future__ import annotations

from contracts.seeding import Fault, adding_to

__all__ = ["FAULTS", "Fault", "fault"]

FAULTS: list[Fault] = []
fault = adding_to(FAULTS)
