"""The sockets of the tap. Each waits with a timeout, and is closed by its own thread, with linger 0."""

from __future__ import annotations

import contextlib
import errno
import time
from collections.abc import Iterator, Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from trueup.errors import UsageError
from trueup_contracts.event_transport.codec import Unreadable
from trueup_contracts.event_transport.codec.messagepack import MAX_BYTES
from trueup_contracts.event_transport.codec.replies import parse, request
from trueup_contracts.event_transport.tap.capture import Item

HIGH_WATER_MARK = 100_000
TICK_MS = 100
MOST_REPLIES = 1_000_000
_EVENTS = zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED


class Tap:
    """Subscriptions to endpoints, one socket each, so that a message's source is known."""

    def __init__(self, endpoints: Sequence[str], topic: str) -> None:
        """Connects; nobody has to be there yet. `UsageError` for an endpoint that cannot be."""
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._monitors: list[zmq.Socket[bytes]] = []
        self._poller = zmq.Poller()
        try:
            for endpoint in endpoints:
                self._connect(endpoint, topic)
        except BaseException:
            self.close()
            raise

    def _connect(self, endpoint: str, topic: str) -> None:
        socket = self._context.socket(zmq.SUB)
        self._sockets.append(socket)
        socket.set(zmq.RCVHWM, HIGH_WATER_MARK)
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.MAXMSGSIZE, MAX_BYTES)
        socket.set(zmq.IPV6, 1)
        monitor = socket.get_monitor_socket(_EVENTS)
        self._monitors.append(monitor)
        _connect(socket, endpoint)
        socket.set(zmq.SUBSCRIBE, topic.encode("utf-8"))
        self._poller.register(socket, zmq.POLLIN)
        self._poller.register(monitor, zmq.POLLIN)

    def items(self, until: float | None) -> Iterator[Item | None]:
        """What happens, until a point of the monotonic clock; nothing at each tick without anything."""
        while until is None or time.monotonic() < until:
            left_ms = TICK_MS if until is None else max(0, min(TICK_MS, int((until - time.monotonic()) * 1_000) + 1))
            ready = dict(self._poller.poll(left_ms))
            for source, monitor in enumerate(self._monitors):
                if monitor in ready:
                    yield from self._monitored(source, monitor)
            for source, socket in enumerate(self._sockets):
                if socket in ready:
                    yield from self._received(source, socket)
            if not ready:
                yield None

    def _monitored(self, source: int, monitor: zmq.Socket[bytes]) -> Iterator[Item]:
        while monitor.poll(0):
            event = recv_monitor_message(monitor, zmq.DONTWAIT)["event"]
            if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                yield Item(time.time(), source, connected=True)
            elif event == zmq.EVENT_DISCONNECTED:
                yield Item(time.time(), source, connected=False)

    def _received(self, source: int, socket: zmq.Socket[bytes]) -> list[Item]:
        found: list[Item] = []  # all at once, so that the time of each is that of its receipt
        with contextlib.suppress(zmq.Again):
            while len(found) < 1_000:  # then the other sockets have their turn
                frames = socket.recv_multipart(zmq.DONTWAIT)
                found.append(Item(time.time(), source, frames=tuple(frames)))
        return found

    def close(self) -> None:
        """Nothing is left of it."""
        for socket in self._sockets:
            socket.disable_monitor()
            socket.close(linger=0)
        self._context.destroy(linger=0)


def replay(endpoint: str, start: int, timeout_s: float) -> list[tuple[bytes, ...]]:
    """What a replay endpoint answers to a request from `start` on, up to its end marker or `timeout_s` of silence."""
    context = zmq.Context()
    try:
        socket = context.socket(zmq.DEALER)  # a REQ socket gets the first of the many replies, and no other
        socket.set(zmq.LINGER, 0)
        socket.set(zmq.RCVHWM, HIGH_WATER_MARK)
        socket.set(zmq.MAXMSGSIZE, MAX_BYTES)
        socket.set(zmq.IPV6, 1)
        _connect(socket, endpoint)
        socket.send_multipart(request(start))
        found: list[tuple[bytes, ...]] = []
        while len(found) < MOST_REPLIES and socket.poll(int(timeout_s * 1_000)):
            found.append(tuple(socket.recv_multipart()))
            if _is_end(found[-1]):
                break
        return found
    finally:
        context.destroy(linger=0)


def _is_end(frames: Sequence[bytes]) -> bool:
    try:
        return parse(frames).end
    except Unreadable:
        return False


def _connect(socket: zmq.Socket[bytes], endpoint: str) -> None:
    """libzmq takes ports that cannot be, and waits for them."""
    port = endpoint.rpartition(":")[2]
    if endpoint.startswith("tcp://") and port.isascii() and port.isdigit() and not 0 < int(port[:6]) < 1 << 16:
        raise UsageError(f"{endpoint}: ports are from 1 to 65535", hint="such as tcp://127.0.0.1:5557")
    try:
        socket.connect(endpoint)
    except zmq.ZMQError as error:
        raise _unusable(endpoint, error) from error


def _unusable(endpoint: str, error: zmq.ZMQError) -> UsageError:
    known = {zmq.EPROTONOSUPPORT: "this transport is not known", errno.EINVAL: "it is no endpoint"}
    what = known.get(error.errno or 0, zmq.strerror(error.errno or 0))
    return UsageError(f"{endpoint}: {what}", hint="such as tcp://127.0.0.1:5557")
