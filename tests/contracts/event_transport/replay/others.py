"""A correct client of replays of other construction: zmq.asyncio, with one context for all."""

from __future__ import annotations

import asyncio
from typing import Any

import zmq
import zmq.asyncio

from trueup_contracts.errors import Closed, Incomplete

Entry = tuple[int, str | None, bytes]


class InLoop:
    """A DEALER for each replay; the whole of it has the timeout."""

    capabilities = frozenset({"asyncio"})

    def __init__(self) -> None:
        self._context = zmq.asyncio.Context()

    async def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        if self._context.closed:
            raise Closed("closed")
        if isinstance(timeout_ms, bool) or timeout_ms < 0 or "://" not in endpoint:
            raise ValueError("no such timeout or endpoint")
        if not isinstance(start, int) or not 0 <= start < 1 << 64:
            raise ValueError("no such start")
        found: list[Entry] = []
        socket: Any = self._context.socket(zmq.DEALER)
        socket.set(zmq.RCVHWM, 0)
        try:
            socket.connect(endpoint)
            await socket.send_multipart([b"", start.to_bytes(8, "big")])
            async with asyncio.timeout(timeout_ms / 1000):
                await _read(socket, found)
        except TimeoutError:
            raise Incomplete("no end marker", found) from None
        finally:
            socket.close(0)
        return found

    async def close(self) -> None:
        if not self._context.closed:
            self._context.term()


async def _read(socket: Any, found: list[Entry]) -> None:
    while True:
        match await socket.recv_multipart():
            case [b"", *topic, number, payload] if len(topic) < 2 and len(number) == 8:
                if number == b"\xff" * 8:
                    return
                try:
                    told = topic[0].decode() if topic else None
                except UnicodeDecodeError:
                    continue
                found.append((int.from_bytes(number, "big"), told, payload))


async def in_loop() -> InLoop:
    """The factory: its context is made in the loop that uses it."""
    return InLoop()


in_loop.capabilities = InLoop.capabilities  # type: ignore[attr-defined]
