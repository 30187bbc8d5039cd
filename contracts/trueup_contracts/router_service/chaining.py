"""Failures in the mode disagg, where prefill and decode are tried apart: RS-066 to RS-069."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router import model
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.grids import Grid
from trueup_contracts.router_service.retrying import RETRY, whole_of
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import (
    Close,
    Cut,
    Error,
    Gate,
    Head,
    Hold,
    Item,
    Status,
    Step,
    Transfer,
    always,
)
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

PREFILL, DECODE = "prefill-0", "decode-0"


@contextmanager
def _two_phases(subject: Subject) -> Iterator[Fleet]:
    with fleet(subject, Grid(model.disagg()), workers={PREFILL: 2, DECODE: 2}, service=RETRY) as served:
        yield served


def _transfer_of(asked: Asked) -> dict[str, Any]:
    """What this prefill has made."""
    return {"worker": asked.worker_id, "request": asked.request_id}


@requirement("RS-066")
def test_decode_gets_the_transfer_of_the_prefill_that_served(trueup_subject: Subject) -> None:
    with _two_phases(trueup_subject) as served:
        left: list[Step] = [Transfer({"worker": "one that has failed"})]
        for steps in (
            [Status(503)],
            [Cut()],
            [Error(retryable=True)],
            [*left, Close()],
            [*left, Error(retryable=True)],
        ):
            served.reset()
            give(served.workers_of(PREFILL), Once(*steps))
            body = served.request()
            served.router.generate(body).finished()
            prefill, decode = (served.asked(body["request_id"], phase) for phase in ("prefill", "decode"))
            assert len(prefill) == 2, f"after {steps} of a prefill worker, prefill was asked {len(prefill)} times"
            assert prefill[0].worker_id != prefill[1].worker_id, f"the same prefill worker was asked again: {prefill}"
            assert len(decode) == 1, f"decode was asked {len(decode)} times: {decode}"
            found, due = decode[0].body.get("transfer"), _transfer_of(prefill[1])
            assert found == due, f"decode got the transfer {found}, and the prefill that served made {due}"


@requirement("RS-067")
def test_decode_is_tried_again_with_a_transfer(trueup_subject: Subject) -> None:
    with _two_phases(trueup_subject) as served:
        for steps in ([Status(503)], [Cut()], [Head(), Cut()], [Error(retryable=True)]):
            served.reset()
            give(served.workers_of(DECODE), Once(*steps))
            body = served.request()
            events = served.router.generate(body).finished()
            prefill, decode = (served.asked(body["request_id"], phase) for phase in ("prefill", "decode"))
            made = [_transfer_of(one) for one in prefill]
            for one in decode:
                found = one.body.get("transfer")
                assert found in made, (
                    f"attempt {one.attempt} of decode got the transfer {found}, and prefill made {made}"
                )
            assert len(decode) == 2, f"after {steps} of a decode worker, decode was asked {len(decode)} times: {decode}"
            assert decode[0].worker_id != decode[1].worker_id, f"the same decode worker was asked again: {decode}"
            whole_of(events, decode[1])


@requirement("RS-068")
def test_nothing_is_tried_again_after_the_first_item(trueup_subject: Subject) -> None:
    gate = Gate()
    with _two_phases(trueup_subject) as served:
        give(served.workers_of(DECODE), always(Item(), Hold(gate), Cut()))
        stream = served.generate()
        stream.until("item")
        gate.open()
        stream.failed()
        served.budgets.never(lambda: served.asked()[2:], "after the first item a phase was asked again")
        assert stream.tokens == stream.named("item")[0].get("token_ids"), f"one item is due: {stream.told}"


@requirement("RS-069")
def test_decode_is_not_asked_when_prefill_failed(trueup_subject: Subject) -> None:
    with _two_phases(trueup_subject) as served:
        for step in (Status(400), Status(503), Error(retryable=False)):
            served.reset()
            give(served.workers_of(PREFILL), always(step))
            body = served.request()
            error = served.router.generate(body).error()
            decode = served.asked(body["request_id"], "decode")
            assert decode == [], f"prefill failed ({step}), and decode was asked: {decode}"
            pool = error.get("pool")
            assert pool == PREFILL, f"prefill failed ({step}), and the error names the pool {pool!r}"
