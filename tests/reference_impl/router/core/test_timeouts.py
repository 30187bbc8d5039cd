"""Four clocks and a deadline, each kept, none by another's."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from reference_impl.router.core.rig import Rig, disagg, error, names, request, routed, run
from reference_impl.router.core.scripted import Call, hang, in_turn, well
from trueup_reference.router.discovery import WorkerEntry
from trueup_reference.router.protocol import RouterError

SHORT_MS = 120.0
LONG = {"connect": 20_000, "first_item": 20_000, "between_items": 20_000, "total": 20_000}
ONE = {"a0": 1}


def limits(**short: float) -> dict[str, Any]:
    return {"timeouts_ms": {**LONG, **short}, "retry": {"same_pool_attempts": 1}}


async def item_then_comments(call: Call) -> None:
    await call.begin()
    await call.item(0)
    while not call.gone.is_set():
        await call.piece(b": keep-alive\n\n")
        await asyncio.sleep(SHORT_MS / 10_000)


async def comments(call: Call) -> None:
    await call.begin()
    while not call.gone.is_set():
        await call.piece(b": keep-alive\n\n")
        await asyncio.sleep(SHORT_MS / 10_000)


async def item_then_progress(call: Call) -> None:
    """Events that no router knows."""
    await call.begin()
    await call.item(0)
    while not call.gone.is_set():
        await call.event("progress", {})
        await asyncio.sleep(SHORT_MS / 10_000)


async def endless_line(call: Call) -> None:
    await call.begin()
    await call.item(0)
    while not call.gone.is_set():
        await call.piece(b"x")
        await asyncio.sleep(SHORT_MS / 10_000)


async def slow_items(call: Call) -> None:
    await call.begin()
    for index in range(8):
        await asyncio.sleep(SHORT_MS / 2000)
        await call.item(index)
    await call.finish()


async def late(call: Call) -> None:
    await asyncio.sleep(2 * SHORT_MS / 1000)
    await well(call)


async def item_then_hang(call: Call) -> None:
    await call.begin()
    await call.item(0)
    await call.gone.wait()


@pytest.mark.parametrize("script", [hang, comments, late])
def test_the_first_item_must_come_in_time(script: Any) -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = script
        began = time.monotonic()
        events = await rig.ask()
        assert SHORT_MS <= (time.monotonic() - began) * 1000 < 5000
        assert names(events) == ["accepted", "routed", "error"]
        told = error(events)
        assert (told["code"], told["message"]) == ("timeout_first_item", "nothing came from a0-0 within 120 ms")
        await worker.calls[0].gone.wait()

    run(work, workers=ONE, **limits(first_item=SHORT_MS))


@pytest.mark.parametrize("script", [item_then_hang, item_then_comments, item_then_progress, endless_line])
def test_the_next_item_must_come_in_time_and_nothing_else_is_one(script: Any) -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = script
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "item", "error"]
        assert error(events)["code"] == "timeout_between_items"
        await worker.calls[0].gone.wait()

    run(work, workers=ONE, **limits(between_items=SHORT_MS))


def test_each_item_starts_the_clock_anew() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = slow_items
        assert names(await rig.ask())[-1] == "finish"

    run(work, workers=ONE, **limits(between_items=5 * SHORT_MS, first_item=5 * SHORT_MS))


def test_the_total_ends_whatever_is_under_way() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = slow_items
        events = await rig.ask()
        assert "item" in names(events)
        assert error(events)["code"] == "timeout_total"
        assert rig.value("ended_requests_total", outcome="timeout_total") == 1

    run(work, workers=ONE, **limits(total=3 * SHORT_MS))


def test_the_clients_deadline_is_kept_and_lowered() -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = hang
        received = time.monotonic() - SHORT_MS / 1000
        told = error(await rig.ask(deadline_ms=5 * SHORT_MS, received_s=received))
        assert told["code"] == "timeout_total"
        assert told["message"] == "the request had 600 ms, and they are over"
        assert worker.calls[0].asked["deadline_ms"] <= 4 * SHORT_MS

    run(work, workers=ONE, **limits())


def test_a_retry_has_what_is_left_of_the_deadline() -> None:
    async def work(rig: Rig) -> None:
        for worker in rig.workers["a0"]:
            worker.script = hang
        events = await rig.ask(deadline_ms=20 * SHORT_MS)
        assert len(routed(events)) == 2
        first, second = (worker.calls[0].asked["deadline_ms"] for worker in rig.workers["a0"])
        assert second <= first - SHORT_MS

    run(work, timeouts_ms={**LONG, "first_item": SHORT_MS}, retry={"same_pool_attempts": 2})


def test_a_deadline_that_has_passed_is_told_before_anything_is_accepted() -> None:
    async def work(rig: Rig) -> None:
        with pytest.raises(RouterError) as refused:
            await rig.ask(deadline_ms=0.0, received_s=time.monotonic() - 1)
        assert (refused.value.status, refused.value.code) == (504, "timeout_total")
        assert rig.workers["a0"][0].calls == []

    run(work, workers=ONE)


def test_a_deadline_that_passes_in_the_queue_is_told() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = hang
        async with await rig.router.accept(request()) as answer:
            await answer.batch()
            with pytest.raises(RouterError) as refused:
                await rig.ask(deadline_ms=SHORT_MS)
            assert refused.value.code == "timeout_total"
            assert rig.router.pools()["a0"].queued == 0
            assert rig.value("rejected_requests_total", pool="a0", code="timeout_total") == 1

    run(work, workers=ONE, admission={"max_in_flight": 1})


def test_a_connection_must_be_there_in_time() -> None:
    """A port whose queue of connections is full answers nothing at all."""

    async def work(rig: Rig) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            place = full.getsockname()
            crowd = [socket.socket() for _ in range(8)]
            for one in crowd:
                one.setblocking(False)
                one.connect_ex(place)
            url = f"http://127.0.0.1:{place[1]}"
            rig.discovery.set([WorkerEntry(id="full", namespace="a0", phase="agg", url=url)])
            told = error(await rig.ask())
            assert (told["code"], told["message"]) == ("timeout_connect", "no connection within 120 ms")
            for one in crowd:
                one.close()

    run(work, workers=ONE, **limits(connect=SHORT_MS))


def test_a_client_that_takes_nothing_holds_no_slot_beyond_the_total() -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]
        worker.script = item_then_hang
        async with await rig.router.accept(request()) as answer:
            await rig.until_item(answer)
            await worker.calls[0].gone.wait()  # though nobody asks for more
            assert rig.router.pools()["a0"].in_flight == 0
            assert error(await answer.batch())["code"] == "timeout_total"
            assert await answer.batch() == []

    run(work, workers=ONE, **limits(total=5 * SHORT_MS))


def test_a_slow_client_is_no_slow_worker() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = in_turn([well])
        async with await rig.router.accept(request(max_tokens=3)) as answer:
            found = await rig.until_item(answer)
            await asyncio.sleep(2 * SHORT_MS / 1000)
            while events := await answer.batch():
                found += events
        assert names(found)[-1] == "finish"

    run(work, workers=ONE, **limits(between_items=SHORT_MS))


def test_prefill_must_come_in_time_and_end_in_time() -> None:
    async def transfer_only(call: Call) -> None:
        await call.begin()
        await call.event("transfer", {"transfer": {}})
        await call.gone.wait()

    async def work(rig: Rig) -> None:
        prefill = rig.workers["p0"][0]
        prefill.script = in_turn([hang, transfer_only])
        assert error(await rig.ask())["code"] == "timeout_first_item"
        assert error(await rig.ask())["code"] == "timeout_between_items"
        assert rig.workers["d0"][0].calls == []

    run(work, disagg(), {"p0": 1, "d0": 1}, **limits(first_item=5 * SHORT_MS, between_items=SHORT_MS))
