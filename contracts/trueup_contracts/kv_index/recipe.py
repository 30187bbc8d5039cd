"""How hashes of tokens are made: the recipe `dynamo-xxh3-1337`.

XXH3-64 with seed 1337. A block's local hash is over its tokens as little-endian u32; the first block's sequence hash is
its local hash, every next one's is over the sequence hash before it and its local hash, both as little-endian u64.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence

import xxhash

NAME = "dynamo-xxh3-1337"
SEED = 1337


def local_hash(tokens: Sequence[int]) -> int:
    """Of the tokens in one block."""
    return xxhash.xxh3_64_intdigest(struct.pack(f"<{len(tokens)}I", *tokens), SEED)


def local_hashes(tokens: Sequence[int], block_size: int) -> list[int]:
    """Of the full blocks."""
    full = len(tokens) // block_size * block_size
    return [local_hash(tokens[start : start + block_size]) for start in range(0, full, block_size)]


def next_hash(parent: int | None, local: int) -> int:
    """The sequence hash of a block below one with the sequence hash `parent`."""
    return local if parent is None else xxhash.xxh3_64_intdigest(struct.pack("<QQ", parent, local), SEED)


def sequence_hashes(local: Iterable[int], parent: int | None = None) -> Iterator[int]:
    """Of each block of a chain, in order."""
    for one in local:
        parent = next_hash(parent, one)
        yield parent
