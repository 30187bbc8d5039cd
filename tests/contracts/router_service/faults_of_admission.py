"""Routers whose bounds are none, or whose places leak."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Iterator

from contracts.router_service.plain.pools import Admission, Pool, _Waiter
from contracts.router_service.plain.router import Job, Router
from contracts.router_service.plain.settings import Failed
from contracts.router_service.seeding import fault


@fault("RS-089")
class NoEndOfTheQueue(Admission):
    """lets everybody wait"""

    def is_crowded(self, pool: Pool) -> bool:
        return False


@fault("RS-089")
class NoHint(Admission):
    """does not say when to come again"""

    def overloaded(self, pool: Pool) -> Failed:
        found = super().overloaded(pool)
        found.retry_after_s = None
        return found


@fault("RS-090")
class NoBound(Admission):
    """counts what is under way, and has no bound for it"""

    def is_full(self, pool: Pool) -> bool:
        return False


@fault("RS-091")
class NobodyIsCalled(Admission):
    """lets requests wait, and calls none when there is room"""

    def look_again(self) -> None:
        pass


@fault("RS-092")
class WaitsForEver(Admission):
    """lets requests wait as long as it takes"""

    async def _wait(self, waiter: _Waiter, began_s: float) -> None:
        await waiter.granted


@fault("RS-093")
class LeaksAtFailures(Router):
    """frees the place of what has finished alone"""

    async def serve_admitted(self, job: Job) -> None:
        try:
            await super().serve_admitted(job)
        except Failed:
            for pool in job.pools.values():
                pool.in_flight += 1
            raise


@fault("RS-094")
class LeaksWhenClientsLeave(Router):
    """frees no place of a client that has left"""

    def let_go(self, job: Job, *pools: Pool) -> None:
        if not isinstance(sys.exception(), asyncio.CancelledError):
            super().let_go(job, *pools)


@fault("RS-094")
class LeaksInTheQueue(Admission):
    """goes on counting who has left the queue"""

    async def take(self, needs: list[Pool]) -> None:
        try:
            await super().take(needs)
        except asyncio.CancelledError:
            for pool in needs:
                pool.queued += 1
            raise


@fault("RS-094")
class ServesWhoHasLeft(Admission):
    """gives a place to clients that have left the queue, and never takes it back"""

    async def _wait(self, waiter: _Waiter, began_s: float) -> None:
        try:
            await super()._wait(waiter, began_s)
        except asyncio.CancelledError:
            self.waiters.append(_Waiter(waiter.needs, asyncio.get_running_loop().create_future()))
            raise


@fault("RS-095")
class OneBoundForAll(Admission):
    """has one bound for all pools together"""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.seen: set[Pool] = set()

    def is_full(self, pool: Pool) -> bool:
        self.seen.add(pool)
        return sum(one.in_flight for one in self.seen) >= self.bounds.max_in_flight

    def is_crowded(self, pool: Pool) -> bool:
        return sum(one.queued for one in self.seen) >= self.bounds.max_queued


@fault("RS-129")
class RetriesBeyondTheBound(Router):
    """takes no place in the faster pool that it tries"""

    @contextlib.contextmanager
    def slot(self, job: Job, pool: Pool) -> Iterator[bool]:
        yield True


@fault("RS-124")
class NoDeadlineInTheQueue(Router):
    """has deadlines for what is under way alone"""

    def queue_end_s(self, job: Job) -> float:
        return job.end_s + 1e6


@fault("RS-125")
class ForgetsTheQueue(Admission):
    """cuts who waits when it ends"""

    def refuse_all(self, failed: Failed) -> None:
        for waiter in self.waiters:
            waiter.granted.cancel()
