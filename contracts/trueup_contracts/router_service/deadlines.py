"""The client's deadline: RS-083, RS-084 and RS-124."""

from __future__ import annotations

import itertools

from trueup_contracts import requirement
from trueup_contracts.router_service import protocol
from trueup_contracts.router_service.admitting import bounded, hold, one_refused
from trueup_contracts.router_service.clocks import code_of, hung_is_passed_over, scaled
from trueup_contracts.router_service.retrying import one_instance
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import Hang, always
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

DEADLINE_MS = 500  # before it is scaled
FAR_MS = 30_000


@requirement("RS-083")
def test_a_deadline_ends_the_request(trueup_subject: Subject) -> None:
    deadline_ms = scaled(trueup_subject, deadline=DEADLINE_MS)["deadline"]
    with one_instance(trueup_subject) as served:
        give(served.last, always(Hang()))
        stream = served.generate(deadline_ms=deadline_ms)
        code = code_of(stream)
        took_s = stream.ended_at_s - stream.started_at_s
        assert code in protocol.TIMEOUTS, f"the deadline has passed, and the code is {code!r}"
        limit_s = deadline_ms / 1_000 + served.budgets.margin_s
        assert took_s <= limit_s, f"a deadline of {deadline_ms} ms has ended the request after {took_s:.3f} s"
        attempts = len(served.asked())
        served.budgets.never(lambda: served.asked()[attempts:], "another attempt after the deadline")


def _left_ms(asked: Asked) -> float:
    __tracebackhide__ = True
    found = asked.body.get("deadline_ms")
    assert isinstance(found, int | float) and not isinstance(found, bool), f"{asked}: it was told no deadline"  # noqa: PT018
    assert 0 < found <= FAR_MS + protocol.CLOCK_MS, (
        f"{asked}: the client's deadline is {FAR_MS} ms, and the worker was told {found}"
    )
    return found


@requirement("RS-084")
def test_workers_are_told_what_is_left_of_the_deadline(trueup_subject: Subject) -> None:
    with hung_is_passed_over(trueup_subject) as served:
        give(served.last, Once(Hang()))
        body = served.request(deadline_ms=FAR_MS)
        served.router.generate(body).finished()
        asked = served.asked(body["request_id"])
        left_ms = [_left_ms(one) for one in asked]
        for earlier, later in itertools.pairwise(left_ms):
            assert later <= earlier, f"{asked}: more is left of the deadline than before"
        first, second = (_left_ms(one) for one in served.asked(body["request_id"], served.grid.phases[-1]))
        waited_ms = served.service["timeouts_ms"]["first_item"]
        assert first - second >= waited_ms - 5, (  # for clocks
            f"the first attempt took {waited_ms} ms, and the deadlines were {first:g} and {second:g} ms"
        )


@requirement("RS-124")
def test_a_deadline_ends_what_waits(trueup_subject: Subject) -> None:
    deadline_ms = scaled(trueup_subject, deadline=DEADLINE_MS)["deadline"]
    with bounded(trueup_subject) as served:
        gate, streams = hold(served)
        waiting, _ = one_refused(served, deadline_ms=deadline_ms)
        took_s = waiting.wait().ended_at_s - waiting.started_at_s
        limit_s = deadline_ms / 1_000 + served.budgets.margin_s
        assert took_s <= limit_s, (
            f"a deadline of {deadline_ms} ms ended what waits after {took_s:.3f} s: {waiting.told}"
        )
        assert waiting.status != 200, f"it was accepted, and nothing was free: {waiting.told}"
        gate.open()
        for stream in streams:
            stream.finished()
