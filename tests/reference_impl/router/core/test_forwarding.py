"""Requests over scripted workers on loopback: what the client sees, what the workers are asked, what is given back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from reference_impl.router.core.rig import QUICK, Rig, agg, disagg, error, names, plan, request, routed, run
from reference_impl.router.core.scripted import (
    Call,
    Script,
    begin_then_cut,
    cut,
    hang,
    in_turn,
    item_then_cut,
    refusing,
    tell_error,
    tell_fatal_error,
)
from trueup_reference.router import shared
from trueup_reference.router.discovery import WorkerEntry
from trueup_reference.router.forwarding import Answer
from trueup_reference.router.protocol import RouterError
from trueup_reference.router.shared import MOST_NUMBERED, Numbers


def test_an_answer_is_handed_on_in_order() -> None:
    async def work(rig: Rig) -> None:
        events = await rig.ask(request_id="mine", max_tokens=3)
        assert names(events) == ["accepted", "routed", "item", "item", "item", "finish"]
        assert events[0].data == {"request_id": "mine"}
        assert events[1].data == {"phase": "agg", "pool": "a0", "worker": "a0-0", "attempt": 0}
        assert [event.data["index"] for event in events[2:5]] == [0, 1, 2]
        assert events[5].data["reason"] == "length"
        assert rig.value("ended_requests_total", outcome="completed") == 1
        assert rig.value("selections_total", phase="agg", pool="a0", reason="grid") == 1
        assert rig.value("first_item_seconds_count", pool="a0") == 1

    run(work)


def test_a_worker_is_asked_what_the_client_asked() -> None:
    async def work(rig: Rig) -> None:
        await rig.ask(request_id="mine", priority=3, deadline_ms=5000.0, traceparent="00-a-b-01", tracestate="x=1")
        call = rig.workers["a0"][0].calls[0]
        left_ms = call.asked.pop("deadline_ms")
        assert 0 < left_ms <= 5000
        assert call.asked == {
            "request_id": "mine",
            "router_id": "router",
            "attempt": 0,
            "phase": "agg",
            "token_ids": [1, 2, 3],
            "max_tokens": 2,
            "targets": {"ttft_ms": 1.0, "itl_ms": 1.0},
            "priority": 3,
            "transfer": None,
        }
        assert call.headers["traceparent"] == "00-a-b-01"
        assert call.headers["tracestate"] == "x=1"
        assert "cookie" not in call.headers

    run(work)


def test_a_request_that_comes_again_has_another_key() -> None:
    async def work(rig: Rig) -> None:
        answers = [await rig.ask(request_id=request_id) for request_id in ("mine", "mine", "yours")]
        assert [events[1].data["attempt"] for events in answers] == [0, 1, 0]

    run(work)


def test_the_latest_requests_are_counted_on() -> None:
    numbers = Numbers()
    numbers.take("first", "agg")
    for number in range(MOST_NUMBERED - 1):
        numbers.take(f"other-{number}", "agg")
    assert numbers.take("first", "agg") == 1
    for number in range(MOST_NUMBERED):
        numbers.take(f"other-{number}", "decode")
    assert numbers.take("first", "agg") == 0


def test_attempts_of_one_request_are_numbered_on_however_many_came_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_NUMBERED", 1)

    async def work(rig: Rig) -> None:
        go_on = asyncio.Event()

        async def cut_later(call: Call) -> None:
            await go_on.wait()
            call.cut()

        rig.workers["a0"][0].script = in_turn([cut_later])
        first = asyncio.ensure_future(rig.ask())
        await rig.workers["a0"][0].called()
        await rig.ask()
        go_on.set()
        assert [attempt for _, _, attempt in routed(await first)] == [0, 1]

    run(work)


def test_connections_are_used_again() -> None:
    async def work(rig: Rig) -> None:
        for _ in range(10):
            await rig.ask()
        assert [len(worker.calls) for worker in rig.workers["a0"]] == [5, 5]
        assert [worker.connections for worker in rig.workers["a0"]] == [1, 1]

    run(work)


def test_the_worker_with_the_least_in_flight_is_chosen() -> None:
    async def work(rig: Rig) -> None:
        busy, idle = rig.workers["a0"]
        busy.script = hang
        async with await rig.router.accept(request()) as answer:
            await answer.batch()
            waiting = asyncio.ensure_future(answer.batch())
            await busy.called()
            for _ in range(3):
                await rig.ask()
            assert len(idle.calls) == 3
            waiting.cancel()

    run(work)


@pytest.mark.parametrize("fails", [refusing(503), refusing(500), refusing(429), refusing(408), cut, begin_then_cut])
def test_what_fails_before_the_first_item_is_tried_at_another_worker(fails: Script) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = fails
        events = await rig.ask()
        assert routed(events) == [("agg", "a0-0", 0), ("agg", "a0-1", 1)]
        assert names(events)[-3:] == ["item", "item", "finish"]
        first, second = (worker.calls[0].asked for worker in rig.workers["a0"])
        assert (first["request_id"], first["attempt"]) == (second["request_id"], 0)
        assert second["attempt"] == 1
        assert rig.value("retries_total", phase="agg", pool="a0", code="worker_failed") == 1

    run(work)


@pytest.mark.parametrize("fails", [tell_error, hang])
def test_a_worker_that_tells_an_error_or_hangs_is_left_for_another(fails: Script) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = fails
        assert routed(await rig.ask()) == [("agg", "a0-0", 0), ("agg", "a0-1", 1)]
        await rig.workers["a0"][0].calls[0].gone.wait()

    run(work, timeouts_ms=QUICK)


@pytest.mark.parametrize("status", [400, 404, 409, 302])
def test_other_statuses_are_not_tried_again(status: int) -> None:
    async def work(rig: Rig) -> None:
        for worker in rig.workers["a0"]:
            worker.script = refusing(status)
        events = await rig.ask(request_id="mine")
        assert names(events) == ["accepted", "routed", "error"]
        assert error(events) == {
            "code": "worker_failed",
            "message": f"status {status}",
            "request_id": "mine",
            "pool": "a0",
        }

    run(work)


def test_an_error_that_is_not_retryable_is_not_tried_again() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = tell_fatal_error
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "error"]
        assert error(events)["message"] == "the worker tells bad_prompt: no such token"

    run(work)


def test_after_the_first_item_nothing_is_tried_again() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = item_then_cut
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "item", "error"]
        assert error(events)["code"] == "worker_failed"
        assert rig.workers["a0"][1].calls == []
        assert rig.value("ended_requests_total", outcome="worker_failed") == 1

    run(work, retry={"same_pool_attempts": 5})


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
def test_there_are_as_many_attempts_in_a_pool_as_are_set(attempts: int) -> None:
    async def work(rig: Rig) -> None:
        for worker in rig.workers["a0"]:
            worker.script = refusing(503)
        events = await rig.ask()
        assert [attempt for _, _, attempt in routed(events)] == list(range(attempts))
        assert error(events)["code"] == "worker_failed"
        workers = [worker for _, worker, _ in routed(events)]
        assert len(set(workers)) == min(attempts, 2)

    run(work, retry={"same_pool_attempts": attempts})


def test_faster_pools_are_tried_in_the_published_order() -> None:
    grid = agg("a0", "a1", "a2", "a3", enable_priority_retry=True, agg_pool_priorities=[1, 3, 2, 2])

    async def work(rig: Rig) -> None:
        for workers in rig.workers.values():
            workers[0].script = refusing(503)
        events = await rig.ask(ttft_target_ms=150.0)
        pools = [event.data["pool"] for event in events if event.name == "routed"]
        assert pools == ["a1", "a2", "a3", "a0"]
        assert error(events)["pool"] == "a0"
        assert rig.value("failovers_total", phase="agg", pool="a1") == 1
        events = await rig.ask(ttft_target_ms=1.0)
        assert [event.data["pool"] for event in events if event.name == "routed"] == ["a0"]

    run(work, grid, dict.fromkeys(("a0", "a1", "a2", "a3"), 1), retry={"same_pool_attempts": 1})


def test_a_faster_pool_without_room_or_workers_is_passed_over() -> None:
    grid = agg("a0", "a1", "a2", enable_priority_retry=True)

    async def work(rig: Rig) -> None:
        rig.workers["a1"][0].script = hang
        rig.workers["a2"][0].script = refusing(503)
        async with await rig.router.accept(request(ttft_target_ms=150.0)) as busy:
            await busy.batch()
            events = await rig.ask(ttft_target_ms=250.0)
            assert [event.data["pool"] for event in events if event.name == "routed"] == ["a2", "a0"]
            assert names(events)[-1] == "finish"

    run(
        work,
        grid,
        {"a0": 1, "a1": 1, "a2": 1},
        admission={"max_in_flight": 1},
        retry={"same_pool_attempts": 1},
    )


@pytest.mark.parametrize("has_item", [False, True])
def test_a_client_that_goes_frees_everything_at_once(has_item: bool) -> None:
    async def work(rig: Rig) -> None:
        worker = rig.workers["a0"][0]

        async def item_then_hang(call: Call) -> None:
            await call.begin()
            if has_item:
                await call.item(0)
            await call.gone.wait()

        worker.script = item_then_hang
        answer = await rig.router.accept(request())

        async def client() -> None:
            async with answer:
                while await answer.batch():
                    pass

        listening = asyncio.ensure_future(client())
        call = await worker.called()
        if has_item:
            await rig.until(lambda: rig.value("first_item_seconds_count", pool="a0") == 1)
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        assert rig.is_idle()
        await call.gone.wait()
        assert rig.value("ended_requests_total", outcome="client_gone") == 1

    run(work)


def test_an_answer_can_be_closed_while_another_task_waits_for_it() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = hang
        answer = await rig.router.accept(request())
        await answer.batch()
        waiting = asyncio.ensure_future(answer.batch())
        call = await rig.workers["a0"][0].called()
        answer.close()
        assert rig.is_idle()
        assert error(await waiting)["code"] == "draining"
        await call.gone.wait()
        assert await answer.batch() == []
        answer.close()

    run(work)


async def breaking(answer: Answer) -> None:
    async with answer:
        await answer.batch()
        raise ZeroDivisionError


def test_what_goes_wrong_in_the_application_is_told_apart() -> None:
    async def work(rig: Rig) -> None:
        answer = await rig.router.accept(request())
        with pytest.raises(ZeroDivisionError):
            await breaking(answer)
        assert rig.value("ended_requests_total", outcome="internal") == 1

    run(work)


def test_requests_that_make_no_sense_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"ttft_target_ms": float("nan")}, {"itl_target_ms": -1.0}]

    async def work(rig: Rig) -> None:
        for one in wrong:
            with pytest.raises(RouterError) as refused:
                await rig.ask(**one)
            assert (refused.value.status, refused.value.code) == (400, "invalid_request")
        assert rig.value("rejected_requests_total", pool="", code="invalid_request") == 2

    run(work)


def test_requests_keep_the_grid_that_they_were_accepted_by() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = refusing(503)
        before = await rig.router.accept(request())
        rig.router.swap(plan(agg("a1")))
        assert set(rig.router.pools()) == {"a1"}
        async with before:
            events = [event async for event in before]
        assert routed(events) == [("agg", "a0-0", 0), ("agg", "a0-1", 1)]
        assert routed(await rig.ask()) == [("agg", "a1-0", 0)]
        assert rig.value("registered_workers", pool="a1") == 1
        assert rig.metrics.registry.get_sample_value("trueup_router_registered_workers", {"pool": "a0"}) is None
        rig.router.swap(plan(agg("a0", "a1")))
        assert set(rig.router.pools()) == {"a0", "a1"}
        assert all(state.ready for state in rig.router.pools().values())

    run(work, agg("a0"), {"a0": 2, "a1": 1})


def test_a_namespace_of_both_phases_is_served_by_each_phases_workers() -> None:
    grid = disagg(("both",), ("both",))

    async def work(rig: Rig) -> None:
        prefill, decode = rig.workers["p0"][0], rig.workers["d0"][0]
        entries = [
            {"id": "p", "phase": "prefill", "url": prefill.url},
            {"id": "d", "phase": "decode", "url": decode.url},
        ]
        rig.discovery.set([WorkerEntry(namespace="both", **one) for one in entries])  # type: ignore[arg-type]
        for _ in range(3):
            assert names(await rig.ask())[-1] == "finish"
        assert {call.asked["phase"] for call in prefill.calls} == {"prefill"}
        assert {call.asked["phase"] for call in decode.calls} == {"decode"}

    run(work, grid, {"p0": 1, "d0": 1}, admission={"max_in_flight": 1})
