"""What clients' JSON asks for, in every published place; and what is said of JSON that asks for nothing sensible."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup_reference.router.app.requests import read_asked, read_completion, read_generate
from trueup_reference.router.protocol import Request, RouterError

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PLAIN = {"request_id": "r", "token_ids": [1, 2, 3], "max_tokens": 4}
ASKED = {**PLAIN, "phase": "decode", "transfer": {"a": 1}}


def generate(body: Any, *headers: tuple[bytes, bytes]) -> Request:
    return read_generate(body if isinstance(body, bytes) else json.dumps(body).encode(), headers, 5.0)


def complete(**body: Any) -> Request:
    return read_completion(json.dumps(body).encode(), [], 5.0).request


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, {}),
        ({"targets": {"ttft_target": 10, "itl_target": 2.5}}, {"ttft_target_ms": 10, "itl_target_ms": 2.5}),
        ({"targets": {"ttft_ms": 10, "itl_ms": 2.5}}, {"ttft_target_ms": 10, "itl_target_ms": 2.5}),
        ({"router": {"ttft_target": 10, "itl_target": 2.5}}, {"ttft_target_ms": 10, "itl_target_ms": 2.5}),
        ({"nvext": {"router": {"ttft_target": 10}, "x": 1}}, {"ttft_target_ms": 10}),
        ({"extra_args": {"itl_target": 3, "kv_transfer": {"deep": [1]}}}, {"itl_target_ms": 3}),
        ({"router": {"ttft_target": 7}, "extra_args": {"itl_target": 3}}, {"ttft_target_ms": 7, "itl_target_ms": 3}),
        ({"router": {"ttft_target": 7}, "extra_args": {"ttft_target": 7.0}}, {"ttft_target_ms": 7}),
        ({"router": {"ttft_target": 0}}, {"ttft_target_ms": 0}),
        ({"router": {"ttft_target": None}, "targets": None}, {}),
        ({"priority": -3}, {"priority": -3}),
        ({"routing": {"priority": 5, "worker": "w"}}, {"priority": 5}),
        ({"routing": {"priority": 5}, "priority": 5}, {"priority": 5}),
        ({"deadline_ms": 250}, {"deadline_ms": 250}),
        ({"temperature": 0.5, "stop": ["x"], "stream": True}, {}),
    ],
)
def test_what_is_asked_for(more: dict[str, Any], expected: dict[str, Any]) -> None:
    plain = Request(request_id="r", token_ids=(1, 2, 3), max_tokens=4, received_s=5.0)
    for name, value in expected.items():
        assert getattr(plain, name) is None
        assert getattr(generate({**PLAIN, **more}), name) == value
    others = {name: getattr(plain, name) for name in plain.__struct_fields__ if name not in expected}
    assert {name: getattr(generate({**PLAIN, **more}), name) for name in others} == others


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is empty: a JSON object is due"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"\xff\xfe", "JSON is malformed: invalid character (byte 0)"),
        (b'{"token_ids":[1],"max_tokens":NaN}', "JSON is malformed: invalid character (byte 30)"),
        ({}, "Object missing required field `token_ids`"),
        ({"token_ids": [1]}, "Object missing required field `max_tokens`"),
        ({**PLAIN, "token_ids": []}, "Expected `array` of length >= 1 - at `$.token_ids`"),
        ({**PLAIN, "token_ids": "1 2"}, "Expected `array`, got `str` - at `$.token_ids`"),
        ({**PLAIN, "token_ids": [1, -1]}, "Expected `int` >= 0 - at `$.token_ids[1]`"),
        ({**PLAIN, "token_ids": [1.5]}, "Expected `int`, got `float` - at `$.token_ids[0]`"),
        ({**PLAIN, "token_ids": [True]}, "Expected `int`, got `bool` - at `$.token_ids[0]`"),
        ({**PLAIN, "token_ids": [1 << 32]}, "Expected `int` <= 4294967295 - at `$.token_ids[0]`"),
        ({**PLAIN, "max_tokens": 0}, "Expected `int` >= 1 - at `$.max_tokens`"),
        ({**PLAIN, "max_tokens": 1 << 21}, "Expected `int` <= 1048576 - at `$.max_tokens`"),
        ({**PLAIN, "request_id": ""}, "Expected `str` of length >= 1 - at `$.request_id`"),
        ({**PLAIN, "request_id": "x" * 513}, "Expected `str` of length <= 512 - at `$.request_id`"),
        ({**PLAIN, "request_id": 7}, "Expected `str | null`, got `int` - at `$.request_id`"),
        ({**PLAIN, "priority": 1.0}, "Expected `int | null`, got `float` - at `$.priority`"),
        ({**PLAIN, "priority": True}, "Expected `int | null`, got `bool` - at `$.priority`"),
        ({**PLAIN, "routing": {"priority": "1"}}, "Expected `int | null`, got `str` - at `$.routing.priority`"),
        ({**PLAIN, "router": {"ttft_target": -1}}, "Expected `float` >= 0.0 - at `$.router.ttft_target`"),
        ({**PLAIN, "router": {"ttft_target": True}}, "Expected `float | null`, got `bool` - at `$.router.ttft_target`"),
        ({**PLAIN, "targets": {"itl_ms": "2"}}, "Expected `float | null`, got `str` - at `$.targets.itl_ms`"),
        (
            {**PLAIN, "nvext": {"router": {"itl_target": []}}},
            "Expected `float | null`, got `array` - at `$.nvext.router.itl_target`",
        ),
        (
            b'{"token_ids":[1],"max_tokens":1,"router":{"ttft_target":1e999}}',
            "Number out of range - at `$.router.ttft_target`",
        ),
        ({**PLAIN, "deadline_ms": -1}, "Expected `float` >= 0.0 - at `$.deadline_ms`"),
        (
            {**PLAIN, "router": {"ttft_target": 7}, "extra_args": {"ttft_target": 8}},
            "router.ttft_target is 7 and extra_args.ttft_target is 8: one of them is due",
        ),
        (
            {**PLAIN, "priority": 1, "routing": {"priority": 2}},
            "priority is 1 and routing.priority is 2: one of them is due",
        ),
        ({**PLAIN, "x": [[[[]]]] * 60_000}, "the body holds more than 50,000 objects and arrays, at byte 133390"),
    ],
)
def test_what_makes_no_sense(body: Any, told: str) -> None:
    with pytest.raises(RouterError) as caught:
        generate(body)
    assert (caught.value.status, caught.value.code, str(caught.value)) == (400, "invalid_request", told)


def test_an_id_is_made_or_taken_from_the_header() -> None:
    body = {name: value for name, value in PLAIN.items() if name != "request_id"}
    made = {generate(body).request_id for _ in range(50)}
    assert len(made) == 50
    for each in (b"abc123", b"0af76519-16cd-43dd-8448-eb211c80319c", b"1-67891233:abc/="):
        assert generate(body, (b"x-request-id", each)).request_id == each.decode()
    assert generate(PLAIN, (b"x-request-id", b"abc123")).request_id == "r"
    assert generate(body, (b"x-request-id", b"a\xff b")).request_id not in {"a\xff b", ""}


def test_the_trace_goes_on() -> None:
    request = generate(PLAIN, (b"traceparent", PARENT), (b"tracestate", b"a=1"), (b"tracestate", b"b=2"))
    assert (request.traceparent, request.tracestate) == (PARENT.decode(), "a=1,b=2")
    request = generate(PLAIN, (b"traceparent", b"nonsense"), (b"tracestate", b"a=1"))
    assert (request.traceparent, request.tracestate) == (None, None)


@pytest.mark.parametrize(
    ("body", "tokens", "max_tokens"),
    [
        ({"prompt": [1, 2]}, (1, 2), 16),
        ({"prompt": [[1, 2]], "max_tokens": 3}, (1, 2), 3),
        (
            {"prompt": [1], "model": "any", "n": 1, "best_of": 1, "echo": False, "stop": None, "temperature": 0},
            (1,),
            16,
        ),
    ],
)
def test_completions(body: dict[str, Any], tokens: tuple[int, ...], max_tokens: int) -> None:
    request = complete(**body)
    assert (request.token_ids, request.max_tokens) == (tokens, max_tokens)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "Object missing required field `prompt`"),
        ({"prompt": "hello"}, "prompt is text: token ids are due, since a router has no tokenizer"),
        ({"prompt": ["hello"]}, "prompt is text: token ids are due, since a router has no tokenizer"),
        ({"prompt": [[1], [2]]}, "prompt holds 2 prompts: one is due"),
        ({"prompt": []}, "Expected `array` of length >= 1 - at `$.prompt`"),
        ({"prompt": [[]]}, "Expected `array` of length >= 1 - at `$.prompt`"),
        ({"prompt": [-1]}, "Expected `int` >= 0 - at `$.prompt[0]`"),
        ({"prompt": [1], "n": 2}, "n is 2: one completion is due"),
        ({"prompt": [1], "stop": ["x"]}, "stop has no meaning here: prompts and completions are token ids"),
    ],
)
def test_completions_that_make_no_sense(body: dict[str, Any], told: str) -> None:
    with pytest.raises(RouterError) as caught:
        complete(**body)
    assert (caught.value.code, str(caught.value)) == ("invalid_request", told)


def test_the_form_of_a_worker() -> None:
    targets = {"ttft_ms": 5, "itl_ms": None}
    more = {"router_id": "up", "attempt": 2, "targets": targets, "priority": 1, "deadline_ms": 9}
    body = json.dumps({**ASKED, **more}).encode()
    asked, request = read_asked(body, "decode", [], 5.0)
    assert asked.key == ("r", "decode", "up", 2)
    assert request == Request(
        request_id="r",
        token_ids=(1, 2, 3),
        max_tokens=4,
        ttft_target_ms=5,
        priority=1,
        deadline_ms=9,
        phases=("decode",),
        transfer={"a": 1},
        received_s=5.0,
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({**ASKED, "phase": "prefill"}, "phase is 'prefill'; 'decode' is due at /v1/decode"),
        ({**ASKED, "transfer": None}, "transfer is missing: decode needs what prefill has sent"),
        ({**ASKED, "phase": "x"}, "Invalid enum value 'x' - at `$.phase`"),
        ({**ASKED, "targets": {"ttft_ms": -1}}, "Expected `float` >= 0.0 - at `$.targets.ttft_ms`"),
        ({**ASKED, "priority": 1 << 70}, "Expected `int` <= 9223372036854775807 - at `$.priority`"),
        (PLAIN, "Object missing required field `phase`"),
    ],
)
def test_a_worker_that_is_asked_for_nonsense(body: dict[str, Any], told: str) -> None:
    with pytest.raises(RouterError) as caught:
        read_asked(json.dumps(body).encode(), "decode", [], 5.0)
    assert (caught.value.code, str(caught.value)) == ("invalid_request", told)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.sampled_from([*"request_id token_ids max_tokens priority routing targets router extra_args nvext".split()])


@given(st.dictionaries(FIELDS | st.sampled_from(["prompt", "phase", "transfer", "deadline_ms", "stream"]), JSON))
def test_whatever_comes_is_read_or_refused(body: dict[str, Any]) -> None:
    text = json.dumps(body).encode()
    for read in (
        lambda: read_generate(text, [], 0.0),
        lambda: read_completion(text, [], 0.0),
        lambda: read_asked(text, "prefill", [], 0.0),
    ):
        with contextlib.suppress(RouterError):
            read()


@given(st.binary(max_size=200))
def test_whatever_bytes_come_are_refused(body: bytes) -> None:
    with pytest.raises(RouterError):
        generate(body)


@given(st.lists(st.integers(1 << 20, (1 << 32) - 1), min_size=1, max_size=5), st.sampled_from("ttft_target x".split()))
def test_a_message_never_holds_the_prompt(tokens: list[int], wrong: str) -> None:
    body = {**PLAIN, "token_ids": [*tokens, -1], "router": {wrong: "?"}}
    with pytest.raises(RouterError) as caught:
        generate(body)
    assert not any(str(token) in str(caught.value) for token in tokens)
