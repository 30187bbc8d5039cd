"""The bounded queue between those who publish and the thread that sends.

Whoever finds it full waits in line (`block`), is refused (`drop_newest`), or takes the place of the oldest
(`drop_oldest`). The counts are changed together with what they count: accepted = sent + queued + dropped, always.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from trueup_reference.event_transport.errors import ClosedError

FullPolicy: TypeAlias = Literal["block", "drop_newest", "drop_oldest"]


class Batch(NamedTuple):
    """What is sent: the frames after the topic."""

    sequence: int
    frames: tuple[bytes, ...]


class Ticket:
    """One who waits for room."""

    __slots__ = ("accepted", "batch", "called", "done")

    def __init__(self, batch: Batch, called: Callable[[], None] | None) -> None:
        self.batch = batch
        self.accepted = False
        self.done = threading.Event()
        self.called = called  # told, from any thread, when `done` is set

    def end(self, *, accepted: bool) -> None:
        """Whoever calls holds the queue's lock."""
        self.accepted = accepted
        self.done.set()
        if self.called is not None:
            self.called()


class BatchQueue:
    """First in, first out, also for those who wait."""

    def __init__(self, most: int, policy: FullPolicy, wake: Callable[[], None]) -> None:
        """`wake` is called, without a lock, when the thread that sends sleeps and there is something for it."""
        self._most = most
        self._policy = policy
        self._wake = wake
        self._lock = threading.Lock()
        self._gone = threading.Condition(self._lock)
        self._items: deque[Batch] = deque()
        self._waiting: deque[Ticket] = deque()
        self._sleeping = False
        self._closed = False
        self._on_hold = False
        self._in_hand = 0  # taken, not yet sent
        self._counts = {"accepted": 0, "refused": 0, "dropped": 0, "sent": 0}
        self._finished = 0  # sent or dropped, in order: what `flush` waits for

    def put(self, batch: Batch, called: Callable[[], None] | None = None) -> bool | Ticket:
        """Whether it was accepted; under `block`, when full, a ticket: `wait` with it. `ClosedError` when closed."""
        with self._lock:
            if self._closed:
                raise ClosedError("the publisher is closed")
            if len(self._items) >= self._most or self._waiting:
                if self._policy == "drop_newest":
                    self._counts["refused"] += 1
                    return False
                if self._policy == "block":
                    ticket = Ticket(batch, called)
                    self._waiting.append(ticket)
                    return ticket
                self._items.popleft()
                self._counts["dropped"] += 1
                self._finish(1)
            self._items.append(batch)
            self._counts["accepted"] += 1
            wakes, self._sleeping = self._sleeping, False
        if wakes:
            self._wake()
        return True

    def wait(self, ticket: Ticket, seconds: float) -> bool:
        """Whether there was room in time."""
        ticket.done.wait(seconds)
        return self.give_up(ticket)

    def give_up(self, ticket: Ticket) -> bool:
        """Whether it was accepted by now; it no longer waits."""
        with self._lock:
            if not ticket.done.is_set():
                self._waiting.remove(ticket)
                self._counts["refused"] += 1
                ticket.end(accepted=False)
            return ticket.accepted

    def refuse(self) -> None:
        """Counts one that could not be encoded."""
        with self._lock:
            self._counts["refused"] += 1

    def take(self, most: int) -> list[Batch]:
        """Up to so many, for the thread that sends, which says `sent` afterwards. None: it may sleep until woken."""
        with self._lock:
            items = self._items
            if self._on_hold and not self._closed:
                self._sleeping = True
                return []
            if len(items) <= most:
                taken = list(items)
                items.clear()
            else:
                taken = [items.popleft() for _ in range(most)]
            self._in_hand = len(taken)
            self._sleeping = not taken
            # Whoever waits is let in when half the queue is empty: one thread switch for many batches, not for each.
            if self._waiting and len(items) <= self._most // 2:
                self._admit()
            return taken

    def hold(self) -> None:
        """Nothing is taken from now on, until `release` or `close`."""
        with self._lock:
            self._on_hold = True

    def release(self) -> None:
        """Batches are taken again."""
        with self._lock:
            self._on_hold = False
        self._wake()

    def sent(self, count: int) -> None:
        """So many of those taken have been sent."""
        with self._lock:
            self._in_hand -= count
            self._counts["sent"] += count
            self._finish(count)

    def close(self) -> None:
        """Nothing is accepted any more; those who wait are refused."""
        with self._lock:
            self._closed = True
            for ticket in self._waiting:
                self._counts["refused"] += 1
                ticket.end(accepted=False)
            self._waiting.clear()

    def drop_all(self) -> int:
        """Gives up what is left."""
        with self._lock:
            left = len(self._items) + self._in_hand
            self._items.clear()
            self._in_hand = 0
            self._counts["dropped"] += left
            self._finish(left)
            return left

    def flush(self, seconds: float) -> bool:
        """Whether all that was accepted before the call has been sent, or dropped, in time."""
        deadline = time.monotonic() + seconds
        with self._lock:
            goal = self._counts["accepted"]
            while self._finished < goal:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._gone.wait(left)
            return True

    def counts(self) -> dict[str, int]:
        """accepted, refused, dropped, sent and queued."""
        with self._lock:
            return {**self._counts, "queued": len(self._items) + self._in_hand}

    def _admit(self) -> None:
        while self._waiting and len(self._items) < self._most:
            ticket = self._waiting.popleft()
            self._items.append(ticket.batch)
            self._counts["accepted"] += 1
            ticket.end(accepted=True)
        self._sleeping = False

    def _finish(self, count: int) -> None:
        self._finished += count
        self._gone.notify_all()
