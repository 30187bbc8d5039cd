"""Servers of replays that answer wrongly, or not at all."""

from __future__ import annotations

import time
from collections import deque
from typing import Any, ClassVar

import msgspec
import zmq

from contracts.event_transport.publisher.hooked import END, Hooked
from contracts.event_transport.publisher.seeding import Faults
from contracts.event_transport.publisher.written import ORDER

FAULTS = Faults()


@FAULTS.add("EP-080", "off by one: the batch that was asked for is left out")
class OffByOne(Hooked):
    def range(self, start: int) -> list[tuple[int, bytes]]:
        return [one for one in self.buffer if one[0] > start]


@FAULTS.add("EP-080", "newest first")
class Backwards(Hooked):
    def range(self, start: int) -> list[tuple[int, bytes]]:
        return super().range(start)[::-1]


@FAULTS.add("EP-080", "the whole buffer, whatever was asked for")
class Everything(Hooked):
    def range(self, start: int) -> list[tuple[int, bytes]]:
        return list(self.buffer)


@FAULTS.add("EP-081", "no end marker")
class NoEnd(Hooked):
    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        if frames[-2] != END:
            super().reply(identity, frames)


@FAULTS.add("EP-081", "two end markers")
class TwoEnds(Hooked):
    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        super().reply(identity, frames)
        if frames[-2] == END:
            super().reply(identity, frames)


@FAULTS.add("EP-081", "an end marker of seven bytes 0xff")
class ShortEnd(Hooked):
    def end(self) -> list[bytes]:
        return [b"", self.topic.encode(), END[:7], b""]


@FAULTS.add("EP-081", "all batches in one message")
class OneMessage(Hooked):
    def serve(self) -> None:
        identity, *request = self.replies.recv_multipart()
        found = self.range(self.start(request) or 0)
        self.reply(
            identity, [b"", *(part for number, payload in found for part in (self.number(number), payload)), END, b""]
        )


@FAULTS.add("EP-082", "silence where there is nothing to replay")
class SilentWhenEmpty(Hooked):
    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        if frames[-2] != END or self.counts["sent"] > 3:
            super().reply(identity, frames)


@FAULTS.add("EP-082", "a start beyond the last gets the last batch")
class LastAtLeast(Hooked):
    def range(self, start: int) -> list[tuple[int, bytes]]:
        return super().range(start) or list(self.buffer)[-1:]


@FAULTS.add("EP-083", "a buffer without a bound")
class UnboundedBuffer(Hooked):
    def kept(self, most: int) -> deque[tuple[int, bytes]]:
        return deque()


@FAULTS.add("EP-083", "a full buffer takes nothing more")
class KeepsOldest(Hooked):
    def send(self, number: int, payload: bytes) -> None:
        if len(self.buffer) == self.buffer.maxlen:
            self.pub.send_multipart(self.frames(number, payload))
        else:
            super().send(number, payload)


@FAULTS.add("EP-084", "replays are encoded again, in the old dialect")
class EncodedAgain(Hooked):
    def reply_frames(self, number: int, payload: bytes) -> list[bytes]:
        batch: Any = msgspec.msgpack.decode(payload)
        events = [[one["type"], *(one.get(name) for name in ORDER[one["type"]])] for one in batch["events"]]
        return super().reply_frames(number, msgspec.msgpack.encode([batch["ts"], events, None]))


@FAULTS.add("EP-084", "the first reply with the topic, the others without")
class TwoForms(Hooked):
    def reply_frames(self, number: int, payload: bytes) -> list[bytes]:
        found = super().reply_frames(number, payload)
        return found if number % 2 else [found[0], *found[2:]]


@FAULTS.add("EP-085", "a malformed request ends the thread")
class DiesOfRequest(Hooked):
    def start(self, request: list[bytes]) -> int | None:
        found = super().start(request)
        self.gone = self.gone or found is None
        return found


@FAULTS.add("EP-085", "after a malformed request no other one is read")
class Offended(Hooked):
    offended = False

    def start(self, request: list[bytes]) -> int | None:
        found = super().start(request)
        self.offended = self.offended or found is None
        return None if self.offended else found


@FAULTS.add("EP-086", "a start of any length is read")
class AnyLength(Hooked):
    def start(self, request: list[bytes]) -> int | None:
        return int.from_bytes(request[-1], "big")


@FAULTS.add("EP-087", "all answers to the client that asked last")
class LastClient(Hooked):
    last = b""

    def serve(self) -> None:
        requests = [self.replies.recv_multipart()]
        while self.replies.poll(20):
            requests.append(self.replies.recv_multipart())
        for one in requests:
            for number, payload in self.range(self.start(one[1:]) or 0):
                self.reply(requests[-1][0], self.reply_frames(number, payload))
            self.reply(requests[-1][0], self.end())


@FAULTS.add("EP-088", "replays are served when nothing was published for a tenth of a second")
class ServesWhenIdle(Hooked):
    last_s = 0.0

    def take_number(self) -> int:
        self.last_s = time.monotonic()
        return super().take_number()

    def polled(self) -> list[Any]:
        return [one for one in super().polled() if one is not self.replies]

    def pause_ms(self) -> int | None:
        return 100

    def turn(self) -> bool:
        if time.monotonic() > self.last_s + 0.1 and self.replies is not None and self.replies.poll(0):
            self.serve()
        return super().turn()


@FAULTS.add("EP-089", "replays are served between two batches")
class ServesWhenBusy(Hooked):
    def polled(self) -> list[Any]:
        return [one for one in super().polled() if one is not self.replies]

    def send(self, number: int, payload: bytes) -> None:
        super().send(number, payload)
        if self.replies is not None and self.replies.poll(0):
            self.serve()


@FAULTS.add("EP-090", "a replay ends at a hole")
class EndsAtHole(Hooked):
    def range(self, start: int) -> list[tuple[int, bytes]]:
        found = super().range(start)
        return [one for place, one in enumerate(found) if one[0] == found[0][0] + place]


@FAULTS.add("EP-091", "a ROUTER that waits for each client")
class WaitsForClients(Hooked):
    def replies_hwm(self) -> int:
        return 2

    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        self.replies.set(zmq.ROUTER_MANDATORY, 1)
        super().reply(identity, frames)


@FAULTS.add("EP-091", "a client that has gone ends the thread")
class DiesOfVanished(Hooked):
    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        self.replies.set(zmq.ROUTER_MANDATORY, 1)
        if self.gone:
            return
        try:
            super().reply(identity, frames)
        except zmq.ZMQError:
            self.gone = True


@FAULTS.add("EP-092", "ZeroMQ's default high-water mark for replies")
class DefaultMark(Hooked):
    def replies_hwm(self) -> int:
        return 1000


@FAULTS.add("EP-093", "the replay endpoint is told as it was asked for")
class TellsReplayPort0(Hooked):
    def open(self, endpoint: str, replay_endpoint: str | None) -> None:
        super().open(endpoint, replay_endpoint)
        if replay_endpoint is not None:
            self.replay_endpoint = replay_endpoint


@FAULTS.add("EP-093", "all publishers of a process share one buffer")
class SharedBuffer(Hooked):
    _shared: ClassVar[deque[tuple[int, bytes]]] = deque(maxlen=10_000)

    def kept(self, most: int) -> deque[tuple[int, bytes]]:
        return self._shared


@FAULTS.add("EP-094", "the end marker tells the range that is kept")
class EndWithRange(Hooked):
    def end(self) -> list[bytes]:
        return [*super().end()[:3], b"\x92\x00\x01"]


@FAULTS.add("EP-095", "replies without the topic")
class NoTopicInReplies(Hooked):
    def reply_frames(self, number: int, payload: bytes) -> list[bytes]:
        return [b"", self.number(number), payload]


@FAULTS.add("EP-099", "every tenth batch is not kept")
class KeepsMost(Hooked):
    def send(self, number: int, payload: bytes) -> None:
        super().send(number, payload)
        if number % 10 == 0:
            self.buffer.pop()
