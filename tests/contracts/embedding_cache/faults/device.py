"""On the GPU: EC-041 and EC-120 to EC-132."""

from __future__ import annotations

from typing import Any

import torch

from contracts.embedding_cache.faults.registry import fault
from contracts.embedding_cache.hooked import Entry, OnCuda


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
