"""What the index must do, as plainly as it can be said; and what must hold inside the tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from trueup_reference.kv_index.packing import HASH_BYTES
from trueup_reference.kv_index.segments import OFFSET, SHIFT, bits
from trueup_reference.kv_index.tree import Tree

Worker = tuple[int, int]


@dataclass
class Block:
    parent: int | None
    local: int
    tiers: set[str] = field(default_factory=set)


class Naive:
    """Of each worker the blocks by name, each with the name before it. It remembers what stood before a removed one."""

    def __init__(self) -> None:
        self.held: dict[Worker, dict[int, Block]] = {}

    def apply(self, event: dict[str, Any]) -> bool:
        """Whether it was taken."""
        inner = event["event"]
        worker = (event["worker_id"], inner["dp_rank"])
        held = self.held.setdefault(worker, {})
        data = inner["data"]
        if data == "cleared":
            held.clear()
        elif "removed" in data:
            for name in data["removed"]["block_hashes"]:
                if name in held:
                    held[name].tiers -= {inner["tier"]} if "tier" in inner else set(held[name].tiers)
                    if not held[name].tiers:
                        del held[name]
        else:
            parent = data["stored"]["parent_hash"]
            if parent is not None and parent not in held:
                return False
            for block in data["stored"]["blocks"]:
                name = block["block_hash"]
                held.setdefault(name, Block(parent, block["tokens_hash"])).tiers.add(inner.get("tier", "gpu"))
                parent = name
        return True

    def remove_worker(self, worker_id: int) -> None:
        self.held = {worker: held for worker, held in self.held.items() if worker[0] != worker_id}

    def find_matches(self, hashes: Sequence[int], tier: str | None = None) -> dict[Worker, int]:
        depths = {}
        for worker, held in self.held.items():
            before: set[int | None] = {None}
            depth = 0
            for local in hashes:
                before = {
                    name
                    for name, block in held.items()
                    if block.parent in before and block.local == local and (tier is None or tier in block.tiers)
                }
                if not before:
                    break
                depth += 1
            if depth:
                depths[worker] = depth
        return depths

    def tracked_blocks(self) -> int:
        return sum(map(len, self.held.values()))


def check(tree: Tree) -> None:
    """Each thing that is said twice inside the tree is said alike."""
    reached = []
    waiting = [tree.root]
    while waiting:
        segment = waiting.pop()
        for local, below in (segment.children or {}).items():
            children = list(below.values()) if isinstance(below, dict) else [below]
            assert not isinstance(below, dict) or len(below) > 1
            for child in children:
                assert child.parent is segment
                assert child.head()[0] == local
                if isinstance(below, dict):
                    assert below[child.head()[1]] is child
            waiting.extend(children)
        if segment is not tree.root:
            reached.append(segment)
    assert {id(one) for one in tree.segments if one is not None} == {id(one) for one in reached}
    assert tree.live_segments == len(reached)
    assert tree.nodes == sum(segment.size for segment in reached)
    held: dict[int, int] = {}
    where: dict[int, set[int]] = {}
    names = set()
    for segment in reached:
        assert tree.segments[segment.number] is segment
        assert 0 < segment.size == len(segment.names) // HASH_BYTES == len(segment.locals) // HASH_BYTES
        assert segment.first + segment.size <= 1 << SHIFT
        whole = (1 << segment.size) - 1
        for slot, mask in segment.partial.items():
            assert 0 < mask < whole
            assert not segment.full >> slot & 1
        slots = {*bits(segment.full), *segment.partial}
        if segment.children is None:  # nothing at a leaf's end that nobody holds
            assert segment.full or max(mask.bit_length() for mask in segment.partial.values()) == segment.size
        for slot in slots:
            held[slot] = held.get(slot, 0) + segment.mask(slot).bit_count()
            where.setdefault(slot, set()).add(id(segment))
        for offset in range(segment.size):
            name = segment.name(offset)
            place = segment.base + offset
            names.add(name)
            if tree.names.get(name) != place:
                assert segment.odd
                for slot in slots:
                    holder = tree.holders[slot]
                    assert holder is not None
                    assert not segment.mask(slot) >> offset & 1 or holder.own[name] == place
    assert set(tree.names) <= names
    for name, place in tree.names.items():
        owner = tree.segments[place >> SHIFT]
        assert owner is not None
        offset = (place & OFFSET) - owner.first
        assert owner.name(offset) == name
    assert tree.blocks == sum(holder.blocks for holder in tree.workers.values())
    for holder in tree.workers.values():
        assert holder.blocks == held[holder.slot] > 0
        for slot in holder.slots():
            assert tree.holders[slot] is holder
            assert {id(segment) for segment in tree.where[slot]} == where.get(slot, set())
        for name, place in holder.own.items():
            assert tree.names.get(name) != place or name in tree.names
    known = {slot for holder in tree.workers.values() for slot in holder.slots()}
    assert set(held) <= known
    assert {slot for slot, holder in enumerate(tree.holders) if holder is not None} == known
