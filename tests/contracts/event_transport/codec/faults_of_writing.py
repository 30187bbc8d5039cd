"""Codecs that write something else than they were told."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from contracts.event_transport.codec.hooked import Codec
from contracts.event_transport.codec.seeding import fault


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
