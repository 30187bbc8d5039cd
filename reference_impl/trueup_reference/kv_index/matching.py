"""How many leading blocks of a request each worker holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from trueup_reference.kv_index.packing import HASH_BYTES
from trueup_reference.kv_index.segments import Segment, alike, bits
from trueup_reference.kv_index.shape import Shape, Worker

WORD_BITS: Final = 32
WORD: Final = (1 << WORD_BITS) - 1
MOST_SETS: Final = 2048  # words of slots whose workers are remembered


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
    is_single = True
    at, depth, count = tree.root, 0, len(hashes)
    while True:
        following = at.children.get(hashes[depth]) if alive and depth < count and at.children is not None else None
        if isinstance(following, dict):
            is_single = False
            _arrive(tree, depths, alive, depth, is_single)
            ways.extend((one, depth, alive & _slots(one)) for one in following.values())
            following, alive, early_exit = None, 0, False  # who is alone on one way may be behind others' ends
        elif early_exit and depth and not alive & (alive - 1):
            following = None
        segment = following
        if segment is None:
            _arrive(tree, depths, alive, depth, is_single)
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
                        _arrive(tree, depths, 1 << slot, depth + held, is_single)
            _arrive(tree, depths, leaving, depth, is_single)
        if same < size:
            _arrive(tree, depths, going, depth + same, is_single)
            going = 0
        at, depth, alive = segment, depth + size, going


def _arrive(tree: Shape, depths: dict[Worker, int], slots: int, depth: int, is_single: bool) -> None:
    """These slots hold so many blocks. On a single way nobody arrives twice."""
    if not depth:
        return
    word = 0
    while slots:
        part = slots & WORD
        if part:
            # Sets differ from one request to the next, most of their words do not.
            workers = tree.members.get(word << WORD_BITS | part) or _members(tree, word, part)
            if is_single:
                depths.update(dict.fromkeys(workers, depth))
            else:
                for worker in workers:
                    if depths.get(worker, 0) < depth:
                        depths[worker] = depth
        slots >>= WORD_BITS
        word += 1


def _members(tree: Shape, word: int, part: int) -> tuple[Worker, ...]:
    if len(tree.members) >= MOST_SETS:
        tree.members.clear()
    holders = (tree.holders[word * WORD_BITS + bit] for bit in bits(part))
    workers = tree.members[word << WORD_BITS | part] = tuple(holder.worker for holder in holders if holder is not None)
    return workers


def _slots(segment: Segment) -> int:
    found = segment.full
    for slot in segment.partial:
        found |= 1 << slot
    return found
