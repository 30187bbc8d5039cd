"""From what engines publish (format A) to the index's events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from xxhash import xxh3_64_intdigest

from trueup_reference.event_transport import AllBlocksCleared, BlockRemoved, BlockStored, EventBatch
from trueup_reference.kv_index.errors import InvalidEventError
from trueup_reference.kv_index.hashing import SEED, local_hashes
from trueup_reference.kv_index.packing import U64
from trueup_reference.kv_index.reading import PLAIN, U32

FULL_ATTENTION: Final = (None, "full_attention")
TIERS: Final = {"GPU": "gpu", "CPU": "cpu", "CPU_PINNED": "cpu", "DISK": "disk", "STORAGE": "disk", "FS": "disk"}


class Source(NamedTuple):
    """Who publishes at an endpoint. `dp_rank` is of batches that name none."""

    worker_id: int
    dp_rank: int = 0


class Removal(NamedTuple):
    """Blocks to be taken from a worker: format A names the group that they are of, but neither adapter nor salt."""

    names: list[int]
    tier: str
    group_idx: int | None


class Normalised(NamedTuple):
    """One event of a batch: for `KvIndex.apply`, or `KvIndex.discard`."""

    worker: tuple[int, int]
    event: dict[str, Any] | None
    removal: Removal | None = None


def as_u64(name: Any) -> int:
    """A sequence hash: integers modulo 2^64; of bytes the last eight, big-endian, as vLLM does for such readers."""
    if isinstance(name, bytes) and name:
        return int.from_bytes(name[-8:], "big")
    if isinstance(name, int) and not isinstance(name, bool) and -(1 << 63) <= name < U64:
        return name % U64
    raise InvalidEventError(f"a block hash is {name!r}: bytes, or an integer of 64 bits is due")


def normalise(batch: EventBatch, source: Source, event_id: int) -> Iterator[Normalised | InvalidEventError]:
    """The batch's events in order; for each that is none of the index's, what is wrong with it."""
    rank = source.dp_rank if batch.data_parallel_rank is None else batch.data_parallel_rank
    worker = (source.worker_id, rank)
    for event in batch.events:
        try:
            if rank >= U32:
                raise InvalidEventError(f"data_parallel_rank is {rank}: an integer below 2^32 is due")
            if isinstance(event, BlockStored):
                yield Normalised(worker, _told(worker, event_id, **_stored(event)))
            elif isinstance(event, BlockRemoved):
                names = [as_u64(name) for name in event.block_hashes]
                yield Normalised(worker, None, Removal(names, tier_of(event.medium), event.group_idx or None))
            elif isinstance(event, AllBlocksCleared):
                yield Normalised(worker, _told(worker, event_id, data="cleared"))
            # Of events of other types nothing is known: a reader goes on.
        except InvalidEventError as error:
            yield error


def tier_of(medium: str | None) -> str:
    """The tier of a medium; what has no tier of its own is external."""
    return "gpu" if medium is None else TIERS.get(medium.upper(), "external")


def _told(worker: tuple[int, int], event_id: int, **fields: Any) -> dict[str, Any]:
    return {"worker_id": worker[0], "event": {"event_id": event_id, "dp_rank": worker[1], **fields}}


def _stored(event: BlockStored) -> dict[str, Any]:
    names = [as_u64(name) for name in event.block_hashes]
    size = event.block_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise InvalidEventError(f"block_size is {size!r}: a positive integer is due")
    if len(event.token_ids) != len(names) * size:
        raise InvalidEventError(
            f"{len(names)} blocks of {size} tokens with {len(event.token_ids)} token_ids: {len(names) * size} are due"
        )
    tokens = [token for token in event.token_ids if isinstance(token, int)]
    if len(tokens) != len(event.token_ids):
        raise InvalidEventError(
            "token_ids hold texts, as TensorRT-LLM's multimodal keys are: of these no hash is known"
        )
    local = local_hashes(tokens, size)
    for keys in (event.extra_keys, event.mm_keys):
        if keys:
            local = _with_keys(local, keys)
    salt = _salt(event)
    # Groups of another kind (a sliding window) hold other blocks under the same names.
    is_full = event.kv_cache_spec_kind in FULL_ATTENTION and not event.group_idx
    group = None if is_full else event.group_idx or 0
    lora = event.lora_name if event.lora_name is not None or event.lora_id is None else f"id {event.lora_id}"
    parent = None if event.parent_block_hash is None else as_u64(event.parent_block_hash)
    blocks = [{"block_hash": name, "tokens_hash": one} for name, one in zip(names, local, strict=True)]
    told: dict[str, Any] = {"data": {"stored": {"parent_hash": parent, "blocks": blocks}}, "block_size": size}
    if event.medium is not None:
        told["tier"] = tier_of(event.medium)
    if (lora, salt, group) != PLAIN:
        told["identity"] = {"lora_name": lora, "cache_salt": salt, "group_idx": group}
    return told


def _salt(event: BlockStored) -> str | None:
    """SGLang's `cache_salt`, or `metadata: {cache_salt}` as its earlier releases write it."""
    if event.cache_salt is not None:
        return event.cache_salt
    salt = (event.metadata or {}).get("cache_salt")
    if salt is not None and not isinstance(salt, str):
        raise InvalidEventError(f"metadata.cache_salt is a {type(salt).__name__}: a text is due")
    return salt


def _with_keys(local: Sequence[int], keys: Any) -> list[int]:
    """Whatever else makes a block what it is (images, salts) goes into its hash: tokens alone never match it."""
    if not isinstance(keys, list) or len(keys) != len(local):
        keys = [keys] * len(local)
    return [
        xxh3_64_intdigest(one.to_bytes(8, "little") + msgspec.msgpack.encode(extra), SEED) if extra else one
        for one, extra in zip(local, keys, strict=True)
    ]
