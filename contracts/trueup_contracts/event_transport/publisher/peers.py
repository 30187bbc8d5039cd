"""The kit's own ends of a publisher's sockets. Each has a context, and belongs to the thread that made it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import zmq
from zmq.utils.monitor import recv_monitor_message

from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.peers import bind

LINGER_MS = 0
# From here on a peer has been let in, or is shut out.
IN, OUT = zmq.Event.HANDSHAKE_SUCCEEDED, zmq.Event.HANDSHAKE_FAILED_AUTH | zmq.Event.HANDSHAKE_FAILED_PROTOCOL
SHUT = OUT | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL


class Peer:
    """A socket that is connected; `settings` by the names of ZeroMQ's options."""

    def __init__(self, kind: int, endpoint: str, **settings: Any) -> None:
        self._context = zmq.Context()
        self.socket = self._context.socket(kind)
        self.socket.set(zmq.LINGER, LINGER_MS)
        for name, value in settings.items():
            self.socket.set(getattr(zmq, name), value)
        self._monitor = self.socket.get_monitor_socket(IN | SHUT)
        self.endpoint = endpoint
        self.socket.connect(endpoint)

    def __enter__(self) -> Self:
        """It is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed, whatever happened."""
        self.close()

    def close(self) -> None:
        """A second call is fine."""
        if not self.socket.closed:
            self.socket.disable_monitor()
            self._monitor.close(LINGER_MS)
            self.socket.close(LINGER_MS)
            self._context.term()

    def take(self, limit_s: float) -> list[bytes] | None:
        """The frames of the next message, or nothing by then."""
        return self.socket.recv_multipart() if self.socket.poll(max(0, round(limit_s * 1000))) else None

    def is_let_in(self, limit_s: float) -> bool | None:
        """Whether the handshake succeeded; `None` where nothing has been decided by then."""
        if not self._monitor.poll(max(0, round(limit_s * 1000))):
            return None
        event: int = recv_monitor_message(self._monitor)["event"]
        return event == IN


class Listener(Peer):
    """A subscriber that takes everything. Nothing is dropped on its side: it has no high-water mark."""

    def __init__(self, endpoint: str, *, prefix: bytes = b"", **settings: Any) -> None:
        super().__init__(zmq.SUB, endpoint, RCVHWM=0, **settings)
        self.socket.subscribe(prefix)


class Stalled(Peer):
    """A subscriber that never reads: one message is kept, and its TCP window stays as small as can be."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(zmq.SUB, endpoint, RCVHWM=1, RCVBUF=4096)
        self.socket.subscribe(b"")


class Upstream(Peer):
    """A subscriber that can send anything to a publisher."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(zmq.XSUB, endpoint, RCVHWM=0, SNDHWM=0)

    def send(self, message: bytes) -> None:
        """What a publisher may take for a subscription."""
        self.socket.send(message)


class Asking(Peer):
    """A client of replays: a DEALER, which sends its own delimiter and gets every reply."""

    def __init__(self, endpoint: str, **settings: Any) -> None:
        super().__init__(zmq.DEALER, endpoint, **{"RCVHWM": 0, **settings})

    def ask(self, frames: Sequence[bytes]) -> None:
        """A request of these frames."""
        self.socket.send_multipart(list(frames))

    def request(self, start: int) -> None:
        """All batches from this number on."""
        self.ask([b"", start.to_bytes(8, "big")])


class Broker:
    """An XSUB and an XPUB socket that are steered by a thread. It can be stopped and started again, on its ports."""

    def __init__(self) -> None:
        self._endpoints = ["tcp://127.0.0.1:0", "tcp://127.0.0.1:0"]
        self._context: Any = None
        self.start()

    @property
    def inward(self) -> str:
        """Where publishers connect to."""
        return self._endpoints[0]

    @property
    def outward(self) -> str:
        """Where subscribers connect to."""
        return self._endpoints[1]

    def start(self) -> None:
        """Binds, and hands on."""
        self._context = zmq.Context()
        sockets = [self._context.socket(kind) for kind in (zmq.XSUB, zmq.XPUB, zmq.PAIR)]
        for socket, endpoint in zip(sockets, self._endpoints, strict=False):
            socket.set(zmq.LINGER, LINGER_MS)
            bind(socket, endpoint, Budgets())
        self._endpoints = [one.get_string(zmq.LAST_ENDPOINT) for one in sockets[:2]]
        sockets[2].bind("inproc://steering")
        self._steering = self._context.socket(zmq.PAIR)
        self._steering.connect("inproc://steering")
        self._thread = threading.Thread(target=_proxy, args=(*sockets,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Both sockets are closed; a second call is fine."""
        if not self._context.closed:
            self._steering.send(b"TERMINATE")
            self._thread.join()
            self._steering.close(LINGER_MS)
            self._context.term()

    def __enter__(self) -> Self:
        """It is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed, whatever happened."""
        self.stop()


def _proxy(front: Any, back: Any, steering: Any) -> None:
    try:
        zmq.proxy_steerable(front, back, None, steering)
    finally:
        for socket in (front, back, steering):
            socket.close(LINGER_MS)
