"""`/v1/generate`: the events as they come, structured errors, and no work for clients that have gone."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Coroutine
from typing import Any

import aiohttp
import pytest

from reference_impl.router.app.serving_stubs import (
    ScriptedRouter,
    error,
    finish,
    item,
    post,
    routed,
    served,
)
from trueup_reference.router import http_protocol
from trueup_reference.router.app import presence
from trueup_reference.router.protocol import STATUSES, RouterError

BODY = {"request_id": "r", "token_ids": [1, 2, 3], "max_tokens": 2}
GONE_S = 0.1  # by when a client's going must be known, in the best of some tries: the machine may be busy
TRIES = 5


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 30))


def test_events_come_as_they_are() -> None:
    async def main() -> None:
        router = ScriptedRouter([routed("agg")], [item(0, 7), item(1, 8)], [finish(prompt_tokens=3)])
        async with served(router) as (url, _):
            status, body, headers = await post(url, "/v1/generate", BODY)
        assert status == 200
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["X-Request-Id"] == "r"
        assert body.decode() == (
            'event: accepted\ndata: {"request_id":"r"}\n\n'
            'event: routed\ndata: {"phase":"agg","pool":"agg0","worker":"w1","attempt":0}\n\n'
            'event: item\ndata: {"index":0,"token_ids":[7]}\n\n'
            'event: item\ndata: {"index":1,"token_ids":[8]}\n\n'
            'event: finish\ndata: {"reason":"length","usage":{"prompt_tokens":3}}\n\n'
        )

    run(main())


def test_accepted_does_not_wait_for_what_follows() -> None:
    async def main() -> None:
        goes_on = asyncio.Event()

        async def wait() -> None:
            await goes_on.wait()

        async with (
            served(ScriptedRouter(wait, [finish()])) as (url, _),
            aiohttp.ClientSession() as session,
            session.post(f"{url}/v1/generate", json=BODY) as response,
        ):
            assert await response.content.readuntil(b"\n\n") == b'event: accepted\ndata: {"request_id":"r"}\n\n'
            goes_on.set()
            assert (await response.content.read()).startswith(b"event: finish\n")

    run(main())


@pytest.mark.parametrize("code", sorted(STATUSES))
def test_before_accepted_an_error_is_a_status(code: str) -> None:
    async def main() -> None:
        refusal = RouterError(code, "why", pool="pool0", retry_after_s=1.2 if code == "overloaded" else None)
        async with served(ScriptedRouter(refusal=refusal)) as (url, _):
            status, body, headers = await post(url, "/v1/generate", BODY)
        assert status == STATUSES[code]
        assert headers["Content-Type"] == "application/json"
        assert json.loads(body) == {"error": {"code": code, "message": "why", "request_id": "r", "pool": "pool0"}}
        assert headers.get("Retry-After") == {"overloaded": "2", "no_worker": "1", "draining": "1"}.get(code)
        assert (headers.get("Connection") == "close") is (code == "draining")

    run(main())


def test_after_accepted_an_error_is_an_event() -> None:
    async def main() -> None:
        async with served(ScriptedRouter([item(0, 7)], [error("worker_failed")])) as (url, _):
            status, body, _ = await post(url, "/v1/generate", BODY)
        assert status == 200
        *_, last, rest = body.decode().split("\n\n")
        name, data = last.split("\n")
        about = {"code": "worker_failed", "message": "it is worker_failed", "request_id": "r", "pool": "pool0"}
        assert (name, json.loads(data.removeprefix("data: ")), rest) == ("event: error", {"error": about}, "")

    run(main())


@pytest.mark.parametrize("begun", [False, True])
def test_a_fault_of_our_own_is_an_error_too(begun: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async def fail() -> None:
            raise ZeroDivisionError

        router = ScriptedRouter([item(0, 7)], fail)
        if not begun:
            router.refusal = ZeroDivisionError()  # type: ignore[assignment]
        async with served(router) as (url, _):
            status, body, _ = await post(url, "/v1/generate", BODY)
        assert status == (200 if begun else 500)
        last = body.decode().strip().rpartition("data: ")[2]
        assert json.loads(last)["error"]["code"] == "internal"

    run(main())
    assert "ZeroDivisionError" in caplog.text


def test_an_answer_that_breaks_off_within_the_router_is_told() -> None:
    async def main() -> None:
        async with served(ScriptedRouter([item(0, 7)])) as (url, _):
            _, body, _ = await post(url, "/v1/generate", BODY)
        *_, last, _ = body.decode().split("\n\n")
        assert last.startswith('event: error\ndata: {"error":{"code":"internal",')

    run(main())


@pytest.mark.parametrize("how", ["closes", "resets", "closes_for_writing"])
@pytest.mark.parametrize("when", ["in the queue", "before the first item", "after it"])
def test_a_client_that_goes_ends_the_work_at_once(how: str, when: str) -> None:
    async def took_s() -> float:
        async def forever() -> None:
            await asyncio.Event().wait()

        router = ScriptedRouter(forever) if when == "before the first item" else ScriptedRouter([item(0, 7)], forever)
        if when == "in the queue":
            router.room = asyncio.Event()
        async with served(router) as (url, _):
            client = await _connected(url)
            if when == "in the queue":
                await router.is_waiting.wait()
            else:
                await _read_until(client, b"item" if when == "after it" else b"accepted")
            _leave(client, how)
            began = time.monotonic()
            ended = router.has_left if when == "in the queue" else router.answers[0].is_closed
            await asyncio.wait_for(ended.wait(), 10)
            took = time.monotonic() - began
            client.close()
        assert len(router.asked) == 1
        return took

    async def main() -> None:
        for _ in range(TRIES):
            if await took_s() <= GONE_S:
                return
        pytest.fail(f"it was never known within {GONE_S} s")

    run(main())


def test_a_client_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "STALL_S", 0.2)
    monkeypatch.setattr(http_protocol, "STALL_S", 0.4)
    lose = http_protocol.HttpProtocol.connection_lost

    async def main() -> None:
        sent = 0
        lost = asyncio.Event()

        def losing(self: http_protocol.HttpProtocol, error: Exception | None) -> None:
            lose(self, error)
            lost.set()

        monkeypatch.setattr(http_protocol.HttpProtocol, "connection_lost", losing)

        async def more() -> None:
            nonlocal sent
            sent += 1
            router.answers[0]._steps[:0] = [[item(0, *range(20_000))], more]

        router = ScriptedRouter(more)
        async with served(router) as (url, _):
            client = await _connected(url)
            while not router.answers:
                await asyncio.sleep(0.01)
            await asyncio.wait_for(router.answers[0].is_closed.wait(), 10)
            assert sent < 500  # and what it does not take has not piled up
            await asyncio.wait_for(lost.wait(), 10)
            client.close()

    run(main())


async def _connected(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    client = socket.socket()
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    body = json.dumps(BODY).encode()
    head = f"POST /v1/generate HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    await loop.sock_sendall(client, head + body)
    return client


async def _read_until(client: socket.socket, word: bytes) -> None:
    got = b""
    while word not in got:
        got += await asyncio.get_running_loop().sock_recv(client, 65536)


def _leave(client: socket.socket, how: str) -> None:
    if how == "closes_for_writing":
        client.shutdown(socket.SHUT_WR)
        return
    if how == "resets":
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
