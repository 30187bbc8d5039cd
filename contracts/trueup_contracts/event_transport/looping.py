"""Implementations whose calls are coroutines: each object in an event loop of its own, in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

_CALLS = ("recv", "publish", "replay")


def in_loop(made: Any) -> Any:
    """An object with the same calls, which wait for the coroutines' results; others as they are.

    `made`: an object with coroutines for calls, or the coroutine that makes one.
    """
    has_coroutines = any(inspect.iscoroutinefunction(getattr(made, name, None)) for name in _CALLS)
    return InLoop(made) if inspect.iscoroutine(made) or has_coroutines else made


class InLoop:
    """Calls an object's methods in its event loop. The loop ends with this object."""

    def __init__(self, made: Any) -> None:
        """What the coroutine raises that makes the object is raised here."""
        self.loop = asyncio.new_event_loop()
        thread = threading.Thread(target=_run, args=(self.loop,), daemon=True)
        thread.start()
        weakref.finalize(self, self.loop.call_soon_threadsafe, self.loop.stop)
        self.object = self.run(made) if inspect.iscoroutine(made) else made

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """The result of a coroutine."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def __getattr__(self, name: str) -> Any:
        """An attribute; a method as a function that waits for its result."""
        member = getattr(self.object, name)
        return self._called(member) if callable(member) else member

    def _called(self, member: Callable[..., Any]) -> Callable[..., Any]:
        async def call(args: dict[str, Any]) -> Any:
            answer = member(**args)
            return await answer if inspect.isawaitable(answer) else answer

        return lambda **args: self.run(call(args))


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
