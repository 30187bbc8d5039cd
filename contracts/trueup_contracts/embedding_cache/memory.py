"""Whether memory comes back, by storages that live, resident memory, and the device's: EC-110 to EC-122."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.probes import MIB, DeviceMemory, Probe, ResidentMemory, Sources
from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.resident import collecting_what_is_new
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    import torch

ROUNDS = 10_000
SETTLE_S = 1.0  # for memory that another thread gives back
_LOOK_S = 0.01
_TIMES = 16
_Make = Callable[[int], "torch.Tensor"]


def _storing(cache: Cache, make: _Make, size: int) -> list[tuple[str, Callable[[], None]]]:
    """What is done with a cache of four blocks, step by step; after each, memory is looked at."""

    def store(key: str, size_bytes: int = size) -> None:
        cache.call("set", key=key, tensor=make(size_bytes))

    def evict() -> None:
        for number in range(_TIMES):
            store(f"key {number}")

    def overwrite() -> None:
        for _ in range(_TIMES):
            store("one key")

    def refuse() -> None:
        for number in range(_TIMES):
            for strange in (make(5 * size), [make(size)]):
                try:
                    cache.call("set", key=f"strange {number}", tensor=strange)
                except (Refusal, AdapterError):
                    continue  # an error's traceback refers to the tensor, until here
                finally:
                    del strange

    def read() -> None:
        store("read")
        for _ in range(_TIMES):
            cache.call("get", key="read")
            cache.call("get", key="absent")

    def give_back() -> None:
        claimed = cache.subject.capabilities
        if "remove" in claimed:
            cache.call("remove", key="read")
        if "shrink" in claimed:
            cache.call("shrink_to", bytes=size)
        if "stats" in claimed:
            cache.call("stats")

    return [
        ("after eviction", evict),
        ("after overwriting", overwrite),
        ("after refusals and errors", refuse),
        ("after reading", read),
        ("after what else gives memory back", give_back),
    ]


@requirement("EC-109")
def test_no_tensor_is_held_beside_the_entries(trueup_subject: Subject) -> None:
    sources = Sources()
    cache = Cache(trueup_subject, 4_000)
    copies = "copies_on_set" in trueup_subject.capabilities
    for what, work in _storing(cache, sources.tensor, 1_000):
        work()
        due = 0 if copies else len(cache)
        living = _settled(sources.living, due, trueup_subject.scale)
        promise = "the cache copies what it keeps" if copies else f"{due} are entries"
        assert living <= due, f"{what}: of the tensors that were stored {living} are still referred to; {promise}"
    if "clear" in trueup_subject.capabilities:
        cache.call("clear")
        living = _settled(sources.living, 0, trueup_subject.scale)
        assert living == 0, f"after clear(): {living} of the tensors that were stored are still referred to"


def _settled(measure: Callable[[], int], most: int, scale: float) -> int:
    """What is measured as soon as it is no more than this, or a moment later: who frees in a thread is given time."""
    deadline = time.monotonic() + SETTLE_S * scale
    while (found := measure()) > most and time.monotonic() < deadline:
        time.sleep(_LOOK_S)
    return found


def _holds(probe: Probe, before: int, due: int, what: str, scale: float) -> None:
    limit = due + probe.slack_bytes
    found = _settled(probe.held_bytes, before + limit, scale) - before
    assert found <= limit, (
        f"{what}: the entries have {due:,} bytes, and {probe.device} holds {found:,} more than before "
        f"(measured to {probe.slack_bytes:,})"
    )


def _make(probe: Probe) -> _Make:
    import torch

    # Written to, since memory that nobody has written to is not resident.
    return lambda size_bytes: torch.full((size_bytes,), 1, dtype=torch.uint8, device=probe.device)


@collecting_what_is_new()
def _memory_is_given_back(subject: Subject, probe: Probe) -> None:
    probe.held_bytes()  # sets how memory is given back
    make, block = _make(probe), probe.block_bytes
    warm = Cache(subject, 4 * block, probe.device)
    warm.call("set", key="warm", tensor=make(block))
    del warm
    before = probe.held_bytes()
    cache = Cache(subject, 4 * block, probe.device)
    for what, work in _storing(cache, make, block):
        work()
        _holds(probe, before, cache.current_bytes, what, subject.scale)
    del cache, work
    _holds(probe, before, 0, "after the cache is gone", subject.scale)


@collecting_what_is_new()
def _clear_gives_memory_back(subject: Subject, probe: Probe) -> None:
    probe.held_bytes()
    make, block = _make(probe), probe.block_bytes
    cache = Cache(subject, _TIMES * block, probe.device)
    cache.call("set", key="warm", tensor=make(block))
    cache.call("clear")
    before = probe.held_bytes()
    for number in range(_TIMES):
        cache.call("set", key=f"key {number}", tensor=make(block))
    cache.call("clear")
    _holds(probe, before, 0, "after clear()", subject.scale)


@collecting_what_is_new()
def _churn_leaves_no_growth(subject: Subject, probe: Probe) -> None:
    make = _make(probe)
    cache = Cache(subject, 64 << 10, probe.device)

    def churn() -> None:
        for number in range(ROUNDS):
            cache.call("set", key=f"key {number % 300}", tensor=make(512 + number % 7 * 512))
            cache.call("get", key=f"key {number % 50}")

    churn()  # until everything that is kept once is there
    before, blocks = probe.held_bytes() - cache.current_bytes, sys.getallocatedblocks()
    churn()
    most = before + cache.current_bytes + probe.growth_bytes
    grown = _settled(probe.held_bytes, most, subject.scale) - cache.current_bytes - before
    # Small objects of Python are counted one by one: a heap with holes takes thousands of them in without growing.
    more = sys.getallocatedblocks() - blocks
    assert more < ROUNDS // 4, f"{ROUNDS:,} rounds of storing and reading: {more:,} small objects of Python are left"
    assert grown <= probe.growth_bytes, (
        f"{ROUNDS:,} rounds of storing and reading: {grown / MIB:.1f} MiB are left, {grown / ROUNDS:.0f} bytes a round"
    )


@requirement("EC-110")
def test_memory_is_given_back(trueup_subject: Subject) -> None:
    _memory_is_given_back(trueup_subject, ResidentMemory())


@requirement("EC-111")
def test_memory_is_given_back_by_clear(trueup_subject: Subject) -> None:
    _clear_gives_memory_back(trueup_subject, ResidentMemory())


@requirement("EC-112")
def test_churn_leaves_no_growth(trueup_subject: Subject) -> None:
    _churn_leaves_no_growth(trueup_subject, ResidentMemory())


@requirement("EC-120")
def test_the_device_holds_the_entries_and_no_more(trueup_subject: Subject) -> None:
    _memory_is_given_back(trueup_subject, DeviceMemory())


@requirement("EC-121")
def test_clear_gives_the_device_back(trueup_subject: Subject) -> None:
    _clear_gives_memory_back(trueup_subject, DeviceMemory())


@requirement("EC-122")
def test_churn_leaves_no_growth_on_the_device(trueup_subject: Subject) -> None:
    _churn_leaves_no_growth(trueup_subject, DeviceMemory())
