"""What is stored, counted and evicted: EC-001 to EC-025."""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from contracts.embedding_cache.faults.registry import claiming, fault
from contracts.embedding_cache.hooked import Entry, Hooked


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
