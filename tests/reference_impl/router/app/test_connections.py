"""What is no HTTP, or never becomes any: refused in the form of all errors, and nobody else is held up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import aiohttp
import pytest

from reference_impl.router.app.serving_stubs import ScriptedRouter, finish, item, post, served
from trueup_reference.router import http_protocol

BODY = {"request_id": "r", "token_ids": [1], "max_tokens": 1}
HEAD = b"POST /v1/generate HTTP/1.1\r\nhost: h\r\n"


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


async def said(url: str, *pieces: bytes) -> bytes:
    """Until the connection is closed."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def told(answer: bytes) -> tuple[int, Any]:
    """The status and the error of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/json" in head
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "bad", [b"hello\r\n\r\n", b"GET / HTTP/9\r\n\r\n", HEAD + b"content-length: x\r\n\r\n", b"\x16\x03"]
)
def test_what_is_no_http(bad: bytes) -> None:
    async def main() -> None:
        async with served(ScriptedRouter([finish()])) as (url, _):
            status, error = told(await said(url, bad + b"\r\n\r\n"))
            assert (status, error["code"], error["request_id"]) == (400, "invalid_request", None)
            assert (await post(url, "/v1/generate", BODY))[0] == 200

    run(main())


@pytest.mark.parametrize("line", [b"x: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
def test_a_head_without_end(line: bytes) -> None:
    async def main() -> None:
        async with served(ScriptedRouter([finish()])) as (url, _):
            answer = await said(url, HEAD, *[line] * 100)
            # The rest of it may be on its way when the connection is closed: the answer is then lost.
            assert not answer or told(answer)[0] in (400, 431)

    run(main())


def test_a_large_body_is_no_large_head() -> None:
    async def main() -> None:
        router = ScriptedRouter([item(0, 7), finish()])
        async with served(router) as (url, _):
            body = {**BODY, "token_ids": [4_000_000_000] * 100_000}
            raw = json.dumps(body).encode()
            request = HEAD + b"content-length: %d\r\n\r\n" % len(raw) + raw
            # Twice on one connection, in pieces that fall as they may.
            answer = await said(url, request, HEAD + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(raw), raw)
        assert answer.count(b"HTTP/1.1 200 OK") == 2
        assert answer.count(b"event: finish") == 2

    run(main())


@pytest.mark.parametrize(
    ("pieces", "status"),
    [((), None), ((HEAD,), 408), ((HEAD + b"content-length: 9\r\n\r\n", b"{"), 408)],
)
def test_a_request_that_never_becomes_whole(
    pieces: tuple[bytes, ...], status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_S", 0.2)

    async def main() -> None:
        router = ScriptedRouter([finish()])
        async with served(router) as (url, _):
            answer = await said(url, *pieces)
            if status is None:
                assert answer == b""
            else:
                assert told(answer) == (
                    status,
                    {
                        "code": "invalid_request",
                        "message": "the request was not there within 0.2 s",
                        "request_id": None,
                        "pool": None,
                    },
                )
        assert router.asked == []

    run(main())


def test_a_request_that_came_in_time_is_not_cut_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_S", 0.6)

    async def main() -> None:
        async def wait() -> None:
            await asyncio.sleep(0.9)  # longer than a request may take

        async with served(ScriptedRouter(wait, [finish()])) as (url, _), aiohttp.ClientSession() as session:
            for _ in range(2):  # on one connection
                async with session.post(f"{url}/v1/generate", json=BODY) as response:
                    assert b"event: finish" in await response.read()

    run(main())


def test_a_body_in_pieces() -> None:
    async def main() -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for byte in json.dumps(BODY).encode():
                yield bytes([byte])

        async with served(ScriptedRouter([finish()])) as (url, _), aiohttp.ClientSession() as session:
            for _ in range(2):
                async with session.post(f"{url}/v1/generate", data=pieces()) as response:
                    assert b"event: finish" in await response.read()

    run(main())
