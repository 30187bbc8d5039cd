"""Adapters for caches that do not have the protocol's calls: `--contracts-impl "embedding-cache = cachetools"`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trueup_contracts.errors import Unsupported

if TYPE_CHECKING:
    import torch


class CachetoolsLRU:
    """`cachetools.LRUCache` with tensors' bytes for `getsizeof`. Its overwrite is right from 8.0 on (EC-007)."""

    capabilities = frozenset({"remove", "clear", "any_layout"})
    name = "cachetools.LRUCache"

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """A plain whole number of bytes."""
        try:
            import cachetools
        except ImportError:
            raise Unsupported("cachetools is not installed: pip install cachetools") from None
        if isinstance(capacity_bytes, bool) or not isinstance(capacity_bytes, int) or capacity_bytes < 0:
            raise ValueError(f"capacity_bytes is {capacity_bytes!r}")
        self._cache: Any = cachetools.LRUCache(maxsize=capacity_bytes, getsizeof=_storage_bytes)
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """False where cachetools raises ValueError for a value that is too large."""
        import torch

        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_meta:
            raise Unsupported("a plain tensor is due")
        try:
            self._cache[key] = tensor.detach()
        except ValueError:
            return False
        return True

    def get(self, key: str) -> torch.Tensor | None:
        """`LRUCache.get` refreshes."""
        found: torch.Tensor | None = self._cache.get(key)
        return found

    def remove(self, key: str) -> bool:
        """`pop`, without an error."""
        return self._cache.pop(key, None) is not None

    def clear(self) -> list[str]:
        """Entry by entry, since `clear` tells no keys."""
        return [self._cache.popitem()[0] for _ in range(len(self._cache))]

    @property
    def current_bytes(self) -> int:
        """cachetools' `currsize`."""
        found: int = self._cache.currsize
        return found

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._cache)

    def __contains__(self, key: str) -> bool:
        """Does not refresh."""
        return key in self._cache


class DuckTyped:
    """Any cache of the first release's shape: `set`, `get`, `stats`, `_current_bytes`, entries in `_cache`.

    Subclass it and name your class: `class Mine(DuckTyped): make = staticmethod(my_engine.EmbeddingCache)`. An entry
    may be a wrapper with an attribute `tensor`.
    """

    capabilities = frozenset({"stats"})
    make: Any = None

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """Calls `make(capacity_bytes)`."""
        if self.make is None:
            raise TypeError("name the class of the cache: make = staticmethod(my_engine.EmbeddingCache)")
        self.cache: Any = self.make(capacity_bytes)
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Caches that answer nothing have stored."""
        answer = self.cache.set(key, tensor)
        return True if answer is None else bool(answer)

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, out of its wrapper."""
        found = self.cache.get(key)
        unwrapped: torch.Tensor | None = getattr(found, "tensor", found)
        return unwrapped

    def stats(self) -> Any:
        """A method or an attribute."""
        found = self.cache.stats
        return found() if callable(found) else found

    @property
    def current_bytes(self) -> int:
        """`_current_bytes`, or `current_bytes`."""
        name = "_current_bytes" if hasattr(self.cache, "_current_bytes") else "current_bytes"
        return int(getattr(self.cache, name))

    def __len__(self) -> int:
        """`len` of the cache, or its stats' entries."""
        return len(self.cache) if hasattr(self.cache, "__len__") else int(self.stats()["entries"])

    def __contains__(self, key: str) -> bool:
        """By the cache's own `in`, or by its dictionary: `get` would refresh."""
        return key in (self.cache if hasattr(self.cache, "__contains__") else self.cache._cache)


def _storage_bytes(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes()
