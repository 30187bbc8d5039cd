"""Work under way, and the line in which it waits for its place."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from trueup_reference.worker_protocol import Asked, WorkerError


class Running:
    """A piece of work; `stopped` says why it must end, once it must. Made in the event loop."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.stopped: WorkerError | None = None
        self._stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._deadline = None if asked.deadline_ms is None else time.monotonic() + asked.deadline_ms / 1000

    def stop(self, why: WorkerError) -> None:
        """Ends whatever it waits for."""
        self.stopped = self.stopped or why
        if not self._stop.done():
            self._stop.set_result(None)

    async def take(self, seconds: float) -> None:
        """Lets simulated work take its time, unless the work is stopped or its deadline passes."""
        await self._wait(seconds)

    async def until(self, turn: asyncio.Future[None]) -> None:
        """Waits for something else, unless likewise."""
        await self._wait(None, turn)

    async def _wait(self, seconds: float | None, *also: asyncio.Future[None]) -> None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            seconds = left if seconds is None else min(seconds, left)
        if (seconds is None or seconds > 0) and self.stopped is None and not any(each.done() for each in also):
            await asyncio.wait((self._stop, *also), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if self.stopped is not None:
            raise self.stopped
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise WorkerError(408, "timeout_total", f"the deadline of {self.asked.deadline_ms:g} ms has passed")


class Line:
    """So many places at once, given in the order of asking. `most` is asked each time; 0: any number."""

    def __init__(self, most: Callable[[], int]) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """How many have no place yet."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self, running: Running) -> AsyncIterator[None]:
        """Held in the block. Whoever is stopped, or whose deadline passes, waits no more: `WorkerError`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._give()
        try:
            await running.until(turn)
            yield
        finally:
            if turn.done():
                self._taken -= 1
            else:
                self._waiting.remove(turn)
            self._give()

    def _give(self) -> None:
        most = self._most()
        while self._waiting and (not most or self._taken < most):
            self._taken += 1
            self._waiting.popleft().set_result(None)
