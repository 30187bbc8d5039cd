"""What a message is: ES-030 to ES-044."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import zmq

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.parts import Envelope, MalformedMessage, Message
from contracts.event_transport.subscriber.seeding import fault


@fault("ES-030")
class LittleEndian(Hooked):
    """reads sequences little-endian"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame, "little")


@fault("ES-030")
class Signed(Hooked):
    """reads sequences as signed"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame, "big", signed=True)


@fault("ES-030")
class AsciiTopics(Hooked):
    """reads topics as Latin-1"""

    def parsed(self, endpoint: str, frames: list[bytes]) -> Message | None:
        topic = frames[0].decode("latin-1")
        return self.parsed_a(endpoint, topic, frames) if frames[0].decode() == self.topic else None


@fault("ES-031")
class DropsLargeMessages(Hooked):
    """has a bound of 1 MiB that nobody set"""

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        super().set_up(made)
        made.set(zmq.MAXMSGSIZE, 1 << 20)


@fault("ES-032")
class BadMessageEndsThePump(Hooked):
    """raises at a malformed message"""

    def count_malformed(self) -> None:
        raise ValueError("a malformed message")


@fault("ES-032")
class SkipsWithoutACount(Hooked):
    """does not count what it skips"""

    def count_malformed(self) -> None:
        pass


@fault("ES-032")
class AnySequence(Hooked):
    """reads sequences of any length"""

    def parsed_a(self, endpoint: str, topic: str, frames: list[bytes]) -> Message | None:
        if len(frames) != 3:
            raise MalformedMessage
        return Message(endpoint, topic, self.number(frames[1]), None, frames[2])


@fault("ES-033")
class ReadsThreeFrames(Hooked):
    """reads three frames and takes the rest for the next message"""

    def taken(self, made: zmq.Socket[bytes]) -> list[bytes] | None:
        try:
            return [made.recv(zmq.NOBLOCK) for _ in range(3)]
        except zmq.Again:
            return None


@fault("ES-034")
class CountsPolls(Hooked):
    """counts every receive as received"""

    def timed_out(self) -> Message | None:
        self.counts["received"] += 1
        return None


@fault("ES-034")
class CountsLittle(Hooked):
    """has no count of uncertain messages"""

    def stats(self) -> dict[str, int]:
        found = super().stats()
        del found["uncertain"]
        return found


@fault("ES-035")
class PayloadIsText(Hooked):
    """reads payloads as text"""

    def envelope(self, body: bytes) -> Envelope:
        found = super().envelope(body)
        return Envelope(
            **{**msgspec.structs.asdict(found), "payload": found.payload.decode("utf-8", "replace").encode()}
        )


@fault("ES-035")
class IdsAreSigned(Hooked):
    """reads publisher ids as signed, in the envelope"""

    def envelope(self, body: bytes) -> Envelope:
        found = super().envelope(body)
        if found.publisher_id >= 2**63:
            raise MalformedMessage
        return found


@fault("ES-036")
class AnyVersion(Hooked):
    """does not look at the version"""

    def body(self, frame: bytes) -> bytes:
        return super().body(b"\1" + frame[1:])


@fault("ES-036")
class TrustsTheLength(Hooked):
    """reads as many bytes as the header says, or as there are"""

    def body(self, frame: bytes) -> bytes:
        return frame[5 : 5 + int.from_bytes(frame[1:5], "big")] if frame[:1] == b"\1" else super().body(frame)


@fault("ES-036")
class NestingEndsThePump(Hooked):
    """has no bound for what is nested"""

    def envelope(self, body: bytes) -> Envelope:
        try:
            found: dict[str, Any] = msgspec.msgpack.decode(body)
            return Envelope(**found)
        except (msgspec.DecodeError, TypeError) as error:
            raise MalformedMessage from error


@fault("ES-037")
class BoundIsOffByOne(Hooked):
    """refuses what has exactly the largest size"""

    def size(self, frames: list[bytes]) -> int:
        return super().size(frames) + 1


@fault("ES-040")
class TopicsArePrefixes(Hooked):
    """leaves matching to ZeroMQ"""

    def is_wanted(self, topic: str) -> bool:
        return True


@fault("ES-040")
class CountsOthersAsMalformed(Hooked):
    """counts other topics as malformed"""

    def parsed(self, endpoint: str, frames: list[bytes]) -> Message | None:
        found = super().parsed(endpoint, frames)
        if found is None:
            raise MalformedMessage
        return found


@fault("ES-040")
class EmptyIsAll(Hooked):
    """takes the empty topic for all of them"""

    def is_wanted(self, topic: str) -> bool:
        return not self.topic or super().is_wanted(topic)


@fault("ES-041")
class PrefixEndsAtASeparator(Hooked):
    """takes a prefix for a path's part"""

    def is_wanted(self, topic: str) -> bool:
        if self.match == "prefix":
            return topic == self.topic or topic.startswith(f"{self.topic}@")
        return super().is_wanted(topic)


@fault("ES-042")
class AllIsAPrefix(Hooked):
    """subscribes to its topic although it wants all"""

    def subscription(self) -> bytes:
        return self.topic.encode()


@fault("ES-043")
class ExactIsAPrefix(Hooked):
    """takes exact for a prefix when it is said"""

    def __init__(self, endpoints: Sequence[str], topic: str, match: str | None = None, **more: Any) -> None:
        super().__init__(endpoints, topic, match="prefix" if match == "exact" else match or "exact", **more)


@fault("ES-044")
class TopicsAreReplaced(Hooked):
    """reads topics that are no text as well as it can"""

    def parsed(self, endpoint: str, frames: list[bytes]) -> Message | None:
        return super().parsed(endpoint, [frames[0].decode("utf-8", "replace").encode(), *frames[1:]])


@fault("ES-044")
class TopicEndsThePump(Hooked):
    """raises at a topic that is no text"""

    def no_text(self) -> None:
        raise UnicodeError("a topic that is no text")
