"""Anything at once: workers that fail in every way, clients that go, pools that come and go. Nothing is lost."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from reference_impl.router.core.rig import Rig, agg, disagg, names, plan, request, run
from reference_impl.router.core.scripted import Call, Script, cut, hang, refusing, well
from trueup_reference.router.protocol import Event, RouterError

REQUESTS = 120
SERVICE: dict[str, Any] = {
    "timeouts_ms": {"connect": 2000, "first_item": 250, "between_items": 250, "total": 6000},
    "retry": {"same_pool_attempts": 3},
    "admission": {"max_in_flight": 8, "max_queued": 16, "max_wait_ms": 2000},
    "ejection": {"failures": 2, "backoff_ms": 20, "max_backoff_ms": 200},
    "pool_wait_ms": 500,
}


async def item_then_cut(call: Call) -> None:
    await call.begin()
    await call.event(*(("transfer", {"transfer": {}}) if call.asked["phase"] == "prefill" else ("item", FIRST)))
    call.cut()


async def begin_then_end(call: Call) -> None:
    await call.begin()
    call.end()


async def nonsense(call: Call) -> None:
    await call.begin()
    await call.event("item", {"index": 7, "token_ids": []})


async def tell_error(call: Call) -> None:
    await call.begin()
    await call.event("error", {"code": "lost", "message": "", "retryable": call.asked["attempt"] % 2 == 0})


async def slow(call: Call) -> None:
    await asyncio.sleep(0.03)
    await well(call)


FIRST = {"index": 0, "token_ids": [1]}
FAILING: list[Script] = [
    cut,
    hang,
    item_then_cut,
    begin_then_end,
    nonsense,
    tell_error,
    refusing(503),
    refusing(429, "Retry-After: 0"),
    refusing(400),
]


def by_chance(chance: random.Random) -> Script:
    """Well for the most part, or in any way not."""

    async def do(call: Call) -> None:
        await chance.choice([well, well, well, slow, *FAILING])(call)

    return do


async def client(rig: Rig, chance: random.Random, more: Callable[[], dict[str, Any]]) -> str:
    """A request; how it ended. Some clients go away before its end."""
    await asyncio.sleep(chance.random() / 2)
    try:
        answer = await rig.router.accept(request(deadline_ms=chance.choice([None, None, 800.0, 50.0]), **more()))
    except RouterError as refused:
        return refused.code
    goes_after = chance.choice([None, None, None, 1, 2, 3])
    events: list[Event] = []
    async with answer:
        while batch := await answer.batch():
            events += batch
            if goes_after is not None and len(events) >= goes_after:
                return "gone"
    told = names(events)
    assert told[0] == "accepted"
    assert [name for name in told if name in ("finish", "error")] == told[-1:], told
    indexes = [event.data["index"] for event in events if event.name == "item"]
    assert indexes == list(range(len(indexes)))
    first = told.index("item") if indexes else len(told)
    assert "routed" not in told[first:], f"retried after the first item: {told}"
    keys = [(event.data["phase"], event.data["attempt"]) for event in events if event.name == "routed"]
    assert len(set(keys)) == len(keys)
    return told[-1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mode", ["disagg", "agg"])
def test_every_request_ends_once_and_everything_is_given_back(mode: str, seed: int) -> None:
    chance = random.Random(seed)
    if mode == "disagg":
        grids = [disagg(("p0", "p1"), ("d0", "d1"), enable_priority_retry=on) for on in (True, False)]
        workers = {"p0": 2, "p1": 2, "d0": 2, "d1": 3}
    else:
        grids = [agg("a0", "a1", enable_priority_retry=True), agg("a1", "a0")]
        workers = {"a0": 2, "a1": 2}
    plans = [plan(grid) for grid in grids]

    def targets() -> dict[str, Any]:
        return {"ttft_target_ms": chance.uniform(0, 200), "itl_target_ms": chance.uniform(0, 200)}

    async def disturb(rig: Rig) -> None:
        entries = rig.entries()
        while True:
            await asyncio.sleep(0.05)
            rig.router.swap(chance.choice(plans))
            rig.discovery.set([entry for entry in entries if chance.random() < 0.8])

    async def work(rig: Rig) -> None:
        for each in (worker for workers in rig.workers.values() for worker in workers):
            each.script = by_chance(chance)
        disturbing = asyncio.ensure_future(disturb(rig))
        ended = Counter(await asyncio.gather(*(client(rig, chance, targets) for _ in range(REQUESTS))))
        disturbing.cancel()
        accepted = rig.value("accepted_requests_total")
        assert ended["finish"] + ended["error"] + ended["gone"] == accepted
        assert ended["finish"] > 0
        outcomes = {
            sample.labels["outcome"]: sample.value
            for family in rig.metrics.registry.collect()
            for sample in family.samples
            if sample.name == "trueup_router_ended_requests_total"
        }
        assert sum(outcomes.values()) == accepted
        assert rig.is_idle()
        rig.router.swap(plans[0])
        rig.discovery.set(rig.entries())
        for workers in rig.workers.values():
            for each in workers:
                each.script = well
        assert names(await rig.ask())[-1] == "finish"

    run(work, grids[0], workers, **SERVICE)
