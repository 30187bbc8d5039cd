"""Asks a worker as a router does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp


class StatusError(Exception):
    """A status other than 200."""

    def __init__(self, status: int, body: Any, headers: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.code = body["error"]["code"]
        self.headers = headers


def body(
    request_id: str = "r", phase: str = "agg", tokens: int = 40, max_tokens: int = 3, **more: Any
) -> dict[str, Any]:
    """What is asked."""
    given = {"request_id": request_id, "phase": phase, "token_ids": list(range(tokens)), "max_tokens": max_tokens}
    return {**given, **more}


async def told(session: aiohttp.ClientSession, url: str, asked: dict[str, Any]) -> AsyncIterator[tuple[str, Any]]:
    """The events, as they come."""
    async with session.post(f"{url}/generate", json=asked) as response:
        if response.status != 200:
            raise StatusError(response.status, await response.json(), response.headers)
        assert response.headers["Content-Type"] == "text/event-stream"
        name = ""
        async for line in response.content:
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                name = text.removeprefix("event: ")
            elif text.startswith("data: "):
                yield name, json.loads(text.removeprefix("data: "))


async def all_of(session: aiohttp.ClientSession, url: str, asked: dict[str, Any]) -> list[tuple[str, Any]]:
    """All events."""
    return [event async for event in told(session, url, asked)]
