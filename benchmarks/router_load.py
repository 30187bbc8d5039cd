"""A light load generator for event streams over HTTP/1.1: requests are bytes, answers are looked at, not parsed.

An answer is right when its status is 200, it has as many items as are due, and its last event is `finish`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

FINISH, ITEM, END = b"event: finish", b"event: item", b"0\r\n\r\n"
Body = Callable[[int], dict[str, Any]]


class Answered(NamedTuple):
    """Of one request, in seconds. `took_s` counts from when it was due, in an open loop, else from when it was sent."""

    first_item_s: float
    took_s: float
    is_right: bool


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answered] | None = None
        self._parts: list[bytes] = []
        self._tail = b""
        self._since_s = 0.0
        self._first_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._end(False)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def ask(self, request: bytes, since_s: float) -> asyncio.Future[Answered]:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._parts, self._tail, self._since_s, self._first_s = [], b"", since_s, 0.0
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)
        if not self._first_s and ITEM in self._tail + data:
            self._first_s = time.perf_counter()
        self._tail = (self._tail + data)[-len(ITEM) :]
        if self._tail.endswith(END):
            whole = b"".join(self._parts)
            is_right = (
                whole.startswith(b"HTTP/1.1 200") and whole.count(ITEM) == self._items and whole.count(FINISH) == 1
            )
            self._end(is_right)

    def _end(self, is_right: bool) -> None:
        assert self._answer is not None
        now_s = time.perf_counter()
        if not self._answer.done():
            self._answer.set_result(Answered((self._first_s or now_s) - self._since_s, now_s - self._since_s, is_right))


class Load:
    """Requests to one place. Connections are kept and used again."""

    def __init__(self, url: str, path: str, items: int, body: Body) -> None:
        """`body(number)`: of a request; `items`: that its answer must have."""
        place = urlsplit(url)
        assert place.hostname is not None
        assert place.port is not None
        self._host, self._port, self._path = place.hostname, place.port, path
        self._items = items
        self._body = body
        self._numbers = itertools.count()
        self._idle: list[Connection] = []

    async def one(self, since_s: float | None = None) -> Answered:
        """Sends the next request and waits for its answer."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                break
        else:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._items), self._host, self._port
            )
        request = self._request()
        answered = await connection.ask(request, time.perf_counter() if since_s is None else since_s)
        self._idle.append(connection)
        return answered

    def close(self) -> None:
        for connection in self._idle:
            connection.close()

    def _request(self) -> bytes:
        body = json.dumps(self._body(next(self._numbers))).encode()
        head = f"POST {self._path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def closed_loop(load: Load, concurrency: int, seconds: float) -> list[Answered]:
    """So many requests at any time, each followed by the next."""
    end_s = time.perf_counter() + seconds
    found: list[Answered] = []

    async def client() -> None:
        while time.perf_counter() < end_s:
            found.append(await load.one())

    await asyncio.gather(*(client() for _ in range(concurrency)))
    return found


async def open_loop(load: Load, rate: float, seconds: float) -> list[Answered]:
    """So many requests a second, whether or not the ones before are answered: a stall is in all that it held up."""
    began_s = time.perf_counter()
    tasks: list[asyncio.Task[Answered]] = []
    for due_s in _due(began_s, rate, seconds):
        wait_s = due_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        tasks.append(asyncio.create_task(load.one(due_s)))
    return list(await asyncio.gather(*tasks))


def _due(began_s: float, rate: float, seconds: float) -> Iterator[float]:
    return (began_s + number / rate for number in range(int(rate * seconds)))
