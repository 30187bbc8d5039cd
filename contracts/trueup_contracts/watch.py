"""A deadline for calls of an implementation in this process: one that hangs must not hold the run for ever.

A thread looks at the calls that have not come back and sends the main thread a signal, whose handler raises
there: out of a sleep, a lock or a loop in Python. Code in C that never looks at signals cannot be ended this
way, and nothing can where threads get no signals, on Windows. `SIGVTALRM`, since nobody else uses it: pytest-
timeout has `SIGALRM`.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from trueup_contracts.errors import AdapterDiedError

_LOOK_S = 0.25
_Answer = TypeVar("_Answer")


class Watch:
    """The calls of this process; `run` makes one."""

    def __init__(self) -> None:
        self._calls: dict[int, tuple[str, float, float]] = {}  # thread to what it calls, its deadline, and the limit
        self._is_test = False
        self._over: threading.Event | None = None
        self._before: Any = None

    def begin(self) -> None:
        """A test begins, in the main thread; elsewhere nothing is watched."""
        if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_kill"):
            return
        self._is_test = True
        if self._over is None:
            self._before = signal.signal(signal.SIGVTALRM, self._end_call)
            self._over = threading.Event()
            threading.Thread(target=self._look, args=(self._over,), daemon=True).start()

    def done(self) -> None:
        """The test is over: what its threads still call is nobody's verdict."""
        self._is_test = False

    def stop(self) -> None:
        """The run is over: the thread ends and the signal is as it was."""
        self.done()
        if self._over is not None:
            self._over.set()
            self._over = None
            signal.signal(signal.SIGVTALRM, self._before)

    def run(self, work: Callable[[], _Answer], what: str, limit_s: float) -> _Answer:
        """The answer of `work`. `AdapterDiedError`, in the main thread, where none comes in time."""
        __tracebackhide__ = True
        thread = threading.get_ident()
        outer = self._calls.get(thread)  # a call out of a call: the outer one has its own deadline
        self._calls[thread] = (what, time.monotonic() + limit_s, limit_s)
        try:
            return work()
        finally:
            if outer is None:
                self._calls.pop(thread, None)
            else:
                self._calls[thread] = outer

    def leave(self, thread: threading.Thread) -> None:
        """Nobody waits any more for what this thread calls."""
        self._calls.pop(thread.ident or 0, None)

    def _late(self) -> tuple[str, float] | None:
        now = time.monotonic()
        for what, deadline, limit_s in list(self._calls.values()):
            if now >= deadline:
                return what, limit_s
        return None

    def _look(self, over: threading.Event) -> None:
        main = threading.main_thread().ident
        while not over.wait(_LOOK_S):
            if self._is_test and self._late() is not None and main is not None:
                signal.pthread_kill(main, signal.SIGVTALRM)

    def _end_call(self, *_: object) -> None:
        late = self._late()
        if late is not None and self._is_test:  # it may have come back since the look
            raise AdapterDiedError(f"the implementation gave no answer to {late[0]} within {late[1]:g} s")


WATCH = Watch()  # there is one main thread
