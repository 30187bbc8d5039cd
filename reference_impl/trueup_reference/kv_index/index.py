"""The index: what `apply` takes, what `find_matches` answers, one call at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from trueup_reference.kv_index import dumping, reading
from trueup_reference.kv_index.errors import ClosedError, UnknownParentError
from trueup_reference.kv_index.hashing import RECIPE, local_hashes
from trueup_reference.kv_index.matching import match
from trueup_reference.kv_index.metrics import exposition
from trueup_reference.kv_index.reading import PLAIN, Change, Identity
from trueup_reference.kv_index.tree import Tree

Event = Mapping[str, Any]
Worker = tuple[int, int]
DEFAULT_TIER = "gpu"


class KvIndex:
    """Which worker holds which KV blocks.

    Safe to use from many threads: one lock, held for the length of a call, so that every call sees the index before or
    after each other one, never in between. Events of one worker are to be applied in their order.
    """

    recipe = RECIPE

    def __init__(self, block_size: int, *, name: str = "default") -> None:
        """`block_size` in tokens: `ValueError` or `TypeError` for what is none. `name` is for metrics."""
        if isinstance(block_size, bool) or not isinstance(block_size, int):
            raise TypeError(f"block_size is {block_size!r}: a positive integer is due")
        if block_size < 1:
            raise ValueError(f"block_size is {block_size}: 1 or more is due")
        self.block_size = block_size
        self.name = name
        self._lock = threading.Lock()
        self._plain = Tree()
        self._trees: dict[Identity, Tree] = {PLAIN: self._plain}
        self._is_closed = False
        self._counts = dict.fromkeys(
            ("stored_events", "removed_events", "cleared_events", "unknown_parents", "unknown_removals", "requests",
             "requested_blocks", "matched_blocks"),
            0,
        )  # fmt: skip

    def apply(self, event: Event) -> None:
        """Takes one event in. `event_id` is ignored.

        Raises `InvalidEventError` for what is malformed and `UnknownParentError` for a store below what the worker does
        not hold; then nothing has changed.
        """
        change = reading.read(event, self.block_size)
        with self._lock:
            self._begin()
            self._change(change)

    def find_matches(
        self,
        local_hashes: Sequence[int],
        *,
        early_exit: bool = False,
        tier: str | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> dict[Worker, int]:
        """Of each worker and rank, how many leading blocks of the request it holds; without those that hold none.

        `early_exit` ends when one worker is left, with its depth so far. `tier` counts only blocks that lie there.
        """
        hashes, packed = reading.read_hashes(local_hashes, "local_hashes")
        if tier is not None:
            reading.check_tier(tier)
        key = PLAIN if identity is None else reading.read_identity(identity)
        with self._lock:
            self._begin()
            self._counts["requests"] += 1
            tree = self._trees.get(key)
            if tree is None:
                return {}
            alive = tree.all_bits if tier is None else tree.tier_bits.get(tier, 0)
            found = match(tree, hashes, packed, alive, early_exit=early_exit)
            self._counts["requested_blocks"] += len(hashes)
            if found:
                self._counts["matched_blocks"] += max(found.values())
            return found

    def find_matches_tokens(self, tokens: Sequence[int], lora_name: str | None = None) -> dict[Worker, int]:
        """The same for tokens; what is left over after the last full block does not count."""
        return self.find_matches(local_hashes(tokens, self.block_size, lora_name))

    def remove_worker(self, worker_id: int) -> None:
        """Takes out all ranks of a worker, with all their blocks."""
        reading.check_worker_id(worker_id)
        with self._lock:
            self._begin()
            for identity, tree in list(self._trees.items()):
                for worker in [one for one in tree.workers if one[0] == worker_id]:
                    tree.clear(worker)
                self._drop_if_empty(identity, tree)
            self._left(worker_id)

    def clear_worker(self, worker_id: int, dp_rank: int) -> None:
        """Takes all blocks of one rank out, as *cleared* does."""
        worker = reading.check_worker(worker_id, dp_rank)
        with self._lock:
            self._begin()
            self._clear(worker)

    def discard(self, worker: Worker, block_hashes: Sequence[int], tier: str | None, group_idx: int | None) -> None:
        """*Removed* for who knows the group of the blocks, but neither adapter nor salt: these names are of any."""
        names, _ = reading.read_hashes(block_hashes, "block_hashes")
        with self._lock:
            self._begin()
            self._counts["removed_events"] += 1
            missing = len(names)
            for identity, tree in list(self._trees.items()):
                if identity.group_idx == group_idx and worker in tree.workers:
                    missing -= len(names) - tree.remove(worker, names, tier)
                    self._drop_if_empty(identity, tree)
            self._counts["unknown_removals"] += max(0, missing)

    def tracked_blocks(self) -> int:
        """How many pairs of worker and block are held, those that no match reaches included."""
        with self._lock:
            self._begin()
            return sum(tree.blocks for tree in self._trees.values())

    def nodes(self) -> int:
        """How many different blocks the tree is built of."""
        with self._lock:
            self._begin()
            return sum(tree.nodes for tree in self._trees.values())

    def memory_bytes(self) -> int:
        """What the index holds, by its own account: containers, numbers and segments, each looked at."""
        with self._lock:
            self._begin()
            return sum(tree.memory_bytes() for tree in self._trees.values())

    def dump(self) -> list[dict[str, Any]]:
        """Events that make an equal index of an empty one, applied in this order."""
        with self._lock:
            self._begin()
            return self._dump()

    def stats(self) -> dict[str, int]:
        """Counts from the start, and what is there now."""
        with self._lock:
            self._begin()
            trees = self._trees.values()
            return {
                **self._counts,
                "blocks": sum(tree.blocks for tree in trees),
                "nodes": sum(tree.nodes for tree in trees),
                "segments": sum(tree.live_segments for tree in trees),
                "workers": len({worker for tree in trees for worker in tree.workers}),
            }

    def metrics_text(self) -> bytes:
        """A Prometheus exposition of this index; `IndexCollector` is for a registry of yours."""
        return exposition(self)

    def close(self) -> None:
        """Gives everything back; calls from now on raise `ClosedError`."""
        with self._lock:
            self._is_closed = True
            for tree in self._trees.values():
                tree.forget_all()
            self._trees = {}

    def _begin(self) -> None:
        """What every call starts with, inside the lock."""
        if self._is_closed:
            raise ClosedError("this index was closed")

    def _left(self, worker_id: int) -> None:
        """What else there is of a worker goes with it, inside the lock."""

    def _change(self, change: Change) -> None:
        tree = self._plain if change.identity is PLAIN else self._trees.get(change.identity)
        if change.stored is not None:
            self._counts["stored_events"] += 1
            is_new = tree is None
            if tree is None:
                tree = Tree()
            try:
                tree.store(change.worker, change.parent, change.stored, change.tier or DEFAULT_TIER)
            except UnknownParentError:
                self._counts["unknown_parents"] += 1
                raise
            if is_new:
                self._trees[change.identity] = tree
        elif change.removed is not None:
            self._counts["removed_events"] += 1
            if tree is None:
                self._counts["unknown_removals"] += len(change.removed)
            else:
                self._counts["unknown_removals"] += tree.remove(change.worker, change.removed, change.tier)
                self._drop_if_empty(change.identity, tree)
        else:
            self._counts["cleared_events"] += 1
            self._clear(change.worker)

    def _clear(self, worker: Worker) -> None:
        for identity, tree in list(self._trees.items()):
            tree.clear(worker)
            self._drop_if_empty(identity, tree)

    def _dump(self, only: Worker | None = None) -> list[dict[str, Any]]:
        counts: dict[Worker, Iterator[int]] = {}

        def next_id(worker: Worker) -> int:
            return next(counts.setdefault(worker, count()))

        trees = self._trees.items()
        return [event for identity, tree in trees for event in dumping.dump(tree, identity, next_id, only)]

    def _drop_if_empty(self, identity: Identity, tree: Tree) -> None:
        if not tree.workers and tree is not self._plain:
            del self._trees[identity]
