"""Ids, workers and arguments: WS-038 to WS-047."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from contracts.worker_selection.faults.registry import fault
from contracts.worker_selection.hooked import Depths, Hashes, Hooked, Load, Pair


@fault("WS-038")
class RemembersIds(Hooked):
    """refuses an id that was used before"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.seen: set[str] = set()

    def check_under_way(self, identity: str) -> None:
        if identity in self.seen:
            raise ValueError("seen before")
        self.seen.add(identity)


@fault("WS-038")
class RemembersWorkers(Hooked):
    """books an id where it was booked before"""

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        self.places: dict[str, Pair] = {}

    def book(
        self,
        identity: str,
        worker: Pair,
        isl: int,
        depths: Depths,
        hashes: Hashes,
        *,
        is_pinned: bool,
    ) -> None:
        worker = self.places.setdefault(identity, worker)
        super().book(identity, worker, isl, depths, hashes, is_pinned=is_pinned)


@fault("WS-039")
class SecondReplacesFirst(Hooked):
    """lets a second request replace the booking of the first under its id"""

    def check_under_way(self, identity: str) -> None:
        pass


@fault("WS-040")
class SecondFreesFirst(Hooked):
    """frees the first request when a second one comes under its id"""

    def check_under_way(self, identity: str) -> None:
        self.free(identity)


@fault("WS-041")
class LookingBooks(Hooked):
    """counts a look at a worker as load"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        told = super().active(worker)
        self.load(self.key(*worker)).tokens += 1
        return told


@fault("WS-041")
class UnknownWorkersFail(Hooked):
    """refuses to tell the load of a worker that it does not know"""

    def active(self, worker: Sequence[int]) -> dict[str, float]:
        if tuple(worker) == (77, 3) and (77, 3) not in self.workers:
            raise ValueError("no such worker")
        return super().active(worker)


@fault("WS-042")
class BlockTwelve(Hooked):
    """loses the third block of a prompt when two requests have it and the second of them is freed first"""

    def take_blocks(self, load: Load, hashes: Hashes) -> None:
        if len(hashes) > 2 and load.blocks[hashes[2]] == 2 and load.tokens == 0:
            load.blocks[hashes[2]] = 1
        super().take_blocks(load, hashes)


@fault("WS-043")
class SharedLoads(Hooked):
    """keeps the loads in an attribute of the class"""

    everything: ClassVar[Any] = None

    def __init__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> None:
        super().__init__(block_size, overlap_weight, temperature, seed)
        cls = type(self)
        if cls.everything is None or not self.is_pair(block_size):
            cls.everything = self.workers
        self.workers = cls.everything

    def is_pair(self, block_size: int) -> bool:
        """Beside another one of the same test; others would fail for its leavings."""
        return block_size == 64


@fault("WS-044")
class SortsInPlace(Hooked):
    """sorts the caller's list of candidates, the last one first"""

    def listed(self, candidates: Iterable[Any]) -> list[Pair]:
        found = super().listed(candidates)
        if isinstance(candidates, list):
            candidates.sort(key=lambda one: (-one[0], one[1]))
        return found


@fault("WS-044")
class NotesThePin(Hooked):
    """writes the worker chosen into the caller's request"""

    def select(self, request: Mapping[str, Any], overlaps: Sequence[Any], candidates: Sequence[Any]) -> list[int]:
        chosen = super().select(request, overlaps, candidates)
        if isinstance(request, dict):
            request["pinned"] = chosen
        return chosen


@fault("WS-045")
class KeepsTheCallersList(Hooked):
    """frees by the caller's list of hashes"""

    def copied(self, hashes: Hashes) -> Sequence[int]:
        return hashes


@fault("WS-046")
class RemovesOneRank(Hooked):
    """removes rank 0 only"""

    def is_removed(self, worker: Pair, worker_id: int) -> bool:
        return worker == (worker_id, 0)


@fault("WS-046")
class RemovedRequestsStay(Hooked):
    """keeps the requests of a removed worker, and frees them on its successor"""

    def remove_worker(self, worker_id: int) -> None:
        for worker in [one for one in self.workers if self.is_removed(one, worker_id)]:
            self.workers[worker] = Load()

    def free(self, id: str) -> None:
        booked = self.requests.get(id)
        if booked is not None and self.load(booked.worker).requests <= 0:
            self.load(booked.worker).requests = 1
        super().free(id)


@fault("WS-046")
class RemoveDoesNothing(Hooked):
    """keeps the load of a removed worker"""

    def is_removed(self, worker: Pair, worker_id: int) -> bool:
        return False


@fault("WS-047")
class FloatIds(Hooked):
    """keeps ids of workers as floats"""

    def key(self, worker_id: int, rank: int) -> Pair:
        return (int(float(worker_id)) % 2**64, rank) if worker_id > 2**53 else (worker_id, rank)


@fault("WS-047")
class FloatHashes(Hooked):
    """keeps hashes as floats"""

    def copied(self, hashes: Hashes) -> Sequence[int]:
        return [int(float(each)) for each in hashes]


@fault("WS-047")
class SignedIds(Hooked):
    """refuses ids that no signed number holds"""

    def key(self, worker_id: int, rank: int) -> Pair:
        if worker_id >= 2**63:
            raise ValueError("too large")
        return (worker_id, rank)
