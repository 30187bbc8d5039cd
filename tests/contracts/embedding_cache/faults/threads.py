"""Threads: EC-050 to EC-052."""

from __future__ import annotations

import torch

from contracts.embedding_cache.faults.registry import fault
from contracts.embedding_cache.hooked import Hooked


class _NoLock:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


@fault("EC-050")
class Unlocked(Hooked):
    """has no lock"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.lock = _NoLock()


@fault("EC-050")
class RemovesUnlocked(Hooked):
    """removes without the lock"""

    def remove(self, key: str) -> bool:
        entry = self.entries.get(key)
        if entry is not None:
            self.current_bytes -= self.entries.pop(key, entry).size
        return entry is not None


@fault("EC-051")
class CountsOutsideTheLock(Hooked):
    """counts in three steps outside the lock"""

    def get(self, key: str) -> torch.Tensor | None:
        hits, misses = self.hits, self.misses
        found = super().get(key)
        self.hits, self.misses = hits + (found is not None), misses + (found is None)
        return found


@fault("EC-052")
class IteratesUnlocked(Hooked):
    """iterates over its entries without the lock"""

    def keys(self) -> list[str]:
        return [str(key) for key in self.entries]
