"""Indexes with one realistic fault each, and the requirement that must find it."""

from contracts.kv_index.faults import (  # noqa: F401
    approximate,
    gaps,
    labels,
    matching,
    memory,
    optional,
    refusing,
    removing,
    storing,
    threads,
)
from contracts.kv_index.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]
