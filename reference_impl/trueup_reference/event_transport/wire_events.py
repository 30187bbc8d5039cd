"""Format A between bytes and named fields, in each dialect. What has no name here is kept, by its key or its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.fields import (
    ARRAY_LENGTHS,
    COUNT_OR_NONE,
    FIELDS,
    METADATA_PLACE,
    PLACES,
    is_integer,
)
from trueup_reference.event_transport.limits import DEFAULT, Limits
from trueup_reference.event_transport.messages import Dialect

_BATCH = ("ts", "events", "data_parallel_rank")
_MOST_PLACES = 100  # of an array: an unknown field cannot make one of any length
_decoder = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder()


class WireEvent(NamedTuple):
    """An event: only what was on the wire."""

    type: str
    fields: Mapping[str, Any]
    unknown: Mapping[Any, Any]


class WireBatch(NamedTuple):
    """A batch. `data_parallel_rank` is None where it was left out; the dialect is that of the first event."""

    ts: float
    events: Sequence[WireEvent]
    data_parallel_rank: int | None
    unknown: Mapping[Any, Any]
    dialect: Dialect


def decode_payload(payload: bytes, limits: Limits = DEFAULT) -> WireBatch:
    """The batch of a payload, in whatever dialect. `MalformedError` says what is wrong."""
    if len(payload) > limits.message_bytes:
        raise MalformedError(f"a payload of {len(payload):,} bytes: {limits.message_bytes:,} are the most")
    try:
        read = _decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, TypeError, ValueError) as error:
        raise MalformedError(f"the payload is no MessagePack: {error}") from error
    if isinstance(read, list):
        fields = dict(zip(_BATCH, read, strict=False))
        unknown: dict[Any, Any] = {str(at): value for at, value in enumerate(read) if at >= len(_BATCH)}
    elif isinstance(read, dict):
        fields = {name: read[name] for name in _BATCH if name in read}
        unknown = {name: value for name, value in read.items() if name not in _BATCH}
    else:
        raise MalformedError(f"a batch is a {type(read).__name__}: a map or an array is due")
    ts, events, rank = (fields.get(name) for name in _BATCH)
    if not is_integer(ts) and not isinstance(ts, float):
        raise MalformedError(f"ts is a {type(ts).__name__}: seconds are due")
    if not isinstance(events, list):
        raise MalformedError(f"events is a {type(events).__name__}: a list is due")
    allowed, due = COUNT_OR_NONE
    if not allowed(rank):
        raise MalformedError(f"data_parallel_rank is {rank!r:.50}: {due} is due")
    has_maps = bool(events) and isinstance(events[0], dict)
    dialect: Dialect = "map" if isinstance(read, dict) else "array_of_maps" if has_maps else "array"
    assert ts is not None
    return WireBatch(float(ts), [_event(one) for one in events], rank, unknown, dialect)


def encode_payload(batch: WireBatch, dialect: Dialect) -> bytes:
    """The payload of a batch. `ValueError` for what the dialect, or MessagePack, cannot hold."""
    if dialect not in ("array", "map", "array_of_maps"):
        raise ValueError(f"{dialect!r} is no dialect: array, map or array_of_maps")
    events = [_event_array(one) if dialect == "array" else _event_map(one) for one in batch.events]
    rank = batch.data_parallel_rank
    written: Any
    if dialect == "map":
        ranked = {} if rank is None else {"data_parallel_rank": rank}
        written = {"ts": batch.ts, "events": events, **ranked, **batch.unknown}
    else:
        written = _placed({0: batch.ts, 1: events, 2: rank}, batch.unknown, least=len(_BATCH))
    try:
        return _encoder.encode(written)
    except (TypeError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise ValueError(f"the batch cannot be written: {error}") from error


def _event(read: Any) -> WireEvent:
    if isinstance(read, dict):
        kind = read.get("type")
    elif isinstance(read, list) and read:
        kind = read[0]
    else:
        raise MalformedError(
            f"an event is a {type(read).__name__}: a map, or an array that begins with its type, is due"
        )
    if not isinstance(kind, str):
        raise MalformedError("an event without its type")
    known = FIELDS.get(kind, {})
    fields: dict[str, Any] = {}
    unknown: dict[Any, Any] = {}
    if isinstance(read, dict):
        for name, value in read.items():
            if name in known:
                fields[name] = value
            elif name != "type":
                unknown[name] = value
    else:
        places = PLACES.get(kind, {})
        for place in range(1, len(read)):
            value = read[place]
            if place == METADATA_PLACE and isinstance(value, dict) and kind == "BlockStored":
                fields["metadata"] = value
            elif place in places:
                fields[places[place]] = value
            else:
                unknown[str(place)] = value
    for name, field in known.items():
        if name not in fields:
            if field.is_required:
                raise MalformedError(f"a {kind} without {name}")
        elif not field.allows(fields[name]):
            raise MalformedError(f"{name} of a {kind} is a {type(fields[name]).__name__}: {field.due} is due")
    return WireEvent(kind, fields, unknown)


def _event_map(event: WireEvent) -> dict[Any, Any]:
    return {"type": event.type, **event.fields, **event.unknown}


def _event_array(event: WireEvent) -> list[Any]:
    placed: dict[int, Any] = {0: event.type}
    for name, value in event.fields.items():
        place = METADATA_PLACE if name == "metadata" else FIELDS[event.type][name].place
        if place is None:
            raise ValueError(f"{name} has no place in an array")
        if placed.get(place) is not None and value is not None:
            raise ValueError(f"{name} and another field have one place in an array, {place}")
        placed[place] = value if value is not None else placed.get(place)
    return _placed(placed, event.unknown, least=ARRAY_LENGTHS.get(event.type, 1))


def _placed(placed: dict[int, Any], unknown: Mapping[Any, Any], least: int) -> list[Any]:
    """An array; where nothing is given, it holds nil."""
    for name, value in unknown.items():
        place = int(name) if isinstance(name, str) and name.isdecimal() and len(name) < 4 else -1
        if place in placed or not 0 <= place < _MOST_PLACES:
            raise ValueError(f"the field {name!r:.50} has no place in an array")
        placed[place] = value
    return [placed.get(place) for place in range(max([least, *(at + 1 for at in placed)]))]
