"""A stream of messages, from a publisher that the suite drives."""

from __future__ import annotations

from trueup_contracts.event_transport.protocol import Canonical
from trueup_contracts.event_transport.publisher.batches import kv_batch, stored
from trueup_contracts.event_transport.publisher.calls import heard
from trueup_contracts.event_transport.publisher.reading import Heard
from trueup_contracts.subject import Subject


def observed(subject: Subject, count: int) -> list[Heard]:
    """So many messages of format A in a row, with events of every kind."""
    with heard(subject) as (publisher, listener):
        first = publisher.calls
        for number in range(first, first + count):
            removed = {"type": "BlockRemoved", "block_hashes": [{"i64": "1"}], "medium": "GPU", "unknown": {}}
            others: list[list[Canonical]] = [[], [removed], [{"type": "AllBlocksCleared", "unknown": {}}]]
            publisher.accepted(kv_batch([stored(number), *others[number % 3]]))
        return publisher.next(listener, count)
