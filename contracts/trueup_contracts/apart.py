"""A thread of its own for an implementation that must be called from one thread, and may never come back.

The test waits as long as it wants to. It gives the thread up then: a call in C that looks at no signal would hold the
run for ever.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from trueup_contracts.errors import LateError
from trueup_contracts.subject import Subject

_Answer = TypeVar("_Answer")


class Apart:
    """One thread; its work is done in order. It ends with `end`, or when it comes back after it was given up."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self.is_given_up = False

    def begin(self, work: Callable[[], _Answer]) -> Future[_Answer]:
        """What the work will answer."""
        future: Future[_Answer] = Future()
        future.set_running_or_notify_cancel()
        self._work.put((future, work))
        return future

    def answer(self, future: Future[_Answer], limit_s: float) -> _Answer:
        """The answer of what was begun. `LateError` where there is none in time; then the thread is given up."""
        __tracebackhide__ = True
        try:
            return future.result(limit_s)
        except TimeoutError:
            if future.done():  # the work's own error, or it has ended just now
                return future.result()
            self.is_given_up = True
            self._subject.give_up(self._thread)
            self._work.put(None)
            raise LateError(f"no answer within {limit_s:g} s") from None

    def run(self, work: Callable[[], _Answer], limit_s: float) -> _Answer:
        """`begin` and `answer`."""
        __tracebackhide__ = True
        return self.answer(self.begin(work), limit_s)

    def end(self) -> None:
        """No more work comes."""
        if not self.is_given_up:
            self._work.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (given := self._work.get()) is not None:
            future, work = given
            try:
                answer = work()
            except BaseException as error:  # noqa: BLE001 - raised again for whoever asks for the answer
                future.set_exception(error)
            else:
                future.set_result(answer)
            del given, future, work
