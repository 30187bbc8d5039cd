"""Codecs that read what is good, and say something else of it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from contracts.event_transport.codec.hooked import NAMES, PLACES, Codec
from contracts.event_transport.codec.seeding import fault
from trueup_contracts import Malformed


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
