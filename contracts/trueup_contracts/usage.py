"""What processes take: time of the processor, memory, descriptors and threads, from Linux's `/proc`.

Elsewhere the standard library tells it of this process; of others it is not known, and tests that ask are not run.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from trueup_contracts.errors import NotRunError

_PROC = Path("/proc")


class Usage(NamedTuple):
    """Of one process or of several together."""

    cpu_s: float
    resident_bytes: int
    descriptors: int
    threads: int


def usage(processes: Sequence[int]) -> Usage:
    """What these processes take now. `NotRunError` where nothing tells it."""
    if (_PROC / "self/statm").exists() and processes:
        of_each = [_from_proc(_PROC / str(one)) for one in processes]
        return Usage(*(sum(column) for column in zip(*of_each, strict=True)))
    if list(processes) == [os.getpid()]:
        return _own()
    raise NotRunError("what other processes take is known on Linux only")


def _from_proc(place: Path) -> Usage:
    is_own = place.name == str(os.getpid())
    # After the name, which may hold anything: fields 14 and 15 of proc_pid_stat(5) are ticks, 20 is threads.
    fields = (place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    pages = int((place / "statm").read_text(encoding="ascii").split()[1])
    return Usage(
        time.process_time() if is_own else _on_cpu_s(place) or ticks / os.sysconf("SC_CLK_TCK"),
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(os.listdir(place / "fd")),
        int(fields[17]),
    )


def _on_cpu_s(place: Path) -> float:
    """Finer than ticks of 10 ms: what the scheduler tells of each living thread, in ns; 0 where it tells nothing."""
    total_ns = 0
    for task in (place / "task").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):  # the thread has ended, or nothing is told
            total_ns += int((task / "schedstat").read_text(encoding="ascii").split()[0])
    return total_ns / 1e9


def _own() -> Usage:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    descriptors = len(os.listdir("/dev/fd")) if Path("/dev/fd").is_dir() else 0
    return Usage(time.process_time(), peak, descriptors, threading.active_count())
