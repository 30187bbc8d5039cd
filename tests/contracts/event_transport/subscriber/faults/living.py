"""What stops, or never came, is taken wrongly: ES-001 to ES-014."""

from __future__ import annotations

import time
from typing import Any

import zmq

from contracts.event_transport.subscriber.hooked import Hooked
from contracts.event_transport.subscriber.parts import Message, Source
from contracts.event_transport.subscriber.seeding import fault

FOR_EVER_MS = 3_600_000


class LooksForDisconnections(Hooked):
    """Told of each lost connection, once."""

    def disconnected(self, source: Source) -> None:
        raise NotImplementedError

    def look(self) -> None:
        for source in self.sources:
            if source.monitor.poll(0):
                self.disconnected(source)
        super().look()


@fault("ES-001")
class WaitsForEver(Hooked):
    """receives without a timeout (RCVTIMEO -1)"""

    def recv(self) -> Message | None:
        with self.lock:
            while not self.ready:
                source = self.sources[0]
                self.take(source, source.socket.recv_multipart())
            return self.handed_out(self.ready.popleft())


@fault("ES-001")
class TimeoutIsAnError(Hooked):
    """raises EAGAIN when nothing came"""

    def timed_out(self) -> Message | None:
        raise zmq.Again


@fault("ES-001")
class ComesBackEarly(Hooked):
    """comes back at once while nobody is connected"""

    def wait(self, left_ms: float) -> None:
        super().wait(left_ms / 4)

    def recv(self) -> Message | None:
        before, self.timeout_ms = self.timeout_ms, self.timeout_ms // 4
        try:
            return super().recv()
        finally:
            self.timeout_ms = before


@fault("ES-002")
class WaitsForEverOnceConnected(Hooked):
    """has a timeout for connecting only"""

    is_connected = False
    watched = int(zmq.EVENT_HANDSHAKE_SUCCEEDED)

    def look(self) -> None:
        if any(source.monitor.poll(0) for source in self.sources):
            self.is_connected = True
        super().look()

    def wait(self, left_ms: float) -> None:
        super().wait(FOR_EVER_MS if self.is_connected else left_ms)


@fault("ES-003")
class TimeoutEndsTheStream(Hooked):
    """takes a timeout for the end of the stream"""

    has_ended = False

    def timed_out(self) -> Message | None:
        self.has_ended = True
        return None

    def look(self) -> None:
        if not self.has_ended:
            super().look()


@fault("ES-004")
class SleepsItsTimeout(Hooked):
    """sleeps for its timeout, and looks then"""

    def wait(self, left_ms: float) -> None:
        time.sleep(left_ms / 1_000)


@fault("ES-005")
class ZeroIsForEver(Hooked):
    """takes a timeout of 0 for none"""

    def recv(self) -> Message | None:
        self.timeout_ms = self.timeout_ms or FOR_EVER_MS
        return super().recv()


@fault("ES-006")
class TimeoutIsAConstant(Hooked):
    """waits for 100 ms, whatever was set"""

    def checked(self, timeout_ms: Any) -> int:
        super().checked(timeout_ms)
        return 100


@fault("ES-006")
class WaitsForASecondAtLeast(Hooked):
    """rounds its timeout up to a second"""

    def checked(self, timeout_ms: Any) -> int:
        return max(super().checked(timeout_ms), 1_000)


@fault("ES-007")
class FailsWithItsPublisher(LooksForDisconnections):
    """raises when its publisher is gone"""

    def disconnected(self, source: Source) -> None:
        raise ConnectionResetError(f"{source.endpoint} is gone")


@fault("ES-008")
class LeavesASilentPublisher(Hooked):
    """leaves a publisher that does not answer its heartbeats, for good"""

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        super().set_up(made)
        made.set(zmq.HEARTBEAT_IVL, 20)
        made.set(zmq.HEARTBEAT_TIMEOUT, 40)
        made.set(zmq.RECONNECT_IVL, -1)


@fault("ES-009")
class NeverReconnects(Hooked):
    """connects once"""

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        super().set_up(made)
        made.set(zmq.RECONNECT_IVL, -1)


@fault("ES-010")
class GivesUpAfterOneRefusal(LooksForDisconnections):
    """disconnects from an endpoint that has reset its connection twice"""

    resets = 0

    def disconnected(self, source: Source) -> None:
        self.resets += 1
        if self.resets == 1:
            source.socket.disconnect(source.endpoint)


@fault("ES-011")
class WaitsForTheNetwork(LooksForDisconnections):
    """waits for the answer to a heartbeat before each receive"""

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        super().set_up(made)
        made.set(zmq.HEARTBEAT_IVL, 10)
        made.set(zmq.HEARTBEAT_TIMEOUT, 20)

    def disconnected(self, source: Source) -> None:
        raise ConnectionAbortedError("no answer to a heartbeat")


@fault("ES-012")
class HandsOutItsLastAgain(LooksForDisconnections):
    """hands out its last message again when its connection is cut"""

    newest: Message | None = None

    def handed_out(self, message: Message) -> Message:
        self.newest = message
        return super().handed_out(message)

    def disconnected(self, source: Source) -> None:
        assert self.newest is not None
        self.ready.append(self.newest)


@fault("ES-013")
class MinusOneIsForEver(Hooked):
    """takes -1 for a wait without end"""

    def checked(self, timeout_ms: Any) -> int:
        return FOR_EVER_MS if timeout_ms == -1 else super().checked(timeout_ms)


@fault("ES-014")
class TakesWhatLooksLikeANumber(Hooked):
    """takes texts, truth values and fractions for times"""

    def checked(self, timeout_ms: Any) -> int:
        return super().checked(int(timeout_ms))
