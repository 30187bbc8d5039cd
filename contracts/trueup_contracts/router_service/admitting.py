"""Bounds of requests under way and waiting: RS-089 to RS-095."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.clocks import in_time, scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import (
    Cut,
    End,
    Error,
    Finish,
    Gate,
    Hang,
    Head,
    Hold,
    Item,
    Status,
    Step,
    always,
    complete,
)
from trueup_contracts.subject import Subject

IN_FLIGHT, QUEUED = 2, 1
WAIT_MS, LONG_MS = 1_000, 60_000  # before they are scaled
DEADLINE_MS = 300
TURNS = 50  # of a router


@contextmanager
def bounded(subject: Subject) -> Iterator[Fleet]:
    """Two may be under way in each pool, and one may wait, for long; the pools have nothing in common."""
    admission = {"max_in_flight": IN_FLIGHT, "max_queued": QUEUED, **scaled(subject, max_wait_ms=LONG_MS)}
    grid = grids.apart(subject)
    with fleet(subject, grid, workers=dict.fromkeys(grid.first, 2), service=_held_long(subject, admission)) as served:
        yield served


@contextmanager
def _one_at_a_time(subject: Subject) -> Iterator[Fleet]:
    """One may be under way, and others wait, for a second."""
    admission = {"max_in_flight": 1, "max_queued": 8, **scaled(subject, max_wait_ms=WAIT_MS)}
    with fleet(subject, grids.plain(subject), service=_held_long(subject, admission)) as served:
        yield served


def _held_long(subject: Subject, admission: Mapping[str, int]) -> dict[str, Any]:
    """What is held at its worker stays there: no clock makes room."""
    return {"admission": admission, "timeouts_ms": scaled(subject, first_item=LONG_MS)}


def hold(served: Fleet, pool: int = 0) -> tuple[Gate, list[Stream]]:
    """As many as may be under way, at their workers, until the gate opens."""
    __tracebackhide__ = True
    gate = Gate()
    give(served.workers_of(served.grid.first[pool]), lambda asked: [Hold(gate), *complete(asked)])
    streams = [served.generate(targets=grids.targets(pool)) for _ in range(IN_FLIGHT)]
    served.until(lambda: gate.reached == IN_FLIGHT, f"{IN_FLIGHT} requests at workers, as max_in_flight allows")
    return gate, streams


def one_refused(served: Fleet, **changes: Any) -> tuple[Stream, Stream]:
    """Of two requests for a full pool, where one may wait: the one that waits, and the one that was refused."""
    __tracebackhide__ = True
    pair = [served.generate(targets=grids.targets(0), **changes) for _ in range(QUEUED + 1)]
    limit_s = served.budgets.margin_s
    what = f"an answer to one of {len(pair)} requests for a full pool, where {QUEUED} may wait"
    served.until(lambda: any(one.is_ended for one in pair), what, limit_s)
    refused = next(one for one in pair if one.is_ended)
    waiting = next(one for one in pair if one is not refused)
    return waiting, refused


@requirement("RS-089")
def test_what_is_too_much_is_refused_at_once(trueup_subject: Subject) -> None:
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        waiting, refused = one_refused(served)
        code = refused.refused(429).get("code")
        assert code == "overloaded", f"the pool is full, and the code is {code!r}"
        after = refused.headers.get("retry-after", "")
        assert after.strip(), f"429 without Retry-After: {dict(refused.headers)}"
        gate.open()
        for stream in [*streams, waiting]:
            stream.finished()


@requirement("RS-090")
def test_workers_never_have_more_than_the_bound(trueup_subject: Subject) -> None:
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        more = [served.generate(targets=grids.targets(0)) for _ in range(4 * IN_FLIGHT)]
        bound = f"more than {IN_FLIGHT} requests at the workers of {served.grid.first[0]}"
        served.budgets.never(lambda: gate.reached > IN_FLIGHT, bound)
        gate.open()
        for stream in streams:
            stream.finished()
        for stream in more:
            stream.wait()


@requirement("RS-091")
def test_what_waits_is_served_when_there_is_room(trueup_subject: Subject) -> None:
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        waiting, _ = one_refused(served)
        assert not waiting.named("routed"), f"what waits was dispatched: {waiting.told}"
        gate.open()
        for stream in [*streams, waiting]:
            stream.finished()


@requirement("RS-092")
def test_waiting_has_an_end(trueup_subject: Subject) -> None:
    gate = Gate()
    with _one_at_a_time(trueup_subject) as served:
        give(served.first, lambda asked: [Hold(gate), *complete(asked)])
        held = served.generate()
        served.until(lambda: gate.reached or None, "a request at a worker")
        waiting = served.generate()
        code = waiting.refused(429).get("code")
        assert code == "overloaded", f"the wait is over, and the code is {code!r}"
        limit_ms = served.service["admission"]["max_wait_ms"]
        started_s = waiting.started_at_s
        in_time(served, "429 for what waits", limit_ms, started_s, started_s, waiting.ended_at_s)
        gate.open()
        held.finished()


@requirement("RS-093")
def test_every_end_makes_room(trueup_subject: Subject) -> None:
    ends: dict[str, list[Step]] = {
        "finish": [Item(), Finish()],
        "an error": [Error()],
        "an error after an item": [Item(), Error()],
        "a refusal": [Status(400)],
        "a refusal that could be tried again": [Status(503)],
        "a connection that broke": [Cut()],
        "a connection that broke after an item": [Item(), Cut()],
        "an answer without an end": [Head(), End()],
        "a deadline": [Hang()],
    }
    deadline_ms = scaled(trueup_subject, deadline=DEADLINE_MS)["deadline"]
    with _one_at_a_time(trueup_subject) as served:
        # What fails in prefill must leave the places of decode too.
        cases = [(served.last, end) for end in ends]
        cases += [(served.first, end) for end in ends if Item() not in ends[end]]
        for workers, end in cases:
            served.reset()
            give(workers, always(*ends[end]))
            served.generate(deadline_ms=deadline_ms if end == "a deadline" else None).wait()
            served.reset()
            after = served.generate().wait()
            assert after.status != 429, f"after {end} of {workers[0].id} the pool is full, and nothing is under way"
            after.finished()


@requirement("RS-094")
def test_who_leaves_makes_room(trueup_subject: Subject) -> None:
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        waiting, _ = one_refused(served)
        waiting.close()

        def look() -> Stream | None:
            """A request that is not refused waits."""
            one = served.generate(targets=grids.targets(0))
            served.budgets.until(lambda: one.is_ended or _is_left_waiting(served, one), "an answer, or none")
            return None if one.is_ended else one

        next_one = served.budgets.until(look, "room in the queue, which a client has left")
        streams[0].close()  # and from under way: the next one takes its place
        served.until(lambda: gate.reached == IN_FLIGHT + 1, "what waits at a worker, when a client under way has left")
        gate.open()
        streams[1].finished()
        next_one.finished()
        asked = [one.request_id for one in served.asked(phase=served.grid.phases[0])]
        assert len(asked) == IN_FLIGHT + 1, f"what a client has left while it waited was sent to a worker: {asked}"


def _is_left_waiting(served: Fleet, stream: Stream) -> bool:
    """It is not answered, though the router has turns enough to refuse it: it answers others."""
    for _ in range(TURNS):
        served.router.look(protocol.READY)
        if stream.has_status:
            return False
    return True


@requirement("RS-095")
def test_a_full_pool_refuses_nothing_of_another(trueup_subject: Subject) -> None:
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        waiting, _ = one_refused(served)
        for _ in range(IN_FLIGHT):
            served.generate(targets=grids.targets(1)).finished()
        gate.open()
        for stream in [*streams, waiting]:
            stream.finished()
