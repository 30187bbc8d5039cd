"""A KV router: where a prompt is cached, what it would cost where, and how it turned out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

from trueup_reference.kv_demo.sources import WorkerSource
from trueup_reference.kv_index import KvIndex, local_hashes, sequence_hashes
from trueup_reference.kv_index.indexer import Indexer, Subscriber
from trueup_reference.kv_index.normalising import Source
from trueup_reference.worker_selection import Worker, WorkerSelector

KEPT_REQUESTS = 8


class Routed(NamedTuple):
    """A request that was routed. `overlaps`: blocks of the prompt that each worker held."""

    id: str
    prompt_blocks: int
    overlaps: dict[Worker, int]
    costs: dict[Worker, float]
    chosen: Worker


@dataclass
class Row:
    """What is known of a worker."""

    worker: Worker
    state: str = "unknown"
    blocks: int = 0
    routed: int = 0
    failed: int = 0
    failure: str | None = None  # why the last one has failed
    prompt_blocks: int = 0  # of the requests routed there
    matched_blocks: int = 0  # of those, held there as the index has it
    prompt_tokens: int = 0  # of the requests that the worker has answered
    cached_tokens: int = 0  # of those, held there as the worker has it
    prefill_tokens: float = 0
    decode_blocks: int = 0

    @property
    def hit_rate(self) -> float | None:
        """By the index; None before the first request."""
        return self.matched_blocks / self.prompt_blocks if self.prompt_blocks else None

    @property
    def seen_hit_rate(self) -> float | None:
        """By the worker's answers."""
        return self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None


class KvRouter:
    """Index, indexer and selection of some workers. Safe for threads; `run` is for a thread of its own."""

    def __init__(
        self,
        sources: Sequence[WorkerSource],
        subscriber: Subscriber,
        block_size: int,
        *,
        overlap_weight: float = 1.0,
        temperature: float = 0.0,
        seed: int | None = None,
    ) -> None:
        """`subscriber`: of the sources' endpoints."""
        self.block_size = block_size
        self.index = KvIndex(block_size)
        self.selector = WorkerSelector(block_size, overlap_weight, temperature, seed)
        self.indexer = Indexer(self.index, subscriber, {one.endpoint: Source(*one.worker) for one in sources})
        self.recent: deque[Routed] = deque(maxlen=KEPT_REQUESTS)
        self._rows = {one.worker: Row(one.worker) for one in sources}
        self._numbers = count(1)
        self._lock = threading.Lock()  # of the rows

    def run(self) -> None:
        """Takes events in until the indexer is stopped."""
        self.indexer.run()

    def route(self, token_ids: Sequence[int], *, books: bool = True) -> Routed:
        """Chooses a worker for a prompt. Without `books` nothing of it stays: a question only."""
        local = local_hashes(token_ids, self.block_size)
        overlaps = self.index.find_matches(local)
        identity = f"demo-{next(self._numbers)}"
        workers = list(self._rows)
        request = {"id": identity, "isl": len(token_ids), "seq_hashes": sequence_hashes(local), "pinned": None}
        costs = self.selector.costs(request, overlaps, workers)  # type: ignore[arg-type]
        chosen = self.selector.select(request, overlaps, workers)  # type: ignore[arg-type]
        if not books:
            self.selector.free(identity)
        routed = Routed(identity, len(local), {one: overlaps.get(one, 0) for one in workers}, costs, chosen)
        with self._lock:
            row = self._rows[chosen]
            row.routed += 1
            row.prompt_blocks += len(local)
            row.matched_blocks += routed.overlaps[chosen]
            self.recent.append(routed)
        return routed

    def answered(self, routed: Routed, prompt_tokens: int, cached_tokens: int) -> None:
        """The worker has answered the request, and said how much of the prompt it held."""
        with self._lock:
            row = self._rows[routed.chosen]
            row.prompt_tokens += prompt_tokens
            row.cached_tokens += cached_tokens

    def failed(self, routed: Routed, why: str) -> None:
        """The worker has not answered."""
        with self._lock:
            row = self._rows[routed.chosen]
            row.failed += 1
            row.failure = why

    def rows(self) -> list[Row]:
        """What is known now, in order of the workers; ranks that were only heard of are among them."""
        blocks = self.index.worker_blocks()
        with self._lock:
            for worker in blocks:
                self._rows.setdefault(worker, Row(worker))
            for worker, row in self._rows.items():
                row.state = self.indexer.state(*worker)
                row.blocks = blocks.get(worker, 0)
                load = self.selector.active(worker)
                row.prefill_tokens, row.decode_blocks = load["prefill_tokens"], load["decode_blocks"]
            return [self._rows[worker] for worker in sorted(self._rows)]
