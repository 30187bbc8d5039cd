"""Work on many files, on two cores where that can be had cheaply.

Forking costs a few milliseconds, a pool of fresh interpreters more than the whole run: so there is one
forked child, on Linux, and elsewhere none. The child only computes; what it cannot hand over (killed, out
of memory) is computed again here, so that the results never depend on it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

import msgspec

_Job = TypeVar("_Job")
_Result = TypeVar("_Result")
_FEW = 16  # less work than this is done sooner than a fork


def each(work: Callable[[_Job], _Result], jobs: list[_Job], result_type: type[_Result]) -> Iterator[_Result]:
    """`work(job)` for every job, in no particular order. Results must survive MessagePack."""
    if len(jobs) < _FEW or not _may_fork():
        yield from map(work, jobs)
        return
    mine, others = jobs[::2], jobs[1::2]
    child = _Child(lambda: msgspec.msgpack.encode([work(job) for job in others]))
    try:
        yield from map(work, mine)
        answer = child.answer()
    finally:
        child.close()
    try:
        results = msgspec.msgpack.decode(answer, type=list[result_type])  # type: ignore[valid-type]
    except (msgspec.DecodeError, UnicodeDecodeError):
        results = []
    if len(results) == len(others):
        yield from results
    else:
        yield from map(work, others)


def _may_fork() -> bool:
    return sys.platform == "linux" and threading.active_count() == 1 and (os.cpu_count() or 1) > 1


class _Child:
    """A forked copy of this process that computes some bytes and ends without cleaning up after its parent."""

    def __init__(self, compute: Callable[[], bytes]) -> None:
        self._read_end, write_end = os.pipe()
        self._collected = False
        self._pid = os.fork()
        if self._pid == 0:
            code = 1
            try:
                os.close(self._read_end)
                with open(write_end, "wb") as pipe:
                    pipe.write(compute())
                code = 0
            finally:
                # Not sys.exit: the parent's buffers and handlers are not the child's to flush and run.
                os._exit(code)
        os.close(write_end)

    def answer(self) -> bytes:
        """Everything the child wrote; nothing if it failed."""
        with open(self._read_end, "rb", closefd=False) as pipe:
            data = pipe.read()
        _, status = os.waitpid(self._pid, 0)
        self._collected = True
        return data if status == 0 else b""

    def close(self) -> None:
        """Ends the child if it is still there."""
        os.close(self._read_end)
        if not self._collected:
            os.kill(self._pid, 9)
            os.waitpid(self._pid, 0)
