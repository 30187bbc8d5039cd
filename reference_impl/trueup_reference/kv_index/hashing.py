"""The hashes of Dynamo's KV router, by the name of `dynamo-xxh3-1337`: XXH3-64 with seed 1337.

A block's local hash is over its tokens as little-endian u32. A sequence hash is, of the first block, its local hash,
and of every next one over the sequence hash before it and its local hash, both as little-endian u64.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from struct import Struct

from xxhash import xxh3_64_digest, xxh3_64_intdigest

from trueup_reference.kv_index.errors import InvalidEventError

RECIPE = "dynamo-xxh3-1337"
SEED = 1337
_PAIR = Struct("<QQ").pack
_TOKEN = "I" if array("I").itemsize == 4 else "L"


def local_hashes(tokens: Sequence[int], block_size: int, lora_name: str | None = None) -> list[int]:
    """Of each full block. What is left over does not count.

    Tokens under an adapter: the digest of its name goes before the tokens, so that no block of another adapter, or of
    the base model, has this hash. (Dynamo's releases differ here; this form is trueup's own.)
    """
    packed = pack_tokens(tokens)
    before = b"" if lora_name is None else xxh3_64_digest(lora_name.encode(), SEED)
    size_bytes = 4 * block_size
    ends = range(size_bytes, len(packed) + 1, size_bytes)
    if before:
        return [xxh3_64_intdigest(before + packed[end - size_bytes : end], SEED) for end in ends]
    return [xxh3_64_intdigest(packed[end - size_bytes : end], SEED) for end in ends]


def sequence_hashes(local: Sequence[int], parent: int | None = None) -> list[int]:
    """Of each block, with all before it; `parent` is the sequence hash before the first."""

    def chained(before: int, here: int) -> int:
        return xxh3_64_intdigest(_PAIR(before, here), SEED)

    if parent is None:
        return list(accumulate(local, chained))
    return list(accumulate(local, chained, initial=parent))[1:]


def pack_tokens(tokens: Sequence[int]) -> bytes:
    """Little-endian u32. Raises `InvalidEventError` for what is no token."""
    if isinstance(tokens, (str, bytes, bytearray)) or not hasattr(tokens, "__len__"):
        raise InvalidEventError(f"tokens are {type(tokens).__name__}: a list of integers of 32 bits is due")
    try:
        packed = array(_TOKEN, tokens)
    except (TypeError, OverflowError):
        packed = None
    if packed is None or bool in set(map(type, tokens)):
        for place, token in enumerate(tokens):
            if isinstance(token, bool) or not hasattr(token, "__index__") or not 0 <= token < 1 << 32:
                raise InvalidEventError(f"token {place} is {token!r}: an integer from 0 to 2^32 - 1 is due")
        raise InvalidEventError("tokens: a list of integers of 32 bits is due")
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()
