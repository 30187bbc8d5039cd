"""Adapters for caches that do not have the protocol's calls: `--contracts-impl "embedding-cache = cachetools"`.

Each imports what it `adapts` (the module, and the package that brings it) before it is asked anything. `DuckTyped` is
for a class of your own.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from trueup_contracts.errors import Unsupported

if TYPE_CHECKING:
    import torch


class CachetoolsLRU:
    """`cachetools.LRUCache` with tensors' bytes for `getsizeof`. Its overwrite is right from 8.0 on (EC-007)."""

    capabilities = frozenset({"remove", "clear", "any_layout"})
    name = "cachetools.LRUCache"
    adapts = ("cachetools", "cachetools")

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """A plain whole number of bytes."""
        cachetools = imported(*self.adapts)
        if isinstance(capacity_bytes, bool) or not isinstance(capacity_bytes, int) or capacity_bytes < 0:
            raise ValueError(f"capacity_bytes is {capacity_bytes!r}")
        self._cache: Any = cachetools.LRUCache(maxsize=capacity_bytes, getsizeof=_storage_bytes)
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """False where cachetools raises ValueError for a value that is too large."""
        try:
            self._cache[key] = _plain(tensor).detach()
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
    """Any cache of the shape `set`, `get`, `stats`, with `_current_bytes` and `_cache`, as Dynamo's first release had.

    Subclass it and name your class; what its class has besides is claimed by itself:

        class Mine(DuckTyped):
            make = my_engine.EmbeddingCache      # called with the capacity in bytes
            wrap = my_engine.CachedEmbedding     # where an entry is a wrapper with an attribute `tensor`
    """

    make: ClassVar[Callable[..., Any] | None] = None
    wrap: ClassVar[Any] = None  # what makes an entry of a tensor
    capabilities: ClassVar[frozenset[str]] = frozenset()

    _BY_NAME: ClassVar[dict[str, str]] = {
        "keys": "keys",
        "stats": "stats",
        "remove": "remove",
        "clear": "clear",
        "set_with_delta": "delta",
        "pin": "pinning",
        "shrink_to": "shrink",
        "metrics_text": "metrics",
    }

    def __init_subclass__(cls) -> None:
        """Claims what the class has; claims of your own are kept."""
        if cls.make is not None:
            has = {claim for name, claim in cls._BY_NAME.items() if hasattr(cls.make, name)}
            cls.capabilities = cls.capabilities | has

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """Calls `make(capacity_bytes)`."""
        made = type(self).make
        if made is None:
            raise TypeError("name the class of the cache: class Mine(DuckTyped): make = my_engine.EmbeddingCache")
        self.cache: Any = made(capacity_bytes)
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Caches that answer nothing have stored."""
        answer = self.cache.set(key, self._wrapped(tensor))
        return True if answer is None else bool(answer)

    def set_with_delta(self, key: str, tensor: torch.Tensor) -> tuple[bool, list[str], list[str]]:
        """The cache's own, whatever the class of its answer."""
        stored, added, removed = self.cache.set_with_delta(key, self._wrapped(tensor))
        return stored, list(added), list(removed)

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
        """`len` of the cache, or of its dictionary."""
        return len(self.cache if hasattr(self.cache, "__len__") else self.cache._cache)

    def __contains__(self, key: str) -> bool:
        """By the cache's own `in`, or by its dictionary: `get` would refresh."""
        return key in (self.cache if hasattr(self.cache, "__contains__") else self.cache._cache)

    def __getattr__(self, name: str) -> Any:
        """What the cache has besides is its own affair."""
        if name.startswith("_") or "cache" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self.cache, name)

    def _wrapped(self, tensor: torch.Tensor) -> Any:
        wrap = type(self).wrap
        return tensor if wrap is None else wrap(tensor)


class _Dynamo:
    """Dynamo's `MultimodalEmbeddingCacheManager`; in later releases its entries are `CachedEmbedding`."""

    name = "dynamo.common.memory.MultimodalEmbeddingCacheManager"
    adapts = ("dynamo.common.memory.multimodal_embedding_cache_manager", "ai-dynamo")

    @property
    def capabilities(self) -> frozenset[str]:
        """What the installed release has; releases differ."""
        try:
            return self._adapted().capabilities
        except Unsupported:
            return frozenset()

    def __call__(self, capacity_bytes: int, device: str) -> DuckTyped:
        """Adapted by its shape."""
        return self._adapted()(capacity_bytes, device)

    def _adapted(self) -> type[DuckTyped]:
        module = imported(*self.adapts)

        class Adapted(DuckTyped):
            make = module.MultimodalEmbeddingCacheManager
            wrap = getattr(module, "CachedEmbedding", None)

        return Adapted


dynamo = _Dynamo()


class SglangStatic:
    """SGLang's `MultiModalStaticCache`. It keeps the old entry where a key is set again: the adapter frees it first."""

    capabilities = frozenset({"keys", "remove", "clear"})
    name = "sglang.srt.mem_cache.multimodal_cache.MultiModalStaticCache"
    adapts = ("sglang.srt.mem_cache.multimodal_cache", "sglang")

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """Its unit is the byte too."""
        self._module = imported(*self.adapts)
        self._cache: Any = self._module.MultiModalStaticCache(capacity_bytes)
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Keys are one item's hash; `get` asks for the combination of one."""
        hashed, size_bytes = self._hash(key), _plain(tensor).nbytes
        if key in self:
            if size_bytes > self.capacity_bytes:
                return False  # it would answer True, and keep the old entry
            self._cache.free(hashed, None)
        stored = bool(self._cache.set(hashed, self._module.EmbeddingResult(embedding=tensor)))
        self._names[hashed] = key
        return stored

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, out of its `EmbeddingResult`."""
        found = self._cache.get([key])
        tensor: torch.Tensor | None = None if found is None else found.embedding
        return tensor

    def keys(self) -> list[str]:
        """Its dictionary is in order of use."""
        return [self._names[hashed] for hashed in self._cache.mm_cache]

    def remove(self, key: str) -> bool:
        """`free`."""
        return bool(self._cache.free(self._hash(key), None))

    def clear(self) -> list[str]:
        """It answers nothing itself."""
        gone = self.keys()
        self._cache.clear()
        return gone

    @property
    def current_bytes(self) -> int:
        """Its `current_size`."""
        found: int = self._cache.current_size
        return found

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._cache)

    def __contains__(self, key: str) -> bool:
        """`has`."""
        return bool(self._cache.has(self._hash(key)))

    @property
    def _names(self) -> dict[Any, str]:
        names: dict[Any, str] = self.__dict__.setdefault("_by_hash", {})
        return names

    def _hash(self, key: str) -> Any:
        return self._cache.combine_hashes([key])


class VllmEncoderCache:
    """vLLM's `EncoderCacheManager`, with a dictionary of tensors for the worker that it tells what to drop.

    It counts embeddings: here one is one byte. A request that is done has no reference any more, so the oldest one is
    evicted first; `pin` is a request that is not done. It has no overwrite, since its keys are hashes of the content:
    the adapter takes the old entry out by the manager's documented attributes.
    """

    capabilities = frozenset({"remove", "pinning", "delta"})
    name = "vllm.v1.core.encoder_cache_manager.EncoderCacheManager"
    adapts = ("vllm.v1.core.encoder_cache_manager", "vllm")

    def __init__(self, capacity_bytes: int, device: str) -> None:
        """`cache_size` is the capacity."""
        module = imported(*self.adapts)
        self._manager: Any = module.EncoderCacheManager(capacity_bytes)
        self._tensors: dict[str, torch.Tensor] = {}
        self._pins: dict[str, list[Any]] = {}
        self._ids = itertools.count()
        self.capacity_bytes = capacity_bytes

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """`can_allocate`, `allocate`, and the request is done."""
        return self.set_with_delta(key, tensor)[0]

    def set_with_delta(self, key: str, tensor: torch.Tensor) -> tuple[bool, list[str], list[str]]:
        """What was evicted is what the manager tells its workers."""
        request = self._request(key, _plain(tensor).nbytes)
        old = self._tensors.get(key)
        if self._pins.get(key) or request.get_num_encoder_embeds(0) > self._room_bytes():
            return False, [], []
        self.remove(key)
        if not self._manager.can_allocate(request, 0, self.capacity_bytes, 0):
            raise RuntimeError("the manager has less room than its numbers say")
        self._manager.allocate(request, 0)
        self._manager.free_encoder_input(request, 0)
        self._tensors[key] = tensor
        freed = self._manager.get_freed_mm_hashes()
        for one in freed:
            del self._tensors[one]
        return True, [key] if old is None else [], freed

    def get(self, key: str) -> torch.Tensor | None:
        """A request that finds its input, and is done."""
        request = self._request(key)
        if not self._manager.check_and_update_cache(request, 0):
            return None
        self._manager.free_encoder_input(request, 0)
        return self._tensors[key]

    def remove(self, key: str) -> bool:
        """By the manager's attributes: it has no call for it."""
        if key not in self._manager.freeable:
            return False
        self._manager.num_free_slots += self._manager.freeable.pop(key)
        del self._manager.cached[key], self._tensors[key]
        return True

    def pin(self, key: str) -> bool:
        """One more request that uses it."""
        request = self._request(key)
        if not self._manager.check_and_update_cache(request, 0):
            return False
        self._pins.setdefault(key, []).append(request)
        return True

    def unpin(self, key: str) -> None:
        """One of them is done."""
        if not self._pins.get(key):
            raise ValueError("it is not pinned")
        self._manager.free_encoder_input(self._pins[key].pop(), 0)

    @property
    def current_bytes(self) -> int:
        """What is not free."""
        return int(self.capacity_bytes - self._manager.num_free_slots)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._manager.cached)

    def __contains__(self, key: str) -> bool:
        """Without a request."""
        return key in self._manager.cached

    def _room_bytes(self) -> int:
        return int(self._manager.num_freeable_slots)  # an old entry that is not pinned is among them

    def _request(self, key: str, size_bytes: int | None = None) -> Any:
        size_bytes = self._tensors[key].nbytes if size_bytes is None and key in self._tensors else size_bytes
        return SimpleNamespace(
            request_id=f"request {next(self._ids)}",
            mm_features=[SimpleNamespace(identifier=key)],
            get_num_encoder_embeds=lambda _: size_bytes,
        )


def imported(module: str, package: str) -> Any:
    """A module that an adapter `adapts`. `Unsupported` names the package that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Unsupported(f"{module} cannot be imported ({error}): pip install {package}") from None


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor; `Unsupported` for what these caches would take without being able to count it."""
    import torch

    if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_meta:
        raise Unsupported("a plain tensor is due")
    if tensor.is_nested or tensor.is_quantized:
        raise Unsupported("its bytes are not elements times element size")
    return tensor


def _storage_bytes(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().nbytes()
