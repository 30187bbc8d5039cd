"""Whether memory comes back: EC-110 to EC-112. What is measured is the process's resident memory.

Blocks are so large that the C library gives each back to the system by itself; it is asked to give back the rest too
(`malloc_trim`), so that what stays resident is what somebody still refers to.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.errors import AdapterError, NotRunError, Refusal
from trueup_contracts.subject import Subject

MIB = 1 << 20
BLOCK = 4 * MIB
BLOCKS = 16
SLACK = 4 * BLOCK  # an entry that is being replaced, and what the C library keeps in between
ROUNDS = 10_000
_M_MMAP_THRESHOLD = -3  # glibc's malloc.h


def resident_bytes() -> int:
    """What this process holds in memory, after everything that can be given back was."""
    statm = Path("/proc/self/statm")
    if sys.platform != "linux" or not statm.exists():
        raise NotRunError(f"resident memory is not measured on {sys.platform}")
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc
        # Without a fixed threshold the first large block that is freed makes later ones part of the heap.
        libc.mallopt(_M_MMAP_THRESHOLD, MIB)
        libc.malloc_trim(0)
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _store(cache: Cache, key: str, size_bytes: int = BLOCK) -> bool:
    import torch

    # Written to, since memory that nobody has written to is not resident.
    stored: bool = cache.call("set", key=key, tensor=torch.full((size_bytes,), 1, dtype=torch.uint8))
    return stored


def _held(before: int, due: int, what: str) -> None:
    found = resident_bytes() - before
    assert found <= due + SLACK, (
        f"{what}: the entries have {due / MIB:.0f} MiB, and the process holds {found / MIB:.0f} MiB more than before"
    )


@requirement("EC-110")
def test_memory_is_given_back(trueup_subject: Subject) -> None:
    resident_bytes()  # sets how memory is given back
    cache = Cache(trueup_subject, 4 * BLOCK)
    _store(cache, "warm")
    before = resident_bytes() - BLOCK
    for number in range(BLOCKS):
        _store(cache, f"key {number}")
    _held(before, cache.current_bytes, "after eviction")
    for _ in range(BLOCKS):
        _store(cache, "one key")
    _held(before, cache.current_bytes, "after overwriting")
    for number in range(BLOCKS):
        try:
            _store(cache, f"large {number}", 5 * BLOCK)
            cache.call("set", key=f"strange {number}", tensor=memoryview(bytearray(BLOCK)))
        except (Refusal, AdapterError):
            continue
    _held(before, cache.current_bytes, "after refusals")
    for _ in range(BLOCKS):
        cache.call("get", key="one key")
    _held(before, cache.current_bytes, "after reading")


@requirement("EC-111")
def test_memory_is_given_back_by_clear(trueup_subject: Subject) -> None:
    resident_bytes()  # sets how memory is given back
    cache = Cache(trueup_subject, BLOCKS * BLOCK)
    _store(cache, "warm")
    cache.call("clear")
    before = resident_bytes()
    for number in range(BLOCKS):
        _store(cache, f"key {number}")
    cache.call("clear")
    _held(before, 0, "after clear()")


@requirement("EC-112")
def test_churn_leaves_no_growth(trueup_subject: Subject) -> None:
    cache = Cache(trueup_subject, 64 << 10)

    def churn(rounds: int) -> None:
        for number in range(rounds):
            _store(cache, f"key {number % 300}", 512 + number % 7 * 512)
            cache.call("get", key=f"key {number % 50}")

    churn(ROUNDS)  # until everything that is kept once is there
    before = resident_bytes()
    churn(ROUNDS)
    grown = resident_bytes() - before
    assert grown < 2 * MIB, f"{ROUNDS:,} rounds of storing and reading: {grown / ROUNDS:.0f} bytes a round are left"
