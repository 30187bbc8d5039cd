"""The pools: their workers, which of them are left alone for a while, and their slots."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from contracts.router_service.plain.settings import Bounds, Failed

_turns = itertools.count(1)


@dataclass(eq=False)
class Worker:
    """An instance. `failures`: in a row. `held_until_s`: a `Retry-After`."""

    id: str
    url: str
    in_flight: int = 0
    failures: int = 0
    ejections: int = 0
    ejected_until_s: float = 0.0
    held_until_s: float = 0.0
    is_probed: bool = False  # a request finds out whether it is well again
    is_healthy: bool = True
    last_turn: int = 0

    def may_be_used(self, now_s: float) -> bool:
        return now_s >= max(self.ejected_until_s, self.held_until_s) and not self.is_probed


@dataclass(eq=False)
class Pool:
    """The workers of a namespace, and how many requests it holds."""

    namespace: str
    workers: list[Worker] = field(default_factory=list)
    in_flight: int = 0
    queued: int = 0

    def choose(self, tried: Sequence[Worker]) -> Worker | None:
        """The least busy that may be used, not one of `tried` where there is another; `None`: all are held back."""
        now_s = time.monotonic()
        usable = [one for one in self.workers if one.may_be_used(now_s)]
        fresh = [one for one in usable if one not in tried] or usable
        if not fresh:
            fresh = [one for one in self.workers if now_s >= one.held_until_s and not one.is_probed]
            fresh = sorted(fresh, key=lambda one: one.ejected_until_s)[:1]
        return min(fresh, key=self.rank, default=None)

    def rank(self, worker: Worker) -> tuple[object, ...]:
        """The lower the sooner."""
        return (not worker.is_healthy, worker.in_flight, worker.last_turn)

    def take_turn(self, worker: Worker) -> None:
        worker.in_flight += 1
        worker.last_turn = next(_turns)
        worker.is_probed = worker.ejections > 0

    def state(self) -> tuple[bool, str]:
        """Whether it is ready, and why not."""
        now_s = time.monotonic()
        if not self.workers:
            return False, "no worker is registered"
        if all(now_s < one.ejected_until_s for one in self.workers):
            return False, "every worker has failed and is left alone for a while"
        if not any(one.is_healthy for one in self.workers):
            return False, "no worker answers"
        return True, "ready"


class Ejection:
    """Leaves workers alone that fail one time after the other."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.count = 0

    def failed(self, worker: Worker) -> None:
        worker.failures += 1
        worker.is_probed = False
        if worker.failures >= self.bounds.failures or worker.ejections:
            worker.ejected_until_s = time.monotonic() + self.backoff_s(worker)
            worker.ejections += 1
            self.count += 1

    def backoff_s(self, worker: Worker) -> float:
        return min(self.bounds.max_backoff_s, self.bounds.backoff_s * 2.0 ** min(worker.ejections, 30))

    def works(self, worker: Worker) -> None:
        """It has finished a request."""
        worker.failures = worker.ejections = 0
        worker.is_probed = False


@dataclass(eq=False)
class _Waiter:
    needs: list[Pool]
    granted: asyncio.Future[None]


class Admission:
    """Slots of pools. A request gets all that it needs or waits for them, holding none."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.waiters: list[_Waiter] = []

    def is_full(self, pool: Pool) -> bool:
        return pool.in_flight >= self.bounds.max_in_flight

    def is_crowded(self, pool: Pool) -> bool:
        """Nobody more may wait."""
        return pool.in_flight + pool.queued >= self.bounds.max_in_flight + self.bounds.max_queued

    def stands_in_the_way(self, pool: Pool) -> bool:
        return self.is_full(pool) or not pool.workers

    async def take(self, needs: list[Pool]) -> None:
        """Takes a slot in each. `Failed` where too many wait, or it has waited long enough."""
        blocking = [pool for pool in needs if self.stands_in_the_way(pool)]
        if not blocking:
            self._grant(needs)
            return
        for pool in blocking:
            if self.is_crowded(pool):
                raise self.overloaded(pool)
        waiter = _Waiter(needs, asyncio.get_running_loop().create_future())
        self.waiters.append(waiter)
        for pool in blocking:
            pool.queued += 1
        began_s = time.monotonic()
        try:
            await self._wait(waiter, began_s)
        except BaseException:
            if waiter.granted.done() and not waiter.granted.cancelled() and waiter.granted.exception() is None:
                self.give_back(*needs)
            raise
        finally:
            if waiter in self.waiters:
                self.waiters.remove(waiter)
            for pool in blocking:
                pool.queued -= 1

    def overloaded(self, pool: Pool) -> Failed:
        wait_s = max(1.0, self.bounds.max_wait_s)
        return Failed("overloaded", f"{pool.namespace} has no room", pool.namespace, wait_s)

    def give_back(self, *pools: Pool) -> None:
        for pool in pools:
            pool.in_flight -= 1
        self.look_again()

    def try_to_take(self, pool: Pool) -> bool:
        if self.stands_in_the_way(pool):
            return False
        pool.in_flight += 1
        return True

    def look_again(self) -> None:
        """Something is free, or there are other workers: whoever can go on does, the oldest first."""
        for waiter in list(self.waiters):
            if not waiter.granted.done() and not any(map(self.stands_in_the_way, waiter.needs)):
                self._grant(waiter.needs)
                self.waiters.remove(waiter)
                waiter.granted.set_result(None)

    def refuse_all(self, failed: Failed) -> None:
        for waiter in self.waiters:
            if not waiter.granted.done():
                waiter.granted.set_exception(failed)

    def _grant(self, needs: list[Pool]) -> None:
        for pool in needs:
            pool.in_flight += 1

    async def _wait(self, waiter: _Waiter, began_s: float) -> None:
        while not waiter.granted.done():
            ends: list[tuple[float, Failed]] = []
            for pool in waiter.needs:
                if not pool.workers:
                    failed = Failed("no_worker", f"{pool.namespace} has no worker", pool.namespace)
                    ends.append((began_s + self.bounds.pool_wait_s, failed))
                elif self.is_full(pool):
                    ends.append((began_s + self.bounds.max_wait_s, self.overloaded(pool)))
            now_s = time.monotonic()
            for end_s, failed in ends:
                if end_s <= now_s:
                    raise failed
            # What is in the way may change meanwhile, and with it how long to wait: it is looked at again.
            limit_s = min([0.05, *(end_s - now_s for end_s, _ in ends)])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(waiter.granted), limit_s)
        waiter.granted.result()
