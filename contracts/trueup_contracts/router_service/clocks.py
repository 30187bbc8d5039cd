"""The four clocks of a request: RS-076 to RS-082."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.errors import NotRunError
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.retrying import RETRY, whole_of
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import Finish, Gate, Hang, Head, Hold, Item, KeepAlives, Step, always
from trueup_contracts.subject import Subject

# Milliseconds, before they are scaled.
CONNECT, FIRST_ITEM, BETWEEN_ITEMS, TOTAL = 400, 800, 800, 2_000
PACE_S = 0.2  # between two items of a worker that is slow and well
PACED_ITEMS = 6  # longer in all than the first item and the next may take
MOST_ROUNDS = 5  # of a test whose own pace was not kept


def scaled(subject: Subject, **times_ms: int) -> dict[str, int]:
    """Settings of time."""
    return {name: round(value * subject.scale) for name, value in times_ms.items()}


def code_of(stream: Stream) -> str:
    """The code of the error that a request ended by, before it was accepted or after."""
    __tracebackhide__ = True
    return str(stream.error().get("code"))


def in_time(served: Fleet, what: str, limit_ms: float, earliest_s: float, latest_s: float, ended_s: float) -> None:
    """It ended when a clock ran out that began between these two moments: no sooner, and not much later."""
    __tracebackhide__ = True
    longest_s, shortest_s = ended_s - earliest_s, ended_s - latest_s
    assert longest_s >= (limit_ms - protocol.CLOCK_MS) / 1_000, (
        f"{what}: after {longest_s:.3f} s already; {limit_ms} ms are set"
    )
    limit_s = limit_ms / 1_000 + served.budgets.margin_s
    assert shortest_s <= limit_s, f"{what}: after {shortest_s:.3f} s at last; {limit_ms} ms are set"


@contextmanager
def _short_clocks(subject: Subject) -> Iterator[Fleet]:
    timeouts = scaled(subject, first_item=FIRST_ITEM, between_items=BETWEEN_ITEMS, total=TOTAL)
    with fleet(subject, grids.bare(subject), service={"timeouts_ms": timeouts}) as served:
        yield served


@contextmanager
def hung_is_passed_over(subject: Subject) -> Iterator[Fleet]:
    """Two instances of the pool that items come from, two attempts, and little time for the first item."""
    grid = grids.plain(subject)
    settings = {**RETRY, "timeouts_ms": scaled(subject, first_item=FIRST_ITEM)}
    with fleet(subject, grid, workers=dict.fromkeys(grid.last, 2), service=settings) as served:
        yield served


@requirement("RS-076")
def test_a_connection_that_is_not_made_fails(trueup_subject: Subject) -> None:
    timeouts = scaled(trueup_subject, connect=CONNECT)
    with fleet(trueup_subject, grids.bare(trueup_subject), service={"timeouts_ms": timeouts}) as served:
        worker = served.last[0]
        worker.black_hole()
        try:
            stream = served.generate()
            code = code_of(stream)
        finally:
            worker.start()
        # A router that asks workers for their health first finds none.
        assert code in ("timeout_connect", "no_worker"), f"no connection could be made, and the code is {code!r}"
        limit_ms = timeouts["connect"] + served.service["pool_wait_ms"]
        in_time(served, f"the error {code}", limit_ms, 0, stream.started_at_s, stream.ended_at_s)


@requirement("RS-077")
def test_a_first_item_that_does_not_come(trueup_subject: Subject) -> None:
    with _short_clocks(trueup_subject) as served:
        give(served.last, lambda asked: [Hang()] if asked.max_tokens == 1 else [Head(), Hang()])
        for stream in [served.generate(max_tokens=count) for count in (1, 2)]:
            code, asked = code_of(stream), served.asked(phase=served.grid.phases[-1])[-1]
            assert code == "timeout_first_item", f"no first item came, and the code is {code!r}"
            limit_ms = served.service["timeouts_ms"]["first_item"]
            in_time(served, code, limit_ms, stream.started_at_s, asked.at_s, stream.ended_at_s)


def _stands_still(served: Fleet, *steps: Step) -> None:
    __tracebackhide__ = True
    give(served.last, always(Item(), *steps))
    stream = served.generate()
    item = stream.until("item")
    code = code_of(stream)
    assert code == "timeout_between_items", f"no second item came, and the code is {code!r}"
    sent_s = served.last[0].asked[0].sent_at_s[0]
    limit_ms = served.service["timeouts_ms"]["between_items"]
    in_time(served, code, limit_ms, sent_s, item.at_s, stream.ended_at_s)


@requirement("RS-078")
def test_a_next_item_that_does_not_come(trueup_subject: Subject) -> None:
    with _short_clocks(trueup_subject) as served:
        _stands_still(served, Hang())


@requirement("RS-079")
def test_keep_alives_are_no_items(trueup_subject: Subject) -> None:
    with _short_clocks(trueup_subject) as served:
        _stands_still(served, KeepAlives(BETWEEN_ITEMS * trueup_subject.scale / 8_000))


def _paced(served: Fleet, count: int) -> Stream:
    """A stream whose items come one by one, until it ends. `NotRunError` where this machine does not keep the pace."""
    longest_s = served.service["timeouts_ms"]["between_items"] / 2_000
    for _ in range(MOST_ROUNDS):
        served.reset()
        gates = [Gate() for _ in range(count)]
        steps = [step for gate in gates for step in (Item(), Hold(gate))]
        give(served.last, always(*steps, Finish()))
        stream = served.generate(max_tokens=count)
        stream.until("item")
        for gate in gates:
            if not _ended_within(stream, PACE_S * served.budgets.scale):
                gate.open()
        stream.wait()
        sent_s = served.last[0].asked[0].sent_at_s
        if all(later - earlier < longest_s for earlier, later in itertools.pairwise(sent_s)):
            return stream
    raise NotRunError(f"in {MOST_ROUNDS} rounds this machine was too slow to send an item every {PACE_S} s")


def _ended_within(stream: Stream, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not stream.is_ended and (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.05))  # the pace itself
    return stream.is_ended


@requirement("RS-080")
def test_an_answer_that_takes_too_long_in_all(trueup_subject: Subject) -> None:
    with _short_clocks(trueup_subject) as served:
        limit_ms = served.service["timeouts_ms"]["total"]
        stream = _paced(served, round(2 * TOTAL / 1_000 / PACE_S))
        code, asked = code_of(stream), served.last[0].asked[0]
        assert code == "timeout_total", f"items came for longer than `total`, and the code is {code!r}"
        in_time(served, code, limit_ms, stream.started_at_s, asked.at_s, stream.ended_at_s)


@requirement("RS-081")
def test_a_timeout_before_the_first_item_is_tried_again(trueup_subject: Subject) -> None:
    with hung_is_passed_over(trueup_subject) as served:
        give(served.last, Once(Hang()))
        body = served.request()
        events = served.router.generate(body).finished()
        hung, other = served.asked(body["request_id"], served.grid.phases[-1])
        assert hung.worker_id != other.worker_id, f"the worker that hangs was asked again: {hung}, {other}"
        whole_of(events, other)
        what = f"the connection to {hung.worker_id}, which was given up, is closed"
        served.until(lambda: hung.outcome == "gone", what, served.budgets.margin_s)


@requirement("RS-082")
def test_a_slow_stream_is_not_cut(trueup_subject: Subject) -> None:
    with _short_clocks(trueup_subject) as served:
        stream = _paced(served, PACED_ITEMS)
        stream.finished()
        whole_of(stream.events, served.last[0].asked[0], PACED_ITEMS)
