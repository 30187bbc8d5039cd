"""Codecs with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from contracts.event_transport.codec.hooked import NAMES, PLACES, Codec
from trueup_contracts import Malformed


class Fault(NamedTuple):
    """A fault: what is wrong, the suite and the requirement that must find it, and the factory."""

    name: str
    suite: str
    requirement: str
    factory: Codec


FAULTS: list[Fault] = []


def fault(requirement: str) -> Callable[[type[Codec]], type[Codec]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Codec]) -> type[Codec]:
        suite = "event-subscriber" if requirement.startswith("ES") else "event-publisher"
        FAULTS.append(Fault((made.__doc__ or "").strip(), suite, requirement, made()))
        return made

    return add


@fault("ES-101")
class NeverCleared(Codec):
    """an event without fields is refused"""

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        self.need(tag != "AllBlocksCleared", "block_hashes are due")
        return super().told_event(tag, named, unknown)


@fault("ES-104")
class ReadsNoBytes(Codec):
    """hashes of bytes are refused"""

    def hash(self, value: Any) -> dict[str, str]:
        self.need(not isinstance(value, bytes), "a hash is an integer")
        return super().hash(value)


@fault("ES-102")
class NoArrays(Codec):
    """events in arrays are refused"""

    def event(self, value: Any) -> dict[str, Any] | None:
        self.need(isinstance(value, dict), "a map is due")
        return super().event(value)


@fault("ES-103")
class NoMaps(Codec):
    """a batch that is a map is refused"""

    def batch(self, value: Any) -> dict[str, Any]:
        self.need(isinstance(value, list), "an array is due")
        return super().batch(value)


@fault("ES-104")
class NoArrayOfMaps(Codec):
    """the form of the batch is taken for that of its events"""

    def batch(self, value: Any) -> dict[str, Any]:
        if isinstance(value, list) and len(value) > 1 and isinstance(value[1], list):
            self.need(all(isinstance(one, list) for one in value[1]), "an array is due")
        return super().batch(value)


@fault("ES-105")
class StrictEnvelope(Codec):
    """an envelope with one field more is refused"""

    def check_names(self, envelope: Mapping[str, Any], wanted: set[str]) -> None:
        self.need(set(envelope) == wanted, "unknown fields")


@fault("ES-106")
class LittleEndian(Codec):
    """the sequence is read in little-endian"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(super().number(frame).to_bytes(8, "big"), "little")


@fault("ES-106")
class SignedSequence(Codec):
    """the sequence is read as signed"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(super().number(frame).to_bytes(8, "big"), "big", signed=True)


@fault("ES-107")
class TopicCut(Codec):
    """the topic is cut at its first colon"""

    def topic(self, frame: bytes) -> str:
        return super().topic(frame).partition(":")[0]


class Forgetful(Codec):
    """A decoder that drops a field."""

    drops: frozenset[str] = frozenset()

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        kept = {name: one for name, one in named.items() if name not in self.drops}
        told = super().told_event(tag, named, unknown)
        return told and {name: one for name, one in told.items() if name in kept or name in ("type", "unknown")}


for _name in ("lora_name", "lora_id", "group_idx", "medium", "extra_keys", "cache_salt", "metadata"):
    fault("ES-110")(type("Forgetful", (Forgetful,), {"drops": {_name}, "__doc__": f"the decoder drops {_name}"}))


@fault("ES-110")
class FourFields(Forgetful):
    """the decoder reads four fields of a stored block, and no other"""

    drops = frozenset(set.union(*NAMES.values()) - set(PLACES["BlockStored"][:4]))


@fault("ES-111")
class Unsigned(Codec):
    """signed hashes are read as unsigned"""

    def hash(self, value: Any) -> dict[str, str]:
        return super().hash(value % (1 << 64) if isinstance(value, int) else value)


@fault("ES-111")
class Signed(Codec):
    """unsigned hashes are read as signed"""

    def hash(self, value: Any) -> dict[str, str]:
        return super().hash(value - (1 << 64) if type(value) is int and value >= 1 << 63 else value)


@fault("ES-111")
class Doubles(Codec):
    """hashes go through a double"""

    def hash(self, value: Any) -> dict[str, str]:
        return super().hash(int(float(value)) if type(value) is int else value)


@fault("ES-111")
class ShortDigests(Codec):
    """of a hash of 32 bytes the first eight are kept"""

    def hash(self, value: Any) -> dict[str, str]:
        return super().hash(value[:8] if isinstance(value, bytes) else value)


@fault("ES-111")
class OneHash(Codec):
    """only the first hash of an event is told"""

    def field(self, name: str, value: Any) -> Any:
        found = super().field(name, value)
        return found[:1] if name == "block_hashes" else found


@fault("ES-112")
class GroupZero(Codec):
    """a group that is not there is group 0"""

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        told = super().told_event(tag, named, unknown)
        if told and tag == "BlockStored":
            told["group_idx"] = told.get("group_idx") or 0
        return told


@fault("ES-112")
class RankZero(Codec):
    """a rank that is not there is rank 0"""

    def rank(self, value: int | None) -> int | None:
        return value or 0


@fault("ES-113")
class Float32(Codec):
    """times are kept in 32 bits"""

    def ts(self, value: float) -> float:
        found: float = struct.unpack(">f", struct.pack(">f", value))[0]
        return found


@fault("ES-113")
class SignedTokens(Codec):
    """token ids are signed integers of 32 bits"""

    def field(self, name: str, value: Any) -> Any:
        found = super().field(name, value)
        if name != "token_ids":
            return found
        return [(one + (1 << 31)) % (1 << 32) - (1 << 31) if isinstance(one, int) else one for one in found]


@fault("ES-114")
class Grouped(Codec):
    """events are told grouped by kind: what was removed comes first"""

    def batch(self, value: Any) -> dict[str, Any]:
        found = super().batch(value)
        return {**found, "events": sorted(found["events"], key=lambda event: event["type"])}


@fault("ES-115")
class FixedLength(Codec):
    """the length of an array is taken as fixed"""

    def check_length(self, tag: str, length: int) -> None:
        self.need(length == len(PLACES[tag]) if tag == "BlockStored" else True, "twelve fields are due")


@fault("ES-115")
class NoTrailing(Codec):
    """a longer array than the known one is refused"""

    def check_length(self, tag: str, length: int) -> None:
        super().check_length(tag, length)
        self.need(tag not in PLACES or length <= len(PLACES[tag]), "trailing fields")


@fault("ES-116")
class StrictFields(Codec):
    """a field that is not known is refused"""

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        self.need(tag not in NAMES or not unknown, f"unknown: {sorted(unknown)}")
        return super().told_event(tag, named, unknown)


@fault("ES-117")
class StrictEvents(Codec):
    """an event that is not known costs the batch"""

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        self.need(tag in NAMES, f"unknown: {tag}")
        return super().told_event(tag, named, unknown)


@fault("ES-118")
class DropsUnknown(Codec):
    """what is not known is dropped"""

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        return super().told_event(tag, named, {}) if tag in NAMES else None


@fault("ES-119")
class KeysInOrder(Codec):
    """the tag is taken from the first key of a map, whatever it is called"""

    def event(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, dict) and value:
            self.need(next(iter(value)) == "type", "the first key is type")
        return super().event(value)


@fault("ES-119")
class FieldsInOrder(Codec):
    """the fields of a map are read in the order of the first release"""

    def event(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, dict) and value.get("type") == "BlockRemoved":
            names = [name for name in value if name in ("block_hashes", "medium")]
            self.need(names == ["block_hashes", "medium"][: len(names)], "the hashes come first")
        return super().event(value)


@fault("ES-110")
class EmptyIsNothing(Codec):
    """an empty text is taken for none"""

    def field(self, name: str, value: Any) -> Any:
        return super().field(name, value) or None if name == "lora_name" else super().field(name, value)


@fault("ES-120")
class SmallNegatives(Codec):
    """of negative hashes those of eight bits are read as unsigned"""

    def hash(self, value: Any) -> dict[str, str]:
        return super().hash(value + 256 if type(value) is int and -128 <= value < -32 else value)


@fault("ES-121")
class TextPayload(Codec):
    """the payload of an envelope goes through a text"""

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        found = super().envelope(frame, publisher, sequence)
        return {**found, "payload": found["payload"].decode("utf-8", "replace").encode()}


@fault("ES-122")
class Latches(Codec):
    """the dialect of the first message is expected of all"""

    seen: str | None = None

    def unpacked(self, payload: bytes) -> Any:
        found = super().unpacked(payload)
        if isinstance(found, list) and len(found) > 1 and isinstance(found[1], list) and found[1]:
            kind = type(found[1][0]).__name__
            if self.seen is not None and kind != self.seen:
                self.seen = kind
                raise Malformed("another dialect")
            self.seen = kind
        return found


@fault("ES-130")
class AnyCount(Codec):
    """of four frames the last three are taken"""

    def decode(self, frames: Sequence[bytes], format: str) -> dict[str, Any]:
        return super().decode(frames[-3:] if format == "A" else frames, format)


@fault("ES-130")
class AnyWidth(Codec):
    """a sequence of seven bytes is read"""

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame[:8], "big")


@fault("ES-130")
class Trailing(Codec):
    """what follows the batch is ignored"""

    def unpacked(self, payload: bytes) -> Any:
        for size in range(len(payload), max(0, len(payload) - 4), -1):
            try:
                return super().unpacked(payload[:size])
            except Malformed:
                continue
        raise Malformed("no value")


@fault("ES-130")
class WrongError(Codec):
    """what cannot be read is an error of the library, and no refusal"""

    def unpacked(self, payload: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(payload)
        except msgspec.DecodeError as error:
            raise RuntimeError(str(error)) from error


@fault("ES-130")
class FloatHashes(Codec):
    """a hash may be anything"""

    def hash(self, value: Any) -> dict[str, str]:
        return {"u64": str(value)} if isinstance(value, float) else super().hash(value)


@fault("ES-131")
class AnyTopic(Codec):
    """a topic that is not UTF-8 is mended"""

    def topic(self, frame: bytes) -> str:
        return frame.decode("utf-8", "replace")


@fault("ES-132")
class AnyVersion(Codec):
    """the version of a frame is not looked at"""

    def check_header(self, version: int, size: int, there: int) -> None:
        self.need(size == there, "the length")


@fault("ES-132")
class AnyLength(Codec):
    """the length in a frame's header is not looked at"""

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        self.need(len(frame) >= 5, "no header")
        return super().envelope(frame[:1] + struct.pack(">I", len(frame) - 5) + frame[5:], publisher, sequence)


@fault("ES-133")
class TwoNames(Codec):
    """an envelope of another publisher is taken"""

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        value = self.unpacked(frame[5:])
        known = value if isinstance(value, dict) else {}
        return super().envelope(frame, known.get("publisher_id", 0), known.get("sequence", 0))


@fault("ES-134")
class Asserts(Codec):
    """what cannot be is an assertion that fails"""

    def hash(self, value: Any) -> dict[str, str]:
        assert isinstance(value, int | bytes)
        return super().hash(value)


# --- writing


@fault("EP-101")
class UnknownTag(Codec):
    """the tag of an event in a map is called tag"""

    def written(self, event: Mapping[str, Any], dialect: str) -> Any:
        found = super().written(event, dialect)
        if isinstance(found, dict):
            found["tag"] = found.pop("type")
        return found


@fault("EP-102")
class WritesNoMaps(Codec):
    """maps are refused"""

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        if dialect == "map" and format == "A":
            raise ValueError("no maps")
        return super().encode(message, format, dialect)


@fault("EP-103")
class OneDialect(Codec):
    """whatever is asked for, arrays of maps are written"""

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        return super().encode(message, format, "array_of_maps" if dialect == "map" else dialect)


@fault("EP-104")
class WritesLittleEndian(Codec):
    """the sequence is written in little-endian"""

    def packed_number(self, number: int) -> bytes:
        return super().packed_number(number)[::-1]


@fault("EP-104")
class NoTopicFrame(Codec):
    """an empty topic is left out"""

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        found = super().encode(message, format, dialect)
        return found if found[0] else found[1:]


class WritesLess(Codec):
    """An encoder that drops a field."""

    drops = ""

    def written_field(self, name: str, value: Any) -> Any:
        return None if name == self.drops else super().written_field(name, value)


for _name in ("lora_name", "group_idx", "medium", "extra_keys", "parent_block_hash"):
    fault("EP-105")(type("WritesLess", (WritesLess,), {"drops": _name, "__doc__": f"the encoder drops {_name}"}))


@fault("EP-106")
class WritesKnown(Codec):
    """fields that are not known are not written"""

    def written(self, event: Mapping[str, Any], dialect: str) -> Any:
        return super().written({**event, "unknown": {}}, dialect)


@fault("EP-107")
class WholeSeconds(Codec):
    """a time without a fraction is written as an integer"""

    def written_ts(self, ts: float) -> Any:
        return int(ts) if float(ts).is_integer() else ts


@fault("EP-107")
class WritesFloat32(Codec):
    """times are written with the precision of 32 bits"""

    def written_ts(self, ts: float) -> Any:
        return struct.unpack(">f", struct.pack(">f", ts))[0]


@fault("EP-108")
class TrimsArrays(Codec):
    """an array ends with the last field that is given"""

    def width(self, tag: str) -> int:
        return 1


@fault("EP-109")
class Wraps(Codec):
    """hashes are cut to 64 bits"""

    def written_hash(self, tagged: Mapping[str, str]) -> Any:
        [(kind, text)] = tagged.items()
        return super().written_hash(tagged) if kind == "bytes" else int(text) % (1 << 64)


@fault("EP-109")
class WritesTheEnd(Codec):
    """the number of the end marker is written"""

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        if message["sequence"] == (1 << 64) - 1 and format == "A":
            return [message["topic"].encode(), b"\xff" * 8, super().encode({**message, "sequence": 0}, "A", dialect)[2]]
        return super().encode(message, format, dialect)


@fault("EP-110")
class NoEmptyLists(Codec):
    """an empty list of hashes is written as nil"""

    def written_field(self, name: str, value: Any) -> Any:
        found = super().written_field(name, value)
        return found or None if name == "block_hashes" else found


@fault("EP-111")
class ShortIds(Codec):
    """the frames of B hold ids of four bytes where they fit"""

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        found = super().encode(message, format, dialect)
        if format == "B" and message["publisher_id"] < 1 << 32:
            found[1] = found[1][4:]
        return found


@fault("EP-111")
class LengthOfAll(Codec):
    """the length in the header counts the header"""

    def header(self, size: int) -> bytes:
        return super().header(size + 5)


@fault("EP-112")
class LateTimes(Codec):
    """the time of an envelope is written in whole seconds"""

    def written_envelope(self, message: Mapping[str, Any]) -> dict[str, Any]:
        found = super().written_envelope(message)
        return {**found, "published_at": found["published_at"] // 1_000 * 1_000}


@fault("EP-113")
class WritesSigned(Codec):
    """unsigned hashes are written as signed"""

    def written_hash(self, tagged: Mapping[str, str]) -> Any:
        found = super().written_hash(tagged)
        return found - (1 << 64) if type(found) is int and found >= 1 << 63 else found


@fault("EP-113")
class WritesHex(Codec):
    """hashes are written as texts"""

    def written_hash(self, tagged: Mapping[str, str]) -> Any:
        found = super().written_hash(tagged)
        return hex(found) if type(found) is int else found
