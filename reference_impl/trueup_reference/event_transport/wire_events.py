"""Format A between bytes and named fields: the dialects, and which field stands where in each.

Fields, their order and which are always written are those of vLLM's struct definitions (`vllm/distributed/kv_events.py`
at 0181ea3), written as arrays until its #42892. A field of an array that has no name is kept under its position.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.limits import DEFAULT, Limits
from trueup_reference.event_transport.messages import Dialect

BATCH_FIELDS = ("ts", "events", "data_parallel_rank")
FIELDS = {
    "BlockStored": (
        "block_hashes",
        "parent_block_hash",
        "token_ids",
        "block_size",
        "lora_id",
        "medium",
        "lora_name",
        "extra_keys",
        "group_idx",
        "kv_cache_spec_kind",
        "kv_cache_spec_sliding_window",
    ),
    "BlockRemoved": ("block_hashes", "medium", "group_idx"),
    "AllBlocksCleared": (),
}
REQUIRED = {
    "BlockStored": ("block_hashes", "parent_block_hash", "token_ids", "block_size"),
    "BlockRemoved": ("block_hashes",),
    "AllBlocksCleared": (),
}
# vLLM's structs have no default for these, so that a reader made of them needs them, be they null.
ALWAYS_WRITTEN = {
    "BlockStored": (*REQUIRED["BlockStored"], "lora_id", "medium", "lora_name"),
    "BlockRemoved": (*REQUIRED["BlockRemoved"], "medium"),
    "AllBlocksCleared": (),
}
_decoder = msgspec.msgpack.Decoder()
_encoder = msgspec.msgpack.Encoder()


class WireEvent(NamedTuple):
    """An event: only what was on the wire."""

    type: str
    fields: Mapping[str, Any]
    unknown: Mapping[str, Any]


class WireBatch(NamedTuple):
    """A batch: only what was on the wire. `data_parallel_rank` is None where it was left out."""

    ts: float
    events: Sequence[WireEvent]
    data_parallel_rank: int | None
    unknown: Mapping[str, Any]
    dialect: Dialect


def decode_payload(payload: bytes, limits: Limits = DEFAULT) -> WireBatch:
    """The batch of a payload, in whatever dialect. `MalformedError` says what is wrong."""
    if len(payload) > limits.message_bytes:
        raise MalformedError(f"a payload of {len(payload):,} bytes: {limits.message_bytes:,} are the most")
    try:
        read = _decoder.decode(payload)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise MalformedError(f"the payload is no MessagePack: {error}") from error
    is_map = isinstance(read, dict)
    fields, unknown = _named(read, BATCH_FIELDS, "a batch")
    for name in ("ts", "events"):
        if name not in fields:
            raise MalformedError(f"a batch without {name}")
    ts, events, rank = fields["ts"], fields["events"], fields.get("data_parallel_rank")
    if isinstance(ts, bool) or not isinstance(ts, int | float):
        raise MalformedError(f"ts is a {type(ts).__name__}: seconds are due")
    if not isinstance(events, list):
        raise MalformedError(f"events is a {type(events).__name__}: a list is due")
    if rank is not None and (isinstance(rank, bool) or not isinstance(rank, int)):
        raise MalformedError(f"data_parallel_rank is a {type(rank).__name__}: an integer is due")
    try:
        seconds = float(ts)
    except OverflowError as error:
        raise MalformedError("ts is too large") from error
    inner_maps = any(isinstance(event, dict) for event in events)
    if inner_maps and any(isinstance(event, list) for event in events):
        raise MalformedError("events written as maps and as arrays in one batch")
    dialect: Dialect = "map" if is_map else "array_of_maps" if inner_maps else "array"
    return WireBatch(seconds, [_event(one) for one in events], rank, unknown, dialect)


def encode_payload(batch: WireBatch, dialect: Dialect) -> bytes:
    """The payload of a batch. `ValueError` for what the dialect, or MessagePack, cannot hold."""
    if dialect not in ("array", "map", "array_of_maps"):
        raise ValueError(f"{dialect!r} is no dialect: array, map or array_of_maps")
    written: Any
    events = [_event_written(one, as_array=dialect == "array") for one in batch.events]
    if dialect == "map":
        written = {"ts": batch.ts, "events": events}
        if batch.data_parallel_rank is not None:
            written["data_parallel_rank"] = batch.data_parallel_rank
        written.update(batch.unknown)
    else:
        fields = {"ts": batch.ts, "events": events, "data_parallel_rank": batch.data_parallel_rank}
        written = _positions(fields, batch.unknown, BATCH_FIELDS)
    try:
        return _encoder.encode(written)
    except (TypeError, OverflowError, RecursionError, msgspec.EncodeError) as error:
        raise ValueError(f"the batch cannot be written: {error}") from error


def _event(read: Any) -> WireEvent:
    if isinstance(read, dict):
        kind = read.get("type")
        rest: Any = {name: value for name, value in read.items() if name != "type"}
    elif isinstance(read, list) and read:
        kind, rest = read[0], read[1:]
    else:
        raise MalformedError(
            f"an event is a {type(read).__name__}: a map, or an array that begins with its type, is due"
        )
    if not isinstance(kind, str):
        raise MalformedError("an event without its type")
    fields, unknown = _named(rest, FIELDS.get(kind, ()), kind, first=1)
    for name in REQUIRED.get(kind, ()):
        if name not in fields:
            raise MalformedError(f"a {kind} without {name}")
    for name, value in fields.items():
        _FIELD_CHECKS.get(name, _nothing)(name, value)
    return WireEvent(kind, fields, unknown)


def _event_written(event: WireEvent, *, as_array: bool) -> Any:
    if not as_array:
        return {"type": event.type, **event.fields, **event.unknown}
    return [event.type, *_positions(event.fields, event.unknown, FIELDS.get(event.type, ()), first=1)]


def _named(read: Any, names: Sequence[str], what: str, *, first: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """Known fields by name, and the others: of a map by name, of an array by position (counted with the tag)."""
    if isinstance(read, dict):
        if not all(isinstance(name, str) for name in read):
            raise MalformedError(f"{what} has a key that is no text")
        known = {name: value for name, value in read.items() if name in names}
        return known, {name: value for name, value in read.items() if name not in names}
    if isinstance(read, list):
        beyond = {str(first + at): value for at, value in enumerate(read) if at >= len(names)}
        return dict(zip(names, read, strict=False)), beyond
    raise MalformedError(f"{what} is a {type(read).__name__}: a map or an array is due")


def _positions(
    fields: Mapping[str, Any], unknown: Mapping[str, Any], names: Sequence[str], *, first: int = 0
) -> list[Any]:
    """An array in the order of the fields, as short as can be; what lies before one that is there is null."""
    values = [fields.get(name) for name in names]
    beyond: dict[int, Any] = {}
    for name, value in unknown.items():
        at = int(name) - first if name.isdecimal() else -1
        if not len(names) <= at < len(names) + 100:
            raise ValueError(f"the field {name!r} has no place in an array")
        beyond[at] = value
    if beyond:
        return values + [beyond.get(at) for at in range(len(names), max(beyond) + 1)]
    while values and values[-1] is None and names[len(values) - 1] not in fields:
        values.pop()
    if values and values[-1] is None and names is BATCH_FIELDS:
        values.pop()  # no rank
    return values


def _nothing(name: str, value: Any) -> None:
    """Of a field that may be anything."""


def _is_hash(value: Any) -> bool:
    return isinstance(value, bytes) or (isinstance(value, int) and not isinstance(value, bool))


def _hashes(name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(map(_is_hash, value)):
        raise MalformedError(f"{name}: a list of integers or bytes is due")


def _hash_or_none(name: str, value: Any) -> None:
    if value is not None and not _is_hash(value):
        raise MalformedError(f"{name}: an integer, bytes or null is due")


def _integers(name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise MalformedError(f"{name}: a list of integers is due")


def _integer(name: str, value: Any) -> None:
    if type(value) is not int:
        raise MalformedError(f"{name}: an integer is due")


def _integer_or_none(name: str, value: Any) -> None:
    if value is not None:
        _integer(name, value)


def _text_or_none(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, str):
        raise MalformedError(f"{name}: a text or null is due")


_FIELD_CHECKS = {
    "block_hashes": _hashes,
    "parent_block_hash": _hash_or_none,
    "token_ids": _integers,
    "block_size": _integer,
    "lora_id": _integer_or_none,
    "medium": _text_or_none,
    "lora_name": _text_or_none,
    "group_idx": _integer_or_none,
}
