"""What must be refused, threads, and memory: WS-050 to WS-061."""

from __future__ import annotations

import time
from typing import Any

from contracts.worker_selection.faults.registry import fault
from contracts.worker_selection.hooked import Hooked


@fault("WS-050")
class AnySetting(Hooked):
    """takes any number for a setting"""

    def check_settings(self, block_size: Any, overlap_weight: Any, temperature: Any, seed: Any) -> None:
        for value in (block_size, overlap_weight, temperature):
            if not isinstance(value, int | float):
                raise TypeError("no number")


@fault("WS-051")
class AnyDepth(Hooked):
    """believes every overlap"""

    def check_depth(self, depth: Any) -> None:
        if not isinstance(depth, int | float):
            raise TypeError("no number")


@fault("WS-051")
class AnyLength(Hooked):
    """clamps senseless lengths"""

    def check_isl(self, isl: Any) -> None:
        if not isinstance(isl, int):
            raise TypeError("no integer")


@fault("WS-051")
class AnyHash(Hooked):
    """takes whatever can be hashed for a hash"""

    def check_hashes(self, hashes: Any) -> None:
        set(hashes)


@fault("WS-052")
class BooksBeforeItChecks(Hooked):
    """reserves the id of a request before it checks the rest"""

    def check_id(self, identity: Any) -> None:
        super().check_id(identity)
        self.reserved: set[str] = getattr(self, "reserved", set())
        if identity in self.reserved and identity not in self.requests:
            raise ValueError("reserved")
        self.reserved.add(identity)

    def free(self, id: str) -> None:
        getattr(self, "reserved", set()).discard(id)
        super().free(id)


class NoLock:
    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


@fault("WS-060")
class WithoutALock(Hooked):
    """has no lock"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.lock = NoLock()


@fault("WS-060")
class FreesWithoutALock(Hooked):
    """books under its lock, and frees outside it"""

    def free(self, id: str) -> None:
        held, self.lock = self.lock, NoLock()
        try:
            time.sleep(0)
            super().free(id)
        finally:
            self.lock = held


@fault("WS-061")
class KeepsFreedIds(Hooked):
    """keeps every id that was freed, so that it may be freed again"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.gone: set[str] = set()

    def free(self, id: str) -> None:
        super().free(id)
        self.gone.add(id)
