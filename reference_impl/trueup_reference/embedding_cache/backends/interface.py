"""What every backend offers, and how one is chosen by a line of configuration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import torch

from trueup_reference.embedding_cache.cache import EmbeddingCache


class Backend(Protocol):
    """The calls of all caches. `EmbeddingCache` has pins and deltas besides, which only one process can promise."""

    name: str
    capacity_bytes: int
    device: torch.device

    @property
    def current_bytes(self) -> int:
        """The bytes of the entries."""

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Stores it as most recent. False for lack of room, or where the backend does not answer."""

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, most recent from now on; `None` where there is none, or the backend does not answer."""

    def set_many(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, bool]:
        """`set` of each, in this order."""

    def get_many(self, keys: Iterable[str]) -> list[torch.Tensor | None]:
        """`get` of each, in this order."""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The entry, or what `compute` makes; one computation per key at a time in this process."""

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[torch.Tensor]]) -> torch.Tensor:
        """The same in an event loop."""

    def remove(self, key: str) -> bool:
        """Whether there was such an entry."""

    def clear(self) -> list[str]:
        """The removed keys, least recent first."""

    def shrink_to(self, bytes: int) -> list[str]:
        """Evicts until no more than these bytes are held; the keys, least recent first."""

    def keys(self) -> list[str]:
        """Least to most recent."""

    def stats(self) -> dict[str, float]:
        """Entries and bytes, and this process's requests so far."""

    def metrics_text(self) -> bytes:
        """A Prometheus exposition."""

    def __len__(self) -> int:
        """The number of entries."""

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry; this makes it no more recent."""


def open_cache(where: str, capacity_bytes: int, device: str | torch.device = "cpu", **options: Any) -> Backend:
    """The cache that `where` names: `memory`, or a Redis server by its URL (`redis://`, `rediss://`, `unix://`).

    The options are those of the class. `ValueError` for another name, `ImportError` where `trueup[redis]` is missing.
    """
    if where == "memory":
        return EmbeddingCache(capacity_bytes, device, **options)
    scheme = where.partition(":")[0]
    if where.startswith(("redis://", "rediss://", "unix://")):
        from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

        return RedisCache(where, capacity_bytes, device, **options)
    # The rest of a URL may hold a password.
    raise ValueError(f"{scheme!r} is no backend: memory, redis://, rediss:// or unix:// is due")
