"""Workers that come, go, move and come back: RS-110 to RS-115, and RS-126."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.clocks import code_of, in_time, scaled
from trueup_contracts.router_service.fleet import Fleet, fleet, replace
from trueup_contracts.router_service.retrying import RETRY
from trueup_contracts.router_service.workers import Worker
from trueup_contracts.subject import Subject

AFTER = 10  # requests
TURNS = 5  # of a router, in which it reads that a connection was reset
WAIT_MS, LONG_WAIT_MS = 500, 20_000  # before they are scaled
UNREADABLE = (b"", b'{"version": 1, "workers": [{"id": ', b"[]", b'{"version": 1}', b"\x00\xff")


@contextmanager
def _two_pools(subject: Subject, wait_ms: int = WAIT_MS) -> Iterator[Fleet]:
    settings = {**RETRY, **scaled(subject, pool_wait_ms=wait_ms)}
    with fleet(subject, grids.apart(subject), service=settings, fresh=True) as served:
        yield served


def _until_used(served: Fleet, worker: Worker, pool: int) -> None:
    """Request after request, each served, until this worker has been asked: then the router knows of it."""
    __tracebackhide__ = True

    def look() -> bool:
        served.generate(targets=grids.targets(pool)).finished()
        return bool(worker.asked)

    served.budgets.until(look, f"a request at {worker.id}, which discovery names")


def _in_a_row(served: Fleet, is_so: Callable[[], bool], what: str) -> None:
    """Request after request, until so many are so one after the other: a router of several processes learns of a
    change in each of them, and not in all at the same moment."""
    __tracebackhide__ = True
    served.budgets.until(lambda: all(is_so() for _ in range(AFTER)), what)


def _like(served: Fleet, worker: Worker, identity: str) -> Worker:
    """One more worker of its namespace, which discovery does not name yet."""
    return served.add_worker(worker.namespace, worker.phase, identity)


def _unused(served: Fleet, worker: Worker, pool: int, why: str) -> None:
    """Requests come to reach it no more."""
    __tracebackhide__ = True

    def look() -> bool:
        before = len(worker.asked)
        served.generate(targets=grids.targets(pool)).finished()
        return len(worker.asked) == before

    _in_a_row(served, look, f"{AFTER} requests of which none goes to {worker.id}, {why}")


@requirement("RS-110")
def test_a_worker_that_appears_is_used(trueup_subject: Subject) -> None:
    with _two_pools(trueup_subject) as served:
        first = served.first[0]
        added = _like(served, first, f"{first.namespace}-added")
        served.rediscover(served.workers)
        first.stop()  # whichever a router prefers, the new one alone can serve

        def look() -> bool:
            served.generate(targets=grids.targets(0)).wait()
            return bool(added.asked)

        served.budgets.until(look, f"a request at {added.id}, which discovery names now")
        served.budgets.until(
            lambda: served.generate(targets=grids.targets(0)).wait().named("finish"),
            f"a request that {added.id} serves, since {first.id} is down",
        )


@requirement("RS-111")
def test_a_worker_that_disappears_is_not_used(trueup_subject: Subject) -> None:
    with _two_pools(trueup_subject) as served:
        moved, others = served.first[0], served.workers[1:]
        there = _like(served, moved, f"{moved.namespace}-there")
        served.rediscover([*others, {**there.entry, "id": moved.id}])
        _until_used(served, there, 0)
        _unused(served, moved, 0, "which has moved to another URL")
        heir = _like(served, moved, f"{moved.namespace}-heir")
        served.rediscover([*others, heir])
        _until_used(served, heir, 0)
        _unused(served, there, 0, "which discovery names no more")


def _empty_pool_0(served: Fleet) -> None:
    """Discovery names none of its workers; one of pool 1 moves with the same file, which shows that it was read."""
    emptied = served.grid.first[0]
    moved = served.workers_of(served.grid.first[1])[0]
    there = _like(served, moved, f"{moved.namespace}-there")
    kept = [one for one in served.workers if one.namespace != emptied and one not in (moved, there)]
    served.rediscover([*kept, {**there.entry, "id": moved.id}])
    _until_used(served, there, 1)
    _unused(served, moved, 1, "which has moved to another URL")


@requirement("RS-112")
def test_a_pool_without_workers_is_waited_for_and_told(trueup_subject: Subject) -> None:
    with _two_pools(trueup_subject) as served:
        _empty_pool_0(served)
        stream = served.generate(targets=grids.targets(0))
        code = code_of(stream)
        assert code == "no_worker", f"the pool has no worker, and the code is {code!r}"
        limit_ms, started_s = served.service["pool_wait_ms"], stream.started_at_s
        in_time(served, "the error no_worker", limit_ms, started_s, started_s, stream.ended_at_s)


@requirement("RS-113")
def test_a_worker_that_comes_in_time_serves(trueup_subject: Subject) -> None:
    with _two_pools(trueup_subject, LONG_WAIT_MS) as served:
        known = [worker.entry for worker in served.workers]
        _empty_pool_0(served)
        stream = served.generate(targets=grids.targets(0))
        served.budgets.never(
            lambda: stream.told if stream.is_ended else None, "pool 0 has no worker, and an answer came"
        )
        served.rediscover(known)
        stream.finished()


@requirement("RS-114")
def test_a_file_that_cannot_be_read_changes_nothing(trueup_subject: Subject) -> None:
    with _two_pools(trueup_subject) as served:
        for raw in UNREADABLE:
            for router in served.routers:
                replace(router.handle.paths["discovery"], raw)

            def look() -> bool:
                served.generate(targets=grids.targets(0)).finished()
                return False

            served.budgets.never(look, "")
        first, *others = served.workers
        heir = _like(served, first, f"{first.namespace}-heir")
        served.rediscover([*others, heir])
        _until_used(served, heir, 0)


@requirement("RS-115")
def test_a_pool_that_was_restarted_serves_again(trueup_subject: Subject) -> None:
    grid = grids.bare(trueup_subject)
    ejection = {"failures": 2, **scaled(trueup_subject, backoff_ms=200, max_backoff_ms=500)}
    settings = {**RETRY, "ejection": ejection}
    with fleet(trueup_subject, grid, workers=dict.fromkeys(grid.last, 2), service=settings, fresh=True) as served:
        for _ in range(4):  # connections that are kept open
            served.generate().finished()
        for worker in served.last:
            worker.stop()
        for _ in range(3):
            code = code_of(served.generate())
            assert code in ("worker_failed", "no_worker", "timeout_connect"), (
                f"all workers of the pool are down, and the code is {code!r}"
            )
        for worker in served.last:
            worker.start()

        def look() -> bool:
            found = served.generate().wait()
            return bool(found.named("finish"))

        _in_a_row(served, look, f"{AFTER} requests that the restarted workers serve, one after the other")


@requirement("RS-126")
def test_a_connection_that_was_kept_open_may_be_dead(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.bare(trueup_subject)) as served:
        served.generate().finished()
        for worker in served.workers:
            worker.stop()
            worker.start()
        for _ in range(TURNS):
            served.router.get(protocol.READY)
        served.generate().finished()
