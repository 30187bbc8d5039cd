"""Messages to frames. An array is as long as vLLM's last one, or longer, with nil where nothing is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from trueup_contracts.event_transport.codec.decoding import HEADER, VERSION
from trueup_contracts.event_transport.codec.fields import (
    BLOCK_REMOVED,
    BLOCK_STORED,
    FIELDS,
    I64_MAX,
    I64_MIN,
    METADATA_PLACE,
    U64_MAX,
    by_name,
    is_integer,
)
from trueup_contracts.event_transport.codec.message import ARRAY, DIALECTS, MAP, Format

_ENCODER = msgspec.msgpack.Encoder()
# The arrays of the last release that wrote any (vLLM #40984), whatever an event holds: one tag has one shape.
_SHAPES = {BLOCK_STORED: 12, BLOCK_REMOVED: 4}
_HASHES: Mapping[str, tuple[int, int]] = {"i64": (I64_MIN, I64_MAX), "u64": (0, U64_MAX)}


def encode(message: Mapping[str, Any], format: Format, dialect: str = ARRAY) -> list[bytes]:
    """The frames of a message in canonical form. `ValueError` says what cannot be written, and where it stands."""
    topic, sequence = message["topic"], _u64(message["sequence"], "sequence")
    if format == "B":
        return _event_plane(topic, sequence, _u64(message["publisher_id"], "publisher_id"), message["batch"])
    if sequence == U64_MAX.to_bytes(8, "big"):
        raise ValueError(f"sequence: {U64_MAX} is the end of a replay, and no live message")
    return [topic.encode("utf-8"), sequence, payload(message["batch"], dialect)]


def payload(batch: Mapping[str, Any], dialect: str = ARRAY) -> bytes:
    """The bytes of a batch of format A."""
    if dialect not in DIALECTS:
        raise ValueError(f"dialect {dialect!r}; {', '.join(DIALECTS)} are known")
    write = _event_array if dialect == ARRAY else _event_map
    events = [_at(f"events[{index}]", write, event) for index, event in enumerate(batch["events"])]
    ts, rank, unknown = float(batch["ts"]), batch.get("data_parallel_rank"), batch.get("unknown", {})
    if dialect == MAP:
        ranked = {} if rank is None else {"data_parallel_rank": rank}
        return _packed({"ts": ts, "events": events, **ranked, **_named(unknown)})
    return _packed(_placed({0: ts, 1: events, 2: rank, **_places(unknown)}, least=3))


def _event_array(event: Mapping[str, Any]) -> list[Any]:
    tag, fields = event["type"], by_name(event["type"])
    if not fields and tag not in FIELDS and any(name not in ("type", "unknown") for name in event):
        raise ValueError(f"the places of the fields of {tag} are not known")
    placed: dict[int, Any] = {0: tag, **_places(event.get("unknown", {}))}
    for name, value in event.items():
        if name in ("type", "unknown"):
            continue
        place = METADATA_PLACE if name == "metadata" else None if name not in fields else fields[name].place
        if place is None:
            raise ValueError(f"{name} has no place in an array")
        if place in placed:
            raise ValueError(f"{name} and another field have the same place, {place}")
        placed[place] = _written(name, value)
    return _placed(placed, least=_SHAPES.get(tag, 1))


def _event_map(event: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: _written(name, value) for name, value in event.items() if name not in ("type", "unknown")}
    return {"type": event["type"], **given, **_named(event.get("unknown", {}))}


def _written(name: str, value: Any) -> Any:
    if name == "block_hashes":
        return [_at(f"block_hashes[{index}]", hash_of, one) for index, one in enumerate(value)]
    if name == "parent_block_hash":
        return None if value is None else _at(name, hash_of, value)
    return plain(value)


def hash_of(tagged: Mapping[str, str]) -> int | bytes:
    """What MessagePack writes for a hash in canonical form."""
    if len(tagged) == 1:
        [(kind, text)] = tagged.items()
        if kind == "bytes":
            return bytes.fromhex(text)
        if kind in _HASHES:
            least, most = _HASHES[kind]
            number = int(text)
            if not least <= number <= most:
                raise ValueError(f"{number} is no {kind}")
            return number
    raise ValueError(f"{tagged!r} is no hash: i64, u64 or bytes, and its digits")


def plain(value: Any) -> Any:
    """A value that was only kept, as it is written."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        if set(value) == {"ext"} and isinstance(value["ext"], list):
            return msgspec.msgpack.Ext(value["ext"][0], bytes(value["ext"][1]))
        if set(value) == {"pairs"} and isinstance(value["pairs"], list):
            return {key: plain(one) for key, one in value["pairs"]}
        return {name: plain(one) for name, one in value.items()}
    if is_integer(value) and not I64_MIN <= value <= U64_MAX:
        raise ValueError(f"{value} does not fit in 64 bits")
    return value


def _named(unknown: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain(value) for name, value in unknown.items()}


def _places(unknown: Mapping[str, Any]) -> dict[int, Any]:
    for name in unknown:
        if not name.isdecimal():
            raise ValueError(f"the unknown field {name!r} has no place in an array")
    return {int(name): plain(value) for name, value in unknown.items()}


def _placed(values: Mapping[int, Any], least: int) -> list[Any]:
    size = max([least, *(place + 1 for place, value in values.items() if value is not None)])
    if size > 1_000:
        raise ValueError(f"an array of {size} fields")
    return [values.get(place) for place in range(size)]


def _event_plane(topic: str, sequence: bytes, publisher: bytes, batch: Mapping[str, Any]) -> list[bytes]:
    envelope = {
        "publisher_id": int.from_bytes(publisher, "big"),
        "sequence": int.from_bytes(sequence, "big"),
        "published_at": int.from_bytes(_u64(batch["published_at_ms"], "published_at_ms"), "big"),
        "topic": topic,
        "payload": bytes(batch["payload"]),
    }
    packed = _packed(envelope)
    return [topic.encode("utf-8"), publisher, sequence, HEADER.pack(VERSION, len(packed)) + packed]


def _u64(value: Any, name: str) -> bytes:
    if not is_integer(value) or not 0 <= value <= U64_MAX:
        raise ValueError(f"{name}: {value!r} is no integer from 0 to {U64_MAX}")
    return int(value).to_bytes(8, "big")


def _packed(value: Any) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (TypeError, OverflowError, msgspec.MsgspecError) as error:
        raise ValueError(f"it cannot be written: {error}") from error


def _at(place: str, write: Callable[[Any], Any], value: Any) -> Any:
    try:
        return write(value)
    except (ValueError, TypeError, KeyError) as error:
        told = f"it has no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{place}: {told}") from error
