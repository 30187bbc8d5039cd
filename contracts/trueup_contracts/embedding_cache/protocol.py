"""What an implementation offers to the suite `embedding-cache`. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class CacheFactory(Protocol):
    """The declared target: a function, a class, or an object that can be called. It may have `capabilities`."""

    def __call__(self, capacity_bytes: int, device: str) -> Cache:
        """An empty cache; `device` is cpu or, under the capability `cuda`, cuda."""


class Cache(Protocol):
    """The calls that every cache has."""

    current_bytes: int
    capacity_bytes: int

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Stores it as most recent. False for lack of room: then nothing changes."""

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, which is most recent from now on, or nothing."""

    def __len__(self) -> int:
        """The number of entries."""

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry; this does not make it recent."""


class Optional(Protocol):
    """The calls that capabilities bring."""

    def keys(self) -> Sequence[str]:
        """Least to most recent (`keys`)."""

    def stats(self) -> Mapping[str, float]:
        """entries, current_bytes, capacity_bytes, utilization, hits, misses, evictions, hit_rate (`stats`)."""

    def remove(self, key: str) -> bool:
        """Whether there was such an entry (`remove`)."""

    def clear(self) -> Sequence[str]:
        """The removed keys in eviction order; pinned entries stay (`clear`)."""

    def shrink_to(self, bytes: int) -> Sequence[str]:
        """Evicts until no more than these bytes are held; the removed keys in eviction order (`shrink`)."""

    def set_with_delta(self, key: str, tensor: torch.Tensor) -> tuple[bool, Sequence[str], Sequence[str]]:
        """Stored, added keys, removed keys; an overwrite adds none (`delta`)."""

    def pin(self, key: str) -> bool:
        """One more pin; False where there is no such entry (`pinning`)."""

    def unpin(self, key: str) -> None:
        """One pin less; `ValueError` for what is not pinned (`pinning`)."""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The entry, or what `compute` makes; one computation per key at a time (`get_or_compute`)."""

    def metrics_text(self) -> bytes:
        """A Prometheus exposition (`metrics`)."""
