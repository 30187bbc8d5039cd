"""Bodies within bounds: of size, of depth, and of the time that finding out takes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from trueup_reference.router.app.bodies import MOST_DEPTH, ClientGone, check_depth, read_body
from trueup_reference.router.protocol import RouterError


def read(*messages: Message, most_bytes: int = 10, length: int | None = None) -> bytes:
    """What comes of these messages; after the last one nothing comes."""
    left = iter(messages)

    async def receive() -> Message:
        for message in left:
            return message
        await asyncio.Event().wait()
        raise AssertionError

    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    return asyncio.run(read_body({"type": "http", "headers": headers}, receive, most_bytes))


def part(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts() -> None:
    assert read(part(b"ab", more=True), part(b"", more=True), part(b"cd")) == b"abcd"
    assert read(part(b"0123456789"), length=10) == b"0123456789"
    assert read({"type": "http.request"}) == b""


@pytest.mark.parametrize("messages", [[part(b"0123456789", more=True), part(b"x", more=True)], [part(b"0" * 11)]])
def test_a_body_that_is_too_large(messages: list[Message]) -> None:
    with pytest.raises(RouterError, match="the body is larger than 10 bytes") as caught:
        read(*messages)
    assert (caught.value.status, caught.value.code) == (413, "invalid_request")


def test_a_body_that_says_so_is_not_read() -> None:
    with pytest.raises(RouterError, match="larger"):
        read(length=11)


def test_a_client_that_goes_before_its_end() -> None:
    with pytest.raises(ClientGone):
        read(part(b"ab", more=True), {"type": "http.disconnect"})


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def nested(value: Any, times: int) -> Any:
    for number in range(times):
        value = [value] if number % 2 else {'"[{\\': value}
    return value


TEXTS = st.text(alphabet='[]{}"\\ax:,\n', max_size=20)
VALUES = st.recursive(TEXTS | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))


@given(VALUES, st.integers(0, MOST_DEPTH + 3))
def test_depth_is_that_of_the_json(value: Any, times: int) -> None:
    whole = [nested(value, times), *[[]] * MOST_DEPTH]  # so many that they are counted
    text = json.dumps(whole).encode()
    if depth_of(whole) <= MOST_DEPTH:
        check_depth(text)
    else:
        with pytest.raises(RouterError, match=f"nested more than {MOST_DEPTH} deep"):
            check_depth(text)


@pytest.mark.parametrize(
    "text", ["[", "[]", '"', '"\\', '\\"', '""', "{}}", '["', '[],"a",', "a", "]", '["[\\"]', "\\", '"a"[', '"[']
)
def test_finding_out_takes_bounded_time(text: str) -> None:
    body = b"[" * 2 + b"[]" * MOST_DEPTH + text.encode() * ((8 << 20) // len(text))
    began_s = time.process_time()
    with contextlib.suppress(RouterError):
        check_depth(body)
    assert time.process_time() - began_s < 2
