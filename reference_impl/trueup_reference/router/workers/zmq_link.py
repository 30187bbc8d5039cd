"""One connection to a worker over ZMQ, and the answers that come on it."""

from __future__ import annotations

import asyncio
from collections import deque

import msgspec
import zmq
import zmq.asyncio
from zmq.utils.monitor import parse_monitor_message

from trueup_reference.event_transport import ClientKeys
from trueup_reference.router.protocol import Event
from trueup_reference.router.workers import FAILED, MOST_EVENT_BYTES, WorkerFailure
from trueup_reference.worker_frames import HEARTBEAT_MS, ID_BYTES, MOST_ASK_BYTES, MOST_QUEUED, VERSION, Refused

MOST_UNREAD_BYTES = 32 << 20  # of one answer: whoever reads slower than the worker writes loses it
_LAST_WORDS_S = 1.0
_NEVER_MS = (1 << 31) - 1
MOST_TOLD = 200  # characters of a worker's own words
MOST_RETRY_AFTER_S = 3600.0
_LOST = {
    zmq.Event.DISCONNECTED: "the connection is lost",
    zmq.Event.CLOSED: "no connection",
    zmq.Event.CLOSE_FAILED: "no connection",
    zmq.Event.CONNECT_RETRIED: "no connection",
    zmq.Event.HANDSHAKE_FAILED_NO_DETAIL: "the handshake failed",
    zmq.Event.HANDSHAKE_FAILED_PROTOCOL: "the handshake failed",
    zmq.Event.HANDSHAKE_FAILED_AUTH: "the worker lets this key not in",
}
_EVENTS = zmq.Event.HANDSHAKE_SUCCEEDED
for _each in _LOST:
    _EVENTS |= _each
_NAMES = {name.encode(): name for name in ("item", "transfer", "finish", "error")}
_ENDS = frozenset({"finish", "error"})
_refused = msgspec.json.Decoder(Refused)


class Link:
    """Connects at once. Once it is lost it stays so."""

    def __init__(self, context: zmq.asyncio.Context, endpoint: str, keys: ClientKeys | None) -> None:
        """`used_s`: by the loop's clock, set by its owner."""
        self.used_s = 0.0
        self._failure: WorkerFailure | None = None
        self._waiting: set[asyncio.Future[bool]] = set()  # for the handshake
        self._healths: dict[bytes, asyncio.Future[bool]] = {}
        self._streams: dict[bytes, ZmqStream] = {}
        self._is_connected = False
        self._number = 0
        self._socket = context.socket(zmq.DEALER)
        self._socket.linger = 0
        # It connects once. ZMQ_RECONNECT_IVL -1, or ZMQ_IMMEDIATE, would say so, but with either libzmq throws away too
        # what has come before the end and is not read yet (tried with 4.3.5).
        self._socket.reconnect_ivl = _NEVER_MS
        self._socket.heartbeat_ivl = HEARTBEAT_MS
        self._socket.heartbeat_timeout = 3 * HEARTBEAT_MS
        self._socket.rcvhwm = MOST_QUEUED
        self._socket.maxmsgsize = MOST_EVENT_BYTES
        self._socket.ipv6 = True
        if keys is not None:
            keys.apply(self._socket)
        self._monitor = self._socket.get_monitor_socket(_EVENTS)
        self._tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._read())]
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._lose(f"no connection: {error}", taken=False)

    @property
    def is_lost(self) -> bool:
        """Whether another is due."""
        return self._failure is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self._streams or self._healths or self._waiting)

    async def connected(self) -> None:
        """Waits for the connection. `WorkerFailure` where there is none to be had."""
        if self._failure is None and not self._is_connected:
            await self._wait_for(self._waiting)
        if self._failure is not None:
            raise self._failed(taken=False)

    def ask(self, body: bytes, headers: bytes) -> ZmqStream:
        """Hands a request to ZMQ. `WorkerFailure` where the worker takes none."""
        number = self._next()
        if len(body) > MOST_ASK_BYTES:
            raise WorkerFailure(FAILED, f"a request of {len(body):,} bytes", retryable=False, taken=False, alive=True)
        stream = self._streams[number] = ZmqStream(self, number)
        if not self._send(b"ask", number, body, headers):
            del self._streams[number]
            raise WorkerFailure(FAILED, "the worker takes nothing in", retryable=True, taken=False)
        return stream

    async def health(self) -> bool:
        """Whether the worker says that it is well."""
        number = self._next()
        told = self._healths[number] = asyncio.get_running_loop().create_future()
        try:
            return self._send(b"health", number) and await told
        finally:
            del self._healths[number]

    def forget(self, number: bytes, *, cancels: bool) -> None:
        """An answer that nobody waits for any more."""
        if self._streams.pop(number, None) is not None and cancels and self._failure is None:
            self._send(b"cancel", number)

    def close(self) -> None:
        """Ends what is under way. A second call does nothing."""
        self._lose("the router has closed it", taken=True)
        for task in self._tasks:
            task.cancel()

    async def _watch(self) -> None:
        while self._failure is None:
            told = parse_monitor_message(await self._monitor.recv_multipart())
            if told["event"] == zmq.Event.HANDSHAKE_SUCCEEDED:
                self._is_connected = True
                for waiting in self._waiting:
                    if not waiting.done():
                        waiting.set_result(True)
            elif told["event"] in _LOST:
                # What came before the end is read first: ZMQ tells of the end by another way, which may be faster.
                until_s = asyncio.get_running_loop().time() + _LAST_WORDS_S
                while await self._socket.poll(0) and asyncio.get_running_loop().time() < until_s:
                    await asyncio.sleep(0)
                self._lose(_LOST[zmq.Event(told["event"])], taken=True)

    async def _read(self) -> None:
        while self._failure is None:
            frames = await self._socket.recv_multipart()
            if len(frames) < 3 or frames[0] != VERSION:
                self._lose("the worker does not speak this protocol", taken=True)
                return
            _, kind, number, *rest = frames
            stream = self._streams.get(number)
            if kind == b"health" and rest and number in self._healths:
                told = self._healths[number]
                if not told.done():
                    told.set_result(rest[0] == b'{"ok":true}')
            elif stream is not None:
                stream.take(kind, rest)

    async def _wait_for(self, waiting: set[asyncio.Future[bool]]) -> None:
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        waiting.add(told)
        try:
            await told
        finally:
            waiting.discard(told)

    def _send(self, kind: bytes, number: bytes, *rest: bytes) -> bool:
        """Whether ZMQ took it; an asynchronous socket knows that at once too, since it does not wait."""
        sent = self._socket.send_multipart([VERSION, kind, number, *rest], zmq.NOBLOCK)
        assert isinstance(sent, asyncio.Future)
        return sent.done() and sent.exception() is None

    def _next(self) -> bytes:
        self._number += 1
        return self._number.to_bytes(ID_BYTES, "big")

    def _failed(self, *, taken: bool) -> WorkerFailure:
        assert self._failure is not None
        return WorkerFailure(FAILED, str(self._failure), retryable=True, taken=taken)

    def _lose(self, why: str, *, taken: bool) -> None:
        if self._failure is not None:
            return
        self._failure = WorkerFailure(FAILED, why, retryable=True, taken=taken)
        for waiting in [*self._waiting, *self._healths.values()]:
            if not waiting.done():
                waiting.set_result(False)
        for stream in list(self._streams.values()):
            stream.fail(self._failed(taken=taken))
        self._streams.clear()
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=0)


class ZmqStream:
    """The events of an answer."""

    def __init__(self, link: Link, number: bytes) -> None:
        self._link = link
        self._number = number
        self._events: deque[Event] = deque()
        self._unread_bytes = 0
        self._failure: WorkerFailure | None = None
        self._is_heard = False
        self._has_ended = False
        self._arrived = asyncio.Event()

    async def heard(self) -> None:
        """Waits until the worker has said so. `WorkerFailure` where it refuses."""
        while not self._is_heard:
            if self._failure is not None:
                raise self._failure
            await self._arrived.wait()
            self._arrived.clear()

    async def read(self) -> list[Event]:
        """The events that have come, at least one. `WorkerFailure` where the answer breaks off."""
        while not self._events:
            if self._failure is not None:
                raise self._failure
            await self._arrived.wait()
            self._arrived.clear()
        found = list(self._events)
        self._events.clear()
        self._unread_bytes = 0
        return found

    def close(self) -> None:
        """Before the end of the answer, ends the worker's work."""
        self._link.forget(self._number, cancels=not self._has_ended)

    def take(self, kind: bytes, rest: list[bytes]) -> None:
        """What the worker says about it."""
        if kind == b"ack":
            self._is_heard = True
        elif kind == b"event" and len(rest) == 2:
            name, raw = rest
            event = Event(_NAMES.get(name) or name.decode("utf-8", "replace"), raw.replace(b"\n", b" "))
            self._is_heard = True
            self._events.append(event)
            self._unread_bytes += len(raw) + 64
            self._has_ended = self._has_ended or event.name in _ENDS
            if self._unread_bytes > MOST_UNREAD_BYTES:
                self.fail(WorkerFailure(FAILED, "the answer was not read in time", retryable=False, alive=True))
                self.close()
        elif kind == b"refused" and rest:
            self._has_ended = True
            self.fail(_refusal(rest[0]))
        elif kind == b"end" and not self._has_ended:
            self._has_ended = True
            self.fail(WorkerFailure(FAILED, "the answer ended before its finish", retryable=True))
        self._arrived.set()

    def fail(self, failure: WorkerFailure) -> None:
        """What has come is read before it."""
        self._failure = self._failure or failure
        self._arrived.set()


def _refusal(text: bytes) -> WorkerFailure:
    """As of a status of HTTP: 408, 429 and 5xx can be tried again, and below 500 nothing is said against the worker."""
    try:
        refused = _refused.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return WorkerFailure(FAILED, "a refusal that is none", retryable=True)
    retryable = refused.status in (408, 429) or refused.status >= 500
    after_s = refused.retry_after_s
    return WorkerFailure(
        FAILED,
        f"status {refused.status}: {refused.message}"[:MOST_TOLD],
        retryable=retryable,
        taken=False,
        alive=refused.status < 500,
        retry_after_s=None if after_s is None or not retryable else min(max(0.0, after_s), MOST_RETRY_AFTER_S),
        status=refused.status,
    )
