"""What happens in the block cache, told in format A by the reference's publisher."""

from __future__ import annotations

import time
from collections.abc import Sequence

from trueup_reference.event_transport import AllBlocksCleared, BlockRemoved, BlockStored, EventBatch, Publisher
from trueup_reference.mock_worker.block_cache import Change

MEDIUM = "GPU"
_Event = BlockStored | BlockRemoved | AllBlocksCleared


class KvEvents:
    """Publishes the changes of one worker's cache."""

    def __init__(self, publisher: Publisher, block_size: int, dp_rank: int = 0) -> None:
        """The publisher's owner closes it."""
        self.publisher = publisher
        self._block_size = block_size
        self._rank = dp_rank

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
        if events:
            batch = EventBatch(ts=time.time(), events=tuple(events), data_parallel_rank=self._rank or None)
            self.publisher.publish(batch)
