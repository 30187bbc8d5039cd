"""The memory of this process that lies in RAM, as Linux tells it; and collections of what is new in it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trueup_contracts.errors import NotRunError

_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_MIB = 1 << 20
_FROZEN_AT_START = 1_000  # at most: by CPython 3.12 itself, a few hundred


@contextmanager
def collecting_what_is_new() -> Iterator[None]:
    """Collections inside look at what is made inside: beside libraries of a million objects each would take long."""
    if gc.get_freeze_count() > _FROZEN_AT_START:  # whoever has frozen what was there wants it to stay so
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def resident_bytes() -> int:
    """After everything that can be given back was. Raises `NotRunError` where it is not to be had."""
    statm = Path("/proc/self/statm")
    if sys.platform != "linux" or not statm.exists():
        raise NotRunError(f"resident memory is not measured on {sys.platform}")
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc
        # Without a fixed threshold the first large block that is freed makes later ones part of the heap.
        libc.mallopt(_M_MMAP_THRESHOLD, _MIB)
        libc.malloc_trim(0)
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
