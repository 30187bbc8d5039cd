"""How tensors are kept and keys are treated, and what goes wrong around: EC-030 to EC-046."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import torch

from contracts.embedding_cache.faults.registry import claiming, fault
from contracts.embedding_cache.hooked import Entry, Hooked, Keeping
from trueup_contracts.errors import Unsupported

_LOG = logging.getLogger("somebody.cache")


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


@fault("EC-039")
class TakesQuantised(Hooked):
    """takes quantised and nested tensors, and counts their elements"""

    def check(self, tensor: Any) -> torch.Tensor:
        if not isinstance(tensor, torch.Tensor) or tensor.layout is not torch.strided or tensor.is_meta:
            raise Unsupported("no plain tensor")
        return tensor.detach()


@fault("EC-042")
class CountsAtEviction(Keeping):
    """keeps the caller's tensor, and takes its size at eviction as it is then"""

    def detached(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def evict(self, key: str) -> None:
        self.entries[key].size = self.size(self.entries[key].tensor)
        super().evict(key)

    def give_back(self, old: Entry) -> None:
        self.current_bytes -= self.size(old.tensor)


@fault("EC-044")
class KeysAsText(Hooked):
    """makes every key a text"""

    def name(self, key: str) -> str:
        return str(key)


@fault("EC-044")
class HashesTheText(Hooked):
    """hashes the text of a key, and keeps eight digits of it"""

    def name(self, key: str) -> str:
        return hashlib.sha256(str(key).encode()).hexdigest()[:8]


@fault("EC-045")
class LockStaysHeld(Hooked):
    """keeps the lock in a forked child that another thread held"""

    def after_fork(self) -> None:
        pass


@fault("EC-046")
class GivesUpWithoutMemory(Hooked):
    """does not evict anything where a copy finds no memory"""

    def make_room(self, size: int) -> None:
        pass
