"""Retries on faster pools, in the published order: RS-070 to RS-075, RS-127 and RS-129."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router import model
from trueup_contracts.router.model import Axis
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.clocks import scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.grids import ONE, Grid
from trueup_contracts.router_service.retrying import RETRY
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import Cut, Error, Gate, Hold, Item, Status, always, complete
from trueup_contracts.subject import Subject

# Lower is faster; 1 and 3 are as fast as each other.
PRIORITIES = (3, 1, 2, 1)
IN_FLIGHT, RETRIES = 2, 4
LONG_MS = 60_000  # before it is scaled: no clock makes room
# Selected pool to those asked, when all fail.
ORDERS = {0: [0, 2, 1, 3], 1: [1], 2: [2, 1, 3], 3: [3]}


def _ask(served: Fleet, pool: int) -> tuple[Stream, str]:
    """A request that the grid sends to this pool of the first phase; and its id."""
    body = served.request(targets={"ttft_ms": grids.ttft_of(pool)})
    return served.router.generate(body), body["request_id"]


def _pools(served: Fleet, request_id: str, phase: str) -> list[int]:
    """The pools that were asked, in order."""
    __tracebackhide__ = True
    namespaces = served.grid.pools(phase)
    found = [(one, served.workers[one.number].namespace) for one in served.asked(request_id, phase)]
    strange = [one for one, namespace in found if namespace not in namespaces]
    assert not strange, f"{phase} was asked of a worker of another phase: {strange}"
    return [namespaces.index(namespace) for _, namespace in found]


def _asked_when_all_refuse(served: Fleet, pool: int) -> list[int]:
    __tracebackhide__ = True
    give(served.first, always(Status(503)))
    stream, request_id = _ask(served, pool)
    stream.error()
    return _pools(served, request_id, served.grid.phases[0])


@requirement("RS-070")
def test_faster_pools_are_tried_slowest_first(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject, 4, PRIORITIES)) as served:
        for pool in (0, 2):
            found = _asked_when_all_refuse(served, pool)
            assert found == ORDERS[pool], (
                f"pool {pool} was selected, the priorities are {PRIORITIES}: pools {found} were asked, and "
                f"{ORDERS[pool]} is the order"
            )


@requirement("RS-071")
def test_no_slower_pool_is_tried(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject, 4, PRIORITIES)) as served:
        for pool, order in ORDERS.items():
            found = _asked_when_all_refuse(served, pool)
            slow = sorted(set(found) - set(order))
            assert not slow, (
                f"pool {pool} was selected, the priorities are {PRIORITIES}: pools {slow} were asked, and are no faster"
            )
            assert found, f"pool {pool} was selected, and no worker was asked"


@requirement("RS-072")
def test_without_the_flag_no_other_pool_is_tried(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject, 3)) as served:
        for pool in range(3):
            found = _asked_when_all_refuse(served, pool)
            assert found == [pool], f"pool {pool} was selected, retries are off: pools {found} were asked"


@requirement("RS-073")
def test_a_faster_pool_serves(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject, 4, PRIORITIES)) as served:
        phase = served.grid.phases[0]
        for pool in (0, 2):
            give(served.workers_of(served.grid.first[pool]), always(Status(503)))
        stream, request_id = _ask(served, 0)
        stream.finished()
        found = _pools(served, request_id, phase)
        assert found == [0, 2, 1], f"pools {found} were asked, and pool 1 serves after 0 and 2"
        told = [one.get("pool") for one in stream.named("routed") if one.get("phase") == phase]
        due = [served.grid.first[pool] for pool in (0, 2, 1)]
        assert told == due, f"the pools {told} were told, and {due} were asked"


@requirement("RS-074")
def test_the_pools_own_workers_come_first(trueup_subject: Subject) -> None:
    grid = grids.by_target(trueup_subject, 2, (2, 1))
    with fleet(trueup_subject, grid, workers={grid.first[0]: 2}, service=RETRY) as served:
        give(served.workers_of(grid.first[0]), Once(Status(503)))
        stream, request_id = _ask(served, 0)
        stream.finished()
        found = _pools(served, request_id, grid.phases[0])
        assert found == [0, 0], f"pools {found} were asked, and the second worker of pool 0 would have served"
        served.reset()
        found = _asked_when_all_refuse(served, 0)
        assert found == [0, 0, 1, 1], f"pools {found} were asked; two attempts in pool 0 and then two in 1 are due"


@requirement("RS-075")
def test_phases_have_orders_of_their_own(trueup_subject: Subject) -> None:
    two = Axis(0, 2_000, 2)
    more: dict[str, Any] = {
        "enable_priority_retry": True,
        "prefill_pool_priorities": [1, 0],
        "decode_pool_priorities": [0, 1],
    }
    gate = Gate()
    with fleet(trueup_subject, Grid(model.disagg((ONE, two), (ONE, two), **more))) as served:
        slow = served.workers_of("prefill-0", "decode-1")

        def asked(ttft: int, itl: int, names: Sequence[str]) -> list[list[int]]:
            give(served.workers_of(*names), always(Status(503)))
            targets = {"ttft_ms": grids.ttft_of(ttft), "itl_ms": grids.ttft_of(itl)}
            body = served.request(targets=targets)
            served.router.generate(body).whole()
            found = [_pools(served, body["request_id"], phase) for phase in ("prefill", "decode")]
            served.reset()
            return found

        found = asked(0, 1, [one.namespace for one in slow])
        assert found == [[0, 1], [1, 0]], f"prefill pools {found[0]} were asked and decode pools {found[1]}"
        found = asked(1, 0, ["decode-0"])
        assert found == [[1], [0]], f"the fastest pools failed: prefill {found[0]} and decode {found[1]} were asked"
        give(served.workers_of("decode-1"), always(Item(), Hold(gate), Cut()))
        stream = served.generate(targets={"ttft_ms": grids.ttft_of(0), "itl_ms": grids.ttft_of(1)})
        stream.until("item")
        gate.open()
        stream.failed()
        others = served.workers_of("prefill-1", "decode-0")
        assert not any(one.asked for one in others), f"after the first item a faster pool was asked: {others}"


@requirement("RS-127")
def test_what_is_wrong_everywhere_is_not_tried_in_faster_pools(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.by_target(trueup_subject, 4, PRIORITIES)) as served:
        for step in (Status(400), Error(retryable=False)):
            give(served.workers_of(served.grid.first[0]), always(step))
            stream, request_id = _ask(served, 0)
            stream.error()
            found = _pools(served, request_id, served.grid.phases[0])
            assert found == [0], f"pool 0 failed for good ({step}), and pools {found} were asked"


@requirement("RS-129")
def test_a_retry_takes_a_place_in_the_faster_pool(trueup_subject: Subject) -> None:
    """The faster pool is full. What becomes of the retries is free: they may wait, be passed over, or fail."""
    admission = {"max_in_flight": IN_FLIGHT, "max_queued": RETRIES}
    settings = {"admission": admission, "timeouts_ms": scaled(trueup_subject, first_item=LONG_MS)}
    gate = Gate()
    with fleet(trueup_subject, grids.apart(trueup_subject, 2, (2, 1)), service=settings) as served:
        slow, fast = (served.workers_of(namespace) for namespace in served.grid.first)
        give(slow, always(Status(503)))
        give(fast, lambda asked: [Hold(gate), *complete(asked)])
        held = [served.generate(targets=grids.targets(1)) for _ in range(IN_FLIGHT)]
        served.until_reached(gate, IN_FLIGHT)
        retried = [served.generate(targets=grids.targets(0)) for _ in range(RETRIES)]
        served.until_asked(*slow)
        served.budgets.never(
            lambda: gate.reached - IN_FLIGHT or None, f"retries at {served.grid.first[1]}, where {IN_FLIGHT} are"
        )
        gate.open()
        for stream in held:
            stream.finished()
        for stream in retried:
            stream.wait()
