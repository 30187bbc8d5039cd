"""Caches with one realistic fault each, and the requirement that must find it."""

from contracts.embedding_cache.faults import device, holding, memory, optional, storing, threads  # noqa: F401
from contracts.embedding_cache.faults.registry import FAULTS, Fault

__all__ = ["FAULTS", "Fault"]
