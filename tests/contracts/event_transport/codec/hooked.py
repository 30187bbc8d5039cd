"""A correct codec of another construction than the kit's: msgspec reads and writes. Faults break its parts."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from trueup_contracts import Malformed, Unsupported

PLACES = {
    "BlockStored": "block_hashes parent_block_hash token_ids block_size lora_id medium lora_name extra_keys group_idx "
    "kv_cache_spec_kind kv_cache_spec_sliding_window token_offset".split(),
    "BlockRemoved": "block_hashes medium group_idx".split(),
    "AllBlocksCleared": "medium".split(),
    "BlockTransferred": "block_hashes from_medium to_medium group_idx".split(),
}
NAMES = {tag: set(names) for tag, names in PLACES.items()}
NAMES["BlockStored"] |= {"cache_salt", "session_id", "locality", "ownership", "mm_keys", "metadata"}
NAMES["BlockRemoved"] |= {"locality", "ownership"}
LEAST = {"BlockStored": 5, "BlockRemoved": 2, "AllBlocksCleared": 1, "BlockTransferred": 4}
WIDTH = {"BlockStored": 12, "BlockRemoved": 4}


class Codec:
    """Both sides."""

    capabilities: ClassVar[frozenset[str]] = frozenset({"codec", "format_b"})
    name = "codec"

    def __call__(self, **_keywords: Any) -> Any:
        raise Unsupported("it only reads and writes")

    # --- reading

    def decode(self, frames: Sequence[bytes], format: str) -> dict[str, Any]:
        frames = [bytes(frame) for frame in frames]
        self.check_count(frames, 3 if format == "A" else 4)
        topic = self.topic(frames[0])
        if format == "B":
            publisher, sequence = self.number(frames[1]), self.number(frames[2])
            return self.told(topic, sequence, publisher, self.envelope(frames[3], publisher, sequence))
        sequence = self.number(frames[1])
        if sequence == (1 << 64) - 1:
            raise Malformed("the end of a replay")
        return self.told(topic, sequence, None, self.batch(self.unpacked(frames[2])))

    def told(self, topic: str, sequence: int, publisher: int | None, batch: dict[str, Any]) -> dict[str, Any]:
        return {"topic": topic, "sequence": sequence, "publisher_id": publisher, "batch": batch}

    def check_count(self, frames: Sequence[bytes], count: int) -> None:
        if len(frames) != count:
            raise Malformed(f"{len(frames)} frames, not {count}")

    def topic(self, frame: bytes) -> str:
        try:
            return frame.decode()
        except UnicodeDecodeError as error:
            raise Malformed(str(error)) from error

    def number(self, frame: bytes) -> int:
        if len(frame) != 8:
            raise Malformed(f"{len(frame)} bytes")
        return int.from_bytes(frame, "big")

    def unpacked(self, payload: bytes) -> Any:
        try:
            return msgspec.msgpack.decode(payload, strict=True)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise Malformed(str(error)) from error

    def batch(self, value: Any) -> dict[str, Any]:
        if isinstance(value, list):
            self.need(len(value) >= 2, "a batch has two fields")
            ts, events, rank, *rest = [*value, None][: max(3, len(value))]
            unknown = {str(place): one for place, one in enumerate(rest, 3)}
        else:
            self.need(isinstance(value, dict) and {"ts", "events"} <= set(value), "no batch")
            ts, events, rank = value["ts"], value["events"], value.get("data_parallel_rank")
            unknown = {name: one for name, one in value.items() if name not in ("ts", "events", "data_parallel_rank")}
        self.need(type(ts) in (int, float) and isinstance(events, list), "ts or events")
        self.need(rank is None or type(rank) is int, "data_parallel_rank")
        told = [self.event(one) for one in events]
        return {
            "ts": self.ts(ts),
            "events": [one for one in told if one is not None],
            "data_parallel_rank": self.rank(rank),
            "unknown": unknown,
        }

    def ts(self, value: float) -> float:
        return float(value)

    def rank(self, value: int | None) -> int | None:
        return value

    def event(self, value: Any) -> dict[str, Any] | None:
        if isinstance(value, list):
            self.need(bool(value) and isinstance(value[0], str), "no tag")
            tag = value[0]
            self.check_length(tag, len(value))
            return self.told_event(tag, *self.placed(tag, value))
        self.need(isinstance(value, dict) and isinstance(value.get("type"), str), "no event")
        tag = value["type"]
        rest = {name: one for name, one in value.items() if name != "type"}
        named = {name: one for name, one in rest.items() if name in NAMES.get(tag, ())}
        return self.told_event(tag, named, {name: one for name, one in rest.items() if name not in named})

    def check_length(self, tag: str, length: int) -> None:
        self.need(length >= LEAST.get(tag, 1), f"{tag} has {length} fields")

    def placed(self, tag: str, value: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        names = PLACES.get(tag, [])
        named = dict(zip(names, value[1:], strict=False))
        if isinstance(named.get("lora_name"), dict):
            named["metadata"] = named.pop("lora_name")
        return named, {str(place): one for place, one in enumerate(value) if place > len(names)}

    def told_event(self, tag: str, named: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any] | None:
        for name in PLACES.get(tag, [])[: 4 if tag == "BlockStored" else 1]:
            self.need(name in named or tag == "AllBlocksCleared", f"{tag} lacks {name}")
        return {"type": tag, **{name: self.field(name, one) for name, one in named.items()}, "unknown": unknown}

    def field(self, name: str, value: Any) -> Any:
        if name == "block_hashes":
            self.need(isinstance(value, list), name)
            return [self.hash(one) for one in value]
        if name == "parent_block_hash":
            return None if value is None else self.hash(value)
        if name == "token_ids":
            self.need(isinstance(value, list) and all(type(one) in (int, str) for one in value), name)
        elif name == "block_size":
            self.need(type(value) is int, name)
        elif name in ("medium", "lora_name"):
            self.need(value is None or isinstance(value, str), name)
        return value

    def hash(self, value: Any) -> dict[str, str]:
        if isinstance(value, bytes):
            return {"bytes": value.hex()}
        self.need(type(value) is int, "a hash")
        return {"i64" if value <= (1 << 63) - 1 else "u64": str(value)}

    def envelope(self, frame: bytes, publisher: int, sequence: int) -> dict[str, Any]:
        self.need(len(frame) >= 5, "no header")
        version, size = struct.unpack_from(">BI", frame)
        self.check_header(version, size, len(frame) - 5)
        value = self.unpacked(frame[5 : 5 + size])
        self.need(isinstance(value, dict), "no envelope")
        wanted = {"publisher_id": int, "sequence": int, "published_at": int, "topic": str, "payload": bytes}
        for name, kind in wanted.items():
            self.need(type(value.get(name)) is kind, name)
        self.check_names(value, set(wanted))
        self.need((value["publisher_id"], value["sequence"]) == (publisher, sequence), "two names")
        return {"payload": value["payload"], "published_at_ms": value["published_at"]}

    def check_header(self, version: int, size: int, there: int) -> None:
        self.need(version == 1 and size == there, f"version {version}, {size} bytes of {there}")

    def check_names(self, envelope: Mapping[str, Any], wanted: set[str]) -> None:
        """Others may be there."""

    def need(self, holds: bool, what: str) -> None:
        if not holds:
            raise Malformed(what)

    # --- writing

    def encode(self, message: Mapping[str, Any], format: str, dialect: str) -> list[bytes]:
        batch = message["batch"]
        number = self.packed_number(message["sequence"])
        if format == "B":
            publisher = self.packed_number(message["publisher_id"])
            packed = msgspec.msgpack.encode(self.written_envelope(message))
            return [message["topic"].encode(), publisher, number, self.header(len(packed)) + packed]
        if message["sequence"] == (1 << 64) - 1:
            raise ValueError("it is reserved")
        events = [self.written(event, dialect) for event in batch["events"]]
        return [message["topic"].encode(), number, msgspec.msgpack.encode(self.written_batch(batch, events, dialect))]

    def written_envelope(self, message: Mapping[str, Any]) -> dict[str, Any]:
        batch = message["batch"]
        return {
            "payload": batch["payload"],
            "topic": message["topic"],
            "published_at": batch["published_at_ms"],
            "sequence": message["sequence"],
            "publisher_id": message["publisher_id"],
        }

    def header(self, size: int) -> bytes:
        return struct.pack(">BI", 1, size)

    def packed_number(self, number: int) -> bytes:
        try:
            return int(number).to_bytes(8, "big")
        except OverflowError as error:
            raise ValueError(str(error)) from error

    def written_batch(self, batch: Mapping[str, Any], events: list[Any], dialect: str) -> Any:
        ts, rank, unknown = self.written_ts(batch["ts"]), batch["data_parallel_rank"], batch["unknown"]
        if dialect == "map":
            return {"ts": ts, "events": events, "data_parallel_rank": rank, **unknown}
        rest = {int(place): one for place, one in unknown.items()}
        return [ts, events, rank, *(rest.get(place) for place in range(3, max(rest, default=0) + 1))]

    def written_ts(self, ts: float) -> Any:
        return float(ts)

    def written(self, event: Mapping[str, Any], dialect: str) -> Any:
        tag, unknown = event["type"], event["unknown"]
        named = {name: self.written_field(name, one) for name, one in event.items() if name not in ("type", "unknown")}
        if dialect != "array":
            return {**unknown, **named, "type": tag}
        named = {"lora_name" if name == "metadata" else name: one for name, one in named.items()}
        row = dict(enumerate([tag, *(named.get(name) for name in PLACES.get(tag, []))]))
        row |= {int(place): one for place, one in unknown.items()}
        while len(row) > self.width(tag) and row.get(max(row)) is None:
            del row[max(row)]
        return [row.get(place) for place in range(max(row) + 1)]

    def width(self, tag: str) -> int:
        return WIDTH.get(tag, 1)

    def written_field(self, name: str, value: Any) -> Any:
        if name == "block_hashes":
            return [self.written_hash(one) for one in value]
        if name == "parent_block_hash" and value is not None:
            return self.written_hash(value)
        return value

    def written_hash(self, tagged: Mapping[str, str]) -> Any:
        [(kind, text)] = tagged.items()
        if kind == "bytes":
            return bytes.fromhex(text)
        number = int(text)
        low, high = (0, 1 << 64) if kind == "u64" else (-(1 << 63), 1 << 63)
        if not low <= number < high:
            raise ValueError(f"{number} is no {kind}")
        return number
