"""One request to one worker, over HTTP, and its answer event by event."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp

from contracts.router_service.plain.settings import Failed

MOST_BYTES = 16 << 20  # of an event
RETRYABLE = (408, 429)
Event = tuple[str, dict[str, Any]]


class WorkerFailed(Failed):
    """A worker gave no (further) answer. `is_gone`: what it was handed may have gone with it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        may_retry: bool = True,
        is_gone: bool = False,
        is_its_fault: bool = True,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, message, retry_after_s=retry_after_s)
        self.may_retry = may_retry
        self.is_gone = is_gone
        self.is_its_fault = is_its_fault


class Stream:
    """The events of an answer. Comments are none."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._events: deque[Event] = deque()
        self._line = bytearray()
        self._name, self._data = "", list[str]()
        self._bytes = 0  # since the last event

    async def next(self) -> Event:
        """Waits for it. `WorkerFailed` where there is none any more."""
        while not self._events:
            try:
                chunk = await self._response.content.readany()
            except (aiohttp.ClientError, OSError) as error:
                raise WorkerFailed("worker_failed", f"the connection broke: {error}", is_gone=True) from error
            if not chunk:
                raise WorkerFailed("worker_failed", "the answer ended without an end", is_gone=True)
            self._take(chunk)
        return self._events.popleft()

    def _take(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        self._line += chunk
        if b"\n" in chunk:
            *lines, rest = bytes(self._line).split(b"\n")
            self._line = bytearray(rest)
            for line in lines:
                self._read(line.rstrip(b"\r").decode("utf-8", "replace"))
        if self._bytes > MOST_BYTES:
            raise WorkerFailed("worker_failed", "it sent an event that is too large", is_gone=True)

    def _read(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif not line:
            if self._name and self._data:
                self._events.append((self._name, self._object("\n".join(self._data))))
            self._name, self._data, self._bytes = "", [], 0

    @staticmethod
    def _object(text: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise WorkerFailed("worker_failed", "it sent an event that is no JSON object", is_gone=True)
        return found


@contextlib.asynccontextmanager
async def ask(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, Any], headers: Mapping[str, str], connect_s: float
) -> AsyncIterator[Stream]:
    """The stream of an answer; leaving closes the connection, which ends the work."""
    try:
        response = await session.post(
            f"{url.rstrip('/')}/generate",
            json=body,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
        )
    except aiohttp.ConnectionTimeoutError as error:
        raise WorkerFailed("timeout_connect", f"{url} did not take the connection in time") from error
    except aiohttp.ClientConnectorError as error:
        raise WorkerFailed("worker_failed", f"{url} cannot be reached: {error.strerror}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise WorkerFailed("worker_failed", f"{url} gave no answer: {error}", is_gone=True) from error
    try:
        if response.status != 200:
            raise await refused(response)
        yield Stream(response)
    finally:
        response.close()


async def refused(response: aiohttp.ClientResponse) -> WorkerFailed:
    """What a status before the first event means."""
    status = response.status
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await response.content.read(1 << 16)
    return WorkerFailed(
        "worker_failed",
        f"the worker answered {status}",
        may_retry=status in RETRYABLE or status >= 500,
        is_its_fault=status >= 500,
        retry_after_s=retry_after_s(response.headers.get("Retry-After")),
    )


def retry_after_s(text: str | None) -> float | None:
    """Of the header, in either of its forms."""
    if text is None:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None
