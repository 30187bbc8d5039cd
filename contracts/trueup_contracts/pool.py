"""Threads that a run does not wait for once it has given up on them.

Those of `ThreadPoolExecutor` are joined when the interpreter ends: an implementation that keeps one waiting for ever
would keep pytest from ending, after it has told its verdict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

_Given = ParamSpec("_Given")
_Answer = TypeVar("_Answer")


class Threads(Executor):
    """A thread for each piece of work. Its block ends when all of them have, or when the watch interrupts it."""

    def __init__(self) -> None:
        self._started: list[threading.Thread] = []

    def submit(self, fn: Callable[_Given, _Answer], /, *args: _Given.args, **kwargs: _Given.kwargs) -> Future[_Answer]:
        """What the work will answer; it begins at once."""
        future: Future[_Answer] = Future()
        # It has begun: `map` cancels what it no longer waits for, and an answer has then nowhere to go.
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                answer = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised again for whoever asks for the result
                future.set_exception(error)
            else:
                future.set_result(answer)

        thread = threading.Thread(target=work, daemon=True)
        self._started.append(thread)
        thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Waits for all of them."""
        _: Any = cancel_futures  # all have begun
        for thread in self._started if wait else ():
            thread.join()
