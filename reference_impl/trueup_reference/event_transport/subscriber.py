"""Receives from one or many publishers. Nothing received is None: no error, no end, and never a wait for ever."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Unpack

from trueup_reference.event_transport import exiting
from trueup_reference.event_transport.core import SubscriberCore, SubscriberSettings
from trueup_reference.event_transport.errors import ClosedError
from trueup_reference.event_transport.managed import Managed
from trueup_reference.event_transport.messages import Format, Message
from trueup_reference.event_transport.metrics import Role
from trueup_reference.event_transport.settings import TIMEOUT_ENV
from trueup_reference.event_transport.settings import recv_timeout_ms as checked_timeout_ms

_SIGNALS_S = 0.5  # a signal that comes just before a wait does not end it: Python looks again after so long


class Subscriber(Managed):
    """Its messages may be taken from any thread, one at a time; `close` may be called from any other."""

    role: Role = "subscriber"
    timeout_env = TIMEOUT_ENV

    def __init__(
        self,
        endpoints: str | Sequence[str],
        topic: str = "",
        recv_timeout_ms: int | None = None,
        format: Format = "A",
        *,
        name: str = "subscriber",
        **settings: Unpack[SubscriberSettings],
    ) -> None:
        """Connects; the publishers need not be there yet.

        `recv_timeout_ms`: 0 polls; left out, it is what TRUEUP_ZMQ_RECV_TIMEOUT_MS says, else 100. `SettingError` for
        what cannot be.
        """
        self.name = name
        self._timeout_s = checked_timeout_ms(recv_timeout_ms) / 1000
        self._core = SubscriberCore(endpoints, topic, format, **settings)
        self._lock = threading.RLock()  # of the sockets: they belong to whoever holds it
        self._holder: int | None = None
        self._closing = False
        exiting.opened(self)
        self._abandoned = weakref.finalize(self, self._core.close)
        self._abandoned.atexit = False

    def recv(self) -> Message | None:
        """The next message, or None where none came within the timeout, or another thread closed meanwhile.

        `ClosedError` after `close`.
        """
        core = self._core
        with self._lock:
            self._holder = threading.get_ident()
            try:
                if self._closing:
                    raise ClosedError("the subscriber is closed")
                message = core.take()
                if message is not None:
                    return message
                deadline = time.monotonic() + self._timeout_s
                while True:
                    core.poll(min(deadline - time.monotonic(), _SIGNALS_S))
                    if self._closing:
                        return None
                    message = core.take()
                    if message is not None:
                        return message
                    if time.monotonic() >= deadline:
                        return None
            finally:
                self._holder = None
                if self._closing:
                    core.close()

    def forever(self) -> Iterator[Message]:
        """Every message, waiting for ever in between: ends when another thread, or a signal handler, calls `close`."""
        while not self._closing:
            try:
                message = self.recv()
            except ClosedError:
                return
            if message is not None:
                yield message

    def close(self) -> None:
        """Ends a `recv` that waits in another thread. A second call does nothing. Also for signal handlers."""
        self._closing = True
        self._core.wake()
        if self._holder == threading.get_ident():
            return  # a signal handler, amid `recv`, which closes on its way out
        with self._lock:
            self._core.close()
        exiting.closed(self)
        self._abandoned.detach()

    @property
    def connected(self) -> dict[str, bool]:
        """Each endpoint, and whether a publisher is there, as far as the last `recv` saw."""
        return self._core.connected()

    def stats(self) -> dict[str, int]:
        """Counts since the start: received, malformed, gaps, restarts, duplicates, uncertain, and others."""
        return self._core.counts.mapping()

    def numbers(self) -> dict[str, float]:
        """For `TransportCollector`."""
        return self._core.numbers()
