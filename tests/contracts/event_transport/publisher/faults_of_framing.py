"""Publishers whose messages are wrong."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import msgspec
import zmq

from contracts.event_transport.publisher import written
from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.publisher.seeding import Faults

FAULTS = Faults()
I64_MAX = (1 << 63) - 1


@FAULTS.add("EP-001", "the publisher's name as a fourth frame")
class FourFrames(Hooked):
    def frames(self, number: int, payload: bytes) -> list[bytes]:
        return [*super().frames(number, payload), b"engine-0"]


@FAULTS.add("EP-001", "no topic frame where the topic is empty or short")
class NoTopic(Hooked):
    def frames(self, number: int, payload: bytes) -> list[bytes]:
        return super().frames(number, payload)[1:]


@FAULTS.add("EP-002", "numbers little-endian")
class LittleEndian(Hooked):
    def number(self, number: int) -> bytes:
        return number.to_bytes(8, "little")


@FAULTS.add("EP-002", "numbers count events, not batches")
class CountsEvents(Hooked):
    def number(self, number: int) -> bytes:
        return (2 * number).to_bytes(8, "big")


@FAULTS.add("EP-003", "numbers begin at 1")
class FromOne(Hooked):
    def take_number(self) -> int:
        return super().take_number() + 1


@FAULTS.add("EP-003", "the number is answered before it is taken")
class AnswersTheLast(Hooked):
    def answer(self, number: int) -> int | None:
        return max(0, number - 1)


@FAULTS.add("EP-004", "the topic ends at its first @")
class TopicCut(Hooked):
    def first(self) -> bytes:
        return self.topic.encode().partition(b"@")[0]


@FAULTS.add("EP-004", "the topic in Latin-1, with question marks")
class TopicInLatin(Hooked):
    def first(self) -> bytes:
        return self.topic.encode("latin-1", "replace")


class _Edits(Hooked):
    """Writes something else than what was published."""

    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        return super().encode(self.edited(batch, number) if self.format == "A" else batch, number)

    def edited(self, batch: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**batch, "events": [self.event(one, number) for one in batch["events"]]}

    def event(self, event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return event


@FAULTS.add("EP-005", "parent_block_hash is left out")
class NoParent(_Edits):
    def event(self, event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {name: value for name, value in event.items() if name != "parent_block_hash"}


@FAULTS.add("EP-005", "the rank is always 0")
class NoRank(_Edits):
    def edited(self, batch: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**batch, "data_parallel_rank": 0}


@FAULTS.add("EP-005", "the time is cut to whole seconds")
class WholeSeconds(_Edits):
    def edited(self, batch: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**batch, "ts": int(batch["ts"])}


@FAULTS.add("EP-005", "AllBlocksCleared is not sent")
class NoClearing(_Edits):
    def edited(self, batch: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**batch, "events": [one for one in batch["events"] if one["type"] != "AllBlocksCleared"]}


@FAULTS.add("EP-006", "hashes from 2^63 on are written as signed ones")
class SignedHashes(_Edits):
    def event(self, event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        found = [self.signed(one) for one in event.get("block_hashes", [])]
        return {**event, "block_hashes": found} if found else event

    def signed(self, given: Mapping[str, str]) -> Mapping[str, str]:
        value = int(given["u64"]) if "u64" in given else 0
        return {"i64": str(value - (1 << 64))} if I64_MAX < value < 1 << 64 else given


@FAULTS.add("EP-006", "hashes of bytes are cut to 8")
class ShortHashes(_Edits):
    def event(self, event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        cut = [{"bytes": one["bytes"][:16]} if "bytes" in one else one for one in event.get("block_hashes", [])]
        return {**event, "block_hashes": cut} if cut else event


@FAULTS.add("EP-007", "the endpoint is told as it was asked for")
class TellsPort0(Hooked):
    def open(self, endpoint: str, replay_endpoint: str | None) -> None:
        super().open(endpoint, replay_endpoint)
        self.endpoint = endpoint


def _free_port(endpoint: str) -> str:
    """As many do it: bind, close, and hope."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return endpoint.replace(":0", f":{tried.getsockname()[1]}")


@FAULTS.add("EP-008", "a free port is found by opening and closing a TCP socket")
class TriesPorts(Hooked):
    def bind(self, one: Any, endpoint: str) -> str:
        return super().bind(one, _free_port(endpoint) if endpoint.endswith(":0") else endpoint)


@FAULTS.add("EP-009", "an unknown format is taken for A")
class AnyFormat(Hooked):
    def __init__(self, endpoint: str, topic: str, format: str, **keywords: Any) -> None:
        super().__init__(endpoint, topic, "B" if format == "B" else "A", **keywords)


@FAULTS.add("EP-009", "an endpoint without a scheme is taken for a port of its own choice")
class AnyEndpoint(Hooked):
    def __init__(self, endpoint: str, topic: str, format: str, **keywords: Any) -> None:
        super().__init__(endpoint if "://" in endpoint else "tcp://127.0.0.1:0", topic, format, **keywords)


@FAULTS.add("EP-010", "a port that is taken is replaced in silence")
class ReplacesPorts(Hooked):
    def bind(self, one: Any, endpoint: str) -> str:
        try:
            return super().bind(one, endpoint)
        except zmq.ZMQError:
            return super().bind(one, f"{endpoint.rpartition(':')[0]}:0")


@FAULTS.add("EP-012", "token ids are cut to the first 4,096")
class CutTokens(_Edits):
    def event(self, event: Mapping[str, Any], number: int) -> Mapping[str, Any]:
        return {**event, "token_ids": event["token_ids"][:4096]} if "token_ids" in event else event


@FAULTS.add("EP-013", "every tenth batch in the old dialect")
class TwoDialects(Hooked):
    def dialect(self, number: int) -> str:
        return "map" if number % 10 else "array"


@FAULTS.add("EP-013", "batches with one event in another dialect")
class DialectByContent(Hooked):
    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        if self.format == "B":
            return super().encode(batch, number)
        return written.written(batch, "array" if len(batch["events"]) == 1 else "map")


@FAULTS.add("EP-014", "an array is longer where there is a parent")
class TwoLengths(Hooked):
    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        if self.format == "B":
            return super().encode(batch, number)
        found: Any = msgspec.msgpack.decode(written.written(batch, "array"))
        for event in found[1]:
            if event[0] == "BlockStored" and event[2] is not None:
                event.append(None)
        return msgspec.msgpack.encode(found)


@FAULTS.add("EP-020", "the envelope without its header")
class NoHeader(Hooked):
    def frames(self, number: int, payload: bytes) -> list[bytes]:
        found = super().frames(number, payload)
        return found if self.format == "A" else [*found[:3], found[3][5:]]


@FAULTS.add("EP-020", "the header's length counts the header too")
class LengthWithHeader(Hooked):
    def frames(self, number: int, payload: bytes) -> list[bytes]:
        found = super().frames(number, payload)
        return found if self.format == "A" else [*found[:3], b"\x01" + len(found[3]).to_bytes(4, "big") + payload]


@FAULTS.add("EP-021", "the envelope as an array")
class EnvelopeAsArray(Hooked):
    def envelope(self, batch: Mapping[str, Any], number: int) -> Any:
        return list(super().envelope(batch, number).values())


@FAULTS.add("EP-021", "the envelope's time in seconds")
class Seconds(Hooked):
    def envelope(self, batch: Mapping[str, Any], number: int) -> Any:
        return {**super().envelope(batch, number), "published_at": batch["published_at_ms"] // 1000}


@FAULTS.add("EP-022", "an id of 63 bits")
class ShortId(Hooked):
    def identity(self, given: int | None) -> int:
        return super().identity(given) & I64_MAX


@FAULTS.add("EP-022", "the id 0 is replaced")
class NoId0(Hooked):
    def identity(self, given: int | None) -> int:
        return super().identity(given or None)


@FAULTS.add("EP-023", "the id is made of the topic")
class SameId(Hooked):
    def identity(self, given: int | None) -> int:
        return sum(self.topic.encode()) if given is None else given


@FAULTS.add("EP-024", "in B the first number is random")
class RandomStart(Hooked):
    def take_number(self) -> int:
        return super().take_number() + (self.publisher_id % 1000 + 1 if self.format == "B" else 0)
