"""The JSON Schemas of the formats: they take what the specification shows, and nothing that is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from trueup_contracts.router_service import formats, protocol, wrong
from trueup_contracts.router_service.fleet import discovery

WORKER = {"id": "w1", "namespace": "prefill_pool_0", "phase": "prefill", "url": "http://127.0.0.1:9001"}
ASKED = {
    "request_id": "r1",
    "router_id": "a",
    "attempt": 0,
    "phase": "decode",
    "token_ids": [1, 2, 3],
    "max_tokens": 16,
    "targets": {"ttft_ms": 200, "itl_ms": 20.5},
    "priority": None,
    "transfer": {"blocks": ["1"]},
    "deadline_ms": 4950.25,
}
ERROR = {"error": {"code": "worker_failed", "message": "it has ended", "request_id": "r1", "pool": None}}
CHOICE = {"index": 0, "text": "7 8", "token_ids": [7, 8], "finish_reason": "length"}
MADE = {"id": "cmpl-r1", "object": "text_completion", "created": 1, "model": "m", "choices": [CHOICE]}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
RIGHT: list[tuple[str, Any]] = [
    ("service", protocol.SERVICE),
    ("service", {"version": 1}),
    ("discovery", discovery([])),
    ("discovery", discovery([WORKER, {**WORKER, "url": "zmq+tcp://127.0.0.1:9002"}])),
    ("worker_request", ASKED),
    ("worker_request", {**ASKED, "targets": None, "transfer": None, "deadline_ms": None, "more": 1}),
    ("worker_event.transfer", {"transfer": {}}),
    ("worker_event.error", {"code": "full", "message": "", "retryable": False}),
    ("client_request", {"token_ids": [1], "max_tokens": 1}),
    ("client_request", {"token_ids": [1], "max_tokens": 1, "targets": {"ttft_ms": 0}, "routing": {"priority": -1}}),
    ("client_request", {"token_ids": [1], "max_tokens": 1, "extra_args": {"itl_target": 1.5}, "priority": 3}),
    ("client_event.accepted", {"request_id": "r1"}),
    ("client_event.routed", {"phase": "agg", "pool": "agg-0", "worker": "w1", "attempt": 2}),
    ("client_event.item", {"index": 0, "token_ids": []}),
    ("client_event.finish", {"reason": "length", "usage": {}}),
    ("client_event.error", ERROR),
    ("error", ERROR),
    ("readyz", {"pools": {"agg-0": {"ready": False, "reason": "no worker", "workers": 0}}}),
    ("readyz", {"pools": {"agg-0": {"ready": True, "reason": None, "workers": ["w1"]}}, "ready": True}),
    ("completion", {**MADE, "usage": USAGE}),
    ("completion_chunk", {**MADE, "choices": [{**CHOICE, "finish_reason": None}]}),
    ("completion_chunk", {**MADE, "choices": [], "usage": USAGE}),
    ("completion_request", {"model": "m", "prompt": [[1, 2]], "stream": True}),
]
WRONG: list[tuple[str, Any, str]] = [
    ("service", {}, "'version' is a required property"),
    ("service", {"version": 1, "drain": 3}, "Additional properties are not allowed ('drain' was unexpected)"),
    ("discovery", discovery([{**WORKER, "url": "127.0.0.1:9001"}]), "at workers/0/url"),
    ("worker_request", {**ASKED, "phase": "both"}, "'both' is not one of ['prefill', 'decode', 'agg'] at phase"),
    ("worker_request", {**ASKED, "attempt": -1}, "-1 is less than the minimum of 0 at attempt"),
    ("worker_request", {**ASKED, "router_id": ""}, "at router_id"),
    ("worker_request", {**ASKED, "token_ids": [1, "2"]}, "'2' is not of type 'integer' at token_ids/1"),
    ("worker_event.error", {"code": "full", "message": ""}, "'retryable' is a required property"),
    ("client_request", {"token_ids": [], "max_tokens": 1}, "at token_ids"),
    ("client_request", {"token_ids": [1], "max_tokens": 1, "router": {"ttft_target": -1}}, "at router/ttft_target"),
    ("client_event.routed", {"phase": "agg", "pool": "agg-0", "worker": "w1"}, "'attempt' is a required property"),
    ("client_event.item", {"index": 0, "token_ids": [1.5]}, "1.5 is not of type 'integer' at token_ids/0"),
    ("client_event.error", {"code": "worker_failed", "message": "x"}, "'error' is a required property"),
    ("error", {"error": {**ERROR["error"], "code": "Worker failed"}}, "at error/code"),
    (
        "error",
        {"error": {"code": "worker_failed", "message": "x", "pool": None}},
        "'request_id' is a required property",
    ),
    ("readyz", {"pools": {"agg-0": {"ready": "yes", "reason": "", "workers": 1}}}, "at pools/agg-0/ready"),
    ("completion", MADE, "'usage' is a required property"),
    ("completion", {**MADE, "usage": USAGE, "choices": [{**CHOICE, "finish_reason": None}]}, "finish_reason"),
]


def test_it_is_a_schema() -> None:
    document = json.loads(formats.PATH.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    named = {name for name, _ in RIGHT} | {"worker_entry", "item", "finish", "worker_event.item", "worker_event.finish"}
    assert set(document["$defs"]) == named


@pytest.mark.parametrize(("name", "value"), RIGHT)
def test_what_is_right(name: str, value: Any) -> None:
    formats.check(name, value, "it")


@pytest.mark.parametrize(("name", "value", "told"), WRONG)
def test_what_is_wrong(name: str, value: Any, told: str) -> None:
    with pytest.raises(AssertionError) as caught:
        formats.check(name, value, "it")
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"it is no {name} of formats.schema.json: ")


def test_what_no_router_may_start_with_is_wrong_by_the_schema_too() -> None:
    """But for what no schema says: that ids differ, and what a URL must hold."""
    beyond = {"with two workers of one id", "whose URL has no host"}
    cases = [("service", what, value) for what, value in wrong.services().items()]
    cases += [("discovery", what, value) for what, value in wrong.discoveries([WORKER]).items()]
    taken = set()
    for name, what, value in cases:
        try:
            formats.check(name, json.loads(value) if isinstance(value, bytes) else value, "it")
        except (AssertionError, json.JSONDecodeError):
            continue
        taken.add(what)
    assert taken == beyond


def test_what_the_schemas_do_not_know_has_no_form() -> None:
    with pytest.raises(AssertionError, match=r"the event ping: formats.schema.json knows no client_event.ping"):
        formats.check("client_event.ping", {}, "the event ping")
