"""What a seeded fault is: an exporter, and the requirement that must find it."""

from __future__ import annotations

from contracts.seeding import Fault, adding_to

__all__ = ["FAULTS", "Fault", "fault"]

FAULTS: list[Fault] = []
fault = adding_to(FAULTS)
