"""`Hooked`: the core with the modes that the factory's keywords choose: approximate, and following ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.kv_index.hooked import CLAIMS, PLAIN, Core, Node, Worker
from trueup_contracts.kv_index import recipe


class Hooked(Core):
    """Correct as it stands."""

    capabilities = frozenset(CLAIMS.split())

    def __init__(
        self, block_size: int, *, ttl_s: float | None = None, max_blocks: int = 1 << 20, follow_ids: bool = False
    ) -> None:
        super().__init__(block_size)
        self.ttl_s = ttl_s
        self.max_blocks = max_blocks
        self.now = 0.0
        self.expiry: dict[tuple[Worker, int], float] = {}
        self.follow_ids = follow_ids
        self.contiguous: dict[Worker, int] = {}  # the last id before the first gap
        self.newest: dict[Worker, int] = {}

    # Approximate.

    def route(self, tokens: Sequence[int], worker_id: int, dp_rank: int) -> None:
        local = self.local_hashes(tokens)
        worker = (worker_id, dp_rank)
        with self.lock:
            node = self.roots.setdefault(PLAIN, Node(0, None))
            names = list(recipe.sequence_hashes(local))
            for name, one in zip(names, local, strict=True):
                node = self.child(node, one)
                self.held.setdefault(worker, {})
                self.hold(worker, node, name, "gpu")
                self.renew(worker, name)
            self.prune(worker, names)

    def renew(self, worker: Worker, name: int) -> None:
        assert self.ttl_s is not None
        self.expiry[worker, name] = self.now + self.ttl_s

    def prune(self, worker: Worker, names: list[int]) -> None:
        if len(self.expiry) <= self.max_blocks:
            return
        for one, name in self.order():
            if len(self.expiry) <= self.kept():
                return
            self.expire(one, name)

    def kept(self) -> int:
        return self.max_blocks * 8 // 10

    def order(self) -> list[tuple[Worker, int]]:
        """Oldest first, and of equal age the deepest."""
        depths = {key: self.held[key[0]][key[1]].depth() for key in self.expiry}
        return sorted(self.expiry, key=lambda key: (self.expiry[key], -depths[key]))

    def expire(self, worker: Worker, name: int) -> None:
        del self.expiry[worker, name]
        node = self.held[worker][name]
        self.drop(worker, name, node)

    def advance(self, seconds: float) -> None:
        self.now += seconds
        with self.lock:
            for worker, name in [key for key, end in self.expiry.items() if self.is_over(end)]:
                self.expire(worker, name)

    def is_over(self, end: float) -> bool:
        return end <= self.now

    # Following ids.

    def take(self, worker: Worker, inner: Mapping[str, Any]) -> None:
        if not self.follow_ids:
            super().take(worker, inner)
            return
        number = inner["event_id"]
        if self.is_known(worker, number):
            return
        self.note(worker, number, is_barrier=inner["data"] == "cleared")
        super().take(worker, inner)

    def is_known(self, worker: Worker, number: int) -> bool:
        return number <= self.newest.get(worker, -1)

    def note(self, worker: Worker, number: int, *, is_barrier: bool) -> None:
        if is_barrier or number == self.contiguous.get(worker, -1) + 1:
            self.contiguous[worker] = number
        self.newest[worker] = max(self.newest.get(worker, -1), number)

    def state(self, worker_id: int, dp_rank: int) -> str:
        worker = (worker_id, dp_rank)
        if worker not in self.newest:
            return "unknown"
        return "exact" if self.contiguous.get(worker, -1) == self.newest[worker] else "degraded"

    def replay(self, events: Sequence[Any]) -> None:
        with self.lock:
            for event in events:
                checked = self.check_event(event)
                worker, inner = self.worker(checked), checked["event"]
                if inner["event_id"] <= self.contiguous.get(worker, -1):
                    continue
                self.note(worker, inner["event_id"], is_barrier=inner["data"] == "cleared")
                try:
                    super().take(worker, inner)
                except ValueError:
                    continue  # its parent is among what is lost
