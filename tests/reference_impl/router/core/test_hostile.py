"""What a worker may send: nothing of it is more than an error."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_impl.router.core.rig import LONG_S, Rig, disagg, error, names, request, run
from reference_impl.router.core.scripted import FINISH, HEAD, Call, Script, Scripted
from trueup_reference.router.protocol import Event
from trueup_reference.router.workers import WorkerFailure
from trueup_reference.router.workers.http import HttpTransport
from trueup_reference.worker_protocol import Asked

ONE, ONCE = {"a0": 1}, {"same_pool_attempts": 1}
ITEM = b'event: item\ndata: {"index":0,"token_ids":[1]}\n\n'


def sending(*pieces: bytes) -> Script:
    """These events, then the end of the answer."""

    async def send(call: Call) -> None:
        await call.begin()
        for piece in pieces:
            await call.piece(piece)
        await call.raw(b"0\r\n\r\n")

    return send


def raw(text: bytes) -> Script:
    """These bytes, then the end of the connection."""

    async def send(call: Call) -> None:
        await call.raw(text)
        call.end()

    return send


def item(data: str) -> bytes:
    return f"event: item\ndata: {data}\n\n".encode()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (item('{"index": 1, "token_ids": [1]}'), "item 1 where 0 is due"),
        (item('{"index": 0}'), "missing required field `token_ids`"),
        (item('{"index": "0", "token_ids": []}'), "Expected `int`, got `str`"),
        (item('{"index": 0, "token_ids": [1.5]}'), "Expected `int`, got `float`"),
        (item("{"), "truncated"),
        (item("[" * 100_000), "item:"),
        (b"event: item\ndata: \xff\n\n", "item:"),
        (b"event: finish\ndata: 1\n\n", "Expected `object`, got `int`"),
        (b"event: error\ndata: []\n\n", "Expected `object`, got `array`"),
        (b'event: transfer\ndata: {"transfer": {}}\n\n', "a transfer that is not of prefill"),
        (b"", "the answer ended before its finish"),
        (b": only a comment\n\n", "the answer ended before its finish"),
        (b'event: finish\ndata: {"reason": "length"}', "the answer ended before its finish"),
    ],
)
def test_an_answer_that_is_none_is_an_error(text: bytes, message: str) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = sending(*([text] if text else []))
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "error"]
        assert error(events)["code"] == "worker_failed"
        assert message in error(events)["message"]
        assert len(error(events)["message"]) <= 200

    run(work, workers=ONE, retry=ONCE)


@pytest.mark.parametrize(
    "text",
    [
        ITEM + ITEM,
        ITEM + item('{"index": 2, "token_ids": [1]}'),
        ITEM + item('{"index": -1, "token_ids": [1]}'),
        ITEM + item("nonsense"),
    ],
)
def test_items_that_are_well_come_before_the_error(text: bytes) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = sending(text)
        assert names(await rig.ask()) == ["accepted", "routed", "item", "error"]

    run(work, workers=ONE)


def test_what_is_not_known_is_left_out() -> None:
    async def work(rig: Rig) -> None:
        more = b'event: item\ndata: {"index":0,"token_ids":[],"text":"a"}\n\n'
        finish = b"event: finish\ndata: " + json.dumps(FINISH).encode() + b"\n\n"
        rig.workers["a0"][0].script = sending(b"event: progress\ndata: 1\n\n", more, b"data: 2\n\n", finish, ITEM)
        events = await rig.ask()
        assert names(events) == ["accepted", "routed", "item", "finish"]
        assert events[2].data == {"index": 0, "token_ids": [], "text": "a"}

    run(work, workers=ONE)


def test_data_of_several_lines_are_handed_on_as_one() -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = sending(b'event: item\ndata: {"index":0,\ndata: "token_ids":[1]}\n\n')
        event = (await rig.ask())[2]
        assert event.written() == b'event: item\ndata: {"index":0, "token_ids":[1]}\n\n'

    run(work, workers=ONE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "the worker broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", "text/html is no stream"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "application/octet-stream is no stream"),
        (b"nonsense\r\n\r\n", "the worker broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", "the worker broke off"),
        (HEAD + b"zz\r\n", "the worker broke off"),
        (HEAD + b"ffffffffffffffffff\r\n", "the worker broke off"),
        (HEAD + b"5\r\nabc", "the worker broke off"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\n{", "status 503"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 5\r\n\r\n[[[[[", "status 503"),
        (b'HTTP/1.1 503 No\r\nContent-Length: 32\r\n\r\n{"error": {"message": "broken"}}', "status 503: broken"),
        (b"HTTP/1.1 503 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", "status 503"),
        (b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 30 + b"\r\nContent-Length: 0\r\n\r\n", "status 503"),
    ],
)
def test_a_response_that_is_none_is_an_error(text: bytes, message: str) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["a0"][0].script = raw(text)
        told = error(await rig.ask())
        assert told["code"] == "worker_failed"
        assert told["message"].startswith(message)
        assert len(told["message"]) <= 250

    run(work, workers=ONE, retry=ONCE)


def test_an_event_that_does_not_end_is_cut() -> None:
    async def work(rig: Rig) -> None:
        async def endless(call: Call) -> None:
            await call.begin()
            while not call.gone.is_set():
                await call.piece(b"x" * 65_536)

        worker = rig.workers["a0"][0]
        worker.script = endless
        assert error(await rig.ask())["message"] == "the worker sent an event of more than 8388608 bytes"
        await worker.calls[0].gone.wait()

    run(work, workers=ONE, retry=ONCE)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([b'event: transfer\ndata: {"transfer": 1}\n\n'], "a transfer that is no object"),
        ([b"event: transfer\ndata: {}\n\n"], "missing required field `transfer`"),
        ([b'event: finish\ndata: {"reason": "prefill"}\n\n'], "finish of a prefill without a transfer"),
        ([ITEM], "an item of prefill"),
    ],
)
def test_a_prefill_has_a_transfer_and_no_items(pieces: list[bytes], message: str) -> None:
    async def work(rig: Rig) -> None:
        rig.workers["p0"][0].script = sending(*pieces)
        assert message in error(await rig.ask())["message"]
        assert rig.workers["d0"][0].calls == []

    run(work, disagg(), {"p0": 1, "d0": 1}, retry=ONCE)


lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 503 No\r\n",
        b"Content-Type: text/event-stream\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 20\r\n",
        b"\r\n",
        b"10\r\n",
        b"0\r\n\r\n",
        HEAD,
        ITEM,
        b"%x\r\n%b\r\n" % (len(ITEM), ITEM),
        b"\x00\xff",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(lines | st.binary(max_size=20), max_size=12).map(b"".join))
def test_whatever_bytes_come_are_events_or_a_failure(text: bytes) -> None:
    async def main() -> list[Event] | WorkerFailure:
        http = HttpTransport(most_event_bytes=100)
        asked = Asked(request_id="r", phase="agg", token_ids=(1,), max_tokens=1)
        found: list[Event] = []
        try:
            async with asyncio.timeout(LONG_S), Scripted("w", raw(text)) as worker:
                stream = await http.generate(worker.url, asked, connect_s=LONG_S, headers={})
                try:
                    while not any(event.name in ("finish", "error") for event in found):
                        found += await stream.read()
                finally:
                    stream.close()
        except WorkerFailure as failure:
            return failure
        finally:
            await http.close()
        return found

    assert isinstance(asyncio.run(main()), list | WorkerFailure)


def test_a_flood_of_events_does_not_fill_memory() -> None:
    """A client that takes nothing stops the worker, by way of the socket between them."""

    async def work(rig: Rig) -> None:
        sent = 0

        async def flood(call: Call) -> None:
            nonlocal sent
            await call.begin()
            index = 0
            while not call.gone.is_set():
                await call.item(index)
                index += 1
                sent += 1

        rig.workers["a0"][0].script = flood
        async with await rig.router.accept(request()) as answer:
            await rig.until_item(answer)
            before = -1
            while before != sent:
                before = sent
                await asyncio.sleep(0.3)
            assert sent < 500_000
        await rig.workers["a0"][0].calls[0].gone.wait()

    run(work, workers=ONE)
