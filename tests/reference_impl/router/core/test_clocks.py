"""One timer for all limits of a request."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from trueup_reference.router.clocks import Clock, Expired

SHORT_S, LONG_S = 0.02, 60.0


class Ended(Exception):
    """What a clock is stopped with."""


class Watched:
    """A clock, and how often it stopped while nobody waited."""

    def __init__(self, total_s: float = LONG_S) -> None:
        loop = asyncio.get_running_loop()
        self.idle = 0
        self.clock = Clock(loop, loop.time() + total_s, Ended, self._count)

    def _count(self) -> None:
        self.idle += 1

    def within(self, seconds: float) -> float:
        return self.clock.now + seconds


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(LONG_S / 2):
            await work()

    asyncio.run(main())


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_a_wait_has_the_result_or_expires() -> None:
    async def work() -> None:
        watched = Watched()
        assert await watched.clock.wait(asyncio.sleep(0, "there")) == "there"
        for _ in range(3):
            with pytest.raises(Expired):
                await watched.clock.wait(forever(), watched.within(SHORT_S))
        assert await watched.clock.wait(asyncio.sleep(SHORT_S, "again"), watched.within(LONG_S)) == "again"
        watched.clock.close()

    run(work)


def test_a_limit_in_the_past_expires_at_once_but_what_is_there_is_taken() -> None:
    async def work() -> None:
        watched = Watched()

        async def there() -> int:
            return 1

        assert await watched.clock.wait(there(), -math.inf) == 1
        with pytest.raises(Expired):
            await watched.clock.wait(forever(), -math.inf)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(work)


def test_the_end_ends_waits_and_those_to_come() -> None:
    async def work() -> None:
        watched = Watched(SHORT_S)
        with pytest.raises(Ended):
            await watched.clock.wait(forever(), watched.within(LONG_S))
        with pytest.raises(Ended):
            await watched.clock.wait(forever())
        assert watched.idle == 0

    run(work)


def test_the_end_is_told_while_nobody_waits() -> None:
    async def work() -> None:
        watched = Watched(SHORT_S)
        while not watched.idle:
            await asyncio.sleep(0)
        assert isinstance(watched.clock.stopped, Ended)
        with pytest.raises(Ended):
            await watched.clock.wait(forever())
        assert watched.idle == 1

    run(work)


def test_a_closed_clock_tells_nothing() -> None:
    async def work() -> None:
        watched = Watched(SHORT_S)
        watched.clock.close()
        await asyncio.sleep(2 * SHORT_S)
        assert (watched.idle, watched.clock.stopped) == (0, None)

    run(work)


def test_stopped_by_another_task() -> None:
    async def work() -> None:
        watched = Watched()
        waiting = asyncio.ensure_future(watched.clock.wait(forever()))
        await asyncio.sleep(0)
        why = Ended("by another")
        assert watched.clock.stop(why)
        assert not watched.clock.stop(Ended("too late"))
        with pytest.raises(Ended, match="by another"):
            await waiting

    run(work)


def test_a_cancelled_task_is_cancelled_whatever_the_clock_does() -> None:
    async def work() -> None:
        watched = Watched()
        waiting = asyncio.ensure_future(watched.clock.wait(forever()))
        await asyncio.sleep(0)
        waiting.cancel()
        watched.clock.stop(Ended())
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(work)


def test_what_is_awaited_is_cancelled() -> None:
    async def work() -> None:
        watched, cancelled = Watched(), asyncio.Event()

        async def long() -> None:
            try:
                await forever()
            finally:
                cancelled.set()

        with pytest.raises(Expired):
            await watched.clock.wait(long(), watched.within(SHORT_S))
        assert cancelled.is_set()
        async with asyncio.timeout(LONG_S):  # which is not confused by what the clock has cancelled
            await asyncio.sleep(0)

    run(work)


def test_an_error_in_what_is_cancelled_is_raised() -> None:
    async def work() -> None:
        watched = Watched()

        async def breaks() -> None:
            try:
                await forever()
            finally:
                raise OSError("while it ended")

        with pytest.raises(OSError, match="while it ended"):
            await watched.clock.wait(breaks(), watched.within(SHORT_S))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0

    run(work)
