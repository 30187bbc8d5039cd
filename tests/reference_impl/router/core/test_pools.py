"""Which worker gets a request: ejected, resting, gone, back, and not there yet."""

from __future__ import annotations

import asyncio
import time

import pytest

from reference_impl.router.core.rig import LONG_S, Rig, agg, disagg, error, names, request, routed, run
from reference_impl.router.core.scripted import Call, cut, hang, in_turn, refusing, well
from trueup_reference.router.admission import Admission
from trueup_reference.router.discovery import WorkerEntry
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.pools import Pools
from trueup_reference.router.protocol import RouterError
from trueup_reference.router.service import AdmissionBounds, EjectionSettings

EJECTION = {"failures": 2, "backoff_ms": 500.0, "max_backoff_ms": 10_000.0}
LONG_EJECTION = {"failures": 2, "backoff_ms": 60_000.0, "max_backoff_ms": 60_000.0}


async def item_then_cut(call: Call) -> None:
    await call.begin()
    await call.item(0)
    call.cut()


def workers_of(events: list[tuple[str, str, int]]) -> list[str]:
    return [worker for _, worker, _ in events]


@pytest.mark.parametrize("fails", [refusing(503), cut, item_then_cut])
def test_a_worker_that_fails_in_a_row_gets_nothing_for_a_while(fails: object) -> None:
    async def work(rig: Rig) -> None:
        bad, good = rig.workers["a0"]
        bad.script = fails  # type: ignore[assignment]
        for _ in range(10):
            await rig.ask()
        assert len(bad.calls) == 2
        assert len(good.calls) >= 8
        state = rig.router.pools()["a0"]
        assert (state.ready, state.workers, state.usable) == (True, 2, 1)
        assert state.reason == "1 of 2 workers can be used"
        assert rig.value("ejections_total", pool="a0") == 1
        assert rig.value("ejected_workers", pool="a0") == 1

    run(work, ejection=LONG_EJECTION)


@pytest.mark.parametrize("status", [429, 400, 409])
def test_a_worker_that_answers_is_not_ejected(status: int) -> None:
    async def work(rig: Rig) -> None:
        bad, _ = rig.workers["a0"]
        bad.script = refusing(status)
        for _ in range(10):
            await rig.ask()
        assert len(bad.calls) >= 5
        assert rig.value("ejections_total", pool="a0") == 0

    run(work, ejection=LONG_EJECTION)


def test_one_request_probes_and_a_success_brings_the_worker_back() -> None:
    async def work(rig: Rig) -> None:
        bad, good = rig.workers["a0"]
        bad.script = refusing(503)
        for _ in range(4):
            await rig.ask()
        assert len(bad.calls) == 2
        go_on = asyncio.Event()

        async def slow(call: Call) -> None:
            await go_on.wait()
            await well(call)

        bad.script = slow
        await asyncio.sleep(0.6)
        tasks = [asyncio.ensure_future(rig.ask()) for _ in range(6)]
        await bad.called(3)
        await good.called(len(good.calls))
        await asyncio.sleep(0.02)
        assert len(bad.calls) == 3
        go_on.set()
        for task in tasks:
            assert names(await task)[-1] == "finish"
        assert rig.router.pools()["a0"].reason == "ready"

    run(work, ejection=EJECTION)


def test_the_only_worker_is_tried_though_it_is_ejected() -> None:
    async def work(rig: Rig) -> None:
        only = rig.workers["a0"][0]
        only.script = refusing(503)
        for _ in range(4):
            assert error(await rig.ask())["code"] == "worker_failed"
        state = rig.router.pools()["a0"]
        assert (state.ready, state.reason) == (False, "all 1 workers are ejected after failures")
        only.script = well
        assert names(await rig.ask())[-1] == "finish"
        assert rig.router.pools()["a0"].ready

    run(work, workers={"a0": 1}, retry={"same_pool_attempts": 1}, ejection=LONG_EJECTION)


def test_a_worker_rests_as_long_as_it_asks_for() -> None:
    async def work(rig: Rig) -> None:
        tired, other = rig.workers["a0"]
        tired.script = in_turn([refusing(429, "Retry-After: 1")])
        began = time.monotonic()
        assert workers_of(routed(await rig.ask())) == ["a0-0", "a0-1"]
        for _ in range(5):
            await rig.ask()
        assert (len(tired.calls), len(other.calls)) == (1, 6)
        while len(tired.calls) < 2:
            await rig.ask()
        assert time.monotonic() - began >= 1

    run(work)


def test_the_only_worker_is_waited_for_while_it_rests() -> None:
    async def work(rig: Rig) -> None:
        only = rig.workers["a0"][0]
        only.script = in_turn([refusing(503, "Retry-After: 1")])
        began = time.monotonic()
        events = await rig.ask()
        assert time.monotonic() - began >= 1
        assert routed(events) == [("agg", "a0-0", 0), ("agg", "a0-0", 1)]

    run(work, workers={"a0": 1})


def test_a_timer_that_fires_before_the_pause_is_over_leaves_no_pool_shut() -> None:
    """As uvloop's may: they count milliseconds."""

    async def main() -> None:
        began = time.monotonic()
        bounds = Admission(AdmissionBounds(), pool_wait_s=LONG_S)
        # By this clock a timer fires after half of its time.
        pools = Pools(EjectionSettings(), bounds, RouterMetrics(), lambda: (time.monotonic() - began) / 2)
        pools.plan({"a0": frozenset({"agg"})})
        pools.refresh({"a0": (WorkerEntry(id="w", namespace="a0", phase="agg", url="http://127.0.0.1:1"),)})
        pool = pools.get("a0")
        assert pool is not None
        pools.rest(pool, pool.instances[0], 0.02)
        assert not bounds.try_enter("a0")
        async with asyncio.timeout(LONG_S):
            await bounds.enter(["a0"])
        assert time.monotonic() - began >= 0.04

    asyncio.run(main())


def test_a_pool_that_is_not_up_yet_is_waited_for() -> None:
    async def work(rig: Rig) -> None:
        entries = rig.entries()
        rig.discovery.set([])
        assert rig.router.pools()["a0"].reason == "no worker is registered"
        waiting = asyncio.ensure_future(rig.ask())
        await rig.until(lambda: rig.router.pools()["a0"].queued == 1)
        rig.discovery.set(entries)
        assert names(await waiting)[-1] == "finish"

    run(work)


def test_a_pool_without_workers_is_told_in_time() -> None:
    async def work(rig: Rig) -> None:
        rig.discovery.set([])
        with pytest.raises(RouterError, match="no worker of a0 could be used within 50 ms") as refused:
            await rig.ask()
        assert (refused.value.status, refused.value.code, refused.value.pool) == (503, "no_worker", "a0")

    run(work, pool_wait_ms=50)


def test_a_worker_that_is_gone_gets_nothing_more_but_finishes_what_it_has() -> None:
    async def work(rig: Rig) -> None:
        first, second = rig.workers["a0"]
        go_on = asyncio.Event()

        async def slow(call: Call) -> None:
            await call.begin()
            await call.item(0)
            await go_on.wait()
            await call.finish()

        first.script = slow
        async with await rig.router.accept(request()) as answer:
            await rig.until_item(answer)
            rig.discovery.set(rig.entries()[1:])
            for _ in range(4):
                await rig.ask()
            go_on.set()
            assert names(await answer.batch()) == ["finish"]
        assert (len(first.calls), len(second.calls)) == (1, 4)

    run(work)


def test_a_pool_whose_worker_comes_back_heals_while_a_request_waits() -> None:
    """Killed in the middle of an attempt, gone from the discovery, and there again."""

    async def work(rig: Rig) -> None:
        only = rig.workers["a0"][0]

        async def die(call: Call) -> None:
            rig.discovery.set([])
            call.cut()

        only.script = in_turn([die])
        async with await rig.router.accept(request()) as answer:
            await answer.batch()
            waiting = asyncio.ensure_future(answer.batch())
            await rig.until(lambda: rig.value("registered_workers", pool="a0") == 0)
            await asyncio.sleep(0.02)
            assert not waiting.done()
            rig.discovery.set(rig.entries())
            assert names(await waiting) == ["routed"]
            assert names([event async for event in answer])[-1] == "finish"

    run(work, workers={"a0": 1})


def test_a_pool_that_loses_its_workers_after_a_request_was_accepted() -> None:
    async def work(rig: Rig) -> None:
        async def take_decode_away(call: Call) -> None:
            rig.discovery.set(rig.entries()[:1])
            await well(call)

        rig.workers["p0"][0].script = take_decode_away
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "error"]
        assert (error(events)["code"], error(events)["pool"]) == ("no_worker", "d0")

    run(work, disagg(), {"p0": 1, "d0": 1}, pool_wait_ms=50)


def test_a_restarted_worker_begins_anew() -> None:
    async def work(rig: Rig) -> None:
        bad, _ = rig.workers["a0"]
        bad.script = refusing(503)
        for _ in range(4):
            await rig.ask()
        assert rig.value("ejected_workers", pool="a0") == 1
        entries = rig.entries()
        rig.discovery.set(entries[1:])
        bad.script = well
        rig.discovery.set(entries)
        assert rig.value("ejected_workers", pool="a0") == 0
        for _ in range(4):
            await rig.ask()
        assert len(bad.calls) == 4

    run(work, ejection=LONG_EJECTION)


def test_a_scheme_that_is_not_spoken_is_an_error() -> None:
    async def work(rig: Rig) -> None:
        rig.discovery.set([WorkerEntry(id="w", namespace="a0", phase="agg", url="zmq+tcp://127.0.0.1:1")])
        assert error(await rig.ask())["message"] == "this router does not speak zmq+tcp"

    run(work)


def test_a_slow_pool_does_not_slow_another() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = hang
        stuck = [asyncio.ensure_future(rig.ask(ttft_target_ms=50.0)) for _ in range(6)]
        await rig.until(lambda: rig.router.pools()["a0"].queued == 4)
        for _ in range(5):
            assert names(await rig.ask(ttft_target_ms=150.0))[-1] == "finish"
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    run(work, agg("a0", "a1"), {"a0": 1, "a1": 1}, admission={"max_in_flight": 2})


def test_what_becomes_of_workers_is_logged_without_prompts(caplog: pytest.LogCaptureFixture) -> None:
    async def work(rig: Rig) -> None:
        only = rig.workers["a0"][0]
        only.script = in_turn([refusing(503), refusing(503)])
        for number in range(3):
            await rig.ask(request_id=f"mine-{number}", token_ids=(424242,))

    with caplog.at_level("INFO", "trueup_reference"):
        run(work, workers={"a0": 1}, retry={"same_pool_attempts": 1}, ejection=LONG_EJECTION)
    assert [record.getMessage() for record in caplog.records] == [
        "attempt 0 at a0-0 failed: status 503",
        "attempt 0 at a0-0 failed: status 503",
        "a0-0 of a0 is ejected for 60 s: status 503",
        "a0-0 of a0 answers again",
    ]
    assert caplog.records[0].__dict__["request_id"] == "mine-0"
    assert "424242" not in str([vars(record) for record in caplog.records])


def test_a_retry_goes_to_another_worker_even_if_that_has_more_to_do() -> None:
    async def work(rig: Rig) -> None:
        bad, busy = rig.workers["a0"]
        busy.script = in_turn([hang])
        stuck = []
        while not busy.calls:
            stuck.append(asyncio.ensure_future(rig.ask()))
            await rig.until(lambda: len(bad.calls) + len(busy.calls) == len(stuck))
            await rig.until(lambda: rig.router.pools()["a0"].in_flight == len(busy.calls))
        bad.script = refusing(503)
        assert workers_of(routed(await rig.ask())) == ["a0-0", "a0-1"]
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)

    run(work)
