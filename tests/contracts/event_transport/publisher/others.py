"""Correct publishers of other construction: without a thread, and in an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import zmq
import zmq.asyncio

from contracts.event_transport.publisher.written import written
from trueup_contracts.errors import Closed


class Plain:
    """pyzmq in the caller's thread: what most would write first. Arrays, as engines before 2026 wrote them."""

    capabilities: frozenset[str] = frozenset()

    def __init__(self, endpoint: str, topic: str, format: str) -> None:
        if format != "A" or "://" not in endpoint:
            raise ValueError("no such format or endpoint")
        self._topic, self._number, self._sent = topic.encode(), 0, 0
        self._lock = threading.Lock()
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._pub = self._context.socket(zmq.PUB)
        self._pub.set(zmq.SNDHWM, 100_000)
        try:
            self._pub.bind(endpoint)
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise
        self.endpoint = str(self._pub.get_string(zmq.LAST_ENDPOINT))

    def publish(self, batch: Mapping[str, Any]) -> int:
        with self._lock:
            if self._pub.closed:
                raise Closed("closed")
            number = self._number
            self._number += 1
            self._pub.send_multipart([self._topic, number.to_bytes(8, "big"), written(batch, "array")])
            self._sent += 1
            return number

    def flush(self, timeout_ms: int) -> bool:
        if self._pub.closed:
            raise Closed("closed")
        return True

    def stats(self) -> Mapping[str, int]:
        counts = {"accepted": self._sent, "sent": self._sent, "refused": self._number - self._sent}
        return {**counts, "dropped": 0, "queued": 0}

    def close(self, linger_ms: int = 1_000) -> None:
        if linger_ms < 0:
            raise ValueError("a negative linger")
        self._pub.close(linger_ms)
        self._context.term()


class InLoop:
    """zmq.asyncio: every call is a coroutine. Outer array, inner maps, as SGLang's; replies without a topic."""

    capabilities = frozenset({"asyncio", "replay"})

    def __init__(
        self, endpoint: str, topic: str, format: str, *, replay_endpoint: str | None = None, replay_batches: int = 100
    ) -> None:
        if format != "A" or "://" not in endpoint:
            raise ValueError("no such format or endpoint")
        self._topic, self._most = topic.encode(), replay_batches
        self._kept: list[tuple[int, bytes]] = []
        self._number = self._refused = 0
        self._context = zmq.asyncio.Context()
        self._pub = self._context.socket(zmq.PUB)
        self._pub.set(zmq.SNDHWM, 100_000)
        self._serving: asyncio.Task[None] | None = None
        try:
            self._pub.bind(endpoint)
            self.endpoint = str(self._pub.get_string(zmq.LAST_ENDPOINT))
            if replay_endpoint is not None:
                replies = self._context.socket(zmq.ROUTER)
                replies.set(zmq.SNDHWM, 0)
                replies.bind(replay_endpoint)
                self.replay_endpoint = str(replies.get_string(zmq.LAST_ENDPOINT))
                self._serving = asyncio.get_running_loop().create_task(self._serve(replies))
        except zmq.ZMQError:
            self._context.destroy(linger=0)
            raise

    async def publish(self, batch: Mapping[str, Any]) -> int | None:
        if self._pub.closed:
            raise Closed("closed")
        number = self._number
        self._number += 1
        try:
            payload = written(batch, "array_of_maps")
        except ValueError:
            self._refused += 1
            return None
        await self._pub.send_multipart([self._topic, number.to_bytes(8, "big"), payload])
        self._kept = [*self._kept[-self._most + 1 :], (number, payload)]
        return number

    async def _serve(self, replies: Any) -> None:
        try:
            while True:
                identity, *request = await replies.recv_multipart()
                if len(request) == 2 and not request[0] and len(request[1]) == 8:
                    await self._answer(replies, identity, int.from_bytes(request[1], "big"))
        finally:
            replies.close(0)

    async def _answer(self, replies: Any, identity: bytes, start: int) -> None:
        found: Sequence[tuple[bytes, bytes]] = [
            (number.to_bytes(8, "big"), payload) for number, payload in self._kept if number >= start
        ]
        for number, payload in [*found, (b"\xff" * 8, b"")]:
            await replies.send_multipart([identity, b"", number, payload])

    async def flush(self, timeout_ms: int) -> bool:
        if self._pub.closed:
            raise Closed("closed")
        return True

    async def stats(self) -> Mapping[str, int]:
        sent = self._number - self._refused
        return {"accepted": sent, "sent": sent, "refused": self._refused, "dropped": 0, "queued": 0}

    async def close(self, linger_ms: int = 1_000) -> None:
        if linger_ms < 0:
            raise ValueError("a negative linger")
        if self._serving is not None:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        self._pub.close(linger_ms)
        await asyncio.to_thread(self._context.term)


async def in_loop(endpoint: str, topic: str, format: str, **keywords: Any) -> InLoop:
    """The factory: its sockets are made in the loop that uses them."""
    return InLoop(endpoint, topic, format, **keywords)


in_loop.capabilities = InLoop.capabilities  # type: ignore[attr-defined]
