"""What fails before the first item is tried again, as often as was configured: RS-050 to RS-059."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.client import Event, Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.scripting import Once, give
from trueup_contracts.router_service.steps import Close, Cut, End, Error, Head, Raw, Status, Step, always
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

ATTEMPTS, INSTANCES = 2, 3
RETRY = {"retry": {"same_pool_attempts": ATTEMPTS}}


@contextmanager
def three_instances(subject: Subject) -> Iterator[Fleet]:
    """A pool of three that items come from, and two attempts."""
    grid = grids.bare(subject)
    with fleet(subject, grid, workers=dict.fromkeys(grid.last, INSTANCES), service=RETRY) as served:
        yield served


@contextmanager
def one_instance(subject: Subject) -> Iterator[Fleet]:
    """One worker for each pool, and two attempts."""
    with fleet(subject, grids.plain(subject), service=RETRY) as served:
        yield served


def tries(served: Fleet, request_id: str) -> list[Asked]:
    """The attempts of the phase that items come from."""
    return served.asked(request_id, served.grid.phases[-1])


def asked_with(served: Fleet, *steps: Step) -> tuple[Stream, str]:
    """A request of which each attempt does as these steps say; and its id."""
    served.reset()
    give(served.last, always(*steps))
    body = served.request()
    return served.router.generate(body), body["request_id"]


def whole_of(events: list[Event], asked: Asked, count: int = 3) -> None:
    """The items are those of this attempt, each once."""
    __tracebackhide__ = True
    items = [one for one in events if one.name == "item"]
    found = [(one.get("index"), one.get("token_ids")) for one in items]
    due = [(index, [1_000 * (asked.number + 1) + index]) for index in range(count)]
    assert found == due, f"the client got the items {found}, and {asked.worker_id} sent {due}"


def _served_by_another(served: Fleet, *steps: Step) -> None:
    __tracebackhide__ = True
    served.reset()
    give(served.last, Once(*steps))
    body = served.request()
    events = served.router.generate(body).finished()
    asked = tries(served, body["request_id"])
    assert len(asked) == ATTEMPTS, f"after {steps} the workers were asked {len(asked)} times: {asked}"
    assert asked[0].worker_id != asked[1].worker_id, f"after {steps} the same instance was asked again: {asked}"
    whole_of(events, asked[1])


@requirement("RS-050")
def test_a_worker_that_refuses_is_passed_over(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        _served_by_another(served, Status(503))


@requirement("RS-051")
def test_a_worker_that_is_down_is_passed_over(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        served.generate().finished()
        victim = served.workers[served.asked(phase=served.grid.phases[-1])[0].number]
        victim.stop()
        try:
            for _ in range(2 * INSTANCES):
                body = served.request()
                events = served.router.generate(body).finished()
                whole_of(events, tries(served, body["request_id"])[-1])
        finally:
            victim.start()


@requirement("RS-052")
def test_a_worker_that_dies_before_its_first_item_is_passed_over(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for steps in ([Cut()], [Close()], [Head(), Cut()], [Head(), Close()], [Raw(b": keep-alive\n\n"), Close()]):
            _served_by_another(served, *steps)


@requirement("RS-053")
def test_attempts_are_as_many_as_configured(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for steps in ([Status(503)], [Cut()], [Error(retryable=True)]):
            stream, request_id = asked_with(served, *steps)
            stream.error()
            asked = tries(served, request_id)
            assert len(asked) == ATTEMPTS, f"{steps}: {len(asked)} attempts where {ATTEMPTS} are configured: {asked}"
            workers = {one.worker_id for one in asked}
            assert len(workers) == ATTEMPTS, f"{steps}: an instance was asked again while another stands by: {asked}"


@requirement("RS-054")
def test_statuses_that_another_worker_may_not_have_are_tried_again(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for status in (408, 429, 500, 502, 503, 504):
            _served_by_another(served, Status(status))


@requirement("RS-055")
def test_other_statuses_are_not_tried_again(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for status in (400, 401, 403, 404, 413, 422):
            stream, request_id = asked_with(served, Status(status))
            stream.error()
            asked = tries(served, request_id)
            assert len(asked) == 1, f"status {status} was tried again: {asked}"


@requirement("RS-056")
def test_retry_after_is_honoured(trueup_subject: Subject) -> None:
    with one_instance(trueup_subject) as served:
        give(served.last, Once(Status(503, {"retry-after": "1"})))
        body = served.request()
        served.router.generate(body).whole()
        asked = tries(served, body["request_id"])
        for earlier, later in itertools.pairwise(asked):
            after_s = later.at_s - earlier.at_s
            assert after_s >= 1 - protocol.CLOCK_MS / 1_000, (
                f"the worker said Retry-After: 1, and got the same request again after {after_s:.3f} s"
            )


@requirement("RS-057")
def test_an_error_that_is_retryable_is_tried_again(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        _served_by_another(served, Error(retryable=True))


@requirement("RS-058")
def test_an_error_that_is_not_retryable_is_told(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        stream, request_id = asked_with(served, Error(retryable=False))
        code = stream.error().get("code")
        assert code in protocol.STATUS, f"the error has the code {code!r}"
        asked = tries(served, request_id)
        assert len(asked) == 1, f"an error that is not retryable was tried again: {asked}"


@requirement("RS-059")
def test_an_answer_without_an_end_is_no_answer(trueup_subject: Subject) -> None:
    with three_instances(trueup_subject) as served:
        for steps in ([End()], [Raw(b": keep-alive\n\n"), End()]):
            _served_by_another(served, *steps)
            stream, _ = asked_with(served, *steps)
            stream.error()
