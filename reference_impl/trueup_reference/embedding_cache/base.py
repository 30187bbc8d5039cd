"""What caches have in common: `get_or_compute` in threads and event loops, numbers, and what forks do to them."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from typing import Generic, NoReturn, TypeVar

import torch

from trueup_reference.embedding_cache import forking
from trueup_reference.embedding_cache.flights import Flights
from trueup_reference.embedding_cache.metrics import Stopwatch, Times, exposition

Found = TypeVar("Found")
R = TypeVar("R")


class Cache(ABC, Generic[Found]):
    """A bounded cache; `Found` is what it finds inside, before it is handed out."""

    def __init__(self, capacity_bytes: int, device: str | torch.device, name: str) -> None:
        """Raises `TypeError` or `ValueError` for a capacity that is none. `name` tells caches apart in metrics."""
        if isinstance(capacity_bytes, bool) or not isinstance(capacity_bytes, int):
            raise TypeError(f"capacity_bytes is {capacity_bytes!r}: a whole number is due")
        if capacity_bytes < 0:
            raise ValueError(f"capacity_bytes is {capacity_bytes}: 0 or more is due")
        self.capacity_bytes = capacity_bytes
        # "cuda" alone means the device that is current now.
        self.device = torch.empty(0, device=device).device
        self.name = name
        self._lock: threading.Lock | forking.Refusal = threading.Lock()
        self._hits = self._misses = self._evictions = self._refused = 0
        self._computing_s = Stopwatch()
        self._flights: Flights[Found] = Flights()
        forking.watch(self)

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The entry, or what `compute` makes: once, however many threads and tasks ask.

        What is too large is handed out and not stored. The tensor must be ready on the stream that is current when
        `compute` returns. An exception of `compute` reaches all who wait for it, and is not kept. `RuntimeError` where
        `compute` asks for its own key.
        """
        found = self._look(key)
        if found is None:

            def make() -> Found:
                # Somebody else may have stored it between that look and this computation.
                again = self._look_again(key)
                if again is not None:
                    return again
                begun = time.perf_counter()
                tensor = compute()
                self._computed(time.perf_counter() - begun)
                return self._keep(key, tensor)

            found = self._flights.run(key, make)
        return self._hand_out(found)

    async def get_or_compute_async(self, key: str, compute: Callable[[], Awaitable[torch.Tensor]]) -> torch.Tensor:
        """The same for event loops, with one computation for all loops and threads together.

        `compute` runs in a task of its own: cancelling one who waits cancels nobody else, and the task only when nobody
        waits any more. An encoder that blocks belongs into `asyncio.to_thread`.
        """
        found = await self._call(self._look, key)
        if found is None:

            async def make() -> Found:
                again = await self._call(self._look_again, key)
                if again is not None:
                    return again
                begun = time.perf_counter()
                tensor = await compute()
                self._computed(time.perf_counter() - begun)
                return await self._call(self._keep, key, tensor)

            found = await self._flights.run_async(key, make)
        return self._hand_out(found)

    def stats(self) -> dict[str, float]:
        """Entries and bytes, and this process's requests so far."""
        now = self.numbers()
        requests = now["hits"] + now["misses"]
        return {
            "entries": now.get("entries", 0),
            "current_bytes": now.get("bytes", 0),
            "capacity_bytes": self.capacity_bytes,
            "utilization": now.get("bytes", 0) / self.capacity_bytes if self.capacity_bytes else 0.0,
            "hits": now["hits"],
            "misses": now["misses"],
            "evictions": now["evictions"],
            "hit_rate": now["hits"] / requests if requests else 0.0,
        }

    def metrics_text(self) -> bytes:
        """A Prometheus exposition of this cache; `CacheCollector` is for a registry of yours."""
        return exposition(self)

    @abstractmethod
    def numbers(self) -> dict[str, float]:
        """What the metrics tell, by the names in `metrics`."""

    def compute_times(self) -> Times:
        """How long computations of absent entries took."""
        with self._lock:
            return self._computing_s.times()

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`."""
        raise TypeError(
            f"{type(self).__name__}: a cache cannot be pickled or copied: make one in each process, which can share a "
            "RedisCache"
        )

    def fork_locks(self) -> Iterator[forking.Lock]:
        """For `forking`."""
        yield self._flights.lock
        if not isinstance(self._lock, forking.Refusal):
            yield self._lock

    def begin_in_child(self, *, is_whole: bool) -> None:
        """For `forking`."""
        self._flights.forget()
        self._lock = threading.Lock()

    @abstractmethod
    def _look(self, key: str) -> Found | None:
        """`get`, counted as a hit or a miss."""

    @abstractmethod
    def _look_again(self, key: str) -> Found | None:
        """The same, not counted."""

    @abstractmethod
    def _keep(self, key: str, tensor: torch.Tensor) -> Found:
        """Stores what was computed, if there is room."""

    @abstractmethod
    def _hand_out(self, found: Found) -> torch.Tensor:
        """The tensor for one who asked."""

    def _computed(self, seconds: float) -> None:
        with self._lock:
            self._computing_s.add(seconds)

    def _counts(self) -> dict[str, float]:
        """This process's requests; whoever asks holds the lock."""
        return {
            "hits": self._hits,
            "misses": self._misses,
            "evictions": self._evictions,
            "refused": self._refused,
            "joined": self._flights.joined,
            "capacity_bytes": self.capacity_bytes,
        }

    async def _call(self, work: Callable[..., R], *args: object) -> R:
        """Does what blocks for moments only."""
        return work(*args)
