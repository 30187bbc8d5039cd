"""Requests of two phases: what goes from prefill to decode, and what is done again when a worker dies in between."""

from __future__ import annotations

import asyncio

import pytest

from reference_impl.router.core.rig import QUICK, Rig, disagg, error, names, plan, request, routed, run
from reference_impl.router.core.scripted import (
    Call,
    Script,
    begin_then_cut,
    cut,
    hang,
    in_turn,
    refusing,
    tell_error,
    well,
)
from trueup_reference.router.protocol import RouterError

DISAGG = {"p0": 2, "d0": 2}


def test_prefill_and_decode_are_chained() -> None:
    async def work(rig: Rig) -> None:
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "routed", "item", "item", "finish"]
        assert routed(events) == [("prefill", "p0-0", 0), ("decode", "d0-0", 0)]
        assert rig.workers["p0"][0].calls[0].asked["transfer"] is None
        decode = rig.workers["d0"][0].calls[0].asked
        assert decode["transfer"] == {"made_by": 0}
        assert decode["token_ids"] == [1, 2, 3]

    run(work, disagg(), DISAGG)


def test_the_slot_of_prefill_goes_back_when_prefill_has_ended() -> None:
    async def work(rig: Rig) -> None:
        for worker in rig.workers["d0"]:
            worker.script = hang
        async with await rig.router.accept(request()) as answer:
            assert [rig.router.pools()[pool].in_flight for pool in ("p0", "d0")] == [1, 1]
            while not any(event.name == "routed" and event.data["phase"] == "decode" for event in await answer.batch()):
                pass
            assert [rig.router.pools()[pool].in_flight for pool in ("p0", "d0")] == [0, 1]

    run(work, disagg(), DISAGG)


@pytest.mark.parametrize(
    ("fails", "repeats"),
    [(cut, True), (begin_then_cut, True), (tell_error, True), (hang, True), (refusing(503), False)],
)
def test_prefill_is_repeated_when_its_transfer_went_with_the_worker(fails: Script, repeats: bool) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["d0"][0].script = fails
        events = await rig.ask()
        expected = [("prefill", "p0-0", 0), ("decode", "d0-0", 0)]
        if repeats:
            expected.append(("prefill", "p0-1", 1))
        assert routed(events) == [*expected, ("decode", "d0-1", 1)]
        assert names(events)[-1] == "finish"
        assert rig.workers["d0"][1].calls[0].asked["transfer"] == {"made_by": int(repeats)}

    run(work, disagg(), DISAGG, timeouts_ms=QUICK)


def test_prefill_is_not_repeated_for_a_decode_that_is_not_tried_again() -> None:
    async def work(rig: Rig) -> None:
        for worker in rig.workers["d0"]:
            worker.script = cut
        events = await rig.ask()
        assert [phase for phase, _, _ in routed(events)] == ["prefill", "decode", "prefill", "decode"]
        assert error(events)["pool"] == "d0"

    run(work, disagg(), DISAGG)


def test_a_repeated_prefill_waits_for_a_slot_ahead_of_others() -> None:
    async def work(rig: Rig) -> None:
        prefill, decode = rig.workers["p0"][0], rig.workers["d0"][0]
        let_go = asyncio.Event()

        async def cut_later(call: Call) -> None:
            await call.begin()
            await let_go.wait()
            call.cut()

        decode.script = in_turn([cut_later])
        first = asyncio.ensure_future(rig.ask())
        await decode.called()
        go_on = asyncio.Event()

        async def slow(call: Call) -> None:
            await go_on.wait()
            await well(call)

        prefill.script = slow
        second = asyncio.ensure_future(rig.ask(phases=("prefill",)))
        await prefill.called(2)
        third = asyncio.ensure_future(rig.ask(phases=("prefill",)))
        await rig.until(lambda: rig.router.pools()["p0"].queued == 1)
        let_go.set()
        await rig.until(lambda: rig.router.pools()["p0"].queued == 2)
        go_on.set()
        assert names(await first)[-1] == "finish"
        for other in (second, third):
            assert names(await other)[-1] == "finish"
        assert [call.asked["attempt"] for call in prefill.calls] == [0, 0, 1, 0]

    run(work, disagg(), {"p0": 1, "d0": 1}, admission={"max_in_flight": 1})


@pytest.mark.parametrize("is_full", [False, True])
def test_a_repeated_prefill_whose_workers_have_gone_is_told_in_time(is_full: bool) -> None:
    async def work(rig: Rig) -> None:
        prefill, decode = rig.workers["p0"][0], rig.workers["d0"][0]
        gone, let_go = asyncio.Event(), asyncio.Event()

        async def cut_later(call: Call) -> None:
            await gone.wait()
            call.cut()

        async def slow(call: Call) -> None:
            await let_go.wait()
            await well(call)

        decode.script = cut_later
        first = asyncio.ensure_future(rig.ask())
        await decode.called()
        others = []
        if is_full:
            prefill.script = slow
            others.append(asyncio.ensure_future(rig.ask(phases=("prefill",))))
            await prefill.called(2)
        rig.discovery.set(rig.entries()[1:])
        gone.set()
        if is_full:
            await rig.until(lambda: rig.router.pools()["p0"].queued == 1)
            let_go.set()
        events = await first
        assert (error(events)["code"], error(events)["pool"]) == ("no_worker", "p0")
        for other in others:
            assert names(await other)[-1] == "finish"

    run(work, disagg(), {"p0": 1, "d0": 1}, admission={"max_in_flight": 1}, pool_wait_ms=50)


def test_a_prefill_is_repeated_in_a_pool_that_the_new_grid_has_not() -> None:
    async def work(rig: Rig) -> None:
        gone = asyncio.Event()

        async def cut_later(call: Call) -> None:
            await gone.wait()
            call.cut()

        rig.workers["d0"][0].script = in_turn([cut_later])
        first = asyncio.ensure_future(rig.ask())
        await rig.workers["d0"][0].called()
        rig.router.swap(plan(disagg(("p1",))))
        gone.set()
        assert routed(await first) == [
            *(("prefill", "p0-0", 0), ("decode", "d0-0", 0)),
            *(("prefill", "p0-0", 1), ("decode", "d0-0", 1)),
        ]
        rig.router.swap(plan(disagg(("p1",))))
        assert rig.router._shared.pools.get("p0") is None

    run(work, disagg(), {"p0": 1, "p1": 1, "d0": 1})


def test_the_phases_can_be_asked_for_apart() -> None:
    async def work(rig: Rig) -> None:
        events = await rig.ask(phases=("prefill",))
        assert names(events) == ["accepted", "routed", "transfer", "finish"]
        rig.workers["d0"][0].script = cut
        events = await rig.ask(phases=("decode",), transfer={"made_by": "another"})
        assert routed(events) == [("decode", "d0-0", 0), ("decode", "d0-1", 1)]
        assert names(events)[-1] == "finish"
        assert rig.workers["d0"][1].calls[0].asked["transfer"] == {"made_by": "another"}
        with pytest.raises(RouterError, match="no phase agg") as refused:
            await rig.ask(phases=("agg",))
        assert refused.value.status == 400

    run(work, disagg(), DISAGG)


def test_a_transfer_is_handed_on_as_it_was_written() -> None:
    written = b'{"transfer":{"n":123456789012345678901234567890,"x":1.0e3}}'

    async def prefill(call: Call) -> None:
        await call.begin()
        await call.piece(b"event: transfer\ndata: " + written + b"\n\n")
        await call.finish()

    async def work(rig: Rig) -> None:
        rig.workers["p0"][0].script = prefill
        await rig.ask()
        assert rig.workers["d0"][0].calls[0].asked["transfer"]["n"] == 123456789012345678901234567890

    run(work, disagg(), DISAGG)
