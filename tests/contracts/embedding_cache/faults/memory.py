"""What holds memory: EC-109 to EC-112."""

from __future__ import annotations

import logging
import random
from typing import Any

import torch

from contracts.embedding_cache.faults.registry import fault
from contracts.embedding_cache.hooked import Entry, Hooked
from trueup_contracts.errors import Unsupported


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


@fault("EC-109")
class KeepsTheSource(Hooked):
    """keeps the caller's tensor beside its own copy"""

    def keep(self, tensor: torch.Tensor) -> Entry:
        entry = super().keep(tensor)
        entry.source = tensor  # type: ignore[attr-defined]
        return entry


@fault("EC-109")
class KeepsTheLastError(Hooked):
    """keeps its last errors, and with their tracebacks the tensors"""

    def check(self, tensor: Any) -> torch.Tensor:
        try:
            checked = super().check(tensor)
            if not checked.is_contiguous():
                raise Unsupported("not contiguous")
        except Unsupported as error:
            self.__dict__.setdefault("errors", []).append(error)
            raise
        return checked


@fault("EC-109")
class LogsArguments(Hooked):
    """keeps log records, whose arguments are the refused tensors"""

    def refused(self, key: str, tensor: torch.Tensor) -> None:
        arguments = (tensor,)
        record = logging.LogRecord("cache", logging.INFO, __file__, 1, "refused %s", arguments, None)
        self.__dict__.setdefault("records", []).append(record)
