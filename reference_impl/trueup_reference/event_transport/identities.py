"""Format B: what has come of each publisher and topic, over all endpoints together.

A publisher that begins anew has another id, so that a lost connection makes nothing uncertain here.
"""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.messages import Before

WINDOW = 10_000  # numbers below the last, of which each is known to have come or not
MOST_IDENTITIES = 4096
_ALL = (1 << WINDOW) - 1


class Verdict(Enum):
    """What to do with a message that has nothing before it."""

    DUPLICATE = "duplicate"
    DELIVER = "deliver"


class Identities:
    """Bit `i` of an identity's mask says whether the number `last - i` has come: 1.3 kB for each, the oldest go."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._known: OrderedDict[tuple[int, str], tuple[int, int]] = OrderedDict()

    def judge(self, publisher_id: int, topic: str, sequence: int) -> Before | Verdict:
        """A gap before this message, or what to do with it."""
        identity = (publisher_id, topic)
        known = self._known.get(identity)
        if known is None:
            if len(self._known) >= MOST_IDENTITIES:
                self._known.popitem(last=False)
            self._known[identity] = (sequence, 1)
            return Verdict.DELIVER
        last, mask = known
        ahead = sequence - last
        if ahead <= 0:
            if -ahead < WINDOW and mask >> -ahead & 1:
                self._counts.duplicates += 1
                return Verdict.DUPLICATE
            self._counts.out_of_order += 1
            if -ahead < WINDOW:
                self._known[identity] = (last, mask | 1 << -ahead)
            return Verdict.DELIVER
        self._known[identity] = (sequence, ((mask << ahead) & _ALL) | 1 if ahead < WINDOW else 1)
        self._known.move_to_end(identity)
        if ahead > 1:
            self._counts.gaps += 1
            self._counts.missed += ahead - 1
            return {"kind": "gap", "missed": ahead - 1}
        return Verdict.DELIVER
