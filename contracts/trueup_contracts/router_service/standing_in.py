"""`/v1/prefill` and `/v1/decode`: the router as a worker, for a frontend that chains the two: RS-045 to RS-047."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router import model
from trueup_contracts.router_service import formats, grids, protocol
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.grids import ONE, Grid
from trueup_contracts.router_service.steps import Error, Finish, Item, Status, Transfer
from trueup_contracts.subject import Subject

TRANSFER = {"blocks": ["1", "2"], "port": 7}
BANDS = model.Axis(0, 2_000, 2)  # of both targets, so that there are two pools of each phase
GRID = Grid(model.disagg((ONE, BANDS), (ONE, BANDS)))
PATHS = {"prefill": protocol.PREFILL, "decode": protocol.DECODE}


def _ask(served: Fleet, phase: str, **changes: Any) -> tuple[Mapping[str, Any], Stream]:
    body = {
        "request_id": served.new_id(),
        "router_id": "a-frontend",
        "attempt": 0,
        "phase": phase,
        "token_ids": [11, 12, 13, 14],
        "max_tokens": 3,
        "targets": {"ttft_ms": grids.ttft_of(0), "itl_ms": grids.ttft_of(0)},
        "priority": None,
        "transfer": TRANSFER if phase == "decode" else None,
        "deadline_ms": 30_000,
        **changes,
    }
    return body, served.router.post(PATHS[phase], body)


def _check_form(stream: Stream, due: list[str]) -> None:
    __tracebackhide__ = True
    events = stream.whole()
    assert [event.name for event in events] == due, f"{stream.told}; {', '.join(due)} are due"
    for event in events:
        formats.check(f"worker_event.{event.name}", event.data, f"{stream.what}: the event {event!r}")


@requirement("RS-045")
def test_it_stands_in_for_a_prefill_worker(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, GRID) as served:
        for worker in served.first:
            worker.script(Transfer(TRANSFER), Finish("prefill"))
        for pool in (0, 1):
            body, stream = _ask(served, "prefill", targets={"ttft_ms": grids.ttft_of(pool), "itl_ms": None})
            _check_form(stream, ["transfer", "finish"])
            assert stream.events[0].get("transfer") == TRANSFER, f"the transfer is {stream.events[0]!r}"
            [asked] = served.asked(body["request_id"])
            found = (served.worker_of(asked).namespace, asked.phase)
            assert found == (f"prefill-{pool}", "prefill"), f"asked were {found}; prefill-{pool} is due"


@requirement("RS-046")
def test_it_stands_in_for_a_decode_worker(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, GRID) as served:
        for pool in (0, 1):
            body, stream = _ask(served, "decode", targets={"ttft_ms": None, "itl_ms": grids.ttft_of(pool)})
            _check_form(stream, ["item", "item", "item", "finish"])
            [asked] = served.asked(body["request_id"])
            found = (served.worker_of(asked).namespace, asked.phase)
            assert found == (f"decode-{pool}", "decode"), f"asked were {found}; decode-{pool} is due"
            assert asked.body.get("transfer") == TRANSFER, f"the worker got the transfer {asked.body.get('transfer')}"


@requirement("RS-047")
def test_its_errors_are_a_workers(trueup_subject: Subject) -> None:
    """Before the first event a status that the worker protocol has, afterwards an event with `retryable`."""
    with fleet(trueup_subject, GRID) as served:
        [worker, _] = served.last
        worker.script(Status(500), times=1)
        _, stream = _ask(served, "decode")
        stream.wait()
        if stream.status == 200:
            _check_form(stream, ["error"])
        else:
            assert stream.status >= 500, f"the worker failed; {stream.told}"
        worker.script(Item(), Error(), times=1)
        _, stream = _ask(served, "decode")
        _check_form(stream, ["item", "error"])
        _, stream = _ask(served, "decode", token_ids="x")
        stream.refused(400)
