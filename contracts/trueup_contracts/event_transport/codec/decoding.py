"""Frames to messages: formats A and B, every dialect.

A hash from 0 on is `u64`, one below is `i64`: MessagePack writes 1 in the same byte for both. So a signed hash and its
unsigned twin are two, and whoever judges holds `{"i64": "1"}` and `{"u64": "1"}` for the same.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from trueup_contracts.event_transport.codec.fields import (
    BLOCK_STORED,
    IS_HASH,
    KINDS,
    METADATA_PLACE,
    U64_MAX,
    Field,
    by_name,
    by_place,
    called,
    is_integer,
)
from trueup_contracts.event_transport.codec.message import (
    ARRAY,
    ARRAY_OF_MAPS,
    MAP,
    MAP_OF_ARRAYS,
    MIXED,
    Decoded,
    Format,
)
from trueup_contracts.event_transport.codec.messagepack import Ext, Pairs, Unreadable, read

FRAMES = {"A": ("topic", "sequence", "payload"), "B": ("topic", "publisher_id", "sequence", "frame")}
Rules: TypeAlias = Mapping[str, tuple[Callable[[Any], bool], str]]
END = b"\xff" * 8  # reserved in A: the end of a replay
HEADER = struct.Struct(">BI")
VERSION = 1


def decode(frames: Sequence[bytes], format: Format) -> Decoded:
    """The message that these frames are. `Malformed` says in which frame, where in it, and what is wrong."""
    names = FRAMES[format]
    if len(frames) != len(names):
        raise _wrong("message", f"{len(frames)} frames; format {format} has {len(names)}: {', '.join(names)}")
    topic = _topic(frames[0])
    if format == "B":
        return _event_plane(topic, frames)
    sequence = u64(frames[1], "sequence")
    if sequence == U64_MAX:
        raise _wrong("sequence", "eight bytes 0xff are the end of a replay, and no live message")
    return _batch(topic, sequence, frames[2])


def u64(frame: bytes, name: str) -> int:
    """Eight bytes, the most significant first."""
    if len(frame) != 8:
        raise _wrong(name, f"{len(frame)} bytes; 8 are due")
    return int.from_bytes(frame, "big")


def _topic(frame: bytes) -> str:
    try:
        return frame.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(f"it is not UTF-8 ({error.reason})", error.start).at_base("topic") from None


def _batch(topic: str, sequence: int, payload: bytes) -> Decoded:
    value = read(payload)
    if isinstance(value, list):
        if len(value) < 2:
            raise Unreadable(f"an array of {len(value)}; a batch has ts, events and perhaps data_parallel_rank")
        names = ("ts", "events", "data_parallel_rank")
        given = dict(zip(names, value, strict=False))
        given.setdefault("data_parallel_rank", None)
        unknown = {str(place): opaque(one) for place, one in enumerate(value) if place >= len(names)}
    elif isinstance(value, dict):
        given = {"data_parallel_rank": None, **value}
        unknown = {name: opaque(one) for name, one in value.items() if name not in _BATCH}
    else:
        raise Unreadable(f"{called(value)}; a batch is an array or a map")
    for name, (allowed, due) in _BATCH.items():
        if name not in given:
            raise Unreadable(f"the batch has no {name}")
        if not allowed(given[name]):
            raise Unreadable(f"{called(given[name])}; it is {due}").inside(name)
    reader = _Events()
    events = reader.all(given["events"])
    batch = {
        "ts": float(given["ts"]),
        "events": events,
        "data_parallel_rank": given["data_parallel_rank"],
        "unknown": unknown,
    }
    dialect = _dialect(isinstance(value, list), given["events"])
    shapes, kinds = tuple(reader.shapes), frozenset(reader.hash_kinds)
    return Decoded("A", topic, sequence, None, batch, dialect, shapes, kinds)


_BATCH: Rules = {
    "ts": (lambda value: isinstance(value, float) or is_integer(value), "a time in seconds"),
    "events": (lambda value: isinstance(value, list), "a list of events"),
    "data_parallel_rank": KINDS["count?"],
}


def _dialect(is_array: bool, events: Sequence[Any]) -> str | None:
    inner = {isinstance(one, dict) for one in events}
    if len(inner) == 2:
        return MIXED
    if not inner:
        return None if is_array else MAP
    are_maps = inner == {True}
    return (ARRAY_OF_MAPS if are_maps else ARRAY) if is_array else (MAP if are_maps else MAP_OF_ARRAYS)


class _Events:
    """Reads events, and keeps what they looked like."""

    def __init__(self) -> None:
        self.shapes: list[tuple[str, str]] = []
        self.hash_kinds: set[str] = set()

    def all(self, values: Sequence[Any]) -> list[dict[str, Any]]:
        found = []
        for index, value in enumerate(values):
            try:
                found.append(self.one(value))
            except Unreadable as error:
                raise error.inside(index).inside("events") from None
        return found

    def one(self, value: Any) -> dict[str, Any]:
        if isinstance(value, list):
            if not value or not isinstance(value[0], str):
                raise Unreadable("an event's array begins with its tag, a text")
            self.shapes.append((value[0], f"array of {len(value)}"))
            return self.event(value[0], *_by_place(value[0], value))
        if isinstance(value, dict):
            tag = value.get("type")
            if not isinstance(tag, str):
                raise Unreadable("an event's map has its tag under `type`, a text")
            self.shapes.append((tag, "map"))
            known = by_name(tag)
            rest = {name: one for name, one in value.items() if name not in known and name != "type"}
            return self.event(tag, {name: one for name, one in value.items() if name in known}, rest)
        raise Unreadable(f"{called(value)}; an event is an array or a map")

    def event(self, tag: str, given: Mapping[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
        fields = by_name(tag)
        for field in fields.values():
            if field.required and field.name not in given:
                raise Unreadable(f"a {tag} without {field.name}")
        found = {name: self.field(fields[name], value) for name, value in given.items()}
        return {"type": tag, **found, "unknown": {name: opaque(value) for name, value in rest.items()}}

    def field(self, field: Field, value: Any) -> Any:
        allowed, due = KINDS[field.kind]
        if not allowed(value):
            raise Unreadable(f"{called(value)}; it is {due}").inside(field.name)
        if field.kind == "hash?":
            return None if value is None else self.hash(value)
        if field.kind == "hashes":
            for index, one in enumerate(value):
                if not IS_HASH(one):
                    what = f"{called(one)}; a hash is an integer or bytes"
                    raise Unreadable(what).inside(index).inside(field.name)
            return [self.hash(one) for one in value]
        if field.kind == "tokens":
            for index, one in enumerate(value):
                if not is_integer(one) and not isinstance(one, str):  # texts: TensorRT-LLM's multimodal keys
                    raise Unreadable(f"{called(one)}; a token id is an integer").inside(index).inside(field.name)
            return value
        return opaque(value)

    def hash(self, value: int | bytes) -> dict[str, str]:
        if isinstance(value, bytes):
            self.hash_kinds.add("bytes")
            return {"bytes": value.hex()}
        kind = "i64" if value < 0 else "u64"
        self.hash_kinds.add(kind)
        return {kind: str(value)}


def _by_place(tag: str, value: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    places = by_place(tag)
    given: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for place, one in enumerate(value):
        if tag == BLOCK_STORED and place == METADATA_PLACE and isinstance(one, dict):
            given["metadata"] = one
        elif place in places:
            given[places[place].name] = one
        elif place > 0:
            rest[str(place)] = one
    return given, rest


def opaque(value: Any) -> Any:
    """A value that is only kept: maps with other keys than texts become `{"pairs": …}`, extensions `{"ext": …}`."""
    if isinstance(value, list):
        return [opaque(one) for one in value]
    if isinstance(value, dict):
        return {name: opaque(one) for name, one in value.items()}
    if isinstance(value, Pairs):
        return {"pairs": [[opaque(key), opaque(one)] for key, one in value.pairs]}
    if isinstance(value, Ext):
        return {"ext": [value.type, value.data]}
    return value


_ENVELOPE: Rules = {
    "publisher_id": (lambda value: is_integer(value) and value >= 0, "an integer from 0 on"),
    "sequence": (lambda value: is_integer(value) and value >= 0, "an integer from 0 on"),
    "published_at": (lambda value: is_integer(value) and value >= 0, "milliseconds since the epoch"),
    "topic": (lambda value: isinstance(value, str), "a text"),
    "payload": (lambda value: isinstance(value, bytes), "bytes"),
}


def _event_plane(topic: str, frames: Sequence[bytes]) -> Decoded:
    publisher, sequence = u64(frames[1], "publisher_id"), u64(frames[2], "sequence")
    frame = frames[3]
    if len(frame) < HEADER.size:
        raise _wrong("frame", f"{len(frame)} bytes; its header alone has {HEADER.size}")
    version, size = HEADER.unpack_from(frame)
    if version != VERSION:
        raise _wrong("frame", f"version {version}; {VERSION} is the one that is known", 0)
    if size != len(frame) - HEADER.size:
        raise _wrong("frame", f"the header says {size} bytes; {len(frame) - HEADER.size} follow", 1)
    value = read(frame[HEADER.size :], "envelope")
    if not isinstance(value, dict):
        raise _wrong("envelope", f"{called(value)}; an envelope is a map")
    for name, (allowed, due) in _ENVELOPE.items():
        if name not in value:
            raise _wrong("envelope", f"it has no {name}")
        if not allowed(value[name]):
            raise Unreadable(f"{called(value[name])}; it is {due}").inside(name).at_base("envelope")
    for name, told in (("publisher_id", publisher), ("sequence", sequence)):
        if value[name] != told:
            raise _wrong("envelope", f"its {name} is {value[name]}; the message's frame says {told}")
    batch = {"payload": value["payload"], "published_at_ms": value["published_at"]}
    return Decoded("B", topic, sequence, publisher, batch)


def _wrong(base: str, what: str, offset: int | None = None) -> Unreadable:
    return Unreadable(what, offset).at_base(base)
