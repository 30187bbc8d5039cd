"""Batches in canonical form that can be told apart, and what of them is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trueup_contracts.event_transport.protocol import Canonical, Format

TS = 1_764_000_000.25  # seconds; has a fraction, so that JSON keeps it a float


def batch(mark: int, format: Format = "A", *, size_bytes: int = 0) -> Canonical:
    """A batch that holds its mark: in A its first token, in B its payload's first eight bytes. A little larger."""
    if format == "B":
        return {"payload": mark.to_bytes(8, "big") + bytes(size_bytes), "published_at_ms": 1_764_000_000_250 + mark}
    # Size comes as a text: a list of numbers would take far longer to write, here and in every adapter.
    padding: dict[str, Any] = {"lora_name": "x" * size_bytes} if size_bytes else {}
    return kv_batch([stored(mark, **padding)], ts=TS + mark)


def kv_batch(events: Sequence[Canonical], *, ts: float = TS, rank: int | None = None) -> Canonical:
    """A batch of format A."""
    return {"ts": ts, "events": list(events), "data_parallel_rank": rank, "unknown": {}}


def stored(mark: int, *, tokens: int = 4, **fields: Any) -> Canonical:
    """Blocks that were stored; further fields by name."""
    return {
        "type": "BlockStored",
        "block_hashes": [{"i64": str(1000 + mark)}],
        "parent_block_hash": None,
        "token_ids": [mark, *([0x7FFFFFFF] * (tokens - 1))],
        "block_size": tokens,
        "lora_id": None,
        "medium": "GPU",
        "unknown": {},
        **fields,
    }


def unencodable(format: Format = "A") -> Canonical:
    """A batch that nobody can write: MessagePack has no integer of 65 bits, and a topic's bytes are bytes."""
    if format == "B":
        return {"payload": b"", "published_at_ms": 1 << 64}
    return kv_batch([stored(0, block_hashes=[{"u64": str(1 << 64)}])])


def mark_of(payload: bytes, format: Format = "A") -> int:
    """The mark of a batch, in any dialect. `AssertionError` for what holds none."""
    if format == "B":
        return int.from_bytes(payload[:8], "big")
    try:
        found: Any = msgspec.msgpack.decode(payload)
        events = found["events"] if isinstance(found, Mapping) else found[1]
        event = events[0]
        return int(event["token_ids"][0] if isinstance(event, Mapping) else event[3][0])
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise AssertionError(f"the payload {payload[:60].hex(' ')} holds no batch of format A: {error!r}") from None


def compared(value: Any) -> Any:
    """What of a batch or an event counts: integers by value, fields that are null like those that are not there."""
    if isinstance(value, Mapping):
        if len(value) == 1 and (kind := next(iter(value))) in ("i64", "u64"):
            return int(value[kind])
        return {name: compared(one) for name, one in value.items() if one is not None and one != {}}
    if isinstance(value, list | tuple):
        return [compared(one) for one in value]
    return value
