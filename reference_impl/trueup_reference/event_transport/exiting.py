"""Publishers and subscribers that are still open when the interpreter ends are closed before its threads go."""

from __future__ import annotations

import atexit
from typing import Protocol
from weakref import WeakSet


class Closable(Protocol):
    """What may be left open."""

    def close(self) -> None:
        """Ends it."""


_open: WeakSet[Closable] = WeakSet()


def opened(one: Closable) -> None:
    """Remembers it for the end."""
    _open.add(one)


def closed(one: Closable) -> None:
    """It needs no more care."""
    _open.discard(one)


@atexit.register
def _close_all() -> None:
    for one in list(_open):
        one.close()
