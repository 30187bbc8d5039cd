"""What fails after the first item is told and never tried again; how attempts are named: RS-060 to RS-065."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet
from trueup_contracts.router_service.retrying import ATTEMPTS, asked_with, three_instances, tries, whole_of
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import (
    Close,
    Cut,
    End,
    Error,
    Finish,
    Gate,
    Hold,
    Item,
    Raw,
    Status,
    Step,
    complete,
)
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

_HTML = b"<html><body>502 Bad Gateway</body></html>\n"
_NO_JSON = b'event: item\ndata: {"index": 1, "token_\n\n'


def _broken_after_two_items(served: Fleet, *steps: Step) -> None:
    """The steps come when the client has the items: a reset takes with it what was not read yet."""
    __tracebackhide__ = True
    gate = Gate()
    stream, request_id = asked_with(served, Item(), Item(), Hold(gate), *steps)
    stream.until("item")
    stream.until("item")
    gate.open()
    stream.failed()
    asked = tries(served, request_id)
    assert len(asked) == 1, f"after two items and {steps} a worker was asked again: {asked}"
    whole_of(stream.events, asked[0], 2)
    _one_error(stream)


def _one_error(stream: Stream) -> None:
    __tracebackhide__ = True
    names = [one.name for one in stream.events]
    assert names.count("error") == 1, f"the events {', '.join(names)}: one error is due"
    assert "finish" not in names, f"the events {', '.join(names)}: it has finished and failed"


@requirement("RS-060")
def test_a_connection_that_breaks_after_an_item_is_an_error(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for step in (Cut(), Close()):
            _broken_after_two_items(served, step)
        attempts = len(served.asked())
        served.budgets.never(lambda: served.asked()[attempts:], "a worker was asked again after the error")


@requirement("RS-061")
def test_an_error_after_an_item_is_told(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        _broken_after_two_items(served, Error(retryable=True))
        _broken_after_two_items(served, Error(retryable=False))


@requirement("RS-062")
def test_items_without_an_end_are_an_error(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        _broken_after_two_items(served, End())


@requirement("RS-063")
def test_an_answer_that_cannot_be_read_is_a_failure(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for raw in (_HTML, _NO_JSON):
            stream, request_id = asked_with(served, Raw(raw), End())
            stream.error()
            asked = tries(served, request_id)
            assert len(asked) <= ATTEMPTS, f"{raw!r}: {len(asked)} attempts where {ATTEMPTS} are configured"
        gate = Gate()
        stream, request_id = asked_with(served, Item(), Hold(gate), Raw(_NO_JSON), Item(index=2), Finish())
        stream.until("item")
        gate.open()
        stream.failed()
        _one_error(stream)
        assert len(tries(served, request_id)) == 1, "an answer that cannot be read after its first item was tried again"
        served.reset()
        served.generate().finished()


@requirement("RS-064")
def test_attempts_are_named(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        give(served.last, Once(Status(503)))
        for _ in range(2):
            body = served.request()
            served.router.generate(body).finished()
            asked = tries(served, body["request_id"])
            attempts = [one.attempt for one in asked]
            assert attempts == list(range(ATTEMPTS)), f"attempts {attempts} of {body['request_id']}: {asked}"
            routers = {one.body.get("router_id") for one in asked}
            names = ", ".join(repr(one) for one in routers)
            assert len(routers) == 1, f"in one request one router has the router_ids {names}"
            assert all(isinstance(one, str) and one for one in routers), f"the router_id is {names}, and a text is due"


@requirement("RS-065")
def test_each_attempt_is_told_before_anything_of_it(trueup_subject: Subject) -> None:
    gates = [Gate(), Gate()]
    with three_instances(trueup_subject) as served:
        seen: list[Asked] = []

        def script(asked: Asked) -> list[Step]:
            seen.append(asked)
            return [Hold(gates[0]), Cut()] if len(seen) == 1 else [Hold(gates[1]), *complete(asked)]

        give(served.last, script)
        body = served.request()
        stream = served.router.generate(body)
        for number, gate in enumerate(gates):
            routed = stream.until("routed")
            while routed.get("phase") != served.grid.phases[-1]:
                routed = stream.until("routed")
            served.until_asked(*served.last, count=number + 1)
            due = {"pool": served.grid.last[0], "attempt": seen[number].attempt}
            told = {name: routed.get(name) for name in due}
            assert told == due, f"attempt {number} was told as {told}, and the worker was asked as {due}"
            gate.open()
        stream.finished()
