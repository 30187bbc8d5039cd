"""One computation per key at a time: who comes later waits for it, and gets its result or its exception."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.owner = threading.get_ident()
        self.done = threading.Event()
        self.result: T | None = None
        self.error: BaseException | None = None


class Flights(Generic[T]):
    """The computations under way, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight[T]] = {}

    def run(self, key: str, look: Callable[[], T | None], compute: Callable[[], T]) -> T:
        """What `look` finds, else what one `compute` makes for all who ask meanwhile; its exception reaches all too.

        `look` is called while no computation of the key can begin or end, so nothing is computed twice.
        """
        with self._lock:
            flight = self._flights.get(key)
            is_first = flight is None
            if flight is None:
                found = look()
                if found is not None:
                    return found
                flight = self._flights[key] = _Flight()
        if not is_first:
            return self._waited(flight)
        try:
            flight.result = compute()
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
        return flight.result

    @staticmethod
    def _waited(flight: _Flight[T]) -> T:
        if flight.owner == threading.get_ident():
            raise RuntimeError("the computation of a key asks for the same key")
        flight.done.wait()
        if flight.error is not None:
            raise flight.error
        assert flight.result is not None
        return flight.result
