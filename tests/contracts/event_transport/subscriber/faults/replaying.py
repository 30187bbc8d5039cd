"""How what was missed is asked for and joined: ES-070 to ES-077."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import zmq

from contracts.event_transport.subscriber.hooked import END, Hooked
from contracts.event_transport.subscriber.parts import Message, Recovery, Source
from contracts.event_transport.subscriber.seeding import fault


@fault("ES-070")
class NeverAsks(Hooked):
    """never asks for what it missed"""

    def source(self, endpoint: str, replay_endpoint: str | None) -> Source:
        return super().source(endpoint, None)


@fault("ES-070")
class ReplayIsLive(Hooked):
    """does not tell what was replayed"""

    def handed_out(self, message: Message) -> Message:
        return super().handed_out(replace(message, replayed=False))


@fault("ES-070")
class AsksOverReq(Hooked):
    """asks over a REQ socket, which hands out one reply"""

    def asking(self) -> int:
        return zmq.REQ

    def request(self, start: int) -> list[bytes]:
        return [start.to_bytes(8, "big")]

    def reply(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        return super().reply([b"", *frames])


@fault("ES-070")
class ReadsRepliesAsOne(Hooked):
    """reads the replies as one message"""

    def recover(self, source: Source, recovery: Recovery) -> None:
        frames = self.taken(recovery.socket)
        if frames is None and time.monotonic() < recovery.until_s:
            return
        self.finish(source, recovery)


@fault("ES-071")
class NoDelimiter(Hooked):
    """asks without the delimiter"""

    def request(self, start: int) -> list[bytes]:
        return super().request(start)[1:]


@fault("ES-071")
class AsksFromOneTooLate(Hooked):
    """asks from one number too late"""

    def request(self, start: int) -> list[bytes]:
        return super().request(start + 1)


@fault("ES-071")
class AsksLittleEndian(Hooked):
    """asks for a little-endian number"""

    def request(self, start: int) -> list[bytes]:
        return [b"", start.to_bytes(8, "little")]


@fault("ES-072")
class KnowsTheFirstForm(Hooked):
    """knows replies without a topic only"""

    def reply(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        return super().reply(frames) if len(frames) == 3 else None


@fault("ES-072")
class KnowsTheSecondForm(Hooked):
    """knows replies with a topic only"""

    def reply(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        return super().reply(frames) if len(frames) == 4 else None


@fault("ES-073")
class LiveComesFirst(Hooked):
    """hands out what is published before what it asked for"""

    def take(self, source: Source, frames: list[bytes]) -> None:
        recovery, source.recovery = source.recovery, None
        asks, source.replay_endpoint = source.replay_endpoint, None if recovery else source.replay_endpoint
        super().take(source, frames)
        source.replay_endpoint = asks
        source.recovery = source.recovery or recovery


@fault("ES-073")
class AppliesTwice(Hooked):
    """hands out again what was both replayed and published"""

    def finish(self, source: Source, recovery: Recovery) -> None:
        held, recovery.held = recovery.held, []
        super().finish(source, recovery)
        self.ready.extend(held)


@fault("ES-074")
class WaitsForTheEndMarker(Hooked):
    """waits for the end marker, as long as it takes"""

    def ask(self, source: Source, message: Message) -> None:
        super().ask(source, message)
        assert source.recovery is not None
        source.recovery.until_s = math.inf

    def wait(self, left_ms: float) -> None:
        recovery = self.sources[0].recovery
        if recovery is not None:
            recovery.until_s = time.monotonic() + 10
        super().wait(left_ms)
        if self.sources[0].recovery is not None:
            self.sources[0].recovery.until_s = math.inf


@fault("ES-075")
class FirstReplyIsWhatWasMissed(Hooked):
    """takes the first reply for the first that was missed"""

    def replayed(self, source: Source, recovery: Recovery, sequence: int, payload: bytes) -> None:
        recovery.next = max(recovery.next, sequence)
        super().replayed(source, recovery, sequence, payload)


@fault("ES-076")
class BadReplyEndsTheReplay(Hooked):
    """ends the replay at a reply that is none"""

    def reply(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        return super().reply(frames) or (END, b"")


@fault("ES-077")
class DropsWhatWasReplayed(Hooked):
    """drops numbers that it has had before"""

    newest = -1

    def handed_out(self, message: Message) -> Message:
        self.newest = max(self.newest, message.sequence)
        return super().handed_out(message)

    def deliver_a(self, source: Source, message: Message) -> None:
        if source.replay_endpoint is None or message.sequence > self.newest:
            super().deliver_a(source, message)


@fault("ES-077")
class AsksAfterARestart(Hooked):
    """asks for a replay when a publisher restarts"""

    def deliver_a(self, source: Source, message: Message) -> None:
        before: dict[str, Any] | None = self.before(source, message)
        if before is not None and before["kind"] == "restart" and source.replay_endpoint is not None:
            source.last = message.sequence + 1
            self.ask(source, message)
        else:
            super().deliver_a(source, message)


@fault("ES-078")
class OneNumberForBothStreams(Hooked):
    """takes for a restart what a replay has brought before"""

    def is_joined(self, source: Source, message: Message) -> bool:
        return False
