"""The end of a router: what was accepted ends, or is told."""

from __future__ import annotations

import asyncio

import pytest

from reference_impl.router.core.rig import Rig, error, names, request, run
from reference_impl.router.core.scripted import Call, hang
from trueup_reference.router.protocol import RouterError

ONE = {"a0": 1}


def test_new_requests_are_refused_and_old_ones_end() -> None:
    async def work(rig: Rig) -> None:
        go_on = asyncio.Event()

        async def slow(call: Call) -> None:
            await call.begin()
            await call.item(0)
            await go_on.wait()
            await call.finish()

        rig.workers["a0"][0].script = slow
        under_way = asyncio.ensure_future(rig.ask())
        await rig.workers["a0"][0].called()
        rig.router.refuse_new()
        with pytest.raises(RouterError) as refused:
            await rig.ask()
        assert (refused.value.status, refused.value.code) == (503, "draining")
        draining = asyncio.ensure_future(rig.router.drain(20))
        await asyncio.sleep(0.02)
        assert not draining.done()
        go_on.set()
        await draining
        assert names(await under_way)[-1] == "finish"
        assert rig.metrics.is_draining
        assert rig.value("draining") == 1

    run(work, workers=ONE)


def test_what_does_not_end_in_time_is_told() -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = hang
        under_way = asyncio.ensure_future(rig.ask())
        call = await worker.called()
        await rig.router.drain(0.05)
        told = error(await under_way)
        assert (told["code"], told["pool"]) == ("draining", "a0")
        assert rig.is_idle()
        await call.gone.wait()

    run(work, workers=ONE)


def test_what_waits_is_refused_at_once() -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = hang
        under_way = asyncio.ensure_future(rig.ask())
        await worker.called()
        waiting = asyncio.ensure_future(rig.ask())
        await rig.until(lambda: rig.router.pools()["a0"].queued == 1)
        draining = asyncio.ensure_future(rig.router.drain(0.05))
        with pytest.raises(RouterError) as refused:
            await waiting
        assert refused.value.code == "draining"
        assert not under_way.done()
        await draining
        await under_way

    run(work, workers=ONE, admission={"max_in_flight": 1})


def test_a_client_that_takes_nothing_does_not_hold_the_end_up() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = hang
        async with await rig.router.accept(request()) as answer:
            await answer.batch()
            await rig.router.drain(0.02)
            assert rig.router.pools()["a0"].in_flight == 0
            assert error(await answer.batch())["code"] == "draining"

    run(work, workers=ONE)


def test_a_router_that_is_idle_drains_at_once() -> None:
    async def work(rig: Rig) -> None:
        await rig.ask()
        await rig.router.drain(0)

    run(work, workers=ONE)
