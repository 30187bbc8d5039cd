"""Messages as plain mappings that lose nothing: what two implementations compare.

A hash is `{"i64": "-1"}`, `{"u64": "1"}` or `{"bytes": "00ff"}`; a field that was not on the wire is
not in the mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from trueup_reference.event_transport.codec_a import make_frames, parse_frames
from trueup_reference.event_transport.codec_b import make_frames_b, parse_frames_b
from trueup_reference.event_transport.fields import FIELDS
from trueup_reference.event_transport.limits import DEFAULT, Limits
from trueup_reference.event_transport.messages import Dialect, Format, Hash
from trueup_reference.event_transport.wire_events import (
    WireBatch,
    WireEvent,
    decode_payload,
    encode_payload,
)


def decode(frames: Sequence[bytes], format: Format, limits: Limits = DEFAULT) -> dict[str, Any]:
    """The message that these frames are. `MalformedError` for what is none."""
    if format == "B":
        parsed = parse_frames_b(frames, limits)
        batch: dict[str, Any] = {"payload": parsed.payload, "published_at_ms": parsed.published_at_ms}
        return {
            "topic": parsed.topic,
            "sequence": parsed.sequence,
            "publisher_id": parsed.publisher_id,
            "batch": batch,
        }
    topic, sequence, payload = parse_frames(frames, limits)
    batch = from_wire_batch(decode_payload(payload, limits))
    return {"topic": topic, "sequence": sequence, "publisher_id": None, "batch": batch}


def encode(message: Mapping[str, Any], format: Format, dialect: Dialect) -> list[bytes]:
    """The frames of a message. `ValueError` for what cannot be written."""
    batch = message["batch"]
    if format == "B":
        return make_frames_b(
            message["topic"], message["publisher_id"], message["sequence"], batch["payload"], batch["published_at_ms"]
        )
    return make_frames(message["topic"], message["sequence"], encode_payload(to_wire_batch(batch, dialect), dialect))


def from_wire_batch(batch: WireBatch) -> dict[str, Any]:
    """A batch as a mapping."""
    return {
        "ts": batch.ts,
        "events": [_event(one) for one in batch.events],
        "data_parallel_rank": batch.data_parallel_rank,
        "unknown": _plain(batch.unknown, _opaque),
    }


def to_wire_batch(batch: Mapping[str, Any], dialect: Dialect) -> WireBatch:
    """The batch of a mapping. `ValueError` for one that is none."""
    try:
        events = [_wire_event(one) for one in batch["events"]]
        return WireBatch(
            float(batch["ts"]),
            events,
            batch.get("data_parallel_rank"),
            _plain(batch.get("unknown", {}), _unopaque),
            dialect,
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no batch in canonical form: {type(error).__name__}: {error}") from error


def _event(event: WireEvent) -> dict[str, Any]:
    fields = {name: _told(name, value) for name, value in event.fields.items()}
    return {"type": event.type, **fields, "unknown": _plain(event.unknown, _opaque)}


def _wire_event(event: Mapping[str, Any]) -> WireEvent:
    kind = event["type"]
    names = FIELDS.get(kind, ())
    unknown = _plain(event.get("unknown", {}), _unopaque)
    fields: dict[str, Any] = {}
    for name, value in event.items():
        if name in names:
            fields[name] = _untold(name, value)
        elif name not in ("type", "unknown"):
            raise ValueError(f"a {kind} has no field {name!r}: what is not known belongs into `unknown`")
    return WireEvent(kind, fields, unknown)


def _told(name: str, value: Any) -> Any:
    if name == "block_hashes":
        return [_hash(one) for one in value]
    if name == "parent_block_hash" and value is not None:
        return _hash(value)
    return _opaque(value)


def _untold(name: str, value: Any) -> Any:
    if name == "block_hashes":
        return [_unhash(one) for one in value]
    if name == "parent_block_hash" and value is not None:
        return _unhash(value)
    return _unopaque(value)


def _hash(value: Hash) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    return {"i64" if value < 0 else "u64": str(value)}


def _unhash(told: Mapping[str, str]) -> Hash:
    (kind, text), *more = told.items()
    if more or kind not in ("i64", "u64", "bytes"):
        raise ValueError(f"{dict(told)!r} is no hash: i64, u64 or bytes")
    if kind == "bytes":
        return bytes.fromhex(text)
    value = int(text)
    least, most = (0, (1 << 64) - 1) if kind == "u64" else (-(1 << 63), (1 << 63) - 1)
    if not least <= value <= most:
        raise ValueError(f"{dict(told)!r} has more than 64 bits")
    return value


def _plain(values: Mapping[Any, Any], change: Callable[[Any], Any]) -> dict[Any, Any]:
    return {name: change(value) for name, value in values.items()}


def _opaque(value: Any) -> Any:
    """What is only kept: maps with other keys than texts become `{"pairs": …}`, extensions `{"ext": …}`."""
    if isinstance(value, list | tuple):
        return [_opaque(one) for one in value]
    if isinstance(value, dict):
        if all(isinstance(name, str) for name in value):
            return _plain(value, _opaque)
        return {"pairs": [[_opaque(name), _opaque(one)] for name, one in value.items()]}
    if isinstance(value, msgspec.msgpack.Ext):
        return {"ext": [value.code, bytes(value.data)]}
    return value


def _unopaque(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_unopaque(one) for one in value]
    if isinstance(value, Mapping):
        if value.keys() == {"pairs"}:
            return {_key(_unopaque(name)): _unopaque(one) for name, one in value["pairs"]}
        if value.keys() == {"ext"}:
            return msgspec.msgpack.Ext(*value["ext"])
        return _plain(value, _unopaque)
    return value


def _key(value: Any) -> Any:
    return tuple(map(_key, value)) if isinstance(value, list) else value
