"""What an implementation offers to the suite `worker-selection`. Lengths are tokens; a worker is `[id, rank]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypedDict

Worker = Sequence[int]  # its id (unsigned, 64 bits) and its data-parallel rank (unsigned, 32 bits)


class Request(TypedDict):
    """`isl`: tokens of the prompt; `seq_hashes`: of its full blocks, each naming a block and all before it."""

    id: str
    isl: int
    seq_hashes: Sequence[int]
    pinned: Worker | None


class Overlap(TypedDict):
    """How many leading blocks of the prompt a worker holds; with a fraction only under `weighted_overlaps`."""

    worker_id: int
    dp_rank: int
    depth: float


class Load(TypedDict):
    """Of a worker: prompt tokens that are still to be computed, distinct blocks of the requests under way."""

    prefill_tokens: float
    decode_blocks: int


class SelectorFactory(Protocol):
    """The declared target: a function, a class, or an object that can be called. It may have `capabilities`."""

    def __call__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> Selector:
        """A selector that knows of no request. `ValueError` or `TypeError` refuses the settings.

        `block_size`: tokens. `temperature` is above 0 only under the capability of that name.
        """


class Selector(Protocol):
    """The calls that every selector has. `ValueError` or `TypeError` refuses a request."""

    def select(self, request: Request, overlaps: Sequence[Overlap], candidates: Sequence[Worker]) -> Worker:
        """The worker that gets the request, which is booked there until it is freed."""

    def prefill_done(self, id: str) -> None:
        """The request's prompt has been computed."""

    def free(self, id: str) -> None:
        """The request has ended, or its client has gone."""

    def active(self, worker: Worker) -> Load:
        """The load of a worker."""


class Optional(Protocol):
    """The call that a capability brings."""

    def remove_worker(self, worker_id: int) -> None:
        """The worker is gone, with all of its ranks (`remove_worker`)."""
