"""How many leading blocks of a request each worker holds."""

from __future__ import annotations

from collections.abc import Sequence

from trueup_reference.kv_index.segments import HASH_BYTES, Segment, alike, bits
from trueup_reference.kv_index.shape import Shape, Worker

MOST_SETS = 512  # sets of slots whose workers are remembered


def match(
    tree: Shape, hashes: Sequence[int], packed: bytes, alive: int, *, early_exit: bool = False
) -> dict[Worker, int]:
    """Of the slots in `alive`. With `early_exit` the last one left is not followed to its end.

    It costs a step for each segment on the way and for each set of workers that leaves it: nothing that grows with the
    blocks or the workers beside that way.
    """
    depths: dict[Worker, int] = {}
    # Blocks that differ by their names alone are alike to a request: each of them is followed.
    ways: list[tuple[Segment, int, int]] = []
    at, depth, count = tree.root, 0, len(hashes)
    while True:
        following = at.children.get(hashes[depth]) if alive and depth < count and at.children is not None else None
        if isinstance(following, dict):
            _arrive(tree, depths, alive, depth)
            ways.extend((one, depth, alive & _slots(one)) for one in following.values())
            following, alive, early_exit = None, 0, False  # who is alone on one way may be behind others' ends
        elif early_exit and depth and not alive & (alive - 1):
            following = None
        segment = following
        if segment is None:
            _arrive(tree, depths, alive, depth)
            if not ways:
                return depths
            segment, depth, alive = ways.pop()
        size = segment.size
        is_whole = packed.startswith(segment.locals, depth * HASH_BYTES)
        same = size if is_whole else alike(segment.locals, 0, packed, depth)
        going = alive & segment.full
        if going != alive:
            leaving = alive ^ going
            for slot, mask in segment.partial.items():
                if leaving >> slot & 1:
                    held = min((~mask & (mask + 1)).bit_length() - 1, same)
                    if held:
                        leaving ^= 1 << slot
                        _arrive(tree, depths, 1 << slot, depth + held)
            _arrive(tree, depths, leaving, depth)
        if same < size:
            _arrive(tree, depths, going, depth + same)
            going = 0
        at, depth, alive = segment, depth + size, going


def _arrive(tree: Shape, depths: dict[Worker, int], slots: int, depth: int) -> None:
    if not slots or not depth:
        return
    workers = tree.members.get(slots)
    if workers is None:
        if len(tree.members) >= MOST_SETS:
            tree.members.clear()
        workers = tree.members[slots] = tuple(
            holder.worker for slot in bits(slots) if (holder := tree.holders[slot]) is not None
        )
    if not depths:
        depths.update(dict.fromkeys(workers, depth))
        return
    for worker in workers:
        if depths.get(worker, 0) < depth:
            depths[worker] = depth


def _slots(segment: Segment) -> int:
    found = segment.full
    for slot in segment.partial:
        found |= 1 << slot
    return found
