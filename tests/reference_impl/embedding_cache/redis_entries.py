"""What the tests of the Redis backend share."""

from __future__ import annotations

import torch

from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

PATIENT_S = 20.0  # a slow machine is no fault


def bytes_of(size: int, value: int = 7) -> torch.Tensor:
    return torch.full((size,), value, dtype=torch.uint8)


def entry(cache: RedisCache, key: str) -> str:
    return f"{cache._prefix}{key}"
