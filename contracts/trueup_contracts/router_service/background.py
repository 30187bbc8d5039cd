"""The event loop of a test's workers and clients, in a thread of its own; the test waits for what happens there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")
_CALL_S = 30.0  # for the kit's own work in the loop: longer than it ever takes


class Background:
    """One loop and its thread, until `close`."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="router-service", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(_CALL_S)

    def tell(self, function: Callable[..., object], *arguments: Any) -> None:
        """Calls a function in the loop's thread, soon."""
        self.loop.call_soon_threadsafe(function, *arguments)

    def news(self) -> None:
        """Something has happened: whoever waits looks again."""
        with self._news:
            self._news.notify_all()

    def until(self, look: Callable[[], _Answer | None], what: str, limit_s: float) -> _Answer:
        """What `look` finds at last, asked again whenever something has happened. `AssertionError` where too late."""
        __tracebackhide__ = True
        with self._news:
            found = self._news.wait_for(look, limit_s)
        if not found:
            raise AssertionError(f"{what}: not within {limit_s:g} s")
        return found

    def close(self) -> None:
        """Cancels what is under way, and ends the thread."""
        if not self.loop.is_closed():
            self.run(self._cancel_all())
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    async def _cancel_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
