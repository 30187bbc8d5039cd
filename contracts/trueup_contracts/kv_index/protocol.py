"""What an implementation offers to the suite `kv-index`.

Hashes and worker ids are unsigned 64-bit integers, ranks unsigned 32-bit ones. A *local hash* is of the tokens in one
block, a *sequence hash* of a block and all before it. An event is

    {"worker_id": 7, "event": {"event_id": 12, "dp_rank": 0, "data": DATA}}

with DATA one of `{"stored": {"parent_hash": sequence hash or None, "blocks": [{"block_hash": sequence hash,
"tokens_hash": local hash}]}}`, `{"removed": {"block_hashes": [sequence hash]}}` and `"cleared"`. Under the capabilities
of these names `tier`, `identity` and `block_size` stand in `event`, beside `data`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Event = Mapping[str, Any]
# To its depth: how many leading blocks of the request it holds; without those of depth 0. Or, as over the wire, a
# list of {"worker_id", "dp_rank", "depth"}.
Matches = Mapping[tuple[int, int], int] | Sequence[Mapping[str, int]]


class IndexFactory(Protocol):
    """The declared target: a function, a class, or an object that can be called. It may have `capabilities`."""

    def __call__(self, block_size: int, *, ttl_s: float = ..., max_blocks: int = ..., follow_ids: bool = ...) -> Index:
        """An empty index for blocks of so many tokens; `ValueError` or `TypeError` refuses the number.

        `ttl_s` and `max_blocks` (of all workers together) are passed only under `ttl`, `follow_ids` under `gap_state`.
        """


class Index(Protocol):
    """The calls that every index has. A call after `close` raises `Closed`."""

    def apply(self, event: Event) -> None:
        """One event. What is malformed is refused whole by `ValueError` or `TypeError`: then nothing has changed.

        A parent that the worker does not hold changes nothing, and should be refused as well. `event_id` is ignored.
        """

    def find_matches(self, local_hashes: Sequence[int]) -> Matches:
        """Of each worker and rank, how many leading blocks of the request it holds."""

    def remove_worker(self, worker_id: int) -> None:
        """Takes all ranks of a worker out, with all their blocks; one that is not there is no error."""

    def tracked_blocks(self) -> int:
        """How many pairs of ((worker, rank), sequence hash) are held, those that no match reaches included."""

    def close(self) -> None:
        """The end."""


class Optional(Protocol):
    """The calls and arguments that capabilities bring."""

    recipe: str
    """How `find_matches_tokens` makes hashes; `dynamo-xxh3-1337` is the recipe that the suite has values of."""

    def find_matches(
        self,
        local_hashes: Sequence[int],
        *,
        early_exit: bool = False,
        tier: str | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> Matches:
        """`early_exit`: may stop as soon as one candidate is left, with its depth so far (`early_exit`).

        `tier` (gpu, cpu, disk, external): only blocks that lie there; an event without one speaks of gpu (`tiers`).
        `identity`: lora_name, cache_salt and group_idx; left out is None for each (`identity`).
        """

    def dump(self) -> Sequence[Event]:
        """Events that make an equal index of an empty one, applied in this order (`dump`)."""

    def find_matches_tokens(self, tokens: Sequence[int], lora_name: str | None = None) -> Matches:
        """The same for tokens, by the recipe; what is left over after the last full block does not count."""

    def memory_bytes(self) -> int:
        """What the index itself holds, by its own account (`memory`)."""

    def nodes(self) -> int:
        """How many nodes, whatever they are, the index is built of (`nodes`)."""

    def stats(self) -> Mapping[str, int]:
        """`unknown_parents`: stores refused for that; `unknown_removals`: blocks removed that were not held (`stats`).

        Counted from the start, never reset.
        """

    def route(self, tokens: Sequence[int], worker_id: int, dp_rank: int) -> None:
        """From now on this worker is assumed to hold the prompt's full blocks, for `ttl_s` (`ttl`)."""

    def advance(self, seconds: float) -> None:
        """Moves the clock of an index that was made with `ttl_s`: it stands still otherwise (`ttl`)."""

    def state(self, worker_id: int, dp_rank: int) -> str:
        """`exact`, `degraded` or, before its first event, `unknown` (`gap_state`).

        The first id of a worker is 0: one that begins with another has a gap before it, and is not `exact`.
        """

    def replay(self, events: Sequence[Event]) -> None:
        """Events in their order, those known already among them; `exact` where they close the gap (`gap_state`).

        They close it when they reach without a gap from the last id before it, or an earlier one, to the newest known.
        """
