"""Ids of events: KX-100 to KX-105."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Worker
from contracts.kv_index.modes import Hooked


@fault("KX-100")
class AlwaysExact(Hooked):
    """is exact whatever it missed"""

    def state(self, worker_id: int, dp_rank: int) -> str:
        found = super().state(worker_id, dp_rank)
        return "exact" if found == "degraded" else found


@fault("KX-100")
class TheNextClosesTheGap(Hooked):
    """is exact again as soon as two events follow each other"""

    def note(self, worker: Worker, number: int, *, is_barrier: bool) -> None:
        follows = number == self.newest.get(worker, -2) + 1
        super().note(worker, number, is_barrier=is_barrier or follows)


@fault("KX-100")
class OneStateOfAllRanks(Hooked):
    """has one state for all ranks of a worker"""

    def state(self, worker_id: int, dp_rank: int) -> str:
        states = {super(OneStateOfAllRanks, self).state(*one) for one in self.newest if one[0] == worker_id}
        return "degraded" if "degraded" in states else "exact" if states else "unknown"


@fault("KX-101")
class BeginsAnywhere(Hooked):
    """takes the first id that it hears for the beginning"""

    def note(self, worker: Worker, number: int, *, is_barrier: bool) -> None:
        super().note(worker, number, is_barrier=is_barrier or worker not in self.newest)


@fault("KX-102")
class ReplaysWhatIsNew(Hooked):
    """leaves out of a replay what it has seen already, though that came too early"""

    def replay(self, events: Sequence[Any]) -> None:
        fresh = [one for one in events if one["event"]["event_id"] not in (8, 9)]
        super().replay(fresh)
        for event in events[-1:]:
            self.note(self.worker(event), event["event"]["event_id"] - 1, is_barrier=True)
            self.note(self.worker(event), event["event"]["event_id"], is_barrier=True)


@fault("KX-102")
class StaysDegraded(Hooked):
    """stays degraded after a replay"""

    def replay(self, events: Sequence[Any]) -> None:
        before = dict(self.contiguous)
        super().replay(events)
        self.contiguous = before


@fault("KX-103")
class AnyReplayWillDo(Hooked):
    """is exact after any replay"""

    def replay(self, events: Sequence[Any]) -> None:
        super().replay(events)
        self.contiguous = dict(self.newest)


@fault("KX-104")
class AppliesAgain(Hooked):
    """applies what it has applied already"""

    def is_known(self, worker: Worker, number: int) -> bool:
        return False


@fault("KX-105")
class ClearedIsNoBarrier(Hooked):
    """stays degraded when the worker is cleared"""

    def note(self, worker: Worker, number: int, *, is_barrier: bool) -> None:
        super().note(worker, number, is_barrier=False)
