"""Clients of replays with one fault each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import zmq

from contracts.event_transport.publisher.seeding import Fault, Faults
from contracts.event_transport.replay.hooked import END, Entry, Hooked

_FAULTS = Faults()
FAULTS: list[Fault] = _FAULTS


@_FAULTS.add("ER-001", "a request without a delimiter")
class NoDelimiter(Hooked):
    def request(self, start: int) -> list[bytes]:
        return super().request(start)[1:]


@_FAULTS.add("ER-001", "the start as text")
class StartAsText(Hooked):
    def request(self, start: int) -> list[bytes]:
        return [b"", str(start).encode()]


@_FAULTS.add("ER-002", "the start little-endian")
class LittleEndian(Hooked):
    def request(self, start: int) -> list[bytes]:
        return [b"", start.to_bytes(8, "little")]


@_FAULTS.add("ER-002", "asks from the number after the one that is missing")
class OffByOne(Hooked):
    def request(self, start: int) -> list[bytes]:
        return super().request((start + 1) % (1 << 64))


@_FAULTS.add("ER-003", "a REQ socket: it gets only the first reply")
class Req(Hooked):
    kind = zmq.REQ

    def request(self, start: int) -> list[bytes]:
        return super().request(start)[1:]

    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        try:
            found = super().receive(socket, deadline)
        except zmq.ZMQError:  # a REQ must send before it receives again
            return [b"", END, b""]
        return None if found is None else [b"", *found]


@_FAULTS.add("ER-003", "all replies are read as one message")
class OneMessage(Hooked):
    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        self.seen = getattr(self, "seen", 0) + 1
        return super().entries(frames) if self.seen == 1 else []


@_FAULTS.add("ER-003", "newest first")
class Backwards(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        return super().replay(endpoint, start, timeout_ms)[::-1]


@_FAULTS.add("ER-004", "knows the first form alone: the topic is taken for the number")
class FirstFormAlone(Hooked):
    def is_end(self, frames: Sequence[bytes]) -> bool:
        return frames[1] == END or super().is_end(frames)

    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        return [(int.from_bytes(frames[1], "big"), None, frames[2])]


@_FAULTS.add("ER-005", "the topic is dropped")
class NoTopic(Hooked):
    def topic(self, frames: Sequence[bytes]) -> str | None:
        return None


@_FAULTS.add("ER-005", "an empty topic is none")
class EmptyIsNone(Hooked):
    def topic(self, frames: Sequence[bytes]) -> str | None:
        return super().topic(frames) or None


@_FAULTS.add("ER-006", "in the second form the end marker needs its topic")
class EndNeedsTopic(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        self.form = 0
        return super().replay(endpoint, start, timeout_ms)

    def is_end(self, frames: Sequence[bytes]) -> bool:
        self.form = self.form or len(frames)
        return len(frames) == self.form and super().is_end(frames)


@_FAULTS.add("ER-006", "an end marker with a topic is a batch")
class EndHasNoTopic(Hooked):
    def is_end(self, frames: Sequence[bytes]) -> bool:
        return len(frames) == 3 and super().is_end(frames)


@_FAULTS.add("ER-007", "the end marker alone is an error")
class NothingIsAnError(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        found = super().replay(endpoint, start, timeout_ms)
        return found or self.failed(found)


@_FAULTS.add("ER-008", "stops at the first hole")
class StopsAtHole(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        found = super().replay(endpoint, start, timeout_ms)
        return [one for place, one in enumerate(found) if one[0] == found[0][0] + place]


@_FAULTS.add("ER-008", "batches that do not begin where it asked are dropped")
class MustBeginThere(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        found = super().replay(endpoint, start, timeout_ms)
        return found if found and found[0][0] == start else []


@_FAULTS.add("ER-009", "numbers are read as signed ones")
class Signed(Hooked):
    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame, "big", signed=True)


@_FAULTS.add("ER-009", "numbers pass through a float")
class Floats(Hooked):
    def number(self, frame: bytes) -> int:
        return int(float(super().number(frame)))


@_FAULTS.add("ER-010", "what came is answered as if it were all")
class PartAsAll(Hooked):
    def failed(self, found: list[Entry]) -> list[Entry]:
        return found


@_FAULTS.add("ER-010", "what came is thrown away")
class ThrowsAway(Hooked):
    def failed(self, found: list[Entry]) -> list[Entry]:
        return super().failed([])


@_FAULTS.add("ER-010", "gives up when nothing has come for a moment")
class Impatient(Hooked):
    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        return super().receive(socket, min(deadline, time.monotonic() + 0.05))


@_FAULTS.add("ER-011", "a receive without a timeout")
class NoTimeout(Hooked):
    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        found: list[bytes] = socket.recv_multipart()
        return found


@_FAULTS.add("ER-011", "ZeroMQ's own error is raised")
class RaisesAgain(Hooked):
    def failed(self, found: list[Entry]) -> list[Entry]:
        raise zmq.Again


@_FAULTS.add("ER-012", "waits until it is connected")
class WaitsForConnection(Hooked):
    def opened(self, endpoint: str) -> Any:
        socket = super().opened("tcp://127.0.0.1:1")
        socket.disconnect("tcp://127.0.0.1:1")
        socket.set(zmq.IMMEDIATE, 1)
        socket.connect(endpoint)
        return socket


@_FAULTS.add("ER-013", "the timeout is that of each reply")
class TimeoutOfEach(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        self.each_s = timeout_ms / 1000
        return super().replay(endpoint, start, timeout_ms)

    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        return super().receive(socket, time.monotonic() + self.each_s)


@_FAULTS.add("ER-014", "asks again and again when nothing comes any more")
class AsksForEver(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        while True:
            try:
                return super().replay(endpoint, start, timeout_ms)
            except Exception:
                if self.closed:
                    raise


@_FAULTS.add("ER-015", "one socket for all replays")
class OneSocket(Hooked):
    sockets: dict[str, Any]

    def opened(self, endpoint: str) -> Any:
        self.sockets = getattr(self, "sockets", {})
        if endpoint not in self.sockets:
            self.sockets[endpoint] = super().opened(endpoint)
        return self.sockets[endpoint]

    def done(self, socket: Any) -> None:
        pass


@_FAULTS.add("ER-016", "a thousand batches are enough")
class AtMost1000(Hooked):
    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        self.seen = getattr(self, "seen", 0) + 1
        return super().entries(frames) if self.seen <= 1000 else []


@_FAULTS.add("ER-017", "a number of any length is read")
class AnyNumber(Hooked):
    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        return [(self.number(frames[-2]), None, frames[-1])]


@_FAULTS.add("ER-017", "a reply that is none is an error from inside")
class Crashes(Hooked):
    def entries(self, frames: Sequence[bytes]) -> list[Entry]:
        assert len(frames) in (3, 4)
        return super().entries(frames)


@_FAULTS.add("ER-018", "a replay that failed closes the client")
class FailsOnce(Hooked):
    def failed(self, found: list[Entry]) -> list[Entry]:
        self.broken = True
        return super().failed(found)

    def opened(self, endpoint: str) -> Any:
        if getattr(self, "broken", False):
            raise RuntimeError("it has failed before")
        return super().opened(endpoint)


@_FAULTS.add("ER-019", "a loop that polls")
class BusyLoop(Hooked):
    def receive(self, socket: Any, deadline: float) -> list[bytes] | None:
        while time.monotonic() < deadline:
            try:
                found: list[bytes] = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                continue
            return found
        return None


@_FAULTS.add("ER-020", "the socket of a replay that failed stays open")
class LeavesSockets(Hooked):
    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        self.has_failed = False
        return super().replay(endpoint, start, timeout_ms)

    def failed(self, found: list[Entry]) -> list[Entry]:
        self.has_failed = True
        return super().failed(found)

    def done(self, socket: Any) -> None:
        if self.has_failed:
            self.left = [*getattr(self, "left", []), socket]
        else:
            super().done(socket)


@_FAULTS.add("ER-020", "a context for each replay, which is never terminated")
class LeavesContexts(Hooked):
    left: ClassVar[list[Any]] = []

    def opened(self, endpoint: str) -> Any:
        self.left.append(self.context)
        self.context = zmq.Context()
        return super().opened(endpoint)


@_FAULTS.add("ER-021", "a start is taken modulo 2^64")
class AnyStart(Hooked):
    def check(self, endpoint: str, start: int, timeout_ms: int) -> None:
        super().check(endpoint, 0 if isinstance(start, int) else start, timeout_ms)

    def request(self, start: int) -> list[bytes]:
        return super().request(start % (1 << 64))


@_FAULTS.add("ER-021", "a negative timeout is handed to ZeroMQ")
class AnyTimeout(Hooked):
    def check(self, endpoint: str, start: int, timeout_ms: int) -> None:
        super().check(endpoint, start, abs(timeout_ms))

    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:
        return super().replay(endpoint, start, timeout_ms if timeout_ms >= 0 else 1000)


@_FAULTS.add("ER-022", "an end marker must have no payload")
class EndIsEmpty(Hooked):
    def is_end(self, frames: Sequence[bytes]) -> bool:
        return super().is_end(frames) and not frames[-1]


@_FAULTS.add("ER-023", "messages above 64 KiB end the connection")
class SmallMessages(Hooked):
    def opened(self, endpoint: str) -> Any:
        socket = super().opened("tcp://127.0.0.1:1")
        socket.disconnect("tcp://127.0.0.1:1")
        socket.set(zmq.MAXMSGSIZE, 1 << 16)
        socket.connect(endpoint)
        return socket


@_FAULTS.add("ER-024", "an empty payload is the end")
class EmptyIsEnd(Hooked):
    def is_end(self, frames: Sequence[bytes]) -> bool:
        return not frames[-1] or super().is_end(frames)


@_FAULTS.add("ER-025", "replay after close fails inside ZeroMQ")
class FailsInside(Hooked):
    def close(self) -> None:
        if not self.context.closed:
            self.context.destroy(linger=0)


@_FAULTS.add("ER-025", "a second close raises")
class ClosesOnce(Hooked):
    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        super().close()


@_FAULTS.add("ER-026", "a coroutine that blocks its event loop")
class BlocksLoop(Hooked):
    capabilities = frozenset({"asyncio"})

    async def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[Entry]:  # type: ignore[override]
        return super().replay(endpoint, start, timeout_ms)
