"""The index that heeds event ids: it knows whether it has missed something, and mends it by a replay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from trueup_reference.kv_index import reading
from trueup_reference.kv_index.errors import InvalidEventError, UnknownParentError
from trueup_reference.kv_index.index import DEFAULT_TIER, KvIndex, Worker
from trueup_reference.kv_index.reading import Change
from trueup_reference.kv_index.tree import Tree

State = Literal["exact", "degraded", "unknown"]
MOST_KEPT: Final = 10_000  # events of a worker since its gap: as many as a publisher's buffer has by default


class Track:
    """Where a worker's events stand: `newest` is the last id seen, -1 before any."""

    __slots__ = ("before", "first_missing", "newest", "since")

    def __init__(self, newest: int = -1) -> None:
        """Nothing is missing so far."""
        self.newest = newest
        self.first_missing: int | None = None
        # What the worker held before the gap, and what was heard since, by id; None once it was too much to keep.
        self.before: list[Change] = []
        self.since: dict[int, Change] | None = {}

    def mend(self, newest: int) -> None:
        """Nothing is missing up to here."""
        self.newest = newest
        self.first_missing = None
        self.before = []
        self.since = {}


class FollowingIndex(KvIndex):
    """An index of events whose ids count up by one, per worker and rank, from 0.

    After a gap newer events are still applied, so that the index stays of use, and are kept: once a replay brings what
    was missing, the worker's blocks are made again from what it held before the gap and all events since, in order.
    """

    def __init__(self, block_size: int, *, name: str = "default") -> None:
        """As `KvIndex`."""
        super().__init__(block_size, name=name)
        self._tracks: dict[Worker, Track] = {}
        self._counts |= {"duplicates": 0, "gaps": 0, "replays": 0}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Takes one event in. One whose id was passed changes nothing; *cleared* makes exact, whatever was missed."""
        change = reading.read(event, self.block_size)
        with self._lock:
            self._begin()
            self._follow(change)

    def state(self, worker_id: int, dp_rank: int) -> State:
        """`unknown` before the first event, `degraded` while events are missing, else `exact`."""
        worker = reading.check_worker(worker_id, dp_rank)
        with self._lock:
            self._begin()
            track = self._tracks.get(worker)
            if track is None:
                return "unknown"
            return "exact" if track.first_missing is None else "degraded"

    def missing_from(self, worker_id: int, dp_rank: int) -> int | None:
        """The id from which on a replay is due; None where nothing is missing."""
        with self._lock:
            self._begin()
            track = self._tracks.get((worker_id, dp_rank))
            return None if track is None else track.first_missing

    def replay(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Events in their order, those known already among them: `exact` where they close the gap.

        Raises `InvalidEventError` where one is malformed; then nothing has changed.
        """
        if isinstance(events, (str, bytes, Mapping)) or not isinstance(events, Iterable):
            raise InvalidEventError(f"events are {type(events).__name__}: a list of events is due")
        changes: dict[Worker, dict[int, Change]] = {}
        for event in events:
            change = reading.read(event, self.block_size)
            changes.setdefault(change.worker, {})[change.event_id] = change
        with self._lock:
            self._begin()
            self._counts["replays"] += 1
            for worker, by_id in changes.items():
                self._mend(worker, by_id)

    def forget(self, worker_id: int, dp_rank: int) -> None:
        """The worker was started again: it holds nothing, and counts from 0."""
        worker = reading.check_worker(worker_id, dp_rank)
        with self._lock:
            self._begin()
            self._clear(worker)
            self._tracks.pop(worker, None)

    def snapshot(self) -> tuple[list[dict[str, Any]], dict[Worker, int]]:
        """`dump`, and the newest id of each worker whose state is exact, of one moment: for a peer's `load`."""
        with self._lock:
            self._begin()
            exact = {worker: track.newest for worker, track in self._tracks.items() if track.first_missing is None}
            return self._dump(), exact

    def load(self, dumped: Sequence[Mapping[str, Any]], positions: Mapping[Worker, int]) -> None:
        """A peer's `snapshot`; of workers that it was not exact about nothing is taken.

        `ValueError` where this index has heard of workers already.
        """
        changes = [reading.read(event, self.block_size) for event in dumped]
        with self._lock:
            self._begin()
            if self._tracks:
                raise ValueError(
                    f"this index follows {len(self._tracks)} workers already: only an empty one loads a dump"
                )
            for change in changes:
                if change.worker in positions:
                    self._change(change)
            self._tracks = {worker: Track(newest) for worker, newest in positions.items()}

    def stats(self) -> dict[str, int]:
        """Counts from the start, and what is there now."""
        found = super().stats()
        with self._lock:
            degraded = sum(track.first_missing is not None for track in self._tracks.values())
        return {**found, "degraded_workers": degraded}

    def close(self) -> None:
        """Gives everything back; calls from now on raise `ClosedError`."""
        super().close()
        with self._lock:
            self._tracks.clear()

    def _left(self, worker_id: int) -> None:
        for worker in [one for one in self._tracks if one[0] == worker_id]:
            del self._tracks[worker]

    def _follow(self, change: Change) -> None:
        track = self._tracks.get(change.worker)
        if track is None:
            track = self._tracks[change.worker] = Track()
        if change.event_id <= track.newest:
            self._counts["duplicates"] += 1
            return
        if change.is_cleared:
            self._change(change)
            track.mend(change.event_id)
            return
        if change.event_id > track.newest + 1 and track.first_missing is None:
            self._counts["gaps"] += 1
            track.first_missing = track.newest + 1
            track.before = [reading.read(one, self.block_size) for one in self._dump(change.worker)]
        track.newest = change.event_id
        if track.first_missing is not None and track.since is not None:
            track.since[change.event_id] = change
            if len(track.since) > MOST_KEPT:
                track.since = None
        self._change(change)

    def _mend(self, worker: Worker, replayed: dict[int, Change]) -> None:
        track = self._tracks.get(worker)
        if track is None or track.first_missing is None:
            for event_id in sorted(replayed):
                self._follow_quietly(replayed[event_id])
            track = self._tracks[worker]
            if track.first_missing is None:
                return
        known = {**(track.since or {}), **replayed}
        newest = max(track.newest, *known)
        ids = sorted(known)
        cleared = max((one for one in ids if known[one].is_cleared), default=-1)
        begin = max(track.first_missing, cleared)
        is_closed = all(one in known for one in range(begin, newest + 1)) if newest - begin < len(ids) else False
        if track.since is None and not is_closed:
            return  # what was heard since is not known any more, and this is only a part of it
        self._clear(worker)
        for change in (*track.before, *(known[one] for one in ids if one >= track.first_missing)):
            self._change_quietly(change)
        if is_closed:
            track.mend(newest)
        else:
            track.newest = newest
            track.since = known if len(known) <= MOST_KEPT else None

    def _follow_quietly(self, change: Change) -> None:
        with suppress(UnknownParentError):  # counted; what was lost before is what makes it so
            self._follow(change)

    def _change_quietly(self, change: Change) -> None:
        """Makes a worker's blocks again: what its events miss was counted when they came first."""
        if change.stored is None:
            before = dict(self._counts)
            self._change(change)
            self._counts = before
            return
        tree = self._trees.get(change.identity) or Tree()
        try:
            tree.store(change.worker, change.parent, change.stored, change.tier or DEFAULT_TIER)
        except UnknownParentError:
            return
        self._trees[change.identity] = tree
