"""Looks at a file again and again, and reads it when another one lies in its place or it was written to.

It finds a rename, a symbolic link that points elsewhere, and writing in place, on every file system.
"""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import NamedTuple

# A file that was written to in the same tick of the clock as it was read may differ, though nothing shows it.
_SETTLED_NS = 1_000_000_000


class Look(NamedTuple):
    """What was there. `identity`: what changes when another file lies there, or when it is written to."""

    identity: tuple[int, ...]
    text: bytes
    is_settled: bool


def look(path: Path, last: Look | None, most_bytes: int) -> Look | None:
    """What lies there, or None while it is what was there at the last look. `OSError` where nothing can be read.

    Of a file that is larger than `most_bytes` one byte more is read, so that whoever reads it sees that.
    """
    if last is not None and last.is_settled and _identity(os.stat(path)) == last.identity:
        return None
    # Not blocking: a named pipe in the file's place would otherwise hold this up for ever.
    with open(path, "rb", opener=_opener) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "not a file")
        text = file.read(most_bytes + 1)
    return Look(_identity(found), text, time.time_ns() - found.st_mtime_ns > _SETTLED_NS)


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
