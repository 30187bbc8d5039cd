"""A stream of messages: of a publisher that the suite drives, or of one that it only listens to."""

from __future__ import annotations

import time
import weakref

from trueup_contracts.budgets import SIGNAL_S
from trueup_contracts.errors import NotRunError
from trueup_contracts.event_transport.protocol import Canonical
from trueup_contracts.event_transport.publisher.batches import kv_batch, stored
from trueup_contracts.event_transport.publisher.calls import Publisher, heard
from trueup_contracts.event_transport.publisher.peers import Listener
from trueup_contracts.event_transport.publisher.reading import Heard, read
from trueup_contracts.subject import Subject

LEAST = 2  # messages: with fewer nothing can be said
_FRAMES: weakref.WeakKeyDictionary[Subject, list[list[bytes]]] = weakref.WeakKeyDictionary()


def observed(subject: Subject, count: int) -> list[Heard]:
    """So many messages of format A in a row, with events of every kind; of one that is not driven, what comes."""
    if "control" not in subject.capabilities:
        return [read(one) for one in overheard(subject)]
    with heard(subject) as (publisher, listener):
        return published(publisher, listener, count)


def published(publisher: Publisher, listener: Listener, count: int) -> list[Heard]:
    """What is heard of so many batches."""
    first = publisher.calls
    for number in range(first, first + count):
        removed = {"type": "BlockRemoved", "block_hashes": [{"i64": "1"}], "medium": "GPU", "unknown": {}}
        others: list[list[Canonical]] = [[], [removed], [{"type": "AllBlocksCleared", "unknown": {}}]]
        publisher.accepted(kv_batch([stored(number), *others[number % 3]]))
    return publisher.next(listener, count)


def overheard(subject: Subject) -> list[list[bytes]]:
    """What a publisher says that is not driven, for as long as a signal may take: once for all tests.

    `NotRunError` where it says too little.
    """
    if subject not in _FRAMES:
        limit_s = SIGNAL_S * subject.scale
        until, found = time.monotonic() + limit_s, list[list[bytes]]()
        endpoint = str(subject.open().call("endpoint"))
        with Listener(endpoint) as listener:
            while len(found) < 1_000 and (frames := listener.take(until - time.monotonic())) is not None:
                found.append(frames)
        if len(found) < LEAST:
            raise NotRunError(f"{len(found)} messages came from {endpoint} in {limit_s:g} s; {LEAST} are the least")
        _FRAMES[subject] = found
    return _FRAMES[subject]
