"""What other processes of the Redis tests do: `python -m reference_impl.embedding_cache.sharing_processes URL ...`."""

from __future__ import annotations

import random
import sys

import torch

from trueup_reference.embedding_cache.backends.redis_cache import RedisCache

SIZES_BYTES = (1, 100, 1000, 3000)


def fill(key: str, size_bytes: int) -> torch.Tensor:
    """What every process stores under this key."""
    return torch.full((size_bytes,), sum(key.encode()) % 251, dtype=torch.uint8)


def churn(url: str, capacity_bytes: int, rounds: int, seed: int) -> None:
    """Sets, gets and removes, of keys that other processes use too; ends with an error at the first wrong byte."""
    choices = random.Random(seed)
    cache = RedisCache(url, capacity_bytes, raises=True, timeout_s=20)
    most = 0
    for _ in range(rounds):
        key = f"key {choices.randrange(60)}"
        chance = choices.random()
        if chance < 0.6:
            assert cache.set(key, fill(key, choices.choice(SIZES_BYTES)))
        elif chance < 0.95:
            got = cache.get(key)
            assert got is None or bool((got == fill(key, 1)).all()), f"{key}: other bytes"
        else:
            cache.remove(key)
        if choices.random() < 0.1:
            most = max(most, cache.current_bytes)
            assert most <= capacity_bytes, f"{most} bytes of {capacity_bytes}"
    print(int(cache.stats()["evictions"]), most)


if __name__ == "__main__":
    churn(sys.argv[1], *map(int, sys.argv[2:]))
