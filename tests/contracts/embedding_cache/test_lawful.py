"""Caches that are built otherwise than most, and break no law."""

from __future__ import annotations

import queue
import threading
import time
from typing import Any

import pytest
import torch

from contracts.suite_runs import verdicts
from trueup_contracts.embedding_cache.fill import Fill, to_wire
from trueup_contracts.profile import Profile
from trueup_reference.embedding_cache import EmbeddingCache

QUICK = Profile("quick", 20261125)
SOME_S = 0.01


class FreesLater(EmbeddingCache):
    """What is no entry any more goes to a thread, which drops it some time later."""

    capabilities = frozenset({"clear", "remove"})

    def __init__(self, capacity_bytes: int, device: str) -> None:
        super().__init__(capacity_bytes, device, copies_on_set=False)
        self._gone: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._mine: dict[str, torch.Tensor] = {}
        threading.Thread(target=_drop, args=(self._gone,), daemon=True).start()

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        stored, _, gone = super().set_with_delta(key, tensor)
        if stored:
            self._later(key, *gone)
            self._mine[key] = tensor
        return stored

    def remove(self, key: str) -> bool:
        self._later(key)
        return super().remove(key)

    def clear(self) -> list[str]:
        gone = super().clear()
        self._later(*gone)
        return gone

    def _later(self, *keys: str) -> None:
        self._gone.put([self._mine.pop(key, None) for key in keys])


def _drop(gone: queue.SimpleQueue[Any]) -> None:
    while True:
        held = gone.get()
        while True:  # all that came in the meantime
            threading.Event().wait(SOME_S)
            if gone.empty():
                break
            held = [held, *(gone.get() for _ in range(gone.qsize()))]
        del held


@pytest.mark.parametrize("requirement", ["EC-109", "EC-110", "EC-111"])
def test_memory_may_be_given_back_by_another_thread(requirement: str) -> None:
    assert verdicts("embedding-cache", FreesLater, QUICK, requirement) == {}


class CountsOtherwise(EmbeddingCache):
    """An overwrite counts as an eviction, and its age stands in `stats()`: EC-022, a SHOULD, is all that it breaks."""

    capabilities = frozenset({"stats", "remove", "clear", "shrink"})
    overwrites = 0

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        self.overwrites += key in self
        return super().set(key, tensor)

    def stats(self) -> dict[str, float]:
        told = super().stats()
        return {**told, "evictions": told["evictions"] + self.overwrites, "age_s": time.perf_counter()}


class CountsNone(EmbeddingCache):
    """It has never heard of evictions."""

    capabilities = CountsOtherwise.capabilities

    def stats(self) -> dict[str, float]:
        told = super().stats()
        del told["evictions"]
        return told


@pytest.mark.parametrize("cache", [CountsOtherwise, CountsNone])
def test_how_evictions_are_counted_is_no_must(cache: Any) -> None:
    asked = ["EC-012", "EC-019", "EC-020", "EC-021", "EC-022", "EC-023"]
    failed = [one for one in asked if verdicts("embedding-cache", cache, QUICK, one)]
    assert failed == ["EC-022"]


class Embedding(torch.Tensor):
    """An engine's own class of tensors."""


def test_the_wire_tells_tensors_of_a_subclass() -> None:
    fill = Fill(3, "float32", (2, 5))
    assert to_wire(fill.tensor().as_subclass(Embedding)) == fill.told()
