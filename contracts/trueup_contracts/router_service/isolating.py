"""What is slow or stuck holds up nobody else: RS-119 and RS-120."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.clocks import scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.leaving import big_items, reads_nothing, until_it_stands
from trueup_contracts.router_service.retrying import one_instance
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Hang, always, complete
from trueup_contracts.subject import Subject

HUNG, HALVES = 128, 32
STUCK, STUCK_ITEMS = 2, 1_024  # of 16 KiB: more than the system's buffers hold
REQUESTS = 5
LONG_MS = 60_000  # before it is scaled


def _took_s(served: Fleet, pool: int | None = None) -> float:
    """Until some requests, one after the other, have finished."""
    __tracebackhide__ = True
    begun_s = time.monotonic()
    for _ in range(REQUESTS):
        served.generate(targets=None if pool is None else grids.targets(pool)).finished()
    return time.monotonic() - begun_s


@requirement("RS-119")
def test_a_slow_pool_does_not_slow_another(trueup_subject: Subject) -> None:
    settings = {
        "admission": {"max_in_flight": 4 * HUNG, "max_queued": HUNG},
        "timeouts_ms": scaled(trueup_subject, first_item=LONG_MS),  # none of them gives up while this test looks
    }
    with fleet(trueup_subject, grids.apart(trueup_subject), service=settings) as served:
        before_s = _took_s(served, 1)
        slow = served.workers_of(served.grid.first[0])
        give(slow, always(Hang()))
        for _ in range(HUNG):
            served.generate(targets=grids.targets(0))
        seen = -1

        def look() -> bool:
            nonlocal seen
            before, seen = seen, len(slow[0].asked)
            return seen == HUNG or before == seen > 0

        served.budgets.until(look, "requests at the slow pool")
        took_s = _took_s(served, 1)
        limit_s = 10 * before_s + served.budgets.margin_s
        assert took_s <= limit_s, (
            f"{REQUESTS} requests took {before_s:.2f} s, and {took_s:.2f} s while {seen} hang in another pool"
        )


@requirement("RS-120")
def test_stuck_clients_hold_up_nobody(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served, ExitStack() as stuck:
        steps, gate = big_items(STUCK_ITEMS)
        give(served.last, lambda asked: steps if asked.request_id.startswith("stuck") else complete(asked))
        for _ in range(STUCK):
            stuck.enter_context(reads_nothing(served, served.new_id("stuck")))
        for _ in range(HALVES):
            half = stuck.enter_context(socket.create_connection(served.router.address, served.budgets.signal_s))
            half.sendall(f"POST {protocol.GENERATE} HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{".encode())
        until_it_stands(served, gate)
        _took_s(served)
