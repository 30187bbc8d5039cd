"""What numbers tell: ES-050 to ES-063."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import zmq

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.parts import Message, Source, Stream
from contracts.event_transport.subscriber.seeding import fault


@fault("ES-050")
class NewestFirst(Hooked):
    """hands out the newest of what waits first"""

    def look(self) -> None:
        super().look()
        self.ready.reverse()


@fault("ES-050")
class DropsABurst(Hooked):
    """keeps a hundred messages, and drops the oldest"""

    def look(self) -> None:
        super().look()
        while len(self.ready) > 100:
            self.ready.popleft()


@fault("ES-051")
class NeverLooksAtNumbers(Hooked):
    """never looks at the sequence"""

    def before(self, source: Source, message: Message) -> dict[str, Any] | None:
        return None


@fault("ES-051")
class CountsWhatIsMissing(Hooked):
    """counts missing messages in place of gaps"""

    def deliver_a(self, source: Source, message: Message) -> None:
        before = self.before(source, message)
        super().deliver_a(source, message)
        if before is not None and before["kind"] == "gap":
            self.counts["gaps"] += before["missed"] - 1


@fault("ES-052")
class DropsTheOld(Hooked):
    """drops what is not newer than the last"""

    def deliver_a(self, source: Source, message: Message) -> None:
        if source.last is None or message.sequence > source.last:
            super().deliver_a(source, message)


@fault("ES-052")
class DropsARepetition(Hooked):
    """takes the same number for a duplicate"""

    def deliver_a(self, source: Source, message: Message) -> None:
        if message.sequence != source.last:
            super().deliver_a(source, message)


@fault("ES-052")
class KeepsTheHighest(Hooked):
    """keeps the highest number it has seen"""

    def deliver_a(self, source: Source, message: Message) -> None:
        highest = source.last
        super().deliver_a(source, message)
        source.last = max(highest or 0, message.sequence)


@fault("ES-053")
class BeginsAtZero(Hooked):
    """counts what was before its first message as missed"""

    def source(self, endpoint: str, replay_endpoint: str | None) -> Source:
        made = super().source(endpoint, replay_endpoint)
        made.last = -1
        return made


@fault("ES-054")
class MissesOneMore(Hooked):
    """tells one more missed than there are"""

    def before(self, source: Source, message: Message) -> dict[str, Any] | None:
        before = super().before(source, message)
        if before is not None and before["kind"] == "gap":
            before["missed"] += 1
        return before


@fault("ES-054")
class TellsItAgain(Hooked):
    """tells of a gap on every message after it"""

    told: dict[str, Any] | None = None

    def handed_out(self, message: Message) -> Message:
        self.told = message.before or self.told
        return super().handed_out(replace(message, before=self.told))


@fault("ES-055")
class ForgetsTheConnection(Hooked):
    """does not look whether its connection was lost"""

    def before(self, source: Source, message: Message) -> dict[str, Any] | None:
        source.is_uncertain = False
        return super().before(source, message)


@fault("ES-056")
class OneSocketForAll(Hooked):
    """has one socket for all endpoints"""

    def __init__(self, endpoints: Sequence[str], topic: str, **more: Any) -> None:
        super().__init__(endpoints[:1], topic, **more)
        for endpoint in endpoints[1:]:
            self.sources[0].socket.connect(endpoint)


@fault("ES-057")
class OneStreamForAll(Hooked):
    """counts the numbers of format B by topic"""

    def key(self, message: Message) -> tuple[Any, ...]:
        return (message.topic,)


@fault("ES-058")
class NoDuplicates(Hooked):
    """hands out what both brokers pass on"""

    def is_seen(self, stream: Stream, message: Message) -> bool:
        return False


@fault("ES-058")
class DuplicatesByEndpoint(Hooked):
    """knows duplicates of the same endpoint only"""

    def key(self, message: Message) -> tuple[Any, ...]:
        return (message.endpoint, message.publisher_id, message.topic)


@fault("ES-059")
class DuplicatesByNumber(Hooked):
    """takes equal numbers for duplicates, whoever sent them"""

    def __init__(self, *args: Any, **more: Any) -> None:
        self.numbers: set[int] = set()
        super().__init__(*args, **more)

    def is_seen(self, stream: Stream, message: Message) -> bool:
        return message.sequence in self.numbers

    def deliver_b(self, message: Message) -> None:
        if message.sequence in self.numbers:
            self.counts["duplicates"] += 1
            return
        self.numbers.add(message.sequence)
        super().deliver_b(message)


@fault("ES-060")
class OneNumberForTopics(Hooked):
    """counts the numbers of format B by publisher, whatever the topic"""

    def key(self, message: Message) -> tuple[Any, ...]:
        return (message.publisher_id,)


@fault("ES-061")
class LateIsADuplicate(Hooked):
    """takes everything that is not newer for a duplicate"""

    def is_seen(self, stream: Stream, message: Message) -> bool:
        return True


@fault("ES-062")
class AnotherIdIsAGap(Hooked):
    """counts a publisher's new id as a gap"""

    def deliver_b(self, message: Message) -> None:
        if self.streams and self.key(message) not in self.streams:
            self.counts["gaps"] += 1
        super().deliver_b(message)


@fault("ES-063")
class KnowsSmallGapsOnly(Hooked):
    """takes a large gap for a restart"""

    def before(self, source: Source, message: Message) -> dict[str, Any] | None:
        before = super().before(source, message)
        is_large = before is not None and before["kind"] == "gap" and before["missed"] > 100
        return {"kind": "restart", "missed": None} if is_large else before

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        super().set_up(made)
