"""Events and requests as they come, checked, in the form that the tree works on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeGuard

from trueup_reference.kv_index.errors import InvalidEventError, OtherBlockSizeError
from trueup_reference.kv_index.packing import U64, checked, pack, pack_one, refuse, unpack

U32 = 1 << 32
TIERS: Final = ("gpu", "cpu", "disk", "external")


class Identity(NamedTuple):
    """What tells blocks of equal tokens apart."""

    lora_name: str | None = None
    cache_salt: str | None = None
    group_idx: int | None = None


PLAIN: Final = Identity()


class Chain(NamedTuple):
    """Blocks that follow each other, as numbers and as native u64."""

    names: list[int]
    locals: list[int]
    names_packed: bytes
    locals_packed: bytes


class Change(NamedTuple):
    """An event. Of the three kinds exactly one is there: `stored`, `removed`, or neither for *cleared*."""

    worker: tuple[int, int]
    event_id: int
    parent: int | None
    stored: Chain | None
    removed: list[int] | None
    tier: str | None
    identity: Identity

    @property
    def is_cleared(self) -> bool:
        """Whether it is the third kind."""
        return self.stored is None and self.removed is None


Packed = tuple[tuple[int, int], int, int | None, bytes | None, bytes | None, str | None, Identity]


def pack_change(change: Change) -> Packed:
    """A change for another process: hashes as bytes cost a tenth of what the numbers do."""
    names = local = None
    if change.stored is not None:
        names, local = change.stored.names_packed, change.stored.locals_packed
    elif change.removed is not None:
        _, names = pack(change.removed, "block_hashes")
    return change.worker, change.event_id, change.parent, names, local, change.tier, change.identity


def unpack_change(packed: Packed) -> Change:
    """What `pack_change` was given."""
    worker, event_id, parent, names, local, tier, identity = packed
    stored = removed = None
    if names is not None:
        removed = unpack(names)
        if local is not None:
            stored, removed = Chain(removed, unpack(local), names, local), None
    # The plain identity is known by being itself.
    return Change(worker, event_id, parent, stored, removed, tier, PLAIN if identity == PLAIN else identity)


def read(event: Mapping[str, Any], block_size: int) -> Change:
    """Raises `InvalidEventError`, which names the field, what is there and what is due."""
    if type(event) is not dict and not isinstance(event, Mapping):  # a look at the type costs a tenth of the other
        refuse("event", event, "a mapping with worker_id and event")
    inner = event.get("event")
    if type(inner) is not dict and not _is_mapping(inner):
        refuse("event.event", inner, "a mapping with event_id, dp_rank and data")
    worker_id, rank, event_id = event.get("worker_id"), inner.get("dp_rank"), inner.get("event_id")
    if type(worker_id) is int and type(rank) is int and 0 <= worker_id < U64 and 0 <= rank < U32:
        worker = (worker_id, rank)
    else:
        worker = check_worker(worker_id, rank)
    if type(event_id) is not int or not 0 <= event_id < U64:
        refuse("event_id", event_id, "an integer from 0 to 2^64 - 1")
    tier, key = None, PLAIN
    if len(inner) > 3:  # as most events have no more, these cost nothing then
        tier, key = _beside(inner, block_size)
    data = inner.get("data")
    if (type(data) is dict or _is_mapping(data)) and len(data) == 1:
        if "stored" in data:
            parent, stored = _stored(data["stored"])
            return Change(worker, event_id, parent, stored, None, tier, key)
        if "removed" in data:
            removed = data["removed"]
            if not _is_mapping(removed) or len(removed) != 1 or "block_hashes" not in removed:
                refuse("removed", removed, "a mapping with block_hashes")
            names, _ = read_hashes(removed["block_hashes"], "block_hashes")
            return Change(worker, event_id, None, None, names, tier, key)
    elif isinstance(data, str) and data == "cleared":
        return Change(worker, event_id, None, None, None, tier, key)
    return refuse("data", data, 'one of {"stored": …}, {"removed": …} and "cleared"')


def _beside(inner: Mapping[str, Any], block_size: int) -> tuple[str | None, Identity]:
    size = inner.get("block_size")
    if size is not None and (type(size) is not int or size != block_size):
        raise OtherBlockSizeError(
            f"block_size is {size!r} in the event and {block_size} in the index: no block of one is one of the other"
        )
    tier = inner.get("tier")
    if tier is not None:
        check_tier(tier)
    identity = inner.get("identity")
    return tier, PLAIN if identity is None else read_identity(identity)


def _is_mapping(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return type(value) is dict or isinstance(value, Mapping)


def read_hashes(hashes: Sequence[int], field: str) -> tuple[list[int], bytes]:
    """Hashes as a list, and packed."""
    return pack(hashes if type(hashes) is list else checked(hashes, field), field)


def chain(names: list[int], local: list[int]) -> Chain:
    """Of hashes that are known to be some."""
    return Chain(names, local, pack(names, "block_hash")[1], pack(local, "tokens_hash")[1])


def read_identity(identity: Mapping[str, Any]) -> Identity:
    """Fields that are left out are None."""
    if not _is_mapping(identity) or not set(identity) <= set(Identity._fields):
        refuse("identity", identity, f"a mapping of {', '.join(Identity._fields)}")
    found = Identity(**identity)
    for field in ("lora_name", "cache_salt"):
        value = identity.get(field)
        if value is not None and not isinstance(value, str):
            refuse(f"identity.{field}", value, "a string or None")
    group = found.group_idx
    if group is not None and (type(group) is not int or group < 0):
        refuse("identity.group_idx", group, "0, a positive integer or None")
    return found


def check_tier(tier: Any) -> None:
    """Raises `InvalidEventError`."""
    if not isinstance(tier, str) or tier not in TIERS:
        refuse("tier", tier, f"one of {', '.join(TIERS)}")


def check_worker(worker_id: Any, rank: Any) -> tuple[int, int]:
    """A worker with its rank."""
    if type(worker_id) is not int or not 0 <= worker_id < U64:
        check_worker_id(worker_id)
    if type(rank) is not int or not 0 <= rank < U32:
        refuse("dp_rank", rank, "an integer from 0 to 2^32 - 1")
    return worker_id, rank


def check_worker_id(worker_id: Any) -> None:
    """Raises `InvalidEventError`."""
    if type(worker_id) is not int or not 0 <= worker_id < U64:
        refuse("worker_id", worker_id, "an integer from 0 to 2^64 - 1")


def _stored(stored: Any) -> tuple[int | None, Chain]:
    if (
        (type(stored) is not dict and not _is_mapping(stored))
        or len(stored) != 2
        or "parent_hash" not in stored
        or "blocks" not in stored
    ):
        refuse("stored", stored, "a mapping with parent_hash and blocks")
    parent = stored["parent_hash"]
    if parent is not None and (type(parent) is not int or not 0 <= parent < U64):
        refuse("parent_hash", parent, "None, or an integer from 0 to 2^64 - 1")
    blocks = stored["blocks"]
    if not isinstance(blocks, (list, tuple)) or not blocks:
        refuse("blocks", blocks, "a list of one block or more")
    try:
        if len(blocks) == 1:  # what a decoding engine sends, over and over
            (block,) = blocks
            name, one = block["block_hash"], block["tokens_hash"]
            if type(name) is int and type(one) is int and 0 <= name < U64 and 0 <= one < U64 and name != parent:
                return parent, Chain([name], [one], pack_one(name), pack_one(one))
        names = [block["block_hash"] for block in blocks]
        local = [block["tokens_hash"] for block in blocks]
    except (KeyError, TypeError, IndexError):
        for place, block in enumerate(blocks):
            if not isinstance(block, Mapping) or not {"block_hash", "tokens_hash"} <= set(block):
                refuse(f"blocks[{place}]", block, "a mapping with block_hash and tokens_hash")
        raise
    names, names_packed = pack(names, "block_hash")
    local, local_packed = pack(local, "tokens_hash")
    distinct = set(names)
    if len(distinct) < len(names):
        raise InvalidEventError("blocks: a block_hash stands there twice, and a chain cannot pass a block twice")
    if parent in distinct:
        raise InvalidEventError(f"parent_hash {parent} is one of the event's own blocks")
    return parent, Chain(names, local, names_packed, local_packed)
