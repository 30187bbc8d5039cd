"""Selectors with one realistic fault each, and the requirement that must find it."""

from contracts.worker_selection.faults import booking, chance, costs, keeping, refusing  # noqa: F401
from contracts.worker_selection.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]
