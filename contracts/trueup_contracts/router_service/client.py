"""The suite's client of a router: answers as they come, server-sent events with their times, and ways to leave."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import WrongAnswerError
from trueup_contracts.router_service import http11, protocol
from trueup_contracts.router_service.background import Background

MOST_ANSWER_BYTES = 64 << 20
_MOST_SHOWN = 300  # characters of a body, in messages
_MOST_AT_EACH_END = 4  # events of a long stream, in messages


class Event(NamedTuple):
    """One event; `at_s` is when it came, on the monotonic clock. An event without a name is a `message`."""

    name: str
    text: str
    at_s: float

    @property
    def data(self) -> dict[str, Any]:
        """Its object. `WrongAnswerError` where it is none."""
        return _object(self.text, f"the event {self.name}")

    def get(self, *names: str) -> Any:
        """What stands below these names. `WrongAnswerError` where nothing does."""
        found: Any = self.data
        for name in names:
            if not isinstance(found, Mapping) or name not in found:
                raise WrongAnswerError(f"the event {self.name} has no {'.'.join(names)}: {self.text[:_MOST_SHOWN]}")
            found = found[name]
        return found

    def __repr__(self) -> str:
        """For messages."""
        return f"{self.name} {self.text[:_MOST_SHOWN]}"

    @property
    def brief(self) -> str:
        """For messages that show several: what matters of it, and the whole where it lacks that."""
        try:
            match self.name:
                case "accepted":
                    return self.name
                case "routed":
                    return f"routed to {self.data['worker']} ({self.data['pool']}, attempt {self.data['attempt']})"
                case "item":
                    return f"item {self.data['index']}"
                case "finish":
                    return f"finish {self.data['reason']}"
                case "error":
                    return f"error {self.data['error']['code']}: {self.data['error']['message']}"[:_MOST_SHOWN]
        except (WrongAnswerError, KeyError, TypeError):
            pass
        return repr(self)


class Stream:
    """One answer, whatever it is. `wait…`, `next` and `rest` give what must come the budget of a signal.

    `events`: so far. `body`: of an answer that is no stream of events. `fault`: why the answer is not whole.
    """

    def __init__(self, background: Background, budgets: Budgets, what: str) -> None:
        self.what = what
        self.events: list[Event] = []
        self.keep_alives: list[float] = []  # when comments came
        self.body = bytearray()
        self.fault: str | None = None
        self.started_at_s = time.monotonic()
        self.ended_at_s = 0.0
        self.is_ended = False
        self._head: http11.Head | None = None
        self._background, self._budgets = background, budgets
        self._taken = 0
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None

    @property
    def status(self) -> int:
        """Waited for."""
        return int(self._known_head().line.split(" ")[1])

    @property
    def headers(self) -> Mapping[str, str]:
        """By their names in lower case; waited for."""
        return self._known_head().headers

    @property
    def has_status(self) -> bool:
        """Whether the head has come."""
        return self._head is not None

    def next(self) -> Event:
        """The next event that was not taken yet. `AssertionError` where the answer ends instead."""
        __tracebackhide__ = True
        self._wait(lambda: self.is_ended or len(self.events) > self._taken, "its next event")
        assert len(self.events) > self._taken, f"{self.what}: it ended after {self.told}"
        self._taken += 1
        return self.events[self._taken - 1]

    def until(self, name: str) -> Event:
        """The next event of this name; those before it are taken too."""
        __tracebackhide__ = True
        while (found := self.next()).name != name:
            pass
        return found

    def wait(self) -> Stream:
        """Until the answer has ended."""
        __tracebackhide__ = True
        self._wait(lambda: self.is_ended, "its end")
        return self

    def rest(self) -> list[Event]:
        """The events that were not taken yet, when the answer has ended."""
        __tracebackhide__ = True
        self.wait()
        found, self._taken = self.events[self._taken :], len(self.events)
        return found

    def named(self, name: str) -> list[Event]:
        """The events of this name so far."""
        return [one for one in self.events if one.name == name]

    def whole(self) -> list[Event]:
        """All events of an answer with status 200 that has ended as HTTP has it."""
        __tracebackhide__ = True
        self.wait()
        self._assert(self._status in {200}, "200 is due")
        self._assert(self.fault is None, f"the answer is cut off: {self.fault}")
        return self.events

    def finished(self) -> list[Event]:
        """The same of one that ends by `finish`."""
        __tracebackhide__ = True
        events = self.whole()
        self._assert(events[-1:] != [] and events[-1].name == "finish", "finish is due at its end")
        return events

    def failed(self) -> Event:
        """The `error` at the end of an answer with status 200."""
        __tracebackhide__ = True
        events = self.whole()
        self._assert(events[-1:] != [] and events[-1].name == "error", "error is due at its end")
        return events[-1]

    def refused(self, *statuses: int) -> dict[str, Any]:
        """The `error` object of an answer with one of these statuses."""
        __tracebackhide__ = True
        self.wait()
        self._assert(self._status in statuses, f"status {' or '.join(map(str, statuses))} is due")
        found = self.json.get("error")
        if not isinstance(found, dict):
            raise WrongAnswerError(f"{self.what}: {self.told}: its body has no object `error`")
        return found

    def error(self) -> Mapping[str, Any]:
        """The error that it ended by: a refusal, or an event where it had been accepted."""
        __tracebackhide__ = True
        self.wait()
        if self._status not in {None, 200}:
            return self.refused(*sorted(set(protocol.STATUS.values())))
        found = self.failed().get("error")
        if not isinstance(found, dict):
            raise WrongAnswerError(f"{self.what}: {self.told}: its `error` is no object")
        return found

    @property
    def tokens(self) -> list[int]:
        """Of all items so far."""
        return [token for one in self.named("item") for token in one.get("token_ids")]

    @property
    def json(self) -> dict[str, Any]:
        """The body's object, when the answer has ended."""
        self.wait()
        return _object(bytes(self.body).decode("utf-8", "replace"), self.what)

    @property
    def told(self) -> str:
        """What came, for messages."""
        if self._head is None:
            return f"no answer ({self.fault})" if self.is_ended else "no answer yet"
        if not self.events:
            return f"status {self.status}: {bytes(self.body)[:_MOST_SHOWN]!r}"
        shown = [one.brief for one in self.events]
        if len(shown) > 2 * _MOST_AT_EACH_END:
            shown = [*shown[:_MOST_AT_EACH_END], "…", *shown[-_MOST_AT_EACH_END:]]
        return f"status {self.status}, {len(self.events)} events: {', '.join(shown)}"

    def close(self) -> None:
        """Leaves (FIN), at once."""
        self._background.run(self._leave(lambda writer: writer.close()))

    def reset(self) -> None:
        """Leaves by a reset (RST), at once."""
        self._background.run(self._leave(http11.reset))

    @property
    def _status(self) -> int | None:
        return None if self._head is None else self.status

    def _assert(self, holds: bool, due: str) -> None:
        __tracebackhide__ = True
        if not holds:
            raise AssertionError(f"{self.what}: {due}; it got {self.told}")

    def _known_head(self) -> http11.Head:
        __tracebackhide__ = True
        self._wait(lambda: self._head is not None or self.is_ended, "its status")
        assert self._head is not None, f"{self.what}: no answer: {self.fault}"
        return self._head

    def _wait(self, look: Callable[[], bool], what: str) -> None:
        __tracebackhide__ = True
        try:
            self._background.until(look, what, self._budgets.signal_s)
        except AssertionError as error:
            raise AssertionError(f"{self.what}: {error}; so far {self.told}") from None

    async def _leave(self, end: Callable[[asyncio.StreamWriter], None]) -> None:
        if self._writer is not None and not self.is_ended:
            end(self._writer)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self.is_ended = True  # also where it had not begun

    async def begin(self, address: tuple[str, int], request: bytes) -> None:
        """Sends the request, and reads from now on."""
        self._task = asyncio.ensure_future(self._run(address, request))

    async def _run(self, address: tuple[str, int], request: bytes) -> None:
        try:
            async with asyncio.timeout(self._budgets.signal_s):  # of a queue that is full the system asks again
                reader, self._writer = await asyncio.open_connection(*address, limit=1 << 20)
            found = self._writer.get_extra_info("socket")
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._writer.write(request)
            head = await http11.read_head(reader)
            if head is None:
                raise http11.FaultError("the connection was closed without an answer")
            _check_status(head)
            self._head = head
            self._background.news()
            lines = _Lines(self) if "text/event-stream" in head.headers.get("content-type", "").lower() else None
            size = 0
            async for piece in http11.pieces(reader, head, until_close=True):
                size += len(piece)
                if size > MOST_ANSWER_BYTES:
                    raise http11.FaultError(f"an answer of more than {MOST_ANSWER_BYTES} bytes")
                if lines is None:
                    self.body += piece
                else:
                    lines.feed(piece)
                self._background.news()
            if lines is not None and lines.is_within:
                raise http11.FaultError("it ends within an event")
        except (http11.FaultError, OSError, TimeoutError) as error:
            self.fault = str(error) or type(error).__name__
        except asyncio.CancelledError:
            self.fault = "the client has left"
            raise
        finally:
            self.ended_at_s = time.monotonic()
            self.is_ended = True
            if self._writer is not None:
                self._writer.close()
            self._background.news()


class _Lines:
    """Server-sent events, line by line."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = b""
        self._name = ""
        self._data: list[str] = []

    @property
    def is_within(self) -> bool:
        return bool(self._rest or self._name or self._data)

    def feed(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line.removesuffix(b"\r").decode("utf-8", "replace"))

    def _line(self, line: str) -> None:
        if not line:
            if self._name or self._data:
                event = Event(self._name or "message", "\n".join(self._data), time.monotonic())
                self._stream.events.append(event)
            self._name, self._data = "", []
        elif line.startswith(":"):
            self._stream.keep_alives.append(time.monotonic())
        else:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if field == "event":
                self._name = value
            elif field == "data":
                self._data.append(value)


class Client:
    """Asks one router. `note` is told each request, as a line of a shell that repeats it."""

    def __init__(self, background: Background, budgets: Budgets, url: str, note: Callable[[str], None]) -> None:
        self.url = url
        self.streams: list[Stream] = []
        self._background, self._budgets, self._note = background, budgets, note
        parts = urlsplit(url)
        assert parts.hostname is not None
        assert parts.port is not None
        self.address = (parts.hostname, parts.port)

    def generate(self, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None) -> Stream:
        """`POST /v1/generate`; comes back at once."""
        return self.post(protocol.GENERATE, body, headers)

    def post(
        self, path: str, body: Mapping[str, Any] | bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Stream:
        """A request with a body, an object or bytes as they are; comes back at once."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        shown = shlex.quote(raw[:2_000].decode("utf-8", "replace"))
        told = "".join(f" -H {shlex.quote(f'{name}: {value}')}" for name, value in (headers or {}).items())
        self._note(f"curl -sN -X {method} {self.url}{path} -H 'content-type: application/json'{told} -d {shown}")
        return self._ask(method, path, raw, {"content-type": "application/json", **(headers or {})})

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Stream:
        """An answer that has ended."""
        __tracebackhide__ = True
        self._note(f"curl -s {self.url}{path}")
        return self._ask("GET", path, b"", headers or {}).wait()

    def look(self, path: str) -> Stream:
        """The same, for what is asked again and again: it is not noted."""
        __tracebackhide__ = True
        return self._ask("GET", path, b"", {}).wait()

    def close(self) -> None:
        """Leaves every answer that has not ended."""
        for one in self.streams:
            one.close()
        self.streams.clear()

    def _ask(self, method: str, path: str, raw: bytes, headers: Mapping[str, str]) -> Stream:
        told = {"host": f"{self.address[0]}:{self.address[1]}", "content-length": str(len(raw)), **headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        request = f"{method} {path} HTTP/1.1\r\n{lines}connection: close\r\n\r\n".encode() + raw
        stream = Stream(self._background, self._budgets, f"{method} {path}")
        self.streams.append(stream)
        self._background.run(stream.begin(self.address, request))
        return stream


def _check_status(head: http11.Head) -> None:
    words = head.line.split(" ")
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not (words[1].isascii() and words[1].isdigit()):
        raise http11.FaultError(f"{head.line[:100]!r} is no status line of HTTP/1.1")


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise WrongAnswerError(f"{what} is no JSON ({error}): {text[:_MOST_SHOWN]!r}") from error
    if not isinstance(found, dict):
        raise WrongAnswerError(f"{what} is no object: {text[:_MOST_SHOWN]}")
    return found
