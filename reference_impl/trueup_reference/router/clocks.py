"""The clocks of one request, on one timer of the event loop.

`asyncio.timeout` sets and cancels a timer for each wait, which a stream of items would do for each item. Here a limit
is a number that moves; the timer looks at it when it fires, and is set again for what is left.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class Expired(Exception):
    """A limit of one wait has passed."""


class Clock:
    """Used by one task at a time. What stops it ends every wait from then on. Times are the event loop's."""

    __slots__ = ("_at_end", "_cut", "_end", "_limit", "_loop", "_stopped", "_task", "_timer", "_when", "_when_idle")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        end: float,
        at_end: Callable[[], Exception],
        when_idle: Callable[[], None],
    ) -> None:
        """At its `end` it stops with what `at_end` returns.

        `when_idle` is called where it stops while nobody waits.
        """
        self._loop = loop
        self._end = end
        self._at_end = at_end
        self._when_idle = when_idle
        self._limit = math.inf
        self._stopped: Exception | None = None
        self._task: asyncio.Task[object] | None = None
        self._cut = False
        self._timer: asyncio.TimerHandle | None = None
        self._when = math.inf  # of the timer
        self._arm(end)

    @property
    def left_s(self) -> float:
        """Until the end. By the loop's own clock it could be more than was given: uvloop's is up to 1 ms behind."""
        return self._end - time.monotonic()

    @property
    def now(self) -> float:
        """The present time."""
        return self._loop.time()

    @property
    def stopped(self) -> Exception | None:
        """What stopped it."""
        return self._stopped

    async def wait(self, awaited: Coroutine[Any, Any, _Result], until: float = math.inf) -> _Result:
        """The result. `Expired` where it is not there in time; what the clock was stopped with, once it is."""
        if self._stopped is not None:
            awaited.close()
            raise self._stopped
        # With the loop: without, Python 3.11 looks for it by a system call.
        self._task = task = asyncio.current_task(self._loop)
        assert task is not None
        self._cut = False
        self._limit = until
        if until < self._when:
            self._arm(until)
        cancelling = task.cancelling()
        try:
            return await awaited
        except asyncio.CancelledError:
            if self._cut and task.cancelling() - 1 <= cancelling:
                raise self._stopped or Expired from None
            raise
        finally:
            self._task = None
            if self._cut:
                task.uncancel()

    def stop(self, why: Exception) -> bool:
        """Ends the wait under way, and those to come; False where it was stopped before."""
        if self._stopped is not None:
            return False
        self._stopped = why
        if self._task is None:
            self._when_idle()
        self._interrupt()
        return True

    def close(self) -> None:
        """No timer is left."""
        self._end = math.inf
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _interrupt(self) -> None:
        if self._task is not None and not self._cut:
            self._cut = True
            self._task.cancel()

    def _arm(self, when: float) -> None:
        """Sooner than it is."""
        if self._timer is not None:
            self._timer.cancel()
        self._when = when
        self._timer = None if when == math.inf else self._loop.call_at(when, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time()
        if now >= self._end:
            self._when = math.inf
            self.stop(self._at_end())
            return
        if self._task is not None and now >= self._limit:
            self._interrupt()
        is_waiting = self._task is not None and not self._cut
        self._arm(min(self._end, self._limit) if is_waiting else self._end)
