"""What becomes of caches in a child process that was forked.

A lock that another thread holds at the moment of the fork stays locked in the child for ever. So all locks of caches
are taken before a fork (they are held for moments only) and made anew in the child, which has whole ledgers therefore.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NoReturn, Protocol
from weakref import WeakSet

from trueup_reference.embedding_cache.errors import ForkedError

# Nobody holds one for so long, unless the thread that forks does: then the child starts with what may be half a change.
LOCK_WAIT_S = 5.0


class Lock(Protocol):
    """Of `threading`."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes it."""

    def release(self) -> None:
        """Gives it back."""


class Forkable(Protocol):
    """What wants to live on in a child process."""

    def fork_locks(self) -> Iterable[Lock]:
        """The locks to take before the fork, in the order in which it takes them itself."""

    def begin_in_child(self, *, is_whole: bool) -> None:
        """Makes its locks anew. Not `is_whole`: another change may be half done."""


class Refusal(AbstractContextManager[None]):
    """Stands for the lock of a cache that cannot be used."""

    def __init__(self, message: str) -> None:
        self._message = message

    def __enter__(self) -> NoReturn:
        """Raises `ForkedError`."""
        raise ForkedError(self._message)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Never comes to pass."""


class _Forks:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watched: WeakSet[Forkable] = WeakSet()
        self._taken: list[Lock] = []
        self._broken: list[Forkable] = []

    def watch(self, one: Forkable) -> None:
        with self._lock:
            self._watched.add(one)

    def before(self) -> None:
        self._lock.acquire()
        for one in self._watched:
            for lock in one.fork_locks():
                if lock.acquire(timeout=LOCK_WAIT_S):
                    self._taken.append(lock)
                else:
                    self._broken.append(one)

    def in_parent(self) -> None:
        for lock in reversed(self._taken):
            lock.release()
        self._taken, self._broken = [], []
        self._lock.release()

    def in_child(self) -> None:
        for one in self._watched:
            one.begin_in_child(is_whole=one not in self._broken)
        self._taken, self._broken = [], []
        self._lock = threading.Lock()


_forks = _Forks()
watch = _forks.watch
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_forks.before, after_in_parent=_forks.in_parent, after_in_child=_forks.in_child)
