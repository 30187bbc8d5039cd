"""What is slow or stuck holds up nobody else: RS-119 and RS-120."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.leaving import big_items, reads_nothing, until_it_stands
from trueup_contracts.router_service.retrying import one_instance
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Hang, always, complete
from trueup_contracts.subject import Subject

HUNG, HALVES = 128, 32
STUCK, STUCK_ITEMS = 4, 512  # of 16 KiB: more than the system's buffers hold
REQUESTS = 5


def _served_in_time(served: Fleet, why: str, pool: int | None = None) -> None:
    __tracebackhide__ = True
    for _ in range(REQUESTS):
        begun_s = time.monotonic()
        stream = served.generate(targets=None if pool is None else grids.targets(pool))
        limit_s = served.budgets.margin_s
        served.until(lambda stream=stream: stream.is_ended, f"a request, {why}; so far {stream.told}", limit_s)
        stream.finished()
        assert time.monotonic() - begun_s <= limit_s, f"a request took {time.monotonic() - begun_s:.2f} s, {why}"


@requirement("RS-119")
def test_a_slow_pool_does_not_slow_another(trueup_subject: Subject) -> None:
    admission = {"max_in_flight": 4 * HUNG, "max_queued": HUNG}
    with fleet(trueup_subject, grids.apart(trueup_subject), service={"admission": admission}) as served:
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
        _served_in_time(served, f"while {seen} of {HUNG} requests hang in another pool", 1)


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
        _served_in_time(served, f"while {STUCK} clients do not read, and {HALVES} have sent half a request")
