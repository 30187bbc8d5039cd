"""Asks a publisher for what it still has."""

from __future__ import annotations

import math
import threading
import time

import zmq

from trueup_reference.event_transport.curve import client_keys
from trueup_reference.event_transport.errors import ClosedError, IncompleteError, MalformedError
from trueup_reference.event_transport.limits import DEFAULT, END_SEQUENCE, Limits
from trueup_reference.event_transport.managed import Managed
from trueup_reference.event_transport.replay_asking import open_asking, parse_reply
from trueup_reference.event_transport.settings import checked_count, checked_endpoint, checked_ms
from trueup_reference.event_transport.waking import Wakeup


class ReplayClient(Managed):
    """Safe for threads: each call has a socket of its own."""

    def __init__(
        self, *, server_key: str | None = None, client_secret_key: str | None = None, limits: Limits = DEFAULT
    ) -> None:
        self._keys = client_keys(server_key, client_secret_key)
        self._limits = limits
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._lock = threading.Lock()
        self._running: set[Wakeup] = set()
        self._idle = threading.Condition(self._lock)
        self._closed = False

    def replay(self, endpoint: str, start: int, timeout_ms: int) -> list[tuple[int, str | None, bytes]]:
        """Sequence, topic and payload of each batch from `start` on that is still there, up to the end marker.

        The first one may be above `start`: older ones are gone. `IncompleteError` with what came where the end marker
        does not come in time. Replies that are none are skipped. `ClosedError` after `close`, also for one that
        waits.
        """
        checked_endpoint(endpoint)
        checked_count("start", start, 0, END_SEQUENCE)
        deadline = time.monotonic() + checked_ms("timeout_ms", timeout_ms) / 1000
        with self._lock:
            if self._closed:
                raise ClosedError("the replay client is closed")
            wakeup = Wakeup()
            self._running.add(wakeup)
        try:
            socket = open_asking(self._context, endpoint, start, self._keys)
            try:
                return self._read(socket, wakeup, start, deadline)
            finally:
                socket.close(0)
        finally:
            with self._lock:
                self._running.discard(wakeup)
                self._idle.notify_all()
            wakeup.close()

    def close(self) -> None:
        """Ends calls that wait in other threads. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for wakeup in self._running:
                wakeup.wake()
            while self._running:
                self._idle.wait()
        self._context.term()

    def _read(
        self, socket: zmq.Socket[bytes], wakeup: Wakeup, start: int, deadline: float
    ) -> list[tuple[int, str | None, bytes]]:
        found: list[tuple[int, str | None, bytes]] = []
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(wakeup.fileno(), zmq.POLLIN)
        while True:
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                frames = []
            if self._closed:
                raise ClosedError("the replay client was closed")
            left_s = deadline - time.monotonic()
            if left_s <= 0:  # also where replies come and come, without an end
                raise IncompleteError(f"no end marker in time; {len(found)} batches came", found)
            if not frames:
                poller.poll(math.ceil(left_s * 1000))
                continue
            try:
                reply = parse_reply(frames, self._limits)
            except MalformedError:
                continue
            if reply.is_end:
                return found
            if reply.sequence >= start:
                found.append((reply.sequence, reply.topic, reply.payload))
