"""What the publishers are heard to store, kept so that prompts can be made of it where no traffic is ours."""

from __future__ import annotations

import random
import threading
from collections import OrderedDict
from typing import Any

from trueup_reference.event_transport import BlockStored, MalformedError, Message, Subscriber, decode_batch

MOST_BLOCKS = 4096


class Listener:
    """Hands a subscriber's messages on, and remembers the tokens of the newest blocks."""

    def __init__(self, subscriber: Subscriber) -> None:
        """The subscriber's owner closes it."""
        self._subscriber = subscriber
        self._blocks: OrderedDict[Any, tuple[Any, tuple[int, ...]]] = OrderedDict()  # by hash: parent, tokens
        self._lock = threading.Lock()
        self.quiet = 0  # times in a row that nothing came

    def recv(self) -> Message | None:
        """The next message, if one comes in time."""
        message = self._subscriber.recv()
        if message is None:
            self.quiet += 1
            return None
        self.quiet = 0
        try:
            batch = decode_batch(message.payload)
        except MalformedError:
            return message  # the indexer counts it
        with self._lock:
            for event in batch.events:
                if isinstance(event, BlockStored):
                    self._remember(event)
        return message

    def prompt(self, chance: random.Random) -> list[int] | None:
        """The tokens of a chain that was stored not long ago, from its root on; None where none is whole."""
        with self._lock:
            hashes = list(self._blocks)
            for _ in range(min(8, len(hashes))):
                tokens = self._chain(chance.choice(hashes))
                if tokens is not None:
                    return tokens
        return None

    def _remember(self, event: BlockStored) -> None:
        size, parent = event.block_size, event.parent_block_hash
        tokens = tuple(token for token in event.token_ids if isinstance(token, int))  # some engines write texts
        if size < 1 or len(tokens) < size * len(event.block_hashes):
            return
        for number, each in enumerate(event.block_hashes):
            self._blocks[each] = (parent, tokens[number * size : (number + 1) * size])
            self._blocks.move_to_end(each)
            parent = each
        while len(self._blocks) > MOST_BLOCKS:
            self._blocks.popitem(last=False)

    def _chain(self, block: Any) -> list[int] | None:
        parts: list[tuple[int, ...]] = []
        while block is not None and len(parts) < MOST_BLOCKS:
            known = self._blocks.get(block)
            if known is None:
                return None
            block, tokens = known
            parts.append(tokens)
        if block is not None:
            return None  # endless, or longer than anything that is remembered
        return [token for part in reversed(parts) for token in part]
