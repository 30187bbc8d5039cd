"""Events that make an equal tree of an empty one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from trueup_reference.kv_index.packing import unpack
from trueup_reference.kv_index.reading import PLAIN, Identity
from trueup_reference.kv_index.segments import Segment, bits
from trueup_reference.kv_index.shape import Holder, Shape, Worker

DEFAULT_TIER = "gpu"


def dump(
    tree: Shape, identity: Identity, ids: Callable[[Worker], int], only: Worker | None = None
) -> Iterator[dict[str, Any]]:
    """Of each worker the stores, parents before children, then removals of what stands there only as a parent.

    `ids` gives an event of a worker its number.
    """
    order = _in_order(tree.root)
    for worker, holder in list(tree.workers.items()):
        if only is not None and worker != only:
            continue
        for tier, inner in _of(holder, tree, order):
            event: dict[str, Any] = {"event_id": ids(worker), "dp_rank": worker[1], "data": inner}
            if tier != DEFAULT_TIER or ("removed" in inner and holder.tiers):  # a removal without one is from all
                event["tier"] = tier
            if identity != PLAIN:
                event["identity"] = identity._asdict()
            yield {"worker_id": worker[0], "event": event}


def _in_order(root: Segment) -> dict[Segment, int]:
    """Every segment's place in an order with parents before children."""
    order: dict[Segment, int] = {}
    waiting = [root]
    while waiting:
        segment = waiting.pop()
        if segment is not root:
            order[segment] = len(order)
        if segment.children is not None:
            for child in segment.children.values():
                waiting.extend(child.values() if isinstance(child, dict) else (child,))
    return order


def _of(holder: Holder, tree: Shape, order: dict[Segment, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    held = tree.where[holder.slot]
    needed = set(held)
    for segment in held:  # with all above them, held or not
        above = segment.parent
        while above is not None and above.parent is not None and above not in needed:
            needed.add(above)
            above = above.parent
    first = holder.tier
    slots = holder.tiers or {first: holder.slot}
    fillers: list[int] = []
    for segment in sorted(needed, key=order.__getitem__):
        mask = segment.mask(holder.slot)
        end = mask.bit_length() if not _goes_on(segment, needed) else segment.size
        names = unpack(segment.names)[:end]
        local = unpack(segment.locals)[:end]
        above = segment.parent
        assert above is not None
        parent = above.name(above.size - 1) if above.names else None
        yield first, {"stored": {"parent_hash": parent, "blocks": _blocks(names, local)}}
        for tier, slot in slots.items():
            if tier != first and slot != slots.get(first):
                for start, stop in _runs(segment.mask(slot)):
                    blocks = _blocks(names[start:stop], local[start:stop])
                    yield tier, {"stored": {"parent_hash": names[start - 1] if start else parent, "blocks": blocks}}
        missing = ((1 << end) - 1) & ~segment.mask(slots[first])
        fillers.extend(names[place] for place in bits(missing))
    if fillers:
        yield first, {"removed": {"block_hashes": fillers}}


def _goes_on(segment: Segment, needed: set[Segment]) -> bool:
    for child in (segment.children or {}).values():
        if any(one in needed for one in (child.values() if isinstance(child, dict) else (child,))):
            return True
    return False


def _blocks(names: list[int], local: list[int]) -> list[dict[str, int]]:
    return [{"block_hash": name, "tokens_hash": one} for name, one in zip(names, local, strict=True)]


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    start = None
    for place in range(mask.bit_length() + 1):
        if mask >> place & 1:
            start = place if start is None else start
        elif start is not None:
            yield start, place
            start = None
