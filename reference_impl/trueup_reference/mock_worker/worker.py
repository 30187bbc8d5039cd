"""What a worker does with a request, whichever way it came: an answer event by event, in simulated time."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Sequence

from trueup_reference.kv_index import local_hashes, sequence_hashes
from trueup_reference.mock_worker.block_cache import BlockCache, Lease, NoRoomError
from trueup_reference.mock_worker.faults import FaultPlan
from trueup_reference.mock_worker.kv_events import KvEvents
from trueup_reference.mock_worker.running import Line, Running
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.worker_protocol import Asked, Phase, Told, WorkerError

KEPT_KEYS = 10_000  # of work that has ended: the same key again gets 409
VOCABULARY = 1 << 17
_Key = tuple[str, str, str, int]


class Worker:
    """Used from one event loop. `events` is left out where nobody listens; `phase`, where it serves all of them."""

    def __init__(
        self,
        settings: Settings,
        faults: FaultPlan | None = None,
        events: KvEvents | None = None,
        phase: Phase | None = None,
    ) -> None:
        """Idle, with an empty cache."""
        self.phase = phase
        self.settings = settings
        self.faults = faults or FaultPlan(seed=settings.seed)
        self.cache = BlockCache(settings.capacity_blocks)
        self.events = events
        self.counts: Counter[str] = Counter()
        self.is_draining = False
        self.prefills = Line(lambda: self.settings.max_prefills)
        self.decodes = Line(lambda: self.settings.max_decodes)
        self._running: dict[tuple[str, str], Running] = {}
        self._ended: OrderedDict[_Key, None] = OrderedDict()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def in_flight(self) -> int:
        """Pieces of work under way."""
        return len(self._running)

    async def generate(self, asked: Asked) -> AsyncGenerator[Told, None]:
        """The answer. Raises `WorkerError` where it ends before its time; whoever stops listening closes it."""
        running = self._admit(asked)
        try:
            hashes = sequence_hashes(local_hashes(asked.token_ids, self.settings.block_size))
            lease = self._lease(asked, hashes)
            try:
                async for told in self._answer(running, lease, hashes):
                    yield told
            finally:
                self.cache.release(lease)
        except WorkerError as error:
            self.counts[f"ended_{error.code}"] += 1
            raise
        finally:
            self._end(running)

    def clear(self) -> bool:
        """Drops the cache and tells it; False while requests are under way."""
        if not self.cache.clear():
            return False
        if self.events is not None:
            self.events.cleared()
        return True

    async def drain(self) -> None:
        """Takes nothing new, lets what is under way end in its time, and stops the rest."""
        self.is_draining = True
        try:
            await asyncio.wait_for(self._idle.wait(), self.settings.drain_ms / 1000)
        except TimeoutError:
            for running in list(self._running.values()):
                running.stop(WorkerError(503, "draining", "the worker is ending"))
            await self._idle.wait()

    def _admit(self, asked: Asked) -> Running:
        if self.phase not in (None, asked.phase):
            raise WorkerError(400, "wrong_phase", f"{asked.phase} is asked of a worker for {self.phase}")
        place = (asked.request_id, asked.phase)
        before = self._running.get(place)
        if asked.key in self._ended or (before is not None and before.asked.key == asked.key):
            raise WorkerError(409, "duplicate", f"attempt {asked.attempt} of {asked.request_id!r} was here before")
        if before is not None and before.asked.attempt > asked.attempt:
            raise WorkerError(409, "superseded", f"attempt {before.asked.attempt} of {asked.request_id!r} is under way")
        if self.is_draining:
            raise WorkerError(503, "draining", "the worker is ending", retry_after_s=1)
        if before is None and len(self._running) >= self.settings.max_in_flight:
            raise WorkerError(429, "overloaded", f"{len(self._running)} requests are under way", retry_after_s=1)
        if before is not None:
            before.stop(WorkerError(409, "superseded", f"attempt {asked.attempt} has come"))
        running = self._running[place] = Running(asked)
        self._idle.clear()
        self.counts["requests"] += 1
        return running

    def _end(self, running: Running) -> None:
        asked = running.asked
        self._ended[asked.key] = None
        if len(self._ended) > KEPT_KEYS:
            self._ended.popitem(last=False)
        place = (asked.request_id, asked.phase)
        if self._running.get(place) is running:
            del self._running[place]
        if not self._running:
            self._idle.set()

    def _lease(self, asked: Asked, hashes: list[int]) -> Lease:
        tokens = len(asked.token_ids) + (0 if asked.phase == "prefill" else asked.max_tokens)
        try:
            lease = self.cache.lease(hashes, -(-tokens // self.settings.block_size))
        except NoRoomError as error:
            raise WorkerError(429, "overloaded", str(error), retry_after_s=1) from error
        self.counts["prompt_blocks"] += len(hashes)
        self.counts["cached_blocks"] += lease.cached
        return lease

    async def _answer(self, running: Running, lease: Lease, hashes: list[int]) -> AsyncGenerator[Told, None]:
        asked, settings = running.asked, self.settings
        isl = len(asked.token_ids)
        # The last token of a prompt is computed in any case: its logits are what the first token comes of.
        cached = min(lease.cached * settings.block_size, isl - 1)
        if asked.phase != "decode":
            async with self.prefills.place(running):
                await running.take(settings.ttft_ms / 1000 + settings.prefill_us_per_token * (isl - cached) / 1_000_000)
        self._stored(lease, hashes[lease.cached :], list(asked.token_ids), lease.cached)
        completed = 0
        if asked.phase == "prefill":
            yield Told("transfer", {"transfer": self._transfer(asked, hashes)})
        else:
            async with self.decodes.place(running):
                async for told in self._items(running, lease, hashes):
                    yield told
                    completed += 1
        usage = {"prompt_tokens": isl, "cached_tokens": cached, "completion_tokens": completed}
        reason = "prefill" if asked.phase == "prefill" else "length"
        yield Told("finish", {"reason": reason, "usage": usage})
        self.counts["finished"] += 1

    async def _items(self, running: Running, lease: Lease, hashes: list[int]) -> AsyncGenerator[Told, None]:
        asked, size = running.asked, self.settings.block_size
        tokens = list(asked.token_ids)
        for index in range(asked.max_tokens):
            if index or asked.phase == "decode":
                await running.take(self.settings.itl_ms / 1000)
            token = _token(tokens, index)
            tokens.append(token)
            # A token's KV is there once it was read, for the next one: the last block is full a token later.
            blocks = (len(tokens) - 1) // size
            if blocks > len(lease.hashes):
                done = len(lease.hashes)
                local = local_hashes(tokens[done * size : blocks * size], size)
                self._stored(lease, sequence_hashes(local, lease.tail), tokens, done)
            yield Told("item", {"index": index, "token_ids": [token]})

    def _stored(self, lease: Lease, hashes: list[int], tokens: list[int], before: int) -> None:
        """The next blocks are there; `tokens` are all of the request so far, `before` the blocks that were."""
        size = self.settings.block_size
        change = self.cache.extend(lease, hashes)
        if self.events is not None:
            first = before + len(hashes) - len(change.stored)
            self.events.changed(change, tokens[first * size : (before + len(hashes)) * size])

    def _transfer(self, asked: Asked, hashes: list[int]) -> dict[str, object]:
        return {
            "worker_id": str(self.settings.worker_id),
            "dp_rank": self.settings.dp_rank,
            "request_id": asked.request_id,
            "block_hashes": [str(each) for each in hashes],
        }


def answer_tokens(token_ids: Sequence[int], max_tokens: int) -> list[int]:
    """The tokens of a whole answer, whichever worker gives it."""
    tokens = list(token_ids)
    for index in range(max_tokens):
        tokens.append(_token(tokens, index))
    return tokens[len(token_ids) :]


def _token(tokens: list[int], index: int) -> int:
    """A token that the prompt decides: two workers answer the same prompt alike."""
    return (tokens[index % len(tokens)] * 2_654_435_761 + tokens[-1] + index + 1) % VOCABULARY
