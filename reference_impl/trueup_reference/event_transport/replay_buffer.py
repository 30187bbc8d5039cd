"""The last batches, for those who missed some: bounded in batches and in bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from operator import attrgetter

from trueup_reference.event_transport.batch_queue import Batch


class ReplayBuffer:
    """Owned by the thread that sends."""

    def __init__(self, most_batches: int, most_bytes: int) -> None:
        self._most_batches = most_batches
        self._most_bytes = most_bytes
        self._bytes = 0
        self._batches: deque[Batch] = deque()

    @property
    def bytes(self) -> int:
        """Of the payloads held."""
        return self._bytes

    def __len__(self) -> int:
        """Batches held."""
        return len(self._batches)

    def add(self, batch: Batch) -> None:
        """Keeps one, and lets the oldest go; one that alone is too large is not kept, nor are those before it."""
        self._batches.append(batch)
        self._bytes += len(batch.frames[-1])
        while len(self._batches) > self._most_batches or self._bytes > self._most_bytes:
            self._bytes -= len(self._batches.popleft().frames[-1])

    def since(self, start: int) -> list[Batch]:
        """Those with `sequence >= start`, as they are now: later evictions do not change the list."""
        held = list(self._batches)
        return held[bisect_left(held, start, key=attrgetter("sequence")) :]
