"""Events and requests as they come, checked, in the form that the tree works on."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from struct import Struct
from typing import Any, Final, NamedTuple, NoReturn, TypeGuard

from trueup_reference.kv_index.errors import InvalidEventError, OtherBlockSizeError

U64 = 1 << 64
U32 = 1 << 32
TIERS: Final = ("gpu", "cpu", "disk", "external")
_packed = Struct("=Q").pack
ONLY_INT: Final = {int}


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


def read(event: Mapping[str, Any], block_size: int) -> Change:
    """Raises `InvalidEventError`, which names the field, what is there and what is due."""
    if type(event) is not dict and not isinstance(event, Mapping):  # a look at the type costs a tenth of the other
        _refuse("event", event, "a mapping with worker_id and event")
    inner = event.get("event")
    if not _is_mapping(inner):
        _refuse("event.event", inner, "a mapping with event_id, dp_rank and data")
    worker_id, rank, event_id = event.get("worker_id"), inner.get("dp_rank"), inner.get("event_id")
    if type(worker_id) is int and type(rank) is int and 0 <= worker_id < U64 and 0 <= rank < U32:
        worker = (worker_id, rank)
    else:
        worker = check_worker(worker_id, rank)
    if type(event_id) is not int or not 0 <= event_id < U64:
        _refuse("event_id", event_id, "an integer from 0 to 2^64 - 1")
    tier, key = None, PLAIN
    if len(inner) > 3:  # as most events have no more, these cost nothing then
        tier, key = _beside(inner, block_size)
    data = inner.get("data")
    if _is_mapping(data) and len(data) == 1:
        if "stored" in data:
            parent, stored = _stored(data["stored"])
            return Change(worker, event_id, parent, stored, None, tier, key)
        if "removed" in data:
            removed = data["removed"]
            if not _is_mapping(removed) or len(removed) != 1 or "block_hashes" not in removed:
                _refuse("removed", removed, "a mapping with block_hashes")
            names, _ = read_hashes(removed["block_hashes"], "block_hashes")
            return Change(worker, event_id, None, None, names, tier, key)
    elif isinstance(data, str) and data == "cleared":
        return Change(worker, event_id, None, None, None, tier, key)
    return _refuse("data", data, 'one of {"stored": …}, {"removed": …} and "cleared"')


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
    """Hashes as a list, and as native u64."""
    if type(hashes) is not list and (
        isinstance(hashes, (str, bytes, bytearray, Mapping)) or not hasattr(hashes, "__getitem__")
    ):
        _refuse(field, hashes, "a list of integers from 0 to 2^64 - 1")
    try:
        packed = array("Q", hashes)
    except (TypeError, OverflowError):
        _refuse_one(hashes, field)
    types = set(map(type, hashes))
    if bool in types:
        _refuse_one(hashes, field)
    if type(hashes) is list and (types == ONLY_INT or not types):
        return hashes, packed.tobytes()
    return packed.tolist(), packed.tobytes()


def chain(names: list[int], local: list[int]) -> Chain:
    """Of hashes that are known to be some."""
    return Chain(names, local, array("Q", names).tobytes(), array("Q", local).tobytes())


def read_identity(identity: Mapping[str, Any]) -> Identity:
    """Fields that are left out are None."""
    if not _is_mapping(identity) or not set(identity) <= set(Identity._fields):
        _refuse("identity", identity, f"a mapping of {', '.join(Identity._fields)}")
    found = Identity(**identity)
    for field in ("lora_name", "cache_salt"):
        value = identity.get(field)
        if value is not None and not isinstance(value, str):
            _refuse(f"identity.{field}", value, "a string or None")
    group = found.group_idx
    if group is not None and (type(group) is not int or group < 0):
        _refuse("identity.group_idx", group, "0, a positive integer or None")
    return found


def check_tier(tier: Any) -> None:
    """Raises `InvalidEventError`."""
    if not isinstance(tier, str) or tier not in TIERS:
        _refuse("tier", tier, f"one of {', '.join(TIERS)}")


def check_worker(worker_id: Any, rank: Any) -> tuple[int, int]:
    """A worker with its rank."""
    if type(worker_id) is not int or not 0 <= worker_id < U64:
        check_worker_id(worker_id)
    if type(rank) is not int or not 0 <= rank < U32:
        _refuse("dp_rank", rank, "an integer from 0 to 2^32 - 1")
    return worker_id, rank


def check_worker_id(worker_id: Any) -> None:
    """Raises `InvalidEventError`."""
    if type(worker_id) is not int or not 0 <= worker_id < U64:
        _refuse("worker_id", worker_id, "an integer from 0 to 2^64 - 1")


def _stored(stored: Any) -> tuple[int | None, Chain]:
    if not _is_mapping(stored) or len(stored) != 2 or "parent_hash" not in stored or "blocks" not in stored:
        _refuse("stored", stored, "a mapping with parent_hash and blocks")
    parent = stored["parent_hash"]
    if parent is not None and (type(parent) is not int or not 0 <= parent < U64):
        _refuse("parent_hash", parent, "None, or an integer from 0 to 2^64 - 1")
    blocks = stored["blocks"]
    if not isinstance(blocks, (list, tuple)) or not blocks:
        _refuse("blocks", blocks, "a list of one block or more")
    try:
        if len(blocks) == 1:  # what a decoding engine sends, over and over
            (block,) = blocks
            name, one = block["block_hash"], block["tokens_hash"]
            if type(name) is int and type(one) is int and 0 <= name < U64 and 0 <= one < U64 and name != parent:
                return parent, Chain([name], [one], _packed(name), _packed(one))
        names, names_packed = read_hashes([block["block_hash"] for block in blocks], "block_hash")
        local, local_packed = read_hashes([block["tokens_hash"] for block in blocks], "tokens_hash")
    except (KeyError, TypeError, IndexError):
        for place, block in enumerate(blocks):
            if not isinstance(block, Mapping) or not {"block_hash", "tokens_hash"} <= set(block):
                _refuse(f"blocks[{place}]", block, "a mapping with block_hash and tokens_hash")
        raise
    if len(names) > 1:
        distinct = set(names)
        if len(distinct) < len(names):
            raise InvalidEventError("blocks: a block_hash stands there twice, and a chain cannot pass a block twice")
        if parent in distinct:
            raise InvalidEventError(f"parent_hash {parent} is one of the event's own blocks")
    elif parent == names[0]:
        raise InvalidEventError(f"parent_hash {parent} is the event's own block")
    return parent, Chain(names, local, names_packed, local_packed)


def _refuse(field: str, value: Any, due: str) -> NoReturn:
    shown = repr(value)
    if len(shown) > 80:
        shown = f"{shown[:77]}..."
    raise InvalidEventError(f"{field} is {shown}: {due} is due")


def _refuse_one(hashes: Any, field: str) -> NoReturn:
    for place, value in enumerate(hashes):
        if isinstance(value, bool) or not hasattr(value, "__index__") or not 0 <= value < U64:
            _refuse(f"{field}[{place}]", value, "an integer from 0 to 2^64 - 1")
    _refuse(field, hashes, "a list of integers from 0 to 2^64 - 1")
