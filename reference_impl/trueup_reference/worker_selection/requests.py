"""Requests, workers and overlaps as callers write them, read once and checked in full.

`ValueError` or `TypeError` says what is wrong; then nothing was booked.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NotRequired, TypedDict

Worker = tuple[int, int]  # its id (unsigned, 64 bits) and its data-parallel rank (unsigned, 32 bits)
U64, U32 = (1 << 64) - 1, (1 << 32) - 1
MOST_TOKENS = 1 << 53  # above it binary64 skips integers


class Request(TypedDict):
    """`isl`: tokens of the prompt; `seq_hashes`: of its full blocks, each naming a block and all before it."""

    id: str
    isl: int
    seq_hashes: Sequence[int]
    pinned: NotRequired[Sequence[int] | None]


class Overlap(TypedDict):
    """How many leading blocks of the prompt a worker holds; a score by tiers may have a fraction."""

    worker_id: int
    dp_rank: int
    depth: float


class Load(TypedDict):
    """Of a worker: prompt tokens that are still to be computed, distinct blocks of the requests under way."""

    prefill_tokens: float
    decode_blocks: int


class Asked(NamedTuple):
    """A request that was read."""

    id: str
    isl: int
    hashes: tuple[int, ...]  # distinct
    pinned: Worker | None


def read_request(request: Request) -> Asked:
    """The request."""
    if not isinstance(request, Mapping):
        raise TypeError(f"a request is a mapping, not a {type(request).__name__}")
    missing = [name for name in ("id", "isl", "seq_hashes") if name not in request]
    if missing:
        raise ValueError(f"the request lacks {', '.join(missing)}")
    identity: Any = request["id"]
    if not isinstance(identity, str):
        raise TypeError(f"id is a {type(identity).__name__}; a text is due")
    isl = whole("isl", request["isl"], 0, MOST_TOKENS)
    given: Any = request["seq_hashes"]
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise TypeError(f"seq_hashes is a {type(given).__name__}; a list of integers is due")
    hashes = _integers("seq_hashes", tuple(given), U64)
    distinct = dict.fromkeys(hashes)
    pinned = request.get("pinned")
    chosen = None if pinned is None else next(iter(read_workers("pinned", [pinned])))
    return Asked(identity, isl, hashes if len(distinct) == len(hashes) else tuple(distinct), chosen)


def read_workers(what: str, workers: Iterable[Sequence[int]]) -> set[Worker]:
    """The workers, each once."""
    try:
        pairs = [tuple(worker) for worker in workers]
    except TypeError as error:
        raise TypeError(f"{what}: {error}; workers [id, rank] are due") from None
    if not pairs:
        return set()
    if set(map(len, pairs)) != {2}:
        raise ValueError(f"{what}: a worker is a pair [id, rank], not {next(one for one in pairs if len(one) != 2)}")
    ids, ranks = zip(*pairs, strict=True)
    return set(
        zip(
            _integers(f"{what}: a worker's id", ids, U64),
            _integers(f"{what}: a data-parallel rank", ranks, U32),
            strict=True,
        )
    )


def read_overlaps(overlaps: Mapping[Worker, float] | Iterable[Overlap]) -> Mapping[Worker, float]:
    """Depths by worker. An index's answer `{(id, rank): depth}` is taken as it is."""
    if isinstance(overlaps, Mapping):
        found = dict(overlaps)
    else:
        try:
            found = {(one["worker_id"], one["dp_rank"]): one["depth"] for one in overlaps}
        except KeyError as error:
            raise ValueError(f"an overlap lacks {error}: worker_id, dp_rank and depth are due") from None
        except TypeError as error:
            raise TypeError(f"overlaps: {error}; mappings of worker_id, dp_rank and depth are due") from None
    if found:
        read_workers("overlaps", found)
        for worker, depth in found.items():
            number("depth", depth, f" of worker {list(worker)}")
    return found


def whole(name: str, value: Any, least: int, most: int) -> int:
    """An integer within bounds."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {value!r}; an integer is due")
    found = operator.index(value)
    if not least <= found <= most:
        raise ValueError(f"{name} is {found}; {least} to {most} is due")
    return found


def number(name: str, value: Any, of: str = "") -> float:
    """A number of 0 or more, and finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}{of} is {value!r}; a number is due")
    if value < 0 or not math.isfinite(value):
        raise ValueError(f"{name}{of} is {value}; a finite number of 0 or more is due")
    return value


def _integers(what: str, values: tuple[Any, ...], most: int) -> tuple[int, ...]:
    """The values, in C as far as it goes: prompts have thousands of blocks."""
    if not set(map(type, values)) <= {int}:
        return tuple(whole(what, value, 0, most) for value in values)
    if values and not (min(values) >= 0 and max(values) <= most):
        wrong = next(value for value in values if not 0 <= value <= most)
        raise ValueError(f"{what} {wrong} is none: 0 to {most} is due")
    return values
