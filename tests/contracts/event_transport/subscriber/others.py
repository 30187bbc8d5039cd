"""Subscribers of other construction than `Hooked`, correct as they stand."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import zmq
import zmq.asyncio

from trueup_contracts import Closed

FAR_FUTURE_MS = 2**31


def check(recv_timeout_ms: Any) -> None:
    if type(recv_timeout_ms) is not int or not 0 <= recv_timeout_ms < FAR_FUTURE_MS:
        raise ValueError(f"recv_timeout_ms {recv_timeout_ms!r}: a whole number from 0 to 2^31-1 is due")


class Numbers:
    """The numbers of one endpoint, and what they tell."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(["received", "malformed", "gaps", "restarts", "duplicates", "uncertain"], 0)
        self.last: dict[str, int] = {}

    def message(self, endpoint: str, topic: str, frames: Sequence[bytes]) -> dict[str, Any] | None:
        """The message, as a mapping; nothing for one of another topic, or for what is none."""
        if frames[0] != topic.encode():
            return None
        if len(frames) != 3 or len(frames[1]) != 8:
            self.counts["malformed"] += 1
            return None
        sequence = int.from_bytes(frames[1], "big")
        last = self.last.get(endpoint)
        self.last[endpoint] = sequence
        if last is not None and sequence != last + 1:
            self.counts["gaps" if sequence > last else "restarts"] += 1
        self.counts["received"] += 1
        told = {"endpoint": endpoint, "topic": topic, "sequence": sequence, "publisher_id": None}
        return {**told, "payload": frames[2]}


class Asyncio:
    """pyzmq's asyncio: the receive that is under way is kept, and no cancellation reaches it."""

    capabilities = "asyncio"

    def __init__(self, endpoints: Sequence[str], topic: str, recv_timeout_ms: int, format: str) -> None:
        check(recv_timeout_ms)
        self.topic, self.timeout_s = topic, recv_timeout_ms / 1_000
        self.numbers = Numbers()
        self.context = zmq.asyncio.Context()
        self.sockets = {endpoint: self.connected(endpoint) for endpoint in endpoints}
        self.under_way: dict[str, asyncio.Future[list[bytes]]] = {}
        self.closed = asyncio.Event()
        self.newest = ""  # endpoint of what was received last

    @property
    def socket(self) -> Any:
        return next(iter(self.sockets.values()))

    def connected(self, endpoint: str) -> zmq.asyncio.Socket:
        made = self.context.socket(zmq.SUB)
        made.set(zmq.LINGER, 0)
        made.subscribe(self.topic.encode())
        made.connect(endpoint)
        return made

    async def recv(self) -> dict[str, Any] | None:
        if self.closed.is_set():
            raise Closed("it is closed")
        deadline = time.monotonic() + self.timeout_s
        while True:
            found = await self.message()
            if found is not None or self.closed.is_set() or time.monotonic() >= deadline:
                return found

    async def message(self) -> dict[str, Any] | None:
        frames = await self.frames()
        return None if frames is None else self.numbers.message(self.newest, self.topic, frames)

    async def frames(self) -> list[bytes] | None:
        for endpoint, socket in self.sockets.items():
            if endpoint not in self.under_way:
                self.under_way[endpoint] = asyncio.ensure_future(socket.recv_multipart())
        is_closed = asyncio.ensure_future(self.closed.wait())
        try:
            waited: list[asyncio.Future[Any]] = [*self.under_way.values(), is_closed]
            await asyncio.wait(waited, timeout=self.timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_closed.cancel()
        for endpoint, future in list(self.under_way.items()):
            if future.done() and not future.cancelled():
                del self.under_way[endpoint]
                self.newest = endpoint
                return future.result()
        return None

    async def stats(self) -> dict[str, int]:
        return self.numbers.counts

    async def close(self) -> None:
        self.closed.set()
        for future in self.under_way.values():
            future.cancel()
        self.context.destroy(linger=0)


async def connect_asyncio(**settings: Any) -> Asyncio:
    """The factory is a coroutine function."""
    return Asyncio(**settings)


connect_asyncio.capabilities = "asyncio"  # type: ignore[attr-defined]


class Pump:
    """A thread owns the sockets and fills a queue: messages are objects, and close is a message to it."""

    capabilities = frozenset({"concurrent_calls"})

    def __init__(self, endpoints: Sequence[str], topic: str, recv_timeout_ms: int, format: str) -> None:
        check(recv_timeout_ms)
        self._topic, self._timeout_s = topic, recv_timeout_ms / 1_000
        self._numbers = Numbers()
        self._there: list[dict[str, Any]] = []
        self._news = threading.Condition()
        self._is_closed = False
        self._context = zmq.Context()
        self._stop = self._context.socket(zmq.PAIR)
        self._stop.bind(f"inproc://{id(self)}")
        self._thread = threading.Thread(target=self._run, args=(list(endpoints),), daemon=True)
        self._thread.start()

    def recv(self) -> SimpleNamespace | None:
        with self._news:
            if self._is_closed:
                raise Closed("it is closed")
            self._news.wait_for(lambda: self._there or self._is_closed, self._timeout_s)
            if not self._there or self._is_closed:
                return None
            self._numbers.counts["received"] += 1
            return SimpleNamespace(**self._there.pop(0))

    def stats(self) -> dict[str, int]:
        with self._news:
            return dict(self._numbers.counts)

    def close(self) -> None:
        with self._news:
            if self._is_closed:
                return
            self._is_closed = True
            self._news.notify_all()
        self._stop.send(b"")
        self._thread.join()
        self._stop.close(linger=0)
        self._context.term()

    def _run(self, endpoints: list[str]) -> None:
        sockets: dict[zmq.Socket[bytes], str] = {}
        stop = self._context.socket(zmq.PAIR)
        stop.connect(f"inproc://{id(self)}")
        poller = zmq.Poller()
        poller.register(stop, zmq.POLLIN)
        for endpoint in endpoints:
            made = self._context.socket(zmq.SUB)
            sockets[made] = endpoint
            made.subscribe(self._topic)
            made.connect(endpoint)
            poller.register(made, zmq.POLLIN)
        with contextlib.ExitStack() as stack:
            for one in (stop, *sockets):
                stack.callback(one.close, linger=0)
            while True:
                ready = [one for one, _ in poller.poll()]
                if stop in ready:
                    return
                for one in ready:
                    self._take(sockets[one], one.recv_multipart())

    def _take(self, endpoint: str, frames: list[bytes]) -> None:
        with self._news:
            found = self._numbers.message(endpoint, self._topic, frames)
            if found is not None:
                self._numbers.counts["received"] -= 1  # it is counted when it is handed out
                self._there.append(found)
                self._news.notify()
