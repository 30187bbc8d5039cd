"""What an index refuses: shared by the correct ones of the tests, which differ in what they do with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

U64, U32 = 1 << 64, 1 << 32
TIERS = ("gpu", "cpu", "disk", "external")


def number(value: Any, limit: int, what: str) -> int:
    if type(value) is not int or not 0 <= value < limit:
        raise ValueError(f"{what} is {value!r}: an integer from 0 to {limit - 1} is due")
    return value


def mapping(value: Any, what: str, *due: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} is a {type(value).__name__}")
    for name in due:
        if name not in value:
            raise ValueError(f"{what} has no {name!r}")
    return value


def listed(value: Any, what: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{what} is a {type(value).__name__}")
    return list(value)


def checked_size(block_size: Any) -> int:
    if type(block_size) is not int or block_size < 1:
        raise ValueError(f"no block size: {block_size!r}")
    return block_size


def checked_hashes(value: Any) -> list[int]:
    return [number(one, U64, "a hash") for one in listed(value, "a request")]


def checked_event(event: Any) -> Mapping[str, Any]:
    outer = mapping(event, "the event", "worker_id", "event")
    number(outer["worker_id"], U64, "worker_id")
    inner = mapping(outer["event"], "the event", "event_id", "dp_rank", "data")
    number(inner["event_id"], U64, "event_id")
    number(inner["dp_rank"], U32, "dp_rank")
    if inner.get("tier", "gpu") not in TIERS:
        raise ValueError(f"there is no tier {inner['tier']!r}")
    data = inner["data"]
    if isinstance(data, str):
        if data != "cleared":
            raise ValueError(f"the data {data!r} is unknown")
        return outer
    mapping(data, "the data")
    if set(data) == {"removed"}:
        for one in listed(mapping(data["removed"], "removed", "block_hashes")["block_hashes"], "block_hashes"):
            number(one, U64, "a block hash")
    elif set(data) == {"stored"}:
        checked_store(mapping(data["stored"], "stored", "parent_hash", "blocks"))
    else:
        raise ValueError(f"the data {sorted(data)} is unknown")
    return outer


def checked_store(stored: Mapping[str, Any]) -> None:
    if stored["parent_hash"] is not None:
        number(stored["parent_hash"], U64, "parent_hash")
    blocks = listed(stored["blocks"], "blocks")
    if not blocks:
        raise ValueError("a store without blocks")
    seen = {stored["parent_hash"]}
    for block in blocks:
        mapping(block, "a block", "block_hash", "tokens_hash")
        number(block["tokens_hash"], U64, "tokens_hash")
        if number(block["block_hash"], U64, "block_hash") in seen:
            raise ValueError("a block twice in one chain")
        seen.add(block["block_hash"])
