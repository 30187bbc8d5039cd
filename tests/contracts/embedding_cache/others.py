"""Correct caches of other constructions: over cachetools, and a linked list with locks sharded by key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import cachetools
import torch

from trueup_contracts.errors import Unsupported


def _kept(tensor: Any, device: str) -> torch.Tensor:
    if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_meta:
        raise Unsupported("no plain tensor")
    if tensor.device.type != device or tensor.is_quantized or tensor.is_nested:
        raise Unsupported("no tensor for this cache")
    return tensor.detach().clone(memory_format=torch.contiguous_format)


def _capacity(capacity_bytes: Any) -> int:
    if type(capacity_bytes) is not int or capacity_bytes < 0:
        raise ValueError(f"no capacity: {capacity_bytes!r}")
    return capacity_bytes


class OnCachetools:
    """`cachetools.LRUCache` of release 8, copies, and a lock around everything."""

    capabilities = frozenset("keys stats remove clear shrink threads copies_on_set any_layout".split())

    def __init__(self, capacity_bytes: int, device: str) -> None:
        self.capacity_bytes = _capacity(capacity_bytes)
        self.device = device
        self.lock = threading.Lock()
        self.cache: Any = _Counting(maxsize=capacity_bytes, getsizeof=lambda tensor: tensor.nbytes)
        self.hits = self.misses = 0
        self.used = 0
        self.recent: dict[str, int] = {}  # key to when it was last used: cachetools does not show its order

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        kept = _kept(tensor, self.device)
        with self.lock:
            if kept.nbytes > self.capacity_bytes:
                return False
            self.cache.pop(key, None)  # else it may be the victim of its own overwrite, and count as one
            self.cache[key] = kept
            self.touch(key)
            return True

    def touch(self, key: str) -> None:
        self.used += 1
        self.recent[key] = self.used

    def get(self, key: str) -> torch.Tensor | None:
        with self.lock:
            found: torch.Tensor | None = self.cache.get(key)
            if found is None:
                self.misses += 1
            else:
                self.hits += 1
                self.touch(key)
            return found

    def keys(self) -> list[str]:
        with self.lock:
            return sorted(self.cache, key=self.recent.__getitem__)

    def remove(self, key: str) -> bool:
        with self.lock:
            return self.cache.pop(key, None) is not None

    def clear(self) -> list[str]:
        return self.shrink_to(-1)

    def shrink_to(self, bytes: int) -> list[str]:
        gone = []
        with self.lock:
            while self.cache and self.cache.currsize > bytes:
                key = min(self.cache, key=self.recent.__getitem__)
                self.cache.pop(key)
                gone.append(key)
        return gone

    def stats(self) -> dict[str, float]:
        with self.lock:
            requests, used = self.hits + self.misses, self.cache.currsize
            return {
                "entries": len(self.cache),
                "current_bytes": used,
                "capacity_bytes": self.capacity_bytes,
                "utilization": used / self.capacity_bytes if self.capacity_bytes else 0,
                "hits": self.hits,
                "misses": self.misses,
                "evictions": self.cache.evictions,
                "hit_rate": self.hits / requests if requests else 0,
            }

    @property
    def current_bytes(self) -> int:
        with self.lock:
            return int(self.cache.currsize)

    def __len__(self) -> int:
        return len(self.cache)

    def __contains__(self, key: str) -> bool:
        with self.lock:
            return key in self.cache


class _Counting(cachetools.LRUCache[str, torch.Tensor]):
    """Counts what was evicted to make room."""

    evictions = 0

    def popitem(self) -> tuple[str, torch.Tensor]:
        self.evictions += 1
        return super().popitem()


class _Node:
    def __init__(self, key: str, tensor: torch.Tensor | None, size_bytes: int) -> None:
        self.key = key
        self.tensor = tensor
        self.size_bytes = size_bytes
        self.before = self.after = self


SHARDS = 4


class Sharded:
    """Entries in shards by key, each with a lock; one ring of nodes for the order and one ledger, with theirs.

    Whoever needs both takes the order's lock first.
    """

    capabilities = frozenset("keys stats remove clear delta threads copies_on_set copies_on_get any_layout".split())

    def __init__(self, capacity_bytes: int, device: str) -> None:
        self.capacity_bytes = _capacity(capacity_bytes)
        self.device = device
        self.order_lock = threading.Lock()
        self.ring = _Node("", None, 0)  # after it the least recent, before it the most recent
        self.shards: list[tuple[threading.Lock, dict[str, _Node]]] = [(threading.Lock(), {}) for _ in range(SHARDS)]
        self.current_bytes = self.number = self.hits = self.misses = self.evictions = 0

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        return self.set_with_delta(key, tensor)[0]

    def set_with_delta(self, key: str, tensor: torch.Tensor) -> tuple[bool, list[str], list[str]]:
        kept = _kept(tensor, self.device)
        if kept.nbytes > self.capacity_bytes:
            return False, [], []
        gone = []
        with self.order_lock:
            is_new = not self.take_out(key)
            while self.current_bytes + kept.nbytes > self.capacity_bytes:
                gone.append(self.ring.after.key)
                self.take_out(self.ring.after.key)
            self.evictions += len(gone)
            node = _Node(key, kept, kept.nbytes)
            lock, nodes = self.shard(key)
            with lock:
                nodes[key] = node
            self.link(node)
            self.current_bytes += node.size_bytes
            self.number += 1
        return True, [key] if is_new else [], gone

    def shard(self, key: str) -> tuple[threading.Lock, dict[str, _Node]]:
        return self.shards[hash(key) % SHARDS]

    def take_out(self, key: str) -> bool:
        """Under the order's lock."""
        lock, nodes = self.shard(key)
        with lock:
            node = nodes.pop(key, None)
        if node is None:
            return False
        self.unlink(node)
        self.current_bytes -= node.size_bytes
        self.number -= 1
        return True

    def link(self, node: _Node) -> None:
        node.before, node.after = self.ring.before, self.ring
        self.ring.before.after = self.ring.before = node

    def unlink(self, node: _Node) -> None:
        node.before.after, node.after.before = node.after, node.before

    def get(self, key: str) -> torch.Tensor | None:
        with self.order_lock:
            lock, nodes = self.shard(key)
            with lock:
                node = nodes.get(key)
            if node is None:
                self.misses += 1
                return None
            self.hits += 1
            self.unlink(node)
            self.link(node)
            tensor = node.tensor
        assert tensor is not None
        return tensor.clone()

    def remove(self, key: str) -> bool:
        with self.order_lock:
            return self.take_out(key)

    def clear(self) -> list[str]:
        with self.order_lock:
            gone = list(self.walk())
            for key in gone:
                self.take_out(key)
            return gone

    def keys(self) -> list[str]:
        with self.order_lock:
            return list(self.walk())

    def walk(self) -> Iterator[str]:
        node = self.ring.after
        while node is not self.ring:
            yield node.key
            node = node.after

    def stats(self) -> dict[str, float]:
        with self.order_lock:
            requests = self.hits + self.misses
            return {
                "entries": self.number,
                "current_bytes": self.current_bytes,
                "capacity_bytes": self.capacity_bytes,
                "utilization": self.current_bytes / self.capacity_bytes if self.capacity_bytes else 0,
                "hits": self.hits,
                "misses": self.misses,
                "evictions": self.evictions,
                "hit_rate": self.hits / requests if requests else 0,
            }

    def __len__(self) -> int:
        return self.number

    def __contains__(self, key: str) -> bool:
        lock, nodes = self.shard(key)
        with lock:
            return key in nodes


OTHERS = (OnCachetools, Sharded)
