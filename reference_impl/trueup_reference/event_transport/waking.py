"""Wakes a thread that polls. A ZMQ socket may not be written to by two threads; a pair of plain sockets may."""

from __future__ import annotations

import contextlib
import socket


class Wakeup:
    """`wake` from any thread; the owner polls `fileno` and then calls `clear`."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        """What to poll for reading."""
        return self._reader.fileno()

    def wake(self) -> None:
        """Ends the owner's poll, now or when it begins. Nothing after `close`."""
        # Full: it will wake anyhow. Closed: nobody is left to wake.
        with contextlib.suppress(BlockingIOError, OSError):
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Takes back what `wake` wrote."""
        with contextlib.suppress(BlockingIOError):
            while len(self._reader.recv(4096)) == 4096:
                pass

    def close(self) -> None:
        """Both ends."""
        self._reader.close()
        self._writer.close()
