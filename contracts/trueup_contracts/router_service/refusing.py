"""Requests that are refused, ids, and the form of errors: RS-035 to RS-040."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.router_service import formats, grids
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.steps import Error, Item, Status
from trueup_contracts.subject import Subject

GOOD = {"token_ids": [11, 12, 13], "max_tokens": 2}
MALFORMED: Mapping[str, Any] = {
    "no JSON": b"token_ids=1",
    "nothing": b"",
    "half an object": b'{"token_ids": [1, 2], "max_tok',
    "a list": b"[1, 2, 3]",
    "null": b"null",
    "no token_ids": {"max_tokens": 2},
    "token_ids null": {**GOOD, "token_ids": None},
    "a text for token_ids": {**GOOD, "token_ids": "hello"},
    "texts in token_ids": {**GOOD, "token_ids": [1, "2", 3]},
    "lists in token_ids": {**GOOD, "token_ids": [[1, 2], [3]]},
    "a text for max_tokens": {**GOOD, "max_tokens": "two"},
    "a number for targets": {**GOOD, "targets": 7},
    "a text for a target": {**GOOD, "targets": {"ttft_ms": "fast"}},
    "a list for a target": {**GOOD, "router": {"ttft_target": [1]}},
    "a text for the priority": {**GOOD, "priority": "high"},
    "a number for the id": {**GOOD, "request_id": 7},
}
SENSELESS: Mapping[str, Any] = {
    "no tokens": {**GOOD, "token_ids": []},
    "a negative token": {**GOOD, "token_ids": [1, -2]},
    "a fraction among the tokens": {**GOOD, "token_ids": [1, 2.5]},
    "a boolean among the tokens": {**GOOD, "token_ids": [1, True]},
    "a negative max_tokens": {**GOOD, "max_tokens": -1},
    "a boolean for max_tokens": {**GOOD, "max_tokens": True},
    "half a max_tokens": {**GOOD, "max_tokens": 1.5},
    "a negative target": {**GOOD, "targets": {"ttft_ms": -1}},
    "a negative target in router": {**GOOD, "router": {"itl_target": -0.5}},
    "a negative target in extra_args": {**GOOD, "extra_args": {"ttft_target": -1}},
    "a boolean for a target": {**GOOD, "targets": {"itl_ms": True}},
    "a target of NaN": b'{"token_ids": [1], "max_tokens": 1, "targets": {"ttft_ms": NaN}}',
    "an infinite target": b'{"token_ids": [1], "max_tokens": 1, "targets": {"ttft_ms": Infinity}}',
    "a target beyond binary64": b'{"token_ids": [1], "max_tokens": 1, "router": {"ttft_target": 1e999}}',
    "a boolean for the priority": {**GOOD, "priority": True},
    "a fraction for the priority": {**GOOD, "routing": {"priority": 1.5}},
    "a negative deadline": {**GOOD, "deadline_ms": -5},
    "an empty id": {**GOOD, "request_id": ""},
    # Go's and Node's readers of JSON put U+FFFD in its place and say nothing.
    "an id that is no UTF-8": b'{"token_ids": [1], "max_tokens": 1, "request_id": "\xff"}',
}


def _check_refused(served: Fleet, cases: Mapping[str, Any]) -> None:
    __tracebackhide__ = True
    for what, body in cases.items():
        answer = served.router.generate(body)
        error = answer.refused(400)
        assert error.get("code") == "invalid_request", f"{what}: the error is {error}; invalid_request is due"
    asked = served.asked()
    assert not asked, f"of requests that were refused workers were asked {asked[:3]}"
    served.generate().finished()


@requirement("RS-035")
def test_malformed_requests_are_refused(trueup_subject: Subject) -> None:
    """And the next one is answered."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        _check_refused(served, MALFORMED)


@requirement("RS-036")
def test_senseless_requests_are_refused(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        _check_refused(served, SENSELESS)


@requirement("RS-037")
def test_a_refusal_has_its_form(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        for what, body in (("no JSON", b"{"), ("no token_ids", {"request_id": "mine", "max_tokens": 1})):
            answer = served.router.generate(body)
            error = answer.refused(400)
            formats.check("error", answer.json, f"the refusal of a request with {what}")
            kind = answer.headers.get("content-type", "")
            assert kind.partition(";")[0].strip() == "application/json", f"{what}: its type is {kind!r}"
            assert what == "no JSON" or error["request_id"] in ("mine", None), (
                f"{what}: it names {error['request_id']!r}"
            )


@requirement("RS-038")
def test_an_error_after_accepted_has_its_form(trueup_subject: Subject) -> None:
    """Whether the worker says so in a status, in an event, or after two items; nothing is retried here."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        worker = served.last[0]
        for steps in ([Status(400)], [Status(500)], [Error()], [Item(), Item(), Error("out_of_memory", "no room")]):
            worker.script(*steps, times=1)
            request = served.request()
            event = served.router.generate(request).failed()
            what = f"the error after the worker's {steps[-1]}"
            formats.check("client_event.error", event.data, what)
            expected = {"code": "worker_failed", "request_id": request["request_id"], "pool": worker.namespace}
            found = {name: event.get("error", name) for name in expected}
            assert found == expected, f"{what} is {found}; {expected} is due"


@requirement("RS-039")
def test_a_given_id_is_kept(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        for identity in (served.new_id(), "a/b?c=d e", "ünïcode-" + served.new_id(), "x" * 200):
            stream = served.generate(request_id=identity)
            stream.finished()
            told = stream.events[0].get("request_id")
            assert told == identity, f"the client's id is {identity!r}, and accepted says {told!r}"
            asked = [one.request_id for one in served.asked()][-len(served.grid.phases) :]
            assert set(asked) == {identity}, f"workers were asked for {asked}, and the client's id is {identity!r}"


@requirement("RS-040")
def test_an_absent_id_is_made(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        made = []
        for _ in range(3):
            stream = served.router.generate(json.dumps(GOOD).encode())
            stream.finished()
            made.append(stream.events[0].get("request_id"))
            asked = [one.request_id for one in served.asked()][-len(served.grid.phases) :]
            assert set(asked) == {made[-1]}, f"accepted says {made[-1]!r}, and workers were asked for {asked}"
        assert len(set(made)) == 3, f"three requests without an id got {made}"
        assert all(isinstance(one, str) and one for one in made), f"ids that were made: {made}"
