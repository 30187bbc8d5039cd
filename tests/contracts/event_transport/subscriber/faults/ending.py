"""What is taken and what is left: ES-020 to ES-029."""

from __future__ import annotations

import socket
import threading
from typing import Any, ClassVar

import zmq

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.parts import Message
from contracts.event_transport.subscriber.seeding import fault


@fault("ES-020")
class LooksAgainAndAgain(Hooked):
    """looks again and again until its timeout is over"""

    def wait(self, left_ms: float) -> None:
        pass


@fault("ES-021")
class ADescriptorPerTimeout(Hooked):
    """leaves a descriptor open at each timeout"""

    kept: ClassVar[list[Any]] = []

    def timed_out(self) -> Message | None:
        if len(self.kept) < 800:
            self.kept.append(socket.socket())
        return None


@fault("ES-021")
class MemoryPerTimeout(Hooked):
    """keeps a buffer of each timeout"""

    def timed_out(self) -> Message | None:
        self.buffers = [*getattr(self, "buffers", []), bytearray(b"\1") * 40_000]
        return None


@fault("ES-022")
class CloseWaitsForTheTimeout(Hooked):
    """closes when a receive that is under way has ended"""

    def wake(self) -> None:
        pass


@fault("ES-024")
class NothingAfterClose(Hooked):
    """answers nothing received when it is closed"""

    def after_close(self) -> Message | None:
        return None


@fault("ES-025")
class ClosesOnce(Hooked):
    """fails when it is closed twice"""

    def close(self) -> None:
        self.wake()
        self.is_closed.set()
        with self.lock:
            self.end()


@fault("ES-026")
class EndsTheContextFirst(Hooked):
    """ends its context while its sockets are open"""

    def end(self) -> None:
        self.context.term()
        super().end()


@fault("ES-027")
class KeepsItsContext(Hooked):
    """closes its sockets and keeps the context's threads"""

    kept: ClassVar[list[zmq.Context[zmq.Socket[bytes]]]] = []

    def end(self) -> None:
        self.kept.append(self.context)
        self.context = zmq.Context()
        super().end()


@fault("ES-028")
class HasAThreadThatStays(Hooked):
    """has a thread that ends with close only"""

    def make_context(self) -> zmq.Context[zmq.Socket[bytes]]:
        self.is_over = threading.Event()
        threading.Thread(target=self.is_over.wait).start()
        return super().make_context()

    def end(self) -> None:
        self.is_over.set()
        super().end()


@fault("ES-029")
class TakesAnInterruptForATimeout(Hooked):
    """takes an interrupt for a timeout"""

    def recv(self) -> Message | None:
        try:
            return super().recv()
        except BaseException:  # noqa: BLE001
            return None
