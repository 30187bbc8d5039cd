"""Publishers that lose, repeat or mix up what is published, or let in who must not be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import zmq

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.publisher.seeding import Faults

FAULTS = Faults()


@FAULTS.add("EP-015", "only the first allowed key is looked at")
class FirstKey(Hooked):
    def is_allowed(self, key: bytes) -> bool:
        return key in self.keys[1][:1]


@FAULTS.add("EP-016", "CURVE without a ZAP handler")
class NoZap(Hooked):
    def open(self, endpoint: str, replay_endpoint: str | None) -> None:
        secret, self.keys = self.keys[0], (None, [])
        self.secret = secret
        super().open(endpoint, replay_endpoint)

    def bind(self, one: Any, endpoint: str) -> str:
        if self.secret is not None:
            one.set(zmq.CURVE_SERVER, 1)
            one.set(zmq.CURVE_SECRETKEY, self.secret.encode())
        return super().bind(one, endpoint)


@FAULTS.add("EP-016", "an empty list of keys allows everybody")
class EmptyAllowsAll(Hooked):
    def is_allowed(self, key: bytes) -> bool:
        return not self.keys[1] or super().is_allowed(key)


@FAULTS.add("EP-017", "the keys are taken, and nothing is encrypted")
class NotEncrypted(Hooked):
    def encrypt(self, pub: Any) -> None:
        pass


@FAULTS.add("EP-018", "a key that cannot be read switches encryption off")
class BadKeyIsNone(Hooked):
    def __init__(self, endpoint: str, topic: str, format: str, **keywords: Any) -> None:
        try:
            super().__init__(endpoint, topic, format, **keywords)
        except ValueError:
            keywords.pop("server_secret_key", None)
            keywords.pop("allowed_client_keys", None)
            super().__init__(endpoint, topic, format, **keywords)


@FAULTS.add("EP-030", "two batches of a burst change places")
class NewestFirst(Hooked):
    def next(self) -> tuple[int, bytes]:
        return self.queue.pop() if len(self.queue) == 2 else self.queue.popleft()


@FAULTS.add("EP-030", "a batch is sent twice, now and then")
class Twice(Hooked):
    def send(self, number: int, payload: bytes) -> None:
        super().send(number, payload)
        if number % 50 == 49:
            self.pub.send_multipart(self.frames(number, payload))


@FAULTS.add("EP-031", "a socket that deals: each subscriber gets a part")
class Deals(Hooked):
    """As a round robin over the subscribers does; here what every third batch is, the others do not hear."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self.turn_of = 0
        super().__init__(*arguments, **keywords)

    def notice(self) -> None:
        super().notice()

    def send(self, number: int, payload: bytes) -> None:
        self.turn_of += 1
        if self.subscribers < 2 or self.turn_of % self.subscribers == 0:
            super().send(number, payload)


@FAULTS.add("EP-032", "publish waits for a first subscriber")
class WaitsForSomebody(Hooked):
    def publish(self, batch: Mapping[str, Any]) -> int | None:
        with self.changed:
            self.changed.wait_for(lambda: self.subscribers > 0 or self.closed)
        return super().publish(batch)


@FAULTS.add("EP-032", "numbers are taken when somebody listens")
class NumbersForSome(Hooked):
    def take_number(self) -> int:
        return super().take_number() if self.subscribers else self.numbers


@FAULTS.add("EP-033", "XPUB_NODROP: a full subscriber stops the thread, and then the caller")
class NoDrop(Hooked):
    def set_up(self, pub: Any) -> None:
        super().set_up(pub)
        pub.set(zmq.SNDHWM, 20)
        pub.set(zmq.XPUB_NODROP, 1)


@FAULTS.add("EP-034", "the number is taken after the batch is encoded: no gap")
class NumberAfterEncoding(Hooked):
    def cannot_encode(self, number: int) -> None:
        super().cannot_encode(number)
        self.numbers -= 1


@FAULTS.add("EP-034", "a batch that cannot be encoded ends the thread")
class DiesOfBadBatch(Hooked):
    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        try:
            return super().encode(batch, number)
        except ValueError:
            return b""

    def send(self, number: int, payload: bytes) -> None:
        # With what was queued behind it: whether the thread looks in between is chance.
        self.gone = self.gone or not payload
        if not self.gone:
            super().send(number, payload)


@FAULTS.add("EP-034", "an empty message in the place of what cannot be encoded")
class EmptyMessage(Hooked):
    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        try:
            return super().encode(batch, number)
        except ValueError:
            return b"\x90"


@FAULTS.add("EP-035", "a failure gives back the number before it")
class GivesBackTwo(Hooked):
    def cannot_encode(self, number: int) -> None:
        super().cannot_encode(number)
        self.numbers -= 2 if number % 3 == 0 and number > 1 else 0


@FAULTS.add("EP-036", "what cannot be encoded is not counted")
class NotCounted(Hooked):
    def cannot_encode(self, number: int) -> None:
        pass


@FAULTS.add("EP-036", "what was sent is counted as dropped, now and then")
class SentAsDropped(Hooked):
    def send(self, number: int, payload: bytes) -> None:
        super().send(number, payload)
        if number == 3:
            with self.changed:
                self.counts["sent"] -= 1
                self.counts["dropped"] += 1


@FAULTS.add("EP-037", "the endpoint is bound anew when a subscriber goes")
class RebindsOnLeaving(Hooked):
    def change(self, told: bytes) -> int:
        found = super().change(told)
        if found < 0:
            self.pub.unbind(self.endpoint)
            self.pub.close(0)
            self.pub = self.context.socket(self.kind)
            self.set_up(self.pub)
            self.bind(self.pub, self.endpoint)
        return found


@FAULTS.add("EP-038", "an empty message of a subscriber ends the thread")
class ReadsFirstByte(Hooked):
    def change(self, told: bytes) -> int:
        try:
            told[0]
        except IndexError:
            self.gone = True
        return super().change(told)


@FAULTS.add("EP-038", "a subscription that is no text ends the thread")
class DecodesTopics(Hooked):
    def change(self, told: bytes) -> int:
        try:
            told[1:].decode()
        except UnicodeDecodeError:
            self.gone = True
        return super().change(told)


@FAULTS.add("EP-040", "a port that was used before is not taken again")
class NewPort(Hooked):
    _used: ClassVar[set[str]] = set()

    def bind(self, one: Any, endpoint: str) -> str:
        found = super().bind(one, "tcp://127.0.0.1:0" if endpoint in self._used else endpoint)
        self._used.add(found)
        return found


@FAULTS.add("EP-042", "a high-water mark of 10")
class LowMark(Hooked):
    def set_up(self, pub: Any) -> None:
        super().set_up(pub)
        pub.set(zmq.SNDHWM, 10)


@FAULTS.add("EP-043", "the number is read, and written back later")
class Races(Hooked):
    def publish(self, batch: Mapping[str, Any]) -> int | None:
        number = self.numbers
        payload = self.encode(batch, number)
        with self.changed:
            self.numbers = number + 1
            self.queue.append((number, payload))
            self.counts["accepted"] += 1
        self.wake()
        return number


@FAULTS.add("EP-045", "no XPUB_VERBOSE: the second subscriber is not noticed")
class NotVerbose(Hooked):
    def set_up(self, pub: Any) -> None:
        super().set_up(pub)
        pub.set(zmq.XPUB_VERBOSER, 0)


@FAULTS.add("EP-045", "ready after a while, whoever is there")
class Sleeps(Hooked):
    def wait_for_subscribers(self, count: int, timeout_ms: int) -> bool:
        super().wait_for_subscribers(count, min(timeout_ms, 100))
        return True


@FAULTS.add("EP-046", "XPUB_VERBOSE without VERBOSER: who goes is counted for ever")
class NeverGone(Hooked):
    def change(self, told: bytes) -> int:
        return max(0, super().change(told))


@FAULTS.add("EP-096", "binds where it should connect to the broker")
class BindsToBroker(Hooked):
    def connect(self, endpoint: str) -> None:
        self.pub.bind("tcp://127.0.0.1:0")


@FAULTS.add("EP-097", "publish waits for the broker")
class WaitsForBroker(Hooked):
    def publish(self, batch: Mapping[str, Any]) -> int | None:
        with self.changed:
            self.changed.wait_for(lambda: not self.broker or self.subscribers > 0 or self.closed)
        return super().publish(batch)


@FAULTS.add("EP-098", "a broker that has gone is not connected to again")
class NeverAgain(Hooked):
    def set_up(self, pub: Any) -> None:
        super().set_up(pub)
        if self.broker:
            pub.set(zmq.RECONNECT_IVL, -1)
