"""Slots: whoever has room gets one, nobody else, and in turn."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trueup_reference.router.admission import Admission
from trueup_reference.router.protocol import RouterError
from trueup_reference.router.service import AdmissionBounds

MOST, MOST_QUEUED = 2, 3
POOLS = ("p0", "p1", "d0", "d1")
LONG_S = 600.0


def admission(
    *opened: str, max_wait_ms: float = 1000 * LONG_S, pool_wait_s: float = LONG_S, most: int = MOST
) -> Admission:
    bounds = AdmissionBounds(max_in_flight=most, max_queued=MOST_QUEUED, max_wait_ms=max_wait_ms)
    made = Admission(bounds, pool_wait_s)
    for pool in opened:
        made.set_open(pool, True)
    return made


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(30):
            await work()

    asyncio.run(main())


async def entering(made: Admission, *pools: str) -> asyncio.Task[None]:
    """Has got as far as it gets."""
    task = asyncio.ensure_future(made.enter(pools))
    await asyncio.sleep(0)
    return task


async def refusal(task: Awaitable[None]) -> tuple[int, str, str | None]:
    with pytest.raises(RouterError) as refused:
        await task
    assert refused.value.retry_after_s is not None
    return refused.value.status, refused.value.code, refused.value.pool


def test_what_is_too_much_waits_and_then_is_refused_at_once() -> None:
    async def work() -> None:
        made = admission("p0", max_wait_ms=20)
        for _ in range(MOST):
            await made.enter(["p0"])
        waiting = [await entering(made, "p0") for _ in range(MOST_QUEUED)]
        assert made.queued("p0") == MOST_QUEUED
        assert await refusal(made.enter(["p0"])) == (429, "overloaded", "p0")
        made.leave("p0")
        await waiting[0]
        assert [await refusal(task) for task in waiting[1:]] == [(429, "overloaded", "p0")] * 2
        assert (made.in_flight("p0"), made.queued("p0")) == (MOST, 0)

    run(work)


def test_a_pool_without_workers_is_waited_for_and_then_there_is_none() -> None:
    async def work() -> None:
        made = admission(pool_wait_s=0.5)
        waiting = [await entering(made, "p0") for _ in range(MOST + MOST_QUEUED)]
        assert await refusal(made.enter(["p0"])) == (429, "overloaded", "p0")
        made.set_open("p0", True)
        await asyncio.gather(*waiting[:MOST])
        made.set_open("p0", False)
        for task in waiting[MOST:]:
            assert await refusal(task) == (503, "no_worker", "p0")

    run(work)


def test_a_full_pool_does_not_keep_the_slots_of_others() -> None:
    async def work() -> None:
        made = admission("p0", "d0", "d1", most=1)
        await made.enter(["d0"])
        slow = await entering(made, "p0", "d0")
        await made.enter(["p0", "d1"])
        assert not slow.done()
        for pool in ("p0", "d1", "d0"):
            made.leave(pool)
        await slow
        assert [made.in_flight(pool) for pool in ("p0", "d0", "d1")] == [1, 1, 0]

    run(work)


def test_those_that_were_accepted_before_come_first() -> None:
    async def work() -> None:
        made = admission("p0", most=1)
        await made.enter(["p0"])
        newcomer = await entering(made, "p0")
        again = [asyncio.ensure_future(made.enter_again("p0")) for _ in range(2)]
        await asyncio.sleep(0)
        for task in (*again, newcomer):
            assert not task.done()
            made.leave("p0")
            await task

    run(work)


def test_who_is_cancelled_when_it_was_granted_gives_the_slot_back() -> None:
    async def work() -> None:
        made = admission("p0", "d0", most=1)
        await made.enter(["p0", "d0"])
        first, second = await entering(made, "p0", "d0"), await entering(made, "d0")
        made.leave("p0")
        made.leave("d0")
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second
        assert [made.in_flight("p0"), made.in_flight("d0")] == [0, 1]

    run(work)


def test_waiters_that_go_leave_no_memory() -> None:
    async def work() -> None:
        made = admission("p0", most=1)
        await made.enter(["p0"])
        for _ in range(1000):
            (await entering(made, "p0")).cancel()
            await asyncio.sleep(0)
        assert made.queued("p0") == 0
        assert len(made._gate("p0").queue) < 100
        made.leave("p0")
        assert made.forget("p0")

    run(work)


def test_a_pool_in_use_is_not_forgotten() -> None:
    async def work() -> None:
        made = admission("p0")
        await made.enter(["p0"])
        assert not made.forget("p0")
        made.leave("p0")
        assert made.forget("p0")
        assert made.forget("never there")

    run(work)


class Model(RuleBasedStateMachine):
    """Requests come, go and give up; what each has got is compared with a plain count."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.made = admission(*POOLS)
        self.shut: set[str] = set()
        self.held: list[tuple[str, ...]] = []
        self.waiting: list[tuple[tuple[str, ...], asyncio.Task[None]]] = []  # the oldest first

    def teardown(self) -> None:
        for _, task in self.waiting:
            task.cancel()
        self.step()
        self.loop.close()

    def step(self) -> None:
        """Everybody gets as far as possible."""
        for _ in range(3):
            self.loop.run_until_complete(asyncio.sleep(0))

    def settle(self) -> None:
        self.step()
        overtaken: set[tuple[str, ...]] = set()
        left = []
        for pools, task in self.waiting:
            if task.done():
                task.result()
                assert pools not in overtaken, f"a younger one got {pools} before an older one"
                self.held.append(pools)
            else:
                overtaken.add(pools)
                left.append((pools, task))
        self.waiting = left

    def used(self) -> Counter[str]:
        return Counter(pool for pools in self.held for pool in pools)

    def has_room(self, pools: tuple[str, ...]) -> bool:
        used = self.used()
        return all(used[pool] < MOST and pool not in self.shut for pool in pools)

    @rule(prefill=st.sampled_from(["p0", "p1", ""]), decode=st.sampled_from(["d0", "d1", ""]))
    def come(self, prefill: str, decode: str) -> None:
        pools = tuple(pool for pool in (prefill, decode) if pool)
        if not pools:
            return
        used = self.used()
        full = next((pool for pool in pools if used[pool] >= MOST or pool in self.shut), None)
        bound = MOST_QUEUED + (MOST if full in self.shut else 0)
        must_refuse = full is not None and self.made.queued(full) >= bound
        task = self.loop.create_task(self.made.enter(pools))
        self.step()
        if must_refuse:
            assert isinstance(task.exception(), RouterError)
        elif full is None:
            task.result()
            self.held.append(pools)
        else:
            assert not task.done()
            self.waiting.append((pools, task))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        for pool in self.held.pop(data.draw(st.integers(0, len(self.held) - 1))):
            self.made.leave(pool)
        self.settle()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        _, task = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        task.cancel()
        self.settle()
        assert task.cancelled()

    @precondition(lambda self: self.waiting and self.held)
    @rule(data=st.data())
    def go_while_another_gives_up(self, data: st.DataObject) -> None:
        """In the same turn of the loop, so that a slot may be granted to one that has gone."""
        _, task = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        pools = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        for pool in pools:
            self.made.leave(pool)
        task.cancel()
        self.settle()
        assert task.cancelled()

    @rule(pool=st.sampled_from(POOLS), is_open=st.booleans())
    def open_or_shut(self, pool: str, is_open: bool) -> None:
        self.made.set_open(pool, is_open)
        (self.shut.discard if is_open else self.shut.add)(pool)
        self.settle()

    @rule(pool=st.sampled_from(POOLS))
    def try_enter(self, pool: str) -> None:
        has_room = self.has_room((pool,))
        assert self.made.try_enter(pool) == has_room
        if has_room:
            self.held.append((pool,))

    @invariant()
    def counts_are_right(self) -> None:
        used = self.used()
        for pool in POOLS:
            assert self.made.in_flight(pool) == used[pool] <= MOST
        assert sum(self.made.queued(pool) for pool in POOLS) == len(self.waiting)

    @invariant()
    def nobody_waits_who_has_room(self) -> None:
        assert [pools for pools, _ in self.waiting if self.has_room(pools)] == []


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
