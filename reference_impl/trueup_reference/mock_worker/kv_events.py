"""What happens in the block cache, told in either format by the reference's publisher."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    Envelope,
    EventBatch,
    Publisher,
)
from trueup_reference.kv_index import local_hashes
from trueup_reference.mock_worker.block_cache import Change

MEDIUM = "GPU"
_Event = BlockStored | BlockRemoved | AllBlocksCleared


class KvEvents:
    """Publishes the changes of one worker's cache, in the format of its publisher.

    A: a batch for each change. B: an envelope for each event, whose payload is MessagePack of
    `{"worker_id", "event": {"event_id", "dp_rank", "data"}}`, as a KV index reads it.
    """

    def __init__(self, publisher: Publisher, block_size: int, dp_rank: int = 0, worker_id: int = 0) -> None:
        """The publisher's owner closes it."""
        self.publisher = publisher
        self._block_size = block_size
        self._rank = dp_rank
        self._worker_id = worker_id
        self._event_id = 0

    def changed(self, change: Change, token_ids: Sequence[int]) -> None:
        """`token_ids`: of the blocks that came, all of them."""
        events: list[_Event] = []
        if change.removed:
            events.append(BlockRemoved(block_hashes=change.removed, medium=MEDIUM))
        if change.stored:
            stored = BlockStored(
                block_hashes=change.stored,
                parent_block_hash=change.parent,
                token_ids=tuple(token_ids),
                block_size=self._block_size,
                medium=MEDIUM,
            )
            events.append(stored)
        self._publish(events)

    def cleared(self) -> None:
        """Nothing is cached any more."""
        self._publish([AllBlocksCleared()])

    def _publish(self, events: Sequence[_Event]) -> None:
        if events and self.publisher.format == "A":
            batch = EventBatch(ts=time.time(), events=tuple(events), data_parallel_rank=self._rank or None)
            self.publisher.publish(batch)
        elif events:
            for event in events:
                told = {"event_id": self._event_id, "dp_rank": self._rank, "data": self._data(event)}
                self._event_id += 1
                payload = msgspec.msgpack.encode({"worker_id": self._worker_id, "event": told})
                self.publisher.publish(Envelope(payload=payload, published_at_ms=time.time_ns() // 1_000_000))

    def _data(self, event: _Event) -> Any:
        if isinstance(event, BlockStored):
            tokens = [token for token in event.token_ids if isinstance(token, int)]
            hashes = zip(event.block_hashes, local_hashes(tokens, self._block_size), strict=True)
            blocks = [{"block_hash": name, "tokens_hash": local} for name, local in hashes]
            return {"stored": {"parent_hash": event.parent_block_hash, "blocks": blocks}}
        if isinstance(event, BlockRemoved):
            return {"removed": {"block_hashes": event.block_hashes}}
        return "cleared"
