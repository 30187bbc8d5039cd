"""What capabilities promise: EC-060 to EC-101."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from contracts.embedding_cache.faults.registry import fault
from contracts.embedding_cache.hooked import Entry, Hooked, Keeping


@fault("EC-060")
class NeverStores(Hooked):
    """does not store what it computed"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        found = self.get(key)
        return compute() if found is None else found


@fault("EC-061")
class Herd(Hooked):
    """computes for every thread that misses"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        found = self.get(key)
        if found is None:
            found = compute()
            self.set(key, found)
        return found


@fault("EC-061")
class OneAtATime(Hooked):
    """computes one key at a time"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        with self.lock:
            found = self.get(key)
            if found is None:
                found = compute()
                self.set(key, found)
            return found


@fault("EC-062")
class Poisons(Hooked):
    """keeps the exception of a computation"""

    def end_flight(self, key: str, flight: dict[str, Any]) -> None:
        if "error" in flight:
            flight["done"].set()
        else:
            super().end_flight(key, flight)


@fault("EC-063")
class TooLargeIsAnError(Hooked):
    """fails when what it computed is too large"""

    def landed(self, flight: dict[str, Any]) -> torch.Tensor:
        if "result" in flight and self.too_large(self.size(flight["result"])):
            raise ValueError("too large")
        return super().landed(flight)


@fault("EC-070")
class TellsEvictedAfterStoring(Hooked):
    """tells an overwritten key as removed"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        was_there = key in self.entries
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, added, [*removed, key] if was_there and stored else removed


@fault("EC-070")
class TellsOneEviction(Hooked):
    """tells the first evicted key only"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, added, removed[:1]


@fault("EC-071")
class OverwriteAdds(Hooked):
    """tells an overwritten key as added"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, [key] if stored else added, removed


@fault("EC-080")
class EvictsPinned(Hooked):
    """evicts pinned entries where nothing else is left"""

    def plan(self, key: str, size: int) -> list[str] | None:
        return super().plan(key, size) or [
            name for name in self.entries if self.current_bytes + size > self.capacity_bytes and name != key
        ]


@fault("EC-081")
class PinsOnce(Hooked):
    """does not count pins"""

    def add_pin(self, entry: Entry) -> None:
        entry.pins = 1


@fault("EC-082")
class OverwritesPinned(Hooked):
    """overwrites pinned entries"""

    def plan(self, key: str, size: int) -> list[str] | None:
        old = self.entries.get(key)
        if old is None:
            return super().plan(key, size)
        pins, old.pins = old.pins, 0
        gone = super().plan(key, size)
        old.pins = pins
        return gone


@fault("EC-083")
class OwesReleases(Hooked):
    """counts releases below zero"""

    def unpin(self, key: str) -> None:
        with self.lock:
            if key not in self.entries:
                raise ValueError("not there")
            self.entries[key].pins -= 1


@fault("EC-084")
class ClearsPinned(Hooked):
    """clears pinned entries"""

    def clear(self) -> list[str]:
        for entry in self.entries.values():
            entry.pins = 0
        return super().clear()


@fault("EC-090")
class ShrinksTooFar(Hooked):
    """shrinks below what was asked"""

    def shrink_to(self, bytes: int) -> list[str]:
        return super().shrink_to(bytes - 1)


@fault("EC-095")
class CountsSharedTwice(Keeping):
    """counts storage that entries share for each of them"""

    capabilities = Keeping.capabilities | {"shared_storage"}

    def size(self, tensor: torch.Tensor) -> int:
        return tensor.untyped_storage().nbytes()


@fault("EC-100")
class KeysAsLabels(Hooked):
    """has a series for each key"""

    def metrics_text(self) -> bytes:
        lines = [f'cache_entry{{key="{key}"}} {entry.size}\n' for key, entry in self.entries.items()]
        return super().metrics_text() + b"# TYPE cache_entry gauge\n" + "".join(lines).encode()


@fault("EC-101")
class GaugeOfTheHighest(Hooked):
    """shows the most entries there ever were"""

    most = 0

    def metrics_text(self) -> bytes:
        self.most = max(self.most, len(self.entries))
        return super().metrics_text() + f"# TYPE cache_most gauge\ncache_most {self.most}\n".encode()

    def store(self, key: str, entry: Entry) -> None:
        super().store(key, entry)
        self.most = max(self.most, len(self.entries))


@fault("EC-096")
class ForgetsTheBase(Keeping):
    """counts shared storage with its first view alone, and gives it back with that"""

    capabilities = Keeping.capabilities | {"shared_storage"}

    def size(self, tensor: torch.Tensor) -> int:
        held = [entry.tensor.untyped_storage().data_ptr() for entry in self.entries.values()]
        return 0 if tensor.untyped_storage().data_ptr() in held else tensor.untyped_storage().nbytes()


@fault("EC-096")
class OrderOfStrides(Hooked):
    """copies what is transposed in the order of its storage"""

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.dim() == 2 and tensor.stride(0) < tensor.stride(1):
            return tensor.t().clone(memory_format=torch.contiguous_format).view(tensor.shape)
        return super().copy(tensor)
