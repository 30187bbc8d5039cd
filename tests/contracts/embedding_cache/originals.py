"""Models of the caches in the field, as modules that the shipped adapters import: written from their behaviour.

Dynamo's first release (ai-dynamo/dynamo #5632) and its later form; SGLang's `MultiModalStaticCache` and vLLM's
`EncoderCacheManager` as in 2026. Each passes every MUST, except what SPEC.md says of it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import torch


class FirstRelease:
    """Tensors by content hash; what is not contiguous is an assertion error."""

    def __init__(self, capacity_bytes: int) -> None:
        self._cache: OrderedDict[str, Any] = OrderedDict()
        self._capacity_bytes = capacity_bytes
        self._current_bytes = self._hits = self._misses = 0

    @staticmethod
    def _size(tensor: torch.Tensor) -> int:
        assert tensor.is_contiguous()
        return tensor.element_size() * tensor.numel()

    def _tensor(self, entry: Any) -> torch.Tensor:
        tensor: torch.Tensor = entry
        return tensor

    def get(self, key: str) -> Any:
        if key not in self._cache:
            self._misses += 1
            return None
        self._hits += 1
        self._cache.move_to_end(key)
        return self._cache[key]

    def set(self, key: str, entry: Any) -> bool:
        size = self._size(self._tensor(entry))
        if size > self._capacity_bytes:
            return False
        if key in self._cache:
            self._forget(key)
        while self._cache and self._current_bytes + size > self._capacity_bytes:
            self._evict(next(iter(self._cache)))
        self._cache[key] = entry
        self._current_bytes += size
        return True

    def _forget(self, key: str) -> None:
        self._current_bytes -= self._size(self._tensor(self._cache.pop(key)))

    def _evict(self, key: str) -> None:
        self._forget(key)

    @property
    def stats(self) -> dict[str, float]:
        requests = self._hits + self._misses
        return {
            "entries": len(self._cache),
            "current_bytes": self._current_bytes,
            "capacity_bytes": self._capacity_bytes,
            "utilization": self._current_bytes / self._capacity_bytes if self._capacity_bytes > 0 else 0,
            "hits": self._hits,
            "misses": self._misses,
            "hit_rate": self._hits / requests if requests else 0.0,
        }


class CachedEmbedding(NamedTuple):
    tensor: torch.Tensor
    image_grid_thw: list[int] | None = None


class LaterForm(FirstRelease):
    """Entries are wrappers; keys and deltas are told, and evictions counted."""

    def __init__(self, capacity_bytes: int) -> None:
        super().__init__(capacity_bytes)
        self._gone: list[str] = []
        self._evictions = 0

    def _tensor(self, entry: Any) -> torch.Tensor:
        tensor: torch.Tensor = entry.tensor
        return tensor

    def _evict(self, key: str) -> None:
        super()._evict(key)
        self._gone.append(key)
        self._evictions += 1

    def keys(self) -> list[str]:
        return list(self._cache)

    def set_with_delta(self, key: str, entry: Any) -> tuple[bool, list[str], list[str]]:
        was_there = key in self._cache
        self._gone = []
        stored = self.set(key, entry)
        return stored, [key] if stored and not was_there else [], self._gone

    @property
    def stats(self) -> dict[str, float]:
        return super().stats | {"evictions": self._evictions}


@dataclass(kw_only=True)
class EmbeddingResult:
    embedding: torch.Tensor


class MultiModalStaticCache:
    """Keeps the old entry where a key is set again, and evicts everything before it refuses."""

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        self.mm_cache: OrderedDict[int, EmbeddingResult] = OrderedDict()
        self.current_size = 0

    @staticmethod
    def combine_hashes(mm_hashes: list[Any]) -> int | None:
        return hash(("random_seed", *mm_hashes)) if mm_hashes else None

    def get(self, mm_hashes: list[Any]) -> EmbeddingResult | None:
        combined = self.combine_hashes(mm_hashes)
        if combined is None or combined not in self.mm_cache:
            return None
        self.mm_cache.move_to_end(combined)
        return self.mm_cache[combined]

    def set(self, mm_hash: int, embedding: EmbeddingResult, loc: Any = None) -> bool:
        if mm_hash in self.mm_cache:
            self.mm_cache.move_to_end(mm_hash)
            return True
        size = embedding.embedding.numel() * embedding.embedding.element_size()
        while self.current_size + size > self.max_size:
            if not self.mm_cache:
                return False
            self.free(next(iter(self.mm_cache)), None)
        self.mm_cache[mm_hash] = embedding
        self.current_size += size
        return True

    def has(self, mm_hash: int) -> bool:
        return mm_hash in self.mm_cache

    def free(self, mm_hash: int, mm_embedding_allocator: Any) -> bool:
        if mm_hash not in self.mm_cache:
            return False
        gone = self.mm_cache.pop(mm_hash).embedding
        self.current_size -= gone.numel() * gone.element_size()
        return True

    def clear(self) -> None:
        self.mm_cache.clear()
        self.current_size = 0

    def __len__(self) -> int:
        return len(self.mm_cache)


class EncoderCacheManager:
    """Counts embeddings, and who refers to them; evicts what nobody refers to, oldest first, when it must."""

    def __init__(self, cache_size: int) -> None:
        self.cache_size = self.num_free_slots = self.num_freeable_slots = cache_size
        self.cached: dict[str, set[str]] = {}
        self.freeable: OrderedDict[str, int] = OrderedDict()
        self.freed: list[str] = []

    def check_and_update_cache(self, request: Any, input_id: int) -> bool:
        name = request.mm_features[input_id].identifier
        if name not in self.cached:
            return False
        if not self.cached[name]:
            self.num_freeable_slots -= self.freeable.pop(name)
        self.cached[name].add(request.request_id)
        return True

    def can_allocate(self, request: Any, input_id: int, budget: int, scheduled: int) -> bool:
        number = request.get_num_encoder_embeds(input_id)
        if number > budget:
            return False
        number += scheduled
        if number > self.num_freeable_slots:
            return bool(number <= self.num_free_slots)
        while number > self.num_free_slots:
            name, size = self.freeable.popitem(last=False)
            del self.cached[name]
            self.freed.append(name)
            self.num_free_slots += size
        return True

    def allocate(self, request: Any, input_id: int) -> None:
        number = request.get_num_encoder_embeds(input_id)
        assert min(self.num_free_slots, self.num_freeable_slots) >= number
        self.cached.setdefault(request.mm_features[input_id].identifier, set()).add(request.request_id)
        self.num_free_slots -= number
        self.num_freeable_slots -= number

    def free_encoder_input(self, request: Any, input_id: int) -> None:
        name = request.mm_features[input_id].identifier
        if not self.cached.get(name):
            return
        self.cached[name].discard(request.request_id)
        if not self.cached[name]:
            self.freeable[name] = request.get_num_encoder_embeds(input_id)
            self.num_freeable_slots += self.freeable[name]

    def get_freed_mm_hashes(self) -> list[str]:
        freed, self.freed = self.freed, []
        return freed


def modules(*, later: bool = True) -> dict[str, ModuleType]:
    """What the shipped adapters import, for `sys.modules`."""
    dynamo: dict[str, Any] = {"MultimodalEmbeddingCacheManager": FirstRelease}
    if later:
        dynamo = {"MultimodalEmbeddingCacheManager": LaterForm, "CachedEmbedding": CachedEmbedding}
    holding: dict[str, dict[str, Any]] = {
        "dynamo.common.memory.multimodal_embedding_cache_manager": dynamo,
        "sglang.srt.mem_cache.multimodal_cache": {
            "MultiModalStaticCache": MultiModalStaticCache,
            "EmbeddingResult": EmbeddingResult,
        },
        "vllm.v1.core.encoder_cache_manager": {"EncoderCacheManager": EncoderCacheManager},
    }
    made: dict[str, ModuleType] = {}
    for name, members in holding.items():
        parts = name.split(".")
        for number in range(1, len(parts) + 1):
            made.setdefault(".".join(parts[:number]), ModuleType(".".join(parts[:number])))
        vars(made[name]).update(members)
    return made
