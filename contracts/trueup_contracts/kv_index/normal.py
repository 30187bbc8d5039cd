"""Batches of vLLM's event format (A of the event transport) as events of a KV index.

Sources: the formats of vLLM (`vllm/distributed/kv_events.py`) and SGLang (`disaggregation/kv_events.py`), whose hashes
are signed or unsigned 64-bit integers, or bytes. For consumers of 64-bit hashes vLLM takes the low 64 bits of the
bytes, read as a big-endian number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_U64, _U32 = 1 << 64, 1 << 32
TIERS = {"GPU": "gpu", "CPU": "cpu", "CPU_PINNED": "cpu", "DISK": "disk", "EXTERNAL": "external"}


@dataclass(frozen=True)
class Source:
    """Where a batch came from: format A names no worker, so that a map of endpoints does.

    `endpoint`: at which it was received; `worker_ids`: by endpoint; `sequence`: of its message.
    """

    endpoint: str
    worker_ids: Mapping[str, int]
    sequence: int = 0


def normalise(batch: Mapping[str, Any], source: Source) -> list[dict[str, Any]]:
    """The events of a decoded batch, each with the sequence of its message for an id. `ValueError` says what is wrong.

    `batch`: `{"events": [{"type": "BlockStored", …}], "data_parallel_rank": 0 or None}`, where a hash is an integer,
    bytes, or one of the codec's `{"i64": "…"}`, `{"u64": "…"}` and `{"bytes": "hex"}`. A store's blocks get their local
    hashes from its tokens, by the recipe `dynamo-xxh3-1337`. What is none is left out: `tier` where there is no medium,
    `identity` where adapter, salt and group are all absent.
    """
    if source.endpoint not in source.worker_ids:
        known = ", ".join(sorted(source.worker_ids)) or "none"
        raise ValueError(f"no worker is known at {source.endpoint!r}; known are {known}")
    worker_id = source.worker_ids[source.endpoint]
    if type(worker_id) is not int or not 0 <= worker_id < _U64:
        raise ValueError(f"the worker id at {source.endpoint!r} is {worker_id!r}: an integer from 0 to 2^64 - 1 is due")
    rank = batch.get("data_parallel_rank")
    rank = 0 if rank is None else rank
    if type(rank) is not int or not 0 <= rank < _U32:
        raise ValueError(f"data_parallel_rank is {rank!r}: an integer from 0 to 2^32 - 1 is due")
    made = []
    for number, event in enumerate(_listed(batch, "events")):
        try:
            told = {"event_id": source.sequence, "dp_rank": rank, "data": _data(event), **_beside(event)}
        except ValueError as error:
            raise ValueError(f"event {number} of the batch: {error}") from error
        made.append({"worker_id": worker_id, "event": told})
    return made


def as_u64(value: Any) -> int:
    """A hash as an unsigned integer of 64 bits."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, text)] = value.items()
        if kind in ("i64", "u64") and isinstance(text, str):
            value = int(text)
        elif kind == "bytes" and isinstance(text, str):
            value = bytes.fromhex(text)
    if isinstance(value, bytes | bytearray) and value:
        return int.from_bytes(value[-8:], "big")
    if type(value) is int and -(_U64 // 2) <= value < _U64:
        return value % _U64
    raise ValueError(f"{value!r} is no hash: an integer of 64 bits or bytes are due")


def _listed(told: Mapping[str, Any], name: str) -> Sequence[Any]:
    """A member that must be there, and be a list."""
    found = told.get(name)
    if not isinstance(found, list | tuple):
        raise ValueError(f"{name} is {'missing' if name not in told else repr(found)}: a list is due")
    return found


def _data(event: Mapping[str, Any]) -> Any:
    if not isinstance(event, Mapping):
        raise ValueError(f"{event!r} is no event: a mapping is due")
    kind = event.get("type")
    if kind == "AllBlocksCleared":
        return "cleared"
    if kind == "BlockRemoved":
        return {"removed": {"block_hashes": [as_u64(one) for one in _listed(event, "block_hashes")]}}
    if kind == "BlockStored":
        parent = event.get("parent_block_hash")
        return {"stored": {"parent_hash": None if parent is None else as_u64(parent), "blocks": list(_blocks(event))}}
    raise ValueError(f"the type {kind!r} is unknown; known are BlockStored, BlockRemoved and AllBlocksCleared")


def _blocks(event: Mapping[str, Any]) -> Iterator[dict[str, int]]:
    from trueup_contracts.kv_index import recipe

    names, tokens, size = _listed(event, "block_hashes"), _listed(event, "token_ids"), event.get("block_size")
    if type(size) is not int or size < 1 or len(tokens) != len(names) * size:
        raise ValueError(f"{len(names)} blocks of {size!r} tokens have {len(tokens)} token_ids")
    for token in tokens:
        if type(token) is not int or not 0 <= token < _U32:
            raise ValueError(f"the token {token!r} is no integer of 32 bits")
    for name, local in zip(names, recipe.local_hashes(tokens, size), strict=True):
        yield {"block_hash": as_u64(name), "tokens_hash": local}


def _beside(event: Mapping[str, Any]) -> dict[str, Any]:
    beside: dict[str, Any] = {}
    medium = event.get("medium")
    if medium is not None:
        if not isinstance(medium, str) or medium not in TIERS:
            raise ValueError(f"the medium {medium!r} is unknown; known are {', '.join(TIERS)}")
        beside["tier"] = TIERS[medium]
    metadata = event.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise ValueError(f"the metadata are {metadata!r}: a mapping is due")
    salt = event.get("cache_salt", metadata.get("cache_salt"))
    identity = {"lora_name": event.get("lora_name"), "cache_salt": salt, "group_idx": event.get("group_idx")}
    if any(value is not None for value in identity.values()):
        beside["identity"] = identity
    if event.get("type") == "BlockStored":
        beside["block_size"] = event["block_size"]
    return beside
