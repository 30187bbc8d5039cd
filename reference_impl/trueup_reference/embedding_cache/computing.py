"""`get_or_compute` for any cache, in threads and in event loops."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import torch

from trueup_reference.embedding_cache.flights import Flights

Found = TypeVar("Found")
R = TypeVar("R")


class Computing(ABC, Generic[Found]):
    """A cache that can compute what it lacks; `Found` is what it finds inside, before it is handed out."""

    def __init__(self) -> None:
        self._flights: Flights[Found] = Flights()

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

    @abstractmethod
    def _computed(self, seconds: float) -> None:
        """Counts a computation."""

    async def _call(self, work: Callable[..., R], *args: object) -> R:
        """Does what blocks for moments only."""
        return work(*args)
