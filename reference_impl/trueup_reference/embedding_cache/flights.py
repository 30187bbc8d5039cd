"""One computation per key at a time: who comes later waits for it, and gets its result or its exception.

Threads and event loops may wait for the same computation. It belongs to nobody: whoever gives up (a cancelled task)
leaves the others waiting, and only when nobody waits any more is a computation in an event loop cancelled. One that
ends without an answer (cancelled with its loop, `KeyboardInterrupt`) is none for the others: one of them computes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextvars import ContextVar
from types import TracebackType
from typing import Generic, TypeVar, cast

T = TypeVar("T")

# Marks of the computations that the present code is part of. No flights: a context may outlive them and their results.
_inside: ContextVar[tuple[object, ...]] = ContextVar("trueup_reference_flights", default=())


class _Flight(Generic[T]):
    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.mark = object()
        self.loop = loop
        self.task: asyncio.Task[None] | None = None
        self.waiting = 0
        self.result: T | None = None
        self.error: Exception | None = None
        self.traceback: TracebackType | None = None
        self.has_answer = False
        # Marked as running: cancelling one who waits for it does not reach it.
        self.ended: Future[None] = Future()
        self.ended.set_running_or_notify_cancel()

    def succeed(self, result: T) -> None:
        self.result = result
        self.has_answer = True

    def fail(self, error: Exception) -> None:
        self.error, self.traceback = error, error.__traceback__
        self.has_answer = True

    def answer(self) -> T:
        try:
            if self.error is not None:
                # As it was, without the frames of others who raised it.
                raise self.error.with_traceback(self.traceback)
            return cast("T", self.result)
        finally:
            del self  # else the traceback would refer to the error, and keep tensors until the garbage collector runs


class Flights(Generic[T]):
    """The computations under way, by key. `joined` counts those who waited for another's."""

    def __init__(self) -> None:
        # Re-entrant, since the garbage collector may end a task of a loop that was closed, anywhere.
        self.lock = threading.RLock()
        self.joined = 0
        self._flights: dict[str, _Flight[T]] = {}

    def run(self, key: str, compute: Callable[[], T]) -> T:
        """What one `compute` makes for all who ask meanwhile; its exception reaches all too.

        Raises `RuntimeError` where waiting would never end: in a computation of the same key, or in the event loop
        that has to do it.
        """
        while True:
            flight, is_first = self._board(key, None, blocks=True)
            try:
                if is_first:
                    self._fly(key, flight, compute)
                else:
                    flight.ended.result()
                if flight.has_answer:
                    return flight.answer()
            finally:
                self._leave(flight)
                del flight

    async def run_async(self, key: str, compute: Callable[[], Awaitable[T]]) -> T:
        """The same in an event loop. The computation is a task of its own, in the context of who asked first."""
        loop = asyncio.get_running_loop()
        while True:
            flight, is_first = self._board(key, loop, blocks=False)
            try:
                if is_first:
                    self._take_off(key, flight, compute)
                await asyncio.wrap_future(flight.ended)
                if flight.has_answer:
                    return flight.answer()
                if is_first:
                    raise asyncio.CancelledError("the computation was cancelled")
            finally:
                self._leave(flight)
                del flight

    def forget(self) -> None:
        """In a child process: drops the computations of its parent, whose threads are not here, and their lock."""
        self.lock = threading.RLock()
        self._flights = {}

    def _board(self, key: str, loop: asyncio.AbstractEventLoop | None, *, blocks: bool) -> tuple[_Flight[T], bool]:
        with self.lock:
            flight = self._flights.get(key)
            if flight is not None and flight.loop is not None and flight.loop.is_closed():
                self._land(key, flight)
                flight = None
            is_first = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight(loop)
            elif flight.mark in _inside.get():
                raise RuntimeError("the computation of a key asks for the same key")
            elif blocks and flight.loop is not None and asyncio._get_running_loop() is flight.loop:
                raise RuntimeError("this would block the event loop that computes the key: await the asynchronous form")
            else:
                self.joined += 1
            flight.waiting += 1
            return flight, is_first

    def _leave(self, flight: _Flight[T]) -> None:
        with self.lock:
            flight.waiting -= 1
            if flight.waiting or flight.task is None or flight.loop is None or flight.ended.done():
                return
        with contextlib.suppress(RuntimeError):  # a loop that was closed cancels nothing
            flight.loop.call_soon_threadsafe(flight.task.cancel)

    def _fly(self, key: str, flight: _Flight[T], compute: Callable[[], T]) -> None:
        token = _inside.set((*_inside.get(), flight.mark))
        try:
            flight.succeed(compute())
        except Exception as error:  # noqa: BLE001  (it is raised to all who wait)
            flight.fail(error)
        finally:
            _inside.reset(token)
            self._land(key, flight)
            del flight

    def _take_off(self, key: str, flight: _Flight[T], compute: Callable[[], Awaitable[T]]) -> None:
        async def fly(flight: _Flight[T]) -> None:
            _inside.set((*_inside.get(), flight.mark))
            try:
                flight.succeed(await compute())
            except Exception as error:  # noqa: BLE001  (it is raised to all who wait)
                flight.fail(error)
            finally:
                self._land(key, flight)
                del flight

        flight.task = asyncio.get_running_loop().create_task(fly(flight))
        # A task that is cancelled before its first step never comes to its `finally`.
        flight.task.add_done_callback(lambda _: self._land(key, flight))

    def _land(self, key: str, flight: _Flight[T]) -> None:
        with self.lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            if flight.ended.done():
                return
        flight.ended.set_result(None)
