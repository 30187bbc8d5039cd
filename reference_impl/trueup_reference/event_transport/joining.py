"""Format A: one endpoint's live messages and replays, joined without loss or duplicate. No sockets here.

While a replay is awaited, live messages are held. A replay is asked for after a gap (from the number after the last),
after a restart (from 0), after a lost connection (from the last one again, whose payload shows whether the publisher is
still the same), and at the start where that is wanted.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.held import Held
from trueup_reference.event_transport.messages import Before, Live, Message

NEVER = -1  # no sequence is this one: the quick way past `Joiner.expected` is shut


class Why(Enum):
    """What a replay is asked for."""

    START = "start"
    GAP = "gap"
    RESTART = "restart"
    UNCERTAIN = "uncertain"


class Joiner:
    """The state of one endpoint: what is to be delivered stands in `out`, the replay to be asked for in `ask`.

    The quick way: a live message whose number is `expected` may be delivered as it is; then `expected` is counted up,
    and `last` and `last_payload` are set.
    """

    def __init__(self, endpoint: str, counts: Counts, held: Held, *, can_replay: bool, replay_from: int | None) -> None:
        self._endpoint = endpoint
        self._counts = counts
        self._can_replay = can_replay
        self._live_last: int | None = None  # where replayed ones are ahead of the live stream: its last number
        self._is_ahead = False
        self._is_unsure = False  # the connection was lost
        self._is_drained = False  # and what had come before that is read
        self._is_back = False  # and a connection is there again
        self._is_counted = False
        self._held = held
        self._held_before = 0  # of those held, so many came before the connection was lost
        self._why: Why | None = None  # a replay is awaited
        self._next_before: Before | None = None
        self._covered = -1  # what was sent before this one was there when a replay was asked for
        self.last: int | None = None  # the number of the last one delivered
        self.last_payload = b""
        self.expected = NEVER
        self.out: deque[Message] = deque()
        self.ask: int | None = None
        if can_replay and replay_from is not None:
            self.last = replay_from - 1
            self._begin(Why.START, replay_from)

    @property
    def awaits(self) -> bool:
        """Replies to a replay are awaited."""
        return self._why is not None

    @property
    def is_urgent(self) -> bool:
        """Live messages wait for a replay, which may not take for ever therefore."""
        return bool(self._held) or self._why not in (None, Why.START)

    @property
    def is_full(self) -> bool:
        """No more live messages can be held: they stay with ZMQ."""
        return self._held.is_full

    def disconnected(self) -> None:
        """The connection was lost: what comes next may be of another publisher."""
        self._counts.disconnects += 1
        if self.last is None or (self._why is Why.START and not self._held):
            return
        self._is_unsure, self._is_drained, self._is_back, self._is_counted = True, False, False, False
        self.expected = NEVER
        if self._why in (Why.GAP, Why.UNCERTAIN):
            if self._why is Why.GAP:  # of those held under UNCERTAIN nobody knows whose they are
                self._held_before = len(self._held)
            self._begin(Why.UNCERTAIN, max(self.last, 0))

    def connected(self) -> None:
        """A connection is there, be it the first."""
        self._is_back = self._is_unsure

    def drained(self) -> None:
        """Everything live that had come is read: nobody has to wait for the next message to ask what was missed."""
        self._is_drained = self._is_unsure
        if self._is_drained and self._is_back and self._can_replay and self._why is None and self.last is not None:
            self._ask_who_it_is(self.last)

    def take(self, live: Live) -> None:
        """A live message."""
        before = self._held.last if self._held else self._live_last if self._is_ahead else self.last
        if self._why is None:
            self._judge(live, before)
        elif before is not None and live.sequence <= before and (self._held or self._why is not Why.START):
            # It began anew while a replay was awaited, whose replies cannot be told apart any more.
            self.end_replay(is_complete=False)
            self.take(live)
        else:
            self._held.add(live)

    def take_replayed(self, sequence: int, topic: str | None, payload: bytes) -> None:
        """A reply. Whoever calls looks at `ask` afterwards: another replay may be due."""
        if self._why is None or (self._why is Why.UNCERTAIN and not self._goes_on(sequence, payload)):
            return
        while self._held and self._held.first < sequence:
            self._release_one()
        if self._held and self._held.first == sequence:
            self._counts.duplicates += 1
            self._release_one()
        elif self.last is not None and sequence <= self.last:
            self._counts.duplicates += 1
        else:
            shown = topic if topic is not None else self._held.topic if self._held else ""
            self._counts.replayed += 1
            self._deliver(Live(shown, sequence, payload), is_replayed=True)

    def end_replay(self, *, is_complete: bool) -> None:
        """The end marker came, or nothing more will."""
        why, self._why, self.ask = self._why, None, None
        if why is None:
            return
        if not is_complete:
            self._counts.replays_failed += 1
        if why is Why.UNCERTAIN and self._held:  # nothing was heard of the last one
            self._next_before = {"kind": "uncertain", "missed": None}
        elif why is Why.UNCERTAIN:
            self._is_unsure, self._is_drained = True, True  # the next message has to be asked about
        may_ask, self._can_replay = self._can_replay, self._can_replay and is_complete
        while self._held and self._held.first <= self._covered:
            self._release_one()  # what is missing before it was not there: nobody asks twice for the same
        self._held_before = 0
        for live in self._held.take_all():
            self.take(live)
        self._can_replay = may_ask
        self._settle()

    def _begin(self, why: Why, start: int) -> None:
        self._why = why
        self._covered = self._held.last if self._held else -1
        self.ask = start
        self.expected = NEVER
        self._counts.replays += 1

    def _ask_who_it_is(self, last: int) -> None:
        self._count_cut()
        self._begin(Why.UNCERTAIN, max(last, 0))

    def _count_cut(self) -> None:
        """Once for each lost connection, whatever comes of it."""
        self._counts.uncertain += not self._is_counted
        self._is_counted = True
        self._is_unsure = self._is_unsure and not self._is_drained

    def _judge(self, live: Live, live_last: int | None) -> None:
        """Above last + 1 is a gap, at or below the last live one a restart; a lost connection makes both uncertain."""
        if self.last is None:
            self._deliver(live)
        elif live_last is not None and live.sequence <= live_last:
            self._restarted()
            self._ask_or_deliver(live, Why.RESTART, 0, asks=live.sequence > 0)
        elif self._is_unsure and (self._is_drained or live.sequence > self.last + 1):
            if self._can_replay:
                self._held.add(live)
                self._ask_who_it_is(self.last)
            else:
                self._count_cut()
                self._next_before = {"kind": "uncertain", "missed": None}
                self._deliver(live)
        elif live.sequence > self.last + 1:
            self._counts.gaps += 1
            self._ask_or_deliver(live, Why.GAP, self.last + 1, asks=True)
        else:
            self._deliver(live)

    def _ask_or_deliver(self, live: Live, why: Why, start: int, *, asks: bool) -> None:
        if self._can_replay and asks:
            self._held.add(live)
            self._begin(why, start)
        else:
            self._deliver(live)

    def _goes_on(self, sequence: int, payload: bytes) -> bool:
        """The first reply to UNCERTAIN decides what happened; whether it is to be delivered."""
        if self.last is None or sequence > self.last:  # the last one is out of the buffer
            self._why = Why.GAP
            self._next_before = {"kind": "uncertain", "missed": None}
            return True
        if sequence == self.last and payload == self.last_payload:
            self._why = Why.GAP
            if self._held and self._held.first > self.last + 1:
                self._counts.gaps += 1
            return False  # it was delivered already
        for _ in range(self._held_before):
            self._release_one()
        self._restarted()
        self._begin(Why.RESTART, 0)
        return False

    def _restarted(self) -> None:
        self._counts.restarts += 1
        self._is_unsure = False
        self.last = None
        self._next_before = {"kind": "restart", "missed": None}

    def _release_one(self) -> None:
        self._held_before = max(0, self._held_before - 1)
        self._deliver(self._held.pop())

    def _deliver(self, live: Live, *, is_replayed: bool = False) -> None:
        """Hands one on with what happened before it, unless a replay has brought it already."""
        if is_replayed:
            self._live_last = self._live_last if self._is_ahead else self.last
            self._is_ahead = True
        elif self.last is not None and live.sequence <= self.last:
            self._counts.duplicates += 1
            self._live_last = live.sequence
            self._is_ahead = live.sequence < self.last
            self._settle()
            return
        else:
            self._is_ahead = False
        before, self._next_before = self._next_before, None
        missing = live.sequence - self.last - 1 if self.last is not None else 0
        if before is not None and before["kind"] == "restart":
            missing = live.sequence
            before = {"kind": "restart", "missed": missing}
        elif before is None and missing > 0:
            before = {"kind": "gap", "missed": missing}
        self._counts.missed += missing
        self.last, self.last_payload = live.sequence, live.payload
        self.out.append(Message(self._endpoint, live.topic, live.sequence, None, live.payload, before, is_replayed))
        self._settle()

    def _settle(self) -> None:  # opens or shuts the quick way
        is_quick = self._why is None and not self._is_unsure and not self._is_ahead
        self.expected = self.last + 1 if is_quick and self.last is not None else NEVER
