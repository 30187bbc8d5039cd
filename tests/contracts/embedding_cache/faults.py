"""Caches with one realistic fault each, and the requirement that must find it."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch

from contracts.embedding_cache.hooked import CLAIMS, Entry, Hooked, OnCuda


class Fault(NamedTuple):
    """A fault: what is wrong, the requirement that names it, and the factory."""

    name: str
    requirement: str
    factory: Callable[..., Any]
    needs_cuda: bool


FAULTS: list[Fault] = []
_LOG = logging.getLogger("somebody.cache")


def fault(requirement: str) -> Callable[[type[Hooked]], type[Hooked]]:
    """Adds a class to the list; its docstring says what is wrong."""

    def add(made: type[Hooked]) -> type[Hooked]:
        FAULTS.append(Fault((made.__doc__ or "").strip(), requirement, made, issubclass(made, OnCuda)))
        return made

    return add


def claiming(*, without: str = "", also: str = "") -> frozenset[str]:
    return frozenset(CLAIMS.split()) - set(without.split()) | set(also.split())


@fault("EC-001")
class LosesDtype(Hooked):
    """keeps everything as float32"""

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.float()


@fault("EC-001")
class LosesShape(Hooked):
    """flattens what it keeps"""

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.flatten().clone()


@fault("EC-001")
class CastsOnTheWay(Hooked):
    """copies through float16"""

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(torch.float16).to(tensor.dtype)


@fault("EC-002")
class AnswersTheLast(Hooked):
    """answers the newest entry for an absent key"""

    def get(self, key: str) -> torch.Tensor | None:
        return super().get(key if key in self.entries or not self.entries else next(reversed(self.entries)))


@fault("EC-002")
class FoldsCase(Hooked):
    """folds the case of keys"""

    def name(self, key: str) -> str:
        return key.lower()


@fault("EC-003")
class OverwriteCountsTwice(Hooked):
    """never gives the bytes of an overwritten entry back"""

    def give_back(self, old: Entry) -> None:
        pass


@fault("EC-003")
class GivesBackTheNewSize(Hooked):
    """gives back the size of the new entry at an overwrite"""

    def store(self, key: str, entry: Entry) -> None:
        if key in self.entries:
            self.entries[key].size = entry.size
        super().store(key, entry)


@fault("EC-003")
class CountsElements(Hooked):
    """counts elements in place of bytes"""

    capabilities = claiming(without="any_layout")

    def size(self, tensor: torch.Tensor) -> int:
        return max(0, tensor.numel() * tensor.element_size() - (tensor.numel() > 29))


@fault("EC-004")
class AllowsOneOver(Hooked):
    """evicts only when the total is above the capacity by more than one"""

    def exceeds(self, total: int) -> bool:
        return total > self.capacity_bytes + 1


@fault("EC-005")
class RefusesExactFit(Hooked):
    """refuses what fits exactly"""

    def too_large(self, size: int) -> bool:
        return size >= self.capacity_bytes > 0


@fault("EC-006")
class DropsTheOldAtRefusal(Hooked):
    """drops the entry that a refused tensor should have replaced"""

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        self.remove(key)


@fault("EC-006")
class EvictsBeforeRefusing(Hooked):
    """evicts everything for what it then refuses"""

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        for name in list(self.entries):
            self.evict(name)


@fault("EC-006")
class RefreshesAtRefusal(Hooked):
    """makes the old entry recent when its new tensor is refused"""

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        if key in self.entries:
            self.refresh(key)


@fault("EC-007")
class EvictsAsIfTheOldStayed(Hooked):
    """makes room at an overwrite as if the old value stayed"""

    def plan(self, key: str, size: int) -> list[str] | None:
        old = self.entries.get(key)
        if old is None or old.pins:
            return super().plan(key, size)
        gone, total = [], self.current_bytes + size
        for name in self.entries:
            if total <= self.capacity_bytes:
                break
            total -= self.entries[name].size
            if name != key and not self.entries[name].pins:
                gone.append(name)
        return gone


@fault("EC-008")
class KeepsTheOldPlace(Hooked):
    """keeps the old position at an overwrite"""

    def store(self, key: str, entry: Entry) -> None:
        if key in self.entries:
            self.give_back(self.entries[key])
            self.entries[key] = entry
            self.current_bytes += entry.size
        else:
            super().store(key, entry)


@fault("EC-009")
class EvictsTheNewest(Hooked):
    """evicts the most recent first"""

    def order(self) -> list[str]:
        return list(reversed(self.entries))


@fault("EC-009")
class EvictsTheLargest(Hooked):
    """evicts the largest first"""

    def order(self) -> list[str]:
        return sorted(self.entries, key=lambda key: -self.entries[key].size)


@fault("EC-009")
class EvictsOneMore(Hooked):
    """evicts one entry more than it must"""

    def plan(self, key: str, size: int) -> list[str] | None:
        gone = super().plan(key, size)
        if gone:
            rest = [name for name in self.entries if name not in gone and name != key and not self.entries[name].pins]
            gone += rest[:1]
        return gone


@fault("EC-010")
class FirstInFirstOut(Hooked):
    """does not refresh at a hit"""

    def refresh(self, key: str) -> None:
        pass


@fault("EC-011")
class ContainsRefreshes(Hooked):
    """refreshes at `in`"""

    def __contains__(self, key: str) -> bool:
        if key in self.entries:
            self.refresh(key)
        return key in self.entries


@fault("EC-012")
class StatsCountRequests(Hooked):
    """looks entries up for its statistics, which counts as requests"""

    def stats(self) -> dict[str, float]:
        for key in list(self.entries):
            self.get(key)
        return super().stats()


@fault("EC-013")
class KeysSorted(Hooked):
    """answers keys in alphabetical order"""

    def keys(self) -> list[str]:
        return sorted(super().keys())


@fault("EC-013")
class KeysReversed(Hooked):
    """answers keys from most to least recent"""

    def keys(self) -> list[str]:
        return super().keys()[::-1]


@fault("EC-014")
class DividesByTheCapacity(Hooked):
    """divides by the capacity, 0 or not"""

    def utilization(self) -> float:
        return self.current_bytes / self.capacity_bytes


@fault("EC-014")
class ZeroIsUnbounded(Hooked):
    """takes capacity 0 for no bound"""

    def too_large(self, size: int) -> bool:
        return size > self.capacity_bytes > 0

    def exceeds(self, total: int) -> bool:
        return total > self.capacity_bytes > 0


@fault("EC-015")
class RefusesEmpty(Hooked):
    """refuses tensors without elements"""

    def too_large(self, size: int) -> bool:
        return size == 0 or super().too_large(size)


@fault("EC-016")
class SharesEntries(Hooked):
    """keeps the entries in an attribute of the class"""

    everything: ClassVar[Any] = None

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        cls = type(self)
        if cls.everything is None:
            cls.everything = self.entries
        self.entries = cls.everything


@fault("EC-017")
class CountsStores(Hooked):
    """keeps its length beside the entries, and forgets evictions"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.stored: set[str] = set()

    def store(self, key: str, entry: Entry) -> None:
        super().store(key, entry)
        self.stored.add(key)

    def __len__(self) -> int:
        return len(self.stored)


@fault("EC-018")
class CapacityShrinks(Hooked):
    """takes what is used off its capacity"""

    def store(self, key: str, entry: Entry) -> None:
        super().store(key, entry)
        self.capacity_bytes = max(self.capacity_bytes, 101) - (self.capacity_bytes == 1 << 40)


@fault("EC-019")
class ForgetsAfterMany(Hooked):
    """refreshes only every other hit"""

    def refresh(self, key: str) -> None:
        if self.hits % 2:
            super().refresh(key)


@fault("EC-020")
class StatsInMebibytes(Hooked):
    """answers utilization in per cent"""

    def utilization(self) -> float:
        return 100 * super().utilization()


@fault("EC-021")
class CountsMissesAsHits(Hooked):
    """counts every request as a hit too"""

    def count(self, is_hit: bool) -> None:
        self.hits += 1
        self.misses += not is_hit


@fault("EC-022")
class OverwriteIsAnEviction(Hooked):
    """counts an overwrite as an eviction"""

    def give_back(self, old: Entry) -> None:
        super().give_back(old)
        self.evictions += 1


@fault("EC-023")
class RemoveKeepsBytes(Hooked):
    """keeps the bytes of removed entries counted"""

    def remove(self, key: str) -> bool:
        return self.entries.pop(key, None) is not None


@fault("EC-024")
class ClearKeepsBytes(Hooked):
    """forgets the ledger at clear"""

    def clear(self) -> list[str]:
        gone = list(self.entries)
        self.entries.clear()
        return gone


@fault("EC-025")
class ClearTellsNothing(Hooked):
    """tells no keys at clear"""

    def clear(self) -> list[str]:
        super().clear()
        return []


@fault("EC-030")
class AnyCapacity(Hooked):
    """takes any capacity"""

    def check_capacity(self, capacity_bytes: Any) -> None:
        pass


@fault("EC-031")
class AssertsContiguous(Hooked):
    """refuses what is not contiguous"""

    def check(self, tensor: Any) -> torch.Tensor:
        checked = super().check(tensor)
        if not checked.is_contiguous():
            raise ValueError("not contiguous")
        return checked


@fault("EC-031")
class TakesTheStorage(Hooked):
    """reads a tensor that is not contiguous in the order of its storage"""

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.is_contiguous() or tensor.untyped_storage().nbytes() < self.size(tensor):
            return super().copy(tensor)
        flat = torch.as_strided(tensor, (tensor.numel(),), (1,))
        return flat.clone().view(tensor.shape)


@fault("EC-032")
class ViewsHoldTheirBase(Hooked):
    """keeps views as they are, and counts their elements"""

    capabilities = claiming(without="copies_on_set copies_on_get")

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


@fault("EC-033")
class CountsStorageOfExpanded(Hooked):
    """counts the storage of an expanded tensor, and keeps a copy of all its elements"""

    def size(self, tensor: torch.Tensor) -> int:
        return min(super().size(tensor), tensor.untyped_storage().nbytes())


@fault("EC-034")
class KeepsTheGraph(Hooked):
    """keeps the gradient history"""

    def detached(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


@fault("EC-035")
class AliasesItsInput(Hooked):
    """keeps contiguous tensors without a copy"""

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        owns = tensor.untyped_storage().nbytes() == self.size(tensor)
        return tensor if tensor.is_contiguous() and owns else super().copy(tensor)


@fault("EC-036")
class AliasesItsOutput(Hooked):
    """hands out what it keeps"""

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


@fault("EC-037")
class TruncatesKeys(Hooked):
    """keeps the first 64 characters of keys"""

    def name(self, key: str) -> str:
        return key[:64]


@fault("EC-037")
class StripsKeys(Hooked):
    """strips white space from keys"""

    def name(self, key: str) -> str:
        return key.strip()


@fault("EC-038")
class LogsKeys(Hooked):
    """logs the keys of evicted entries"""

    def evict(self, key: str) -> None:
        _LOG.debug("evicting %s", key)
        super().evict(key)


@fault("EC-039")
class TakesAnything(Hooked):
    """takes whatever has elements"""

    def check(self, tensor: Any) -> torch.Tensor:
        if not hasattr(tensor, "numel"):
            raise TypeError("no tensor")
        checked: torch.Tensor = tensor
        return checked.detach()


@fault("EC-040")
class CountsBeforeCopying(Hooked):
    """counts the bytes before the copy, which may fail"""

    def keep(self, tensor: torch.Tensor) -> Entry:
        size = self.size(tensor)
        self.current_bytes += size
        kept = self.copy(tensor)
        self.current_bytes -= size
        return Entry(kept, size, self.made(tensor))


class _NoLock:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


@fault("EC-050")
class Unlocked(Hooked):
    """has no lock"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.lock = _NoLock()


@fault("EC-050")
class RemovesUnlocked(Hooked):
    """removes without the lock"""

    def remove(self, key: str) -> bool:
        entry = self.entries.get(key)
        if entry is not None:
            self.current_bytes -= self.entries.pop(key, entry).size
        return entry is not None


@fault("EC-051")
class CountsOutsideTheLock(Hooked):
    """counts in three steps outside the lock"""

    def get(self, key: str) -> torch.Tensor | None:
        hits, misses = self.hits, self.misses
        found = super().get(key)
        self.hits, self.misses = hits + (found is not None), misses + (found is None)
        return found


@fault("EC-052")
class IteratesUnlocked(Hooked):
    """iterates over its entries without the lock"""

    def keys(self) -> list[str]:
        return [str(key) for key in self.entries]


@fault("EC-060")
class NeverStores(Hooked):
    """does not store what it computed"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        found = self.get(key)
        return compute() if found is None else found


@fault("EC-061")
class Herd(Hooked):
    """computes for every thread that misses"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        found = self.get(key)
        if found is None:
            found = compute()
            self.set(key, found)
        return found


@fault("EC-061")
class OneAtATime(Hooked):
    """computes one key at a time"""

    def get_or_compute(self, key: str, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        with self.lock:
            found = self.get(key)
            if found is None:
                found = compute()
                self.set(key, found)
            return found


@fault("EC-062")
class Poisons(Hooked):
    """keeps the exception of a computation"""

    def end_flight(self, key: str, flight: dict[str, Any]) -> None:
        if "error" in flight:
            flight["done"].set()
        else:
            super().end_flight(key, flight)


@fault("EC-063")
class TooLargeIsAnError(Hooked):
    """fails when what it computed is too large"""

    def landed(self, flight: dict[str, Any]) -> torch.Tensor:
        if "result" in flight and self.too_large(self.size(flight["result"])):
            raise ValueError("too large")
        return super().landed(flight)


@fault("EC-070")
class TellsEvictedAfterStoring(Hooked):
    """tells an overwritten key as removed"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        was_there = key in self.entries
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, added, [*removed, key] if was_there and stored else removed


@fault("EC-070")
class TellsOneEviction(Hooked):
    """tells the first evicted key only"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, added, removed[:1]


@fault("EC-071")
class OverwriteAdds(Hooked):
    """tells an overwritten key as added"""

    def set_with_delta(self, key: str, tensor: Any) -> tuple[bool, list[str], list[str]]:
        stored, added, removed = super().set_with_delta(key, tensor)
        return stored, [key] if stored else added, removed


@fault("EC-080")
class EvictsPinned(Hooked):
    """evicts pinned entries where nothing else is left"""

    def plan(self, key: str, size: int) -> list[str] | None:
        return super().plan(key, size) or [
            name for name in self.entries if self.current_bytes + size > self.capacity_bytes and name != key
        ]


@fault("EC-081")
class PinsOnce(Hooked):
    """does not count pins"""

    def add_pin(self, entry: Entry) -> None:
        entry.pins = 1


@fault("EC-082")
class OverwritesPinned(Hooked):
    """overwrites pinned entries"""

    def plan(self, key: str, size: int) -> list[str] | None:
        old = self.entries.get(key)
        if old is None:
            return super().plan(key, size)
        pins, old.pins = old.pins, 0
        gone = super().plan(key, size)
        old.pins = pins
        return gone


@fault("EC-083")
class OwesReleases(Hooked):
    """counts releases below zero"""

    def unpin(self, key: str) -> None:
        with self.lock:
            if key not in self.entries:
                raise ValueError("not there")
            self.entries[key].pins -= 1


@fault("EC-084")
class ClearsPinned(Hooked):
    """clears pinned entries"""

    def clear(self) -> list[str]:
        for entry in self.entries.values():
            entry.pins = 0
        return super().clear()


@fault("EC-090")
class ShrinksTooFar(Hooked):
    """shrinks below what was asked"""

    def shrink_to(self, bytes: int) -> list[str]:
        return super().shrink_to(bytes - 1)


@fault("EC-095")
class CountsSharedTwice(Hooked):
    """counts storage that entries share for each of them"""

    capabilities = claiming(without="copies_on_set copies_on_get", also="shared_storage")

    def copy(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def size(self, tensor: torch.Tensor) -> int:
        return tensor.untyped_storage().nbytes()


@fault("EC-100")
class KeysAsLabels(Hooked):
    """has a series for each key"""

    def metrics_text(self) -> bytes:
        lines = [f'cache_entry{{key="{key}"}} {entry.size}\n' for key, entry in self.entries.items()]
        return super().metrics_text() + b"# TYPE cache_entry gauge\n" + "".join(lines).encode()


@fault("EC-101")
class GaugeOfTheHighest(Hooked):
    """shows the most entries there ever were"""

    most = 0

    def metrics_text(self) -> bytes:
        self.most = max(self.most, len(self.entries))
        return super().metrics_text() + f"# TYPE cache_most gauge\ncache_most {self.most}\n".encode()

    def store(self, key: str, entry: Entry) -> None:
        super().store(key, entry)
        self.most = max(self.most, len(self.entries))


@fault("EC-110")
class RemembersTheEvicted(Hooked):
    """keeps evicted entries in a list for its statistics"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.gone: list[Entry] = []

    def evict(self, key: str) -> None:
        self.gone.append(self.entries[key])
        super().evict(key)


@fault("EC-110")
class RemembersTheRefused(Hooked):
    """keeps the last refused tensors for a log"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.no: list[torch.Tensor] = []

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        self.no.append(tensor)


@fault("EC-111")
class ClearKeepsThem(Hooked):
    """moves cleared entries to a second dictionary"""

    def clear(self) -> list[str]:
        self.attic = dict(self.entries)
        return super().clear()


@fault("EC-112")
class LeaksALittle(Hooked):
    """keeps a record of each store"""

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device)
        self.history: list[bytes] = []

    def store(self, key: str, entry: Entry) -> None:
        super().store(key, entry)
        self.history.append(random.randbytes(300))


@fault("EC-041")
class AnyDevice(OnCuda):
    """takes tensors of any device"""

    def check(self, tensor: Any) -> torch.Tensor:
        return self.detached(tensor)


@fault("EC-120")
class RemembersOnTheDevice(OnCuda):
    """keeps evicted tensors in a closure"""

    def evict(self, key: str) -> None:
        tensor = self.entries[key].tensor
        self.__dict__.setdefault("later", []).append(lambda: tensor)
        super().evict(key)


@fault("EC-120")
class KeepsTheOriginalToo(OnCuda):
    """keeps the tensor that it copied beside the copy"""

    def keep(self, tensor: torch.Tensor) -> Entry:
        entry = super().keep(tensor)
        entry.original = tensor  # type: ignore[attr-defined]
        return entry


@fault("EC-121")
class ClearKeepsOnTheDevice(OnCuda):
    """keeps what was cleared until the next clear"""

    def clear(self) -> list[str]:
        self.attic = dict(self.entries)
        return super().clear()


@fault("EC-122")
class LeaksOnTheDevice(OnCuda):
    """leaves a small buffer on the device at each eviction"""

    def evict(self, key: str) -> None:
        super().evict(key)
        self.__dict__.setdefault("marks", []).append(torch.empty(4, device="cuda"))


@fault("EC-123")
class EmptiesTheReserve(OnCuda):
    """empties PyTorch's reserve at every eviction"""

    def evict(self, key: str) -> None:
        super().evict(key)
        torch.cuda.empty_cache()


class _HandsOutWhatItKeeps(OnCuda):
    capabilities = OnCuda.capabilities - {"copies_on_get"}

    def copy_out(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor


@fault("EC-130")
class ForgetsTheReader(_HandsOutWhatItKeeps):
    """does not record the reader's stream on what it hands out"""

    def lend(self, tensor: torch.Tensor) -> None:
        pass


@fault("EC-131")
class DoesNotWait(OnCuda):
    """does not make the reader's stream wait for the entry"""

    def wait(self, entry: Entry) -> None:
        pass


@fault("EC-131")
class RecordsBeforeCopying(OnCuda):
    """records the event before the copy is queued"""

    def keep(self, tensor: torch.Tensor) -> Entry:
        size, ready = self.size(tensor), None
        if tensor.is_cuda:
            self.protect(tensor)
            event: Any = torch.cuda.Event()
            event.record(torch.cuda.default_stream())
            ready = event
        return Entry(self.copy(tensor), size, ready)


@fault("EC-132")
class DoesNotProtectTheSource(OnCuda):
    """does not protect the tensor that it copies from"""

    def protect(self, tensor: torch.Tensor) -> None:
        pass
