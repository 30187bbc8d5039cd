"""Who gets a slot, who waits for one, and who is turned away.

A request needs a slot in one pool, or in two at once (prefill and decode). It takes all of them or none: what waits
for a pool that is full keeps no slot of another one, so that neither a slow pool nor a wrong order of taking stops the
others. It waits in the queue of one pool that has no room for it, and there the oldest comes first.

A pool in which no worker can be used has no room either, but that is another kind of waiting, with a time of its own.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Sequence

from trueup_reference.router.protocol import RouterError
from trueup_reference.router.service import AdmissionBounds

RETRY_AFTER_S = 1.0  # what those that are turned away are told
_SPARE = 32  # places in a queue that may be empty before it is tidied up


class _Waiter:
    """A request that waits at a pool. What `told` gets: None for its slots, or why it gets none."""

    __slots__ = ("age", "at", "began", "is_again", "pools", "timer", "told")

    def __init__(
        self, pools: tuple[str, ...], at: str, age: int, loop: asyncio.AbstractEventLoop, *, is_again: bool
    ) -> None:
        self.pools = pools
        self.at = at
        self.age = age
        self.is_again = is_again  # was accepted before: waits for a slot, whether or not the pool is open
        self.began = loop.time()
        self.told: asyncio.Future[RouterError | None] = loop.create_future()
        self.timer: asyncio.TimerHandle | None = None

    def __lt__(self, other: _Waiter) -> bool:
        return self.age < other.age


class _Gate:
    """One pool. In `queue` are also some that do not wait any more; `queued` counts those that do."""

    __slots__ = ("in_flight", "is_open", "queue", "queued")

    def __init__(self) -> None:
        self.is_open = False
        self.in_flight = 0
        self.queued = 0
        self.queue: list[_Waiter] = []


class Admission:
    """Used from one event loop. Pools are namespaces, all with the same bounds; one is shut until it is opened."""

    def __init__(self, bounds: AdmissionBounds, pool_wait_s: float) -> None:
        """`pool_wait_s`: how long a request waits for a pool that is shut."""
        self._most = bounds.max_in_flight
        self._most_queued = bounds.max_queued
        self._waits_s = {True: bounds.max_wait_ms / 1000, False: pool_wait_s}  # by whether the pool is open
        self._gates: dict[str, _Gate] = {}
        self._ages = itertools.count(1)
        self._ahead = itertools.count(-(1 << 62))

    def in_flight(self, pool: str) -> int:
        """Slots that are taken."""
        gate = self._gates.get(pool)
        return 0 if gate is None else gate.in_flight

    def queued(self, pool: str) -> int:
        """Requests that wait there."""
        gate = self._gates.get(pool)
        return 0 if gate is None else gate.queued

    def set_open(self, pool: str, is_open: bool) -> None:
        """Whether a worker of the pool can be used."""
        gate = self._gate(pool)
        gate.is_open = is_open
        if is_open:
            self._grant(gate)

    def forget(self, pool: str) -> bool:
        """Drops a pool in which nothing is under way, and says whether it was."""
        gate = self._gates.get(pool)
        if gate is not None and (gate.in_flight or gate.queued):
            return False
        self._gates.pop(pool, None)
        return True

    async def enter(self, pools: Sequence[str]) -> None:
        """Takes a slot in each of these pools, which differ. `RouterError` where that would have to wait too long."""
        if self.try_enter(*pools):
            return
        full = self._without_room(pools)
        assert full is not None
        gate = self._gates[full]
        # A pool that is not up yet is waited for by as many as it could serve, and by as many as may wait.
        most = self._most_queued if gate.is_open else self._most_queued + self._most
        if gate.queued >= most:
            raise self._refusal(full, f"{gate.in_flight} requests are under way in {full} and {gate.queued} wait")
        await self._wait(tuple(pools), full, next(self._ages), is_again=False)

    def try_enter(self, *pools: str) -> bool:
        """Takes a slot in each of these pools, if there is one in each now."""
        if self._without_room(pools) is not None:
            return False
        self._take(pools)
        return True

    async def enter_again(self, pool: str) -> None:
        """Takes a slot for a request that was accepted before: ahead of others, and for as long as its task waits.

        The pool may be shut: whoever has the slot waits for a worker there.
        """
        if self._gate(pool).in_flight < self._most:
            self._take((pool,))
        else:
            await self._wait((pool,), pool, next(self._ahead), is_again=True)

    def leave(self, pool: str) -> None:
        """Gives a slot back."""
        gate = self._gates[pool]
        assert gate.in_flight > 0, f"more slots of {pool} are given back than were taken"
        gate.in_flight -= 1
        self._grant(gate)

    def _gate(self, pool: str) -> _Gate:
        gate = self._gates.get(pool)
        if gate is None:
            gate = self._gates[pool] = _Gate()
        return gate

    def _without_room(self, pools: Sequence[str]) -> str | None:
        for pool in pools:
            gate = self._gate(pool)
            if not gate.is_open or gate.in_flight >= self._most:
                return pool
        return None

    def _take(self, pools: Sequence[str]) -> None:
        for pool in pools:
            self._gates[pool].in_flight += 1

    async def _wait(self, pools: tuple[str, ...], at: str, age: int, *, is_again: bool) -> None:
        loop = asyncio.get_running_loop()
        waiter = _Waiter(pools, at, age, loop, is_again=is_again)
        if not is_again:
            waiter.timer = loop.call_later(min(self._waits_s.values()), self._look_at_time, waiter)
        self._line_up(waiter, at)
        try:
            refusal = await waiter.told
        except asyncio.CancelledError:
            if not waiter.told.cancelled():  # told just before
                if waiter.told.result() is None:
                    for pool in pools:
                        self.leave(pool)
            else:
                self._step_out(waiter)
            raise
        finally:
            if waiter.timer is not None:
                waiter.timer.cancel()
        if refusal is not None:
            raise refusal

    def _look_at_time(self, waiter: _Waiter) -> None:
        if waiter.told.done():
            return
        loop = asyncio.get_running_loop()
        gate = self._gates[waiter.at]
        limit_s = self._waits_s[gate.is_open]
        left_s = waiter.began + limit_s - loop.time()
        if left_s > 0:
            waiter.timer = loop.call_later(left_s, self._look_at_time, waiter)
            return
        self._step_out(waiter)
        if gate.is_open:
            why = self._refusal(waiter.at, f"{waiter.at} had no room within {limit_s * 1000:g} ms")
        else:
            message = f"no worker of {waiter.at} could be used within {limit_s * 1000:g} ms"
            why = RouterError("no_worker", message, pool=waiter.at, retry_after_s=RETRY_AFTER_S)
        waiter.told.set_result(why)

    def _line_up(self, waiter: _Waiter, at: str) -> None:
        gate = self._gates[at]
        waiter.at = at
        gate.queued += 1
        heapq.heappush(gate.queue, waiter)

    def _step_out(self, waiter: _Waiter) -> None:
        """It waits no more. Its place in the queue stays for a while."""
        gate = self._gates[waiter.at]
        gate.queued -= 1
        if len(gate.queue) > 2 * gate.queued + _SPARE:
            gate.queue = [each for each in gate.queue if not each.told.done() and each is not waiter]
            heapq.heapify(gate.queue)

    def _grant(self, gate: _Gate) -> None:
        """To the oldest, until there is no room here or nobody who waits for it."""
        while gate.queue and gate.in_flight < self._most:
            waiter = gate.queue[0]
            if not (gate.is_open or waiter.is_again or waiter.told.done()):
                return
            heapq.heappop(gate.queue)
            if waiter.told.done():
                continue
            gate.queued -= 1
            full = None if waiter.is_again else self._without_room(waiter.pools)
            if full is None:
                self._take(waiter.pools)
                waiter.told.set_result(None)
            else:
                self._line_up(waiter, full)

    @staticmethod
    def _refusal(pool: str, message: str) -> RouterError:
        return RouterError("overloaded", message, pool=pool, retry_after_s=RETRY_AFTER_S)
