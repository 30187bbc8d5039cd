"""Batches of format A as bytes, for the publishers of these tests. The kit's own codec is what reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

ORDER = {
    "BlockStored": ["block_hashes", "parent_block_hash", "token_ids", "block_size", "lora_id", "medium", "lora_name"],
    "BlockRemoved": ["block_hashes", "medium"],
    "AllBlocksCleared": [],
}


def written(batch: Mapping[str, Any], dialect: str = "map") -> bytes:
    """The payload. `ValueError` for an integer that MessagePack does not have."""
    events = [event(one, dialect) for one in batch["events"]]
    rank = batch["data_parallel_rank"]
    whole: Any = [float(batch["ts"]), events, rank]
    if dialect == "map":
        ranked = {} if rank is None else {"data_parallel_rank": rank}
        whole = {"ts": float(batch["ts"]), "events": events, **ranked}
    try:
        return msgspec.msgpack.encode(whole)
    except OverflowError as error:
        raise ValueError(str(error)) from error


def event(given: Mapping[str, Any], dialect: str) -> Any:
    """One event."""
    fields = {name: _plain(value) for name, value in given.items() if name not in ("type", "unknown")}
    if dialect == "array":
        return [given["type"], *(fields.get(name) for name in ORDER[given["type"]])]
    return {"type": given["type"], **{name: value for name, value in fields.items() if value is not None}}


def _plain(value: Any) -> Any:
    """A hash as the wire has it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        [(kind, text)] = value.items()
        return bytes.fromhex(text) if kind == "bytes" else int(text)
    return value
