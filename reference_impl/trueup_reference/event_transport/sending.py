"""The thread of a publisher: it alone owns the sockets, from their making to their end."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import zmq

from trueup_reference.event_transport.batch_queue import BatchQueue
from trueup_reference.event_transport.curve import ClientKeys, ServerKeys
from trueup_reference.event_transport.logs import logger, warn
from trueup_reference.event_transport.replay_buffer import ReplayBuffer
from trueup_reference.event_transport.replay_server import ReplayForm, ReplayServer
from trueup_reference.event_transport.settings import wildcard_port
from trueup_reference.event_transport.waking import Wakeup
from trueup_reference.event_transport.zap import AllowList

_AT_ONCE = 128  # live batches between two looks at everything else
_MOST_TOPIC_BYTES = 1 << 16  # who subscribes to a longer one is disconnected
_MOST_REQUEST_BYTES = 1 << 22  # what is longer than 8 bytes is counted; who sends more than this is disconnected
_REQUESTS_WAITING = 100  # of each client
_REPLAYED_AT_ONCE = 16  # to each client, between live batches


@dataclass(frozen=True)
class Sending:
    """What the thread is to do."""

    endpoints: tuple[str, ...]
    connects: bool  # to brokers, instead of binding
    topic: bytes
    send_hwm: int
    replay_endpoint: str | None
    replay_batches: int
    replay_bytes: int
    replay_form: ReplayForm
    keys: ServerKeys | None  # of the sockets that bind
    broker_keys: ClientKeys | None


@dataclass
class Readiness:
    """How many subscribers each socket knows of; whoever waits is told."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    counts: list[int] = field(default_factory=list)
    ended: bool = False


def bound_endpoint(socket: zmq.Socket[bytes]) -> str:
    """Where it is bound, with the port that ZMQ took."""
    endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return endpoint.rstrip(b"\0").decode()


class Sender:
    """Runs in a thread; `start` answers when the sockets are bound, or raises what went wrong."""

    def __init__(self, sending: Sending, queue: BatchQueue, wakeup: Wakeup) -> None:
        self._sending = sending
        self._queue = queue
        self._wakeup = wakeup
        self._bound = threading.Event()
        self._failed: BaseException | None = None
        self._end_s: float | None = None  # by when all has to be sent
        self._thread = threading.Thread(target=self._run, name="event-publisher", daemon=True)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._replay: ReplayServer | None = None
        self._allow_list: AllowList | None = None
        self._buffer = ReplayBuffer(sending.replay_batches, sending.replay_bytes)
        self.endpoints: list[str] = []
        self.replay_endpoint: str | None = None
        self.readiness = Readiness()

    def start(self) -> None:
        """Raises `ZMQError` where an endpoint cannot be had."""
        self._thread.start()
        self._bound.wait()
        if self._failed is not None:
            self._thread.join()
            raise self._failed

    def end(self, linger_s: float) -> None:
        """Sends what is left, for so long at most, closes all and waits for that."""
        if self._end_s is None:
            self._end_s = time.monotonic() + linger_s
        self._wakeup.wake()
        if threading.current_thread() is not self._thread:  # the collector may run in any thread
            self._thread.join()

    def counts(self) -> dict[str, int]:
        """What the thread counted."""
        found = {"replay_held": len(self._buffer), "replay_bytes": self._buffer.bytes}
        for part in (self._replay, self._allow_list):
            found.update({} if part is None else part.counts)
        return found

    def _run(self) -> None:
        try:
            self._open()
        except BaseException as error:  # noqa: BLE001 - it is raised by whoever started the thread
            self._failed = error
            self._close(0)
            return
        finally:
            self._bound.set()
        try:
            self._serve()
        except Exception:  # noqa: BLE001 - nobody waits for this thread: it has to tell, and to close
            logger.exception("the publisher's thread failed: nothing more is sent")
            self._queue.close()
        finally:
            dropped = self._queue.drop_all()
            if dropped:
                warn("batches_dropped", count=dropped)
            self._close(max(0.0, (self._end_s or 0.0) - time.monotonic()))

    def _open(self) -> None:
        sending = self._sending
        if sending.keys is not None:
            self._allow_list = AllowList(self._context, sending.keys.allowed_client_keys)
        for endpoint in sending.endpoints:
            socket = self._context.socket(zmq.XPUB)
            self._sockets.append(socket)
            # VERBOSER: every subscriber that comes or goes is told, not the first and the last of a topic only.
            socket.setsockopt(zmq.XPUB_VERBOSER, int(not sending.connects))
            socket.sndhwm = sending.send_hwm
            socket.maxmsgsize = _MOST_TOPIC_BYTES
            self.endpoints.append(self._attach(socket, endpoint))
        self.readiness.counts = [0] * len(self._sockets)
        if sending.replay_endpoint is not None:
            socket = self._context.socket(zmq.ROUTER)
            socket.maxmsgsize = _MOST_REQUEST_BYTES
            socket.rcvhwm = _REQUESTS_WAITING
            self._replay = ReplayServer(socket, sending.topic, self._buffer, sending.replay_form)
            if sending.keys is not None:
                sending.keys.apply(socket)
            socket.bind(wildcard_port(sending.replay_endpoint))
            self.replay_endpoint = bound_endpoint(socket)

    def _attach(self, socket: zmq.Socket[bytes], endpoint: str) -> str:
        if self._sending.connects:
            if self._sending.broker_keys is not None:
                self._sending.broker_keys.apply(socket)
            socket.connect(endpoint)
            return endpoint
        if self._sending.keys is not None:
            self._sending.keys.apply(socket)
        socket.bind(wildcard_port(endpoint))
        return bound_endpoint(socket)

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._wakeup.fileno(), zmq.POLLIN)
        for socket in self._sockets:
            poller.register(socket, zmq.POLLIN)
        if self._allow_list is not None:
            poller.register(self._allow_list.socket, zmq.POLLIN)
        while True:
            taken = self._queue.take(_AT_ONCE)
            if taken:
                self._send(taken)
            if self._end_s is not None and (not taken or time.monotonic() >= self._end_s):
                return
            replay = self._replay
            if replay is not None:
                replay.step(_REPLAYED_AT_ONCE)
                # A socket that may not be read now would end every poll at once.
                poller.register(replay.socket, zmq.POLLIN if replay.accepts else 0)
            wait_s = None if replay is None else replay.wait_s
            ready = dict(poller.poll(0 if taken else None if wait_s is None else math.ceil(wait_s * 1000)))
            if ready:
                self._look(ready)

    def _send(self, batches: list[Any]) -> None:
        topic, buffer, is_kept = self._sending.topic, self._buffer, self._replay is not None
        more, last = zmq.NOBLOCK | zmq.SNDMORE, zmq.NOBLOCK
        sends = [socket.send for socket in self._sockets]
        for batch in batches:
            if is_kept:
                buffer.add(batch)
            *head, payload = batch.frames
            for send in sends:
                send(topic, more)
                for frame in head:
                    send(frame, more)
                send(payload, last)
        self._queue.sent(len(batches))

    def _look(self, ready: dict[Any, int]) -> None:
        if self._wakeup.fileno() in ready:
            self._wakeup.clear()
            if len(ready) == 1:
                return
        for at, socket in enumerate(self._sockets):
            if socket in ready:
                self._notices(at, socket)
        if self._allow_list is not None and self._allow_list.socket in ready:
            self._allow_list.answer()
        if self._replay is not None and self._replay.socket in ready:
            self._replay.read()

    def _notices(self, at: int, socket: zmq.Socket[bytes]) -> None:
        """A byte for coming (1) or going (0), and a prefix: those count that our topic begins with."""
        while True:
            try:
                notice = socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            if notice[:1] in (b"\0", b"\1") and self._sending.topic.startswith(notice[1:]):
                with self.readiness.changed:
                    self.readiness.counts[at] += 1 if notice[0] else -1
                    self.readiness.changed.notify_all()

    def _close(self, linger_s: float) -> None:
        linger_ms = int(linger_s * 1000)
        for socket in self._sockets:
            socket.close(linger_ms)
        if self._replay is not None:
            self._replay.socket.close(linger_ms)
        if self._allow_list is not None:
            self._allow_list.socket.close(0)
        self._context.term()  # waits for the linger, at most
        with self.readiness.changed:
            self.readiness.ended = True
            self.readiness.changed.notify_all()
