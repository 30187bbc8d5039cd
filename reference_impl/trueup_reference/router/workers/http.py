"""Workers over HTTP/1.1: a POST that is answered by server-sent events, on connections that are used again."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

import aiohttp
import msgspec
from yarl import URL

from trueup_reference.router.protocol import Event
from trueup_reference.router.sse import EventReader, TooLong
from trueup_reference.router.workers import CONNECT, FAILED, MOST_EVENT_BYTES, WorkerFailure
from trueup_reference.worker_protocol import Asked

# Below what servers commonly keep an idle connection for (5 s), so that none is used just when its worker closes it.
KEEP_ALIVE_S = 4.0
TAIL_S = 0.25  # for the end of a response behind its last event; then the connection is closed
MOST_TOLD = 200  # characters of a worker's own words
MOST_RETRY_AFTER_S = 3600.0
_MOST_REFUSAL_BYTES = 16 << 10
_MOST_DIGITS = 20
_AT_ONCE_BYTES = 1 << 20  # of a body that is written in one go
_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}
_NAMES = {name.encode(): name for name in ("item", "transfer", "finish", "error")}
_ENDS = frozenset({"finish", "error"})


class HttpTransport:
    """Used from one event loop, within which it is made."""

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        most_event_bytes: int = MOST_EVENT_BYTES,
    ) -> None:
        """`tls`: for https workers; without it, the system's. `headers`: sent to every worker, such as a token."""
        self._loop = asyncio.get_running_loop()
        self._ending: set[aiohttp.ClientResponse] = set()
        self._most_event_bytes = most_event_bytes
        self._session = aiohttp.ClientSession(
            # As many connections as requests: how many those may be is admission's to say.
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=tls or True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={**_HEADERS, **(headers or {})},
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def generate(self, url: str, asked: Asked, *, connect_s: float, headers: Mapping[str, str]) -> HttpStream:
        """Asks the worker. `WorkerFailure` where it cannot be reached, or refuses."""
        body = msgspec.json.encode(asked)
        try:
            response = await self._session.post(
                _endpoint(url, "generate"),
                data=body if len(body) < _AT_ONCE_BYTES else io.BytesIO(body),
                headers=headers,
                timeout=_timeout(connect_s),
                allow_redirects=False,
            )
        except aiohttp.ConnectionTimeoutError as error:
            message = f"no connection within {connect_s * 1000:g} ms"
            raise WorkerFailure(CONNECT, message, retryable=True, taken=False) from error
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise WorkerFailure(FAILED, f"no connection: {_words(error)}", retryable=True, taken=False) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise WorkerFailure(FAILED, f"the worker broke off: {_words(error)}", retryable=True) from error
        if response.status != 200:
            try:
                raise await _refusal(response)
            finally:
                response.close()
        if response.content_type != "text/event-stream":
            response.close()
            raise WorkerFailure(FAILED, f"{response.content_type} is no stream of events", retryable=True)
        return HttpStream(response, self._most_event_bytes, self._await_end)

    async def health(self, url: str, *, timeout_s: float) -> bool:
        """Whether the worker answers 200."""
        try:
            async with asyncio.timeout(timeout_s), self._session.get(_endpoint(url, "health")) as response:
                return response.status == 200
        except (aiohttp.ClientError, OSError, ValueError):
            return False

    async def close(self) -> None:
        """Closes every connection."""
        for response in list(self._ending):
            self._end(response)
        await self._session.close()

    def _await_end(self, response: aiohttp.ClientResponse) -> None:
        """The connection goes back when the end has come, and is closed where it does not come soon."""
        self._ending.add(response)
        self._loop.call_later(TAIL_S, self._end, response)

    def _end(self, response: aiohttp.ClientResponse) -> None:
        self._ending.discard(response)
        response.close()


class HttpStream:
    """The events of a response."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        most_event_bytes: int,
        await_end: Callable[[aiohttp.ClientResponse], None],
    ) -> None:
        self._await_end = await_end
        self._response = response
        self._content = response.content
        self._reader = EventReader(most_event_bytes)
        self._has_ended = False

    async def read(self) -> list[Event]:
        """The events that have come, at least one. `WorkerFailure` where the response breaks off or is none."""
        while True:
            try:
                piece = await self._content.readany()
            except (aiohttp.ClientError, OSError) as error:
                raise WorkerFailure(FAILED, f"the worker broke off: {_words(error)}", retryable=True) from error
            if not piece:
                raise WorkerFailure(FAILED, "the answer ended before its finish", retryable=True)
            try:
                found = self._reader.feed(piece)
            except TooLong as error:
                raise WorkerFailure(FAILED, f"the worker sent {error}", retryable=True) from error
            if found:
                events = [Event(_NAMES.get(name) or name.decode("utf-8", "replace"), _line(raw)) for name, raw in found]
                self._has_ended = any(event.name in _ENDS for event in events)
                return events

    def close(self) -> None:
        """Gives the connection back once the response is over, which it must be soon after its last event."""
        if not self._has_ended or self._content.exception() is not None:
            connection = self._response.connection
            transport = None if connection is None else connection.transport
            self._response.close()
            if transport is not None:
                transport.abort()  # closing would first send what is left of the request, to a worker that may hang
        elif not self._content.is_eof():
            self._await_end(self._response)


@lru_cache(maxsize=4096)
def _endpoint(url: str, name: str) -> URL:
    return URL(f"{url.rstrip('/')}/{name}")


@lru_cache(maxsize=16)
def _timeout(connect_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=connect_s)


def _line(raw: bytes) -> bytes:
    """JSON on one line; what is no JSON stays, and is found to be none by whoever reads it."""
    return raw if b"\n" not in raw else raw.replace(b"\n", b" ")


async def _refusal(response: aiohttp.ClientResponse) -> WorkerFailure:
    """408, 429 and 5xx can be tried again, and 408, 429 and what lies below 500 say nothing against the worker."""
    status = response.status
    retryable = status in (408, 429) or status >= 500
    told = ""
    try:
        body = await response.content.read(_MOST_REFUSAL_BYTES)
        told = f": {msgspec.json.decode(body)['error']['message']}"[:MOST_TOLD]
    except (aiohttp.ClientError, OSError, msgspec.DecodeError, RecursionError, LookupError, TypeError):
        pass  # a status says enough
    return WorkerFailure(
        FAILED,
        f"status {status}{told}",
        retryable=retryable,
        taken=False,
        alive=status < 500,
        retry_after_s=_retry_after_s(response.headers.get("Retry-After")) if retryable else None,
        status=status,
    )


def _retry_after_s(text: str | None) -> float | None:
    """From the header, which has seconds or a date."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return min(float(text[:_MOST_DIGITS]), MOST_RETRY_AFTER_S)
    try:
        left_s = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
    return min(max(left_s, 0.0), MOST_RETRY_AFTER_S)


def _words(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorError):  # whose own words tell of TLS where there is none
        number = error.os_error.errno or 0
        why = os.strerror(number) if number > 0 else error.os_error  # such as a name that is not known
        return f"{error.host}:{error.port}: {why}"[:MOST_TOLD]
    return f"{type(error).__name__}: {error}"[:MOST_TOLD] if str(error) else type(error).__name__
