"""A cache whose every decision is a method, so that a fault is a line. An ordered dictionary and one lock."""

from __future__ import annotations

import os
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

from trueup_contracts.errors import Unsupported

CLAIMS = (
    "keys stats remove clear delta pinning shrink get_or_compute metrics threads copies_on_set copies_on_get any_layout"
)


_LIVING: weakref.WeakSet[Hooked] = weakref.WeakSet()


def _after_fork() -> None:
    for cache in list(_LIVING):
        cache.after_fork()


os.register_at_fork(after_in_child=_after_fork)


class Entry:
    def __init__(self, tensor: torch.Tensor, size: int, ready: Any) -> None:
        self.tensor = tensor
        self.size = size
        self.ready = ready
        self.pins = 0


class Hooked:
    """Correct as it stands."""

    capabilities = frozenset(CLAIMS.split())

    def __init__(self, capacity_bytes: int, device: str) -> None:
        self.check_capacity(capacity_bytes)
        self.capacity_bytes = capacity_bytes
        self.device = torch.empty(0, device=device).device
        self.lock: Any = threading.RLock()
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self.current_bytes = 0
        self.hits = self.misses = self.evictions = 0
        self.flights: dict[str, dict[str, Any]] = {}
        _LIVING.add(self)

    def after_fork(self) -> None:
        """In the child: who held the lock is not there, and what it was doing may be half done."""
        self.lock = threading.RLock()
        self.entries.clear()
        self.current_bytes = 0

    def check_capacity(self, capacity_bytes: Any) -> None:
        if isinstance(capacity_bytes, bool) or not isinstance(capacity_bytes, int) or capacity_bytes < 0:
            raise ValueError("no capacity")

    # One tensor.

    def check(self, tensor: Any) -> torch.Tensor:
        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_meta:
            raise Unsupported("no plain tensor")
        if tensor.is_nested or tensor.is_quantized:
            raise Unsupported("other bytes")
        if tensor.device != self.device:
            raise Unsupported("another device")
        return self.detached(tensor)

    def detached(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.detach()

    def size(self, tensor: torch.Tensor) -> int:
        return tensor.numel() * tensor.element_size()

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone(memory_format=torch.contiguous_format)

    def keep(self, tensor: torch.Tensor) -> Entry:
        size = self.size(tensor)
        try:
            kept = self.copy(tensor)
        except RuntimeError:
            self.make_room(size)
            kept = self.copy(tensor)
        return Entry(kept, size, self.made(tensor))

    def make_room(self, size: int) -> None:
        """After a copy has found no memory."""
        limit = self.current_bytes - size
        for key in self.order():
            if self.current_bytes > limit and not self.is_pinned(self.entries[key]):
                self.evict(key)

    def made(self, tensor: torch.Tensor) -> Any:
        if not tensor.is_cuda:
            return None
        self.protect(tensor)
        event: Any = torch.cuda.Event()
        event.record()
        return event

    def protect(self, tensor: torch.Tensor) -> None:
        tensor.record_stream(torch.cuda.current_stream())

    def wait(self, entry: Entry) -> None:
        torch.cuda.current_stream().wait_event(entry.ready)

    def handed(self, entry: Entry) -> torch.Tensor:
        if entry.tensor.is_cuda:
            self.wait(entry)
            self.lend(entry.tensor)
        return self.copy_out(entry.tensor)

    def lend(self, tensor: torch.Tensor) -> None:
        tensor.record_stream(torch.cuda.current_stream())

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.clone()

    # Storing.

    def name(self, key: str) -> str:
        return key

    def set(self, key: str, tensor: Any) -> bool:
        return self.set_with_delta(key, tensor)[0]

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        key = self.name(key)
        tensor = self.check(tensor)
        with self.lock:
            if self.too_large(self.size(tensor)):
                self.refused(key, tensor)
                return False, [], []
            gone = self.plan(key, self.size(tensor))
            if gone is None:
                return False, [], []
            entry = self.keep(tensor)
            is_new = key not in self.entries
            gone = [name for name in gone if name in self.entries]
            for name in gone:
                self.evict(name)
            self.store(key, entry)
            return True, [key] if is_new else [], gone

    def too_large(self, size: int) -> bool:
        return size > self.capacity_bytes

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        pass

    def plan(self, key: str, size: int) -> list[str] | None:
        old = self.entries.get(key)
        if old is not None and self.is_pinned(old):
            return None
        total = self.current_bytes + size - (old.size if old is not None else 0)
        gone = []
        for name in self.order():
            if not self.exceeds(total):
                break
            if name != key and not self.is_pinned(self.entries[name]):
                gone.append(name)
                total -= self.entries[name].size
        return None if self.exceeds(total) else gone

    def order(self) -> list[str]:
        return list(self.entries)

    def exceeds(self, total: int) -> bool:
        return total > self.capacity_bytes

    def is_pinned(self, entry: Entry) -> bool:
        return entry.pins > 0

    def evict(self, key: str) -> None:
        self.current_bytes -= self.entries.pop(key).size
        self.evictions += 1

    def store(self, key: str, entry: Entry) -> None:
        old = self.entries.pop(key, None)
        if old is not None:
            self.give_back(old)
        self.entries[key] = entry
        self.current_bytes += entry.size

    def give_back(self, old: Entry) -> None:
        self.current_bytes -= old.size

    # Asking.

    def get(self, key: str) -> torch.Tensor | None:
        key = self.name(key)
        with self.lock:
            entry = self.entries.get(key)
            self.count(entry is not None)
            if entry is None:
                return None
            self.refresh(key)
        return self.handed(entry)

    def count(self, is_hit: bool) -> None:
        if is_hit:
            self.hits += 1
        else:
            self.misses += 1

    def refresh(self, key: str) -> None:
        self.entries.move_to_end(key)

    def __contains__(self, key: str) -> bool:
        return self.name(key) in self.entries

    def __len__(self) -> int:
        return len(self.entries)

    def keys(self) -> list[str]:
        with self.lock:
            return list(self.entries)

    def stats(self) -> dict[str, float]:
        with self.lock:
            requests = self.hits + self.misses
            return {
                "entries": len(self.entries),
                "current_bytes": self.current_bytes,
                "capacity_bytes": self.capacity_bytes,
                "utilization": self.utilization(),
                "hits": self.hits,
                "misses": self.misses,
                "evictions": self.evictions,
                "hit_rate": self.hits / requests if requests else 0.0,
            }

    def utilization(self) -> float:
        return self.current_bytes / self.capacity_bytes if self.capacity_bytes else 0.0

    def metrics_text(self) -> bytes:
        return (
            f"# TYPE cache_bytes gauge\ncache_bytes {self.current_bytes}\n"
            f"# TYPE cache_entries gauge\ncache_entries {len(self.entries)}\n"
        ).encode()

    # Giving back.

    def remove(self, key: str) -> bool:
        with self.lock:
            entry = self.entries.pop(key, None)
            if entry is not None:
                self.current_bytes -= entry.size
            return entry is not None

    def clear(self) -> list[str]:
        with self.lock:
            gone = [key for key, entry in self.entries.items() if not self.is_pinned(entry)]
            for key in gone:
                self.current_bytes -= self.entries.pop(key).size
            return gone

    def shrink_to(self, bytes: int) -> list[str]:
        with self.lock:
            gone = []
            for key in list(self.entries):
                if self.current_bytes <= bytes:
                    break
                if not self.is_pinned(self.entries[key]):
                    self.evict(key)
                    gone.append(key)
            return gone

    # Pins.

    def pin(self, key: str) -> bool:
        with self.lock:
            if key not in self.entries:
                return False
            self.add_pin(self.entries[key])
            return True

    def add_pin(self, entry: Entry) -> None:
        entry.pins += 1

    def unpin(self, key: str) -> None:
        with self.lock:
            if key not in self.entries or not self.entries[key].pins:
                raise ValueError("not pinned")
            self.entries[key].pins -= 1

    # Computing.

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        with self.lock:
            if key in self.entries:
                return self.handed(self.entries[key])
            flight = self.flights.get(key)
            is_first = flight is None
            if flight is None:
                flight = self.flights[key] = {"done": threading.Event()}
        if not is_first:
            flight["done"].wait()
            return self.landed(flight)
        try:
            flight["result"] = compute()
            self.set(key, flight["result"])
        except BaseException as error:
            flight["error"] = error
            raise
        finally:
            self.end_flight(key, flight)
        return self.landed(flight)

    def end_flight(self, key: str, flight: dict[str, Any]) -> None:
        with self.lock:
            self.flights.pop(key)
        flight["done"].set()

    def landed(self, flight: dict[str, Any]) -> torch.Tensor:
        if "error" in flight:
            raise flight["error"]
        result: torch.Tensor = flight["result"]
        return result.clone()


class Keeping(Hooked):
    """Keeps and hands out the caller's tensors, as caches without copies do; children say what such a one costs."""

    capabilities = Hooked.capabilities - {"copies_on_set", "copies_on_get"}

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


class OnCuda(Hooked):
    """The same, for the device."""

    capabilities = frozenset([*CLAIMS.split(), "cuda", "streams"])
