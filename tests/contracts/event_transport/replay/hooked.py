"""A client of replays written by hand whose every decision is a method, so that a fault is a line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import zmq

from trueup_contracts.errors import Closed, Incomplete

END = b"\xff" * 8
Entry = tuple[int, str | None, bytes]


class Hooked:
    """Correct as it stands: a DEALER for each replay."""

    capabilities: frozenset[str] = frozenset()
    kind = zmq.DEALER

    def __init__(self) -> None:
        self.closed = False
        self.context: Any = zmq.Context()

    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        if self.closed:
            raise Closed("closed")
        self.check(endpoint, start, timeout_ms)
        deadline = time.monotonic() + timeout_ms / 1000
        found: list[Entry] = []
        socket = self.opened(endpoint)
        try:
            self.ask(socket, start)
            while True:
                frames = self.receive(socket, deadline)
                if frames is None:
                    return self.failed(found)
                if self.is_end(frames):
                    return found
                found += self.entries(frames)
        finally:
            self.done(socket)

    def check(self, endpoint: str, start: int, timeout_ms: int) -> None:
        if isinstance(start, bool) or not isinstance(start, int) or not 0 <= start < 1 << 64:
            raise ValueError("no such start")
        if isinstance(timeout_ms, bool) or timeout_ms < 0 or "://" not in endpoint:
            raise ValueError("no such timeout or endpoint")

    def opened(self, endpoint: str) -> Any:
        socket = self.context.socket(self.kind)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RCVHWM, 0)
        socket.connect(endpoint)
        return socket

    def ask(self, socket: Any, start: int) -> None:
        socket.send_multipart(self.request(start))

    def request(self, start: int) -> list[bytes]:
        return [b"", start.to_bytes(8, "big")]

    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        left_ms = max(0, round(1000 * (deadline - time.monotonic())) + 1)
        if time.monotonic() >= deadline or not socket.poll(left_ms):
            return None
        frames: list[bytes] = socket.recv_multipart()
        return frames

    def failed(self, found: list[Entry]) -> list[Entry]:
        raise Incomplete("no end marker", found)

    def is_end(self, frames: Sequence[bytes]) -> bool:
        return len(frames) in (3, 4) and frames[-2] == END

    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        if len(frames) not in (3, 4) or frames[0] or len(frames[-2]) != 8:
            return []
        try:
            topic = self.topic(frames)
        except UnicodeDecodeError:
            return []
        return [(self.number(frames[-2]), topic, frames[-1])]

    def topic(self, frames: Sequence[bytes]) -> str | None:
        return frames[1].decode() if len(frames) == 4 else None

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame, "big")

    def done(self, socket: Any) -> None:
        socket.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.context.destroy(linger=0)
