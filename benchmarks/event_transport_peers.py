"""Who publishes and who subscribes in `event_transport.py`: bare pyzmq in two ways, and the reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import zmq

from trueup_reference.event_transport import Publisher, Subscriber

QUEUE = 10_000
TOPIC = "kv"
ENDPOINT = "tcp://127.0.0.1:0"


class Sends(Protocol):
    endpoint: str

    def ready(self) -> None: ...
    def send(self, payload: bytes) -> None: ...
    def close(self) -> None: ...


class Bare:
    """XPUB, so that it can be seen when the subscriber is there."""

    def __init__(self, *, by_frame: bool = False) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.sndhwm = 0
        self._socket.bind("tcp://127.0.0.1:*")
        self.endpoint = str(self._socket.get_string(zmq.LAST_ENDPOINT))
        self._next = 0
        if by_frame:
            self.send = self._send_by_frame  # type: ignore[method-assign]

    def ready(self) -> None:
        self._socket.recv()

    def send(self, payload: bytes) -> None:
        self._socket.send_multipart([b"kv", self._next.to_bytes(8, "big"), payload], zmq.NOBLOCK)
        self._next += 1

    def _send_by_frame(self, payload: bytes) -> None:
        send = self._socket.send
        send(b"kv", zmq.SNDMORE | zmq.NOBLOCK)
        send(self._next.to_bytes(8, "big"), zmq.SNDMORE | zmq.NOBLOCK)
        send(payload, zmq.NOBLOCK)
        self._next += 1

    def close(self) -> None:
        self._socket.close(10_000)
        self._context.term()


class Reference:
    def __init__(self) -> None:
        settings: Any = {"full_policy": "block", "block_timeout_ms": 30_000, "queue_batches": QUEUE, "send_hwm": 0}
        self._publisher = Publisher(ENDPOINT, TOPIC, **settings)
        self.endpoint = self._publisher.endpoint

    def ready(self) -> None:
        assert self._publisher.wait_for_subscribers(timeout_ms=60_000)

    def send(self, payload: bytes) -> None:
        self._publisher.publish(payload)

    def close(self) -> None:
        self._publisher.close(60_000)


def bare_receiver(endpoint: str, *, by_frame: bool = False) -> tuple[Callable[[], bytes | None], Callable[[], None]]:
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.rcvhwm = 0
    socket.rcvtimeo = 100
    socket.subscribe(b"kv")
    socket.connect(endpoint)

    def receive() -> bytes | None:
        try:
            return socket.recv_multipart()[2]
        except zmq.Again:
            return None

    def receive_by_frame() -> bytes | None:
        try:
            socket.recv()
        except zmq.Again:
            return None
        socket.recv()
        return socket.recv()

    return receive_by_frame if by_frame else receive, lambda: context.destroy(0)


def reference_receiver(endpoint: str) -> tuple[Callable[[], bytes | None], Callable[[], None]]:
    subscriber = Subscriber(endpoint, TOPIC, 100, recv_hwm=0)

    def receive() -> bytes | None:
        message = subscriber.recv()
        return None if message is None else message.payload

    return receive, subscriber.close


SENDERS: dict[str, Callable[[], Sends]] = {
    "bare": Bare,
    "frames": lambda: Bare(by_frame=True),
    "reference": Reference,
}
RECEIVERS: dict[str, Callable[[str], tuple[Callable[[], bytes | None], Callable[[], None]]]] = {
    "bare": bare_receiver,
    "frames": lambda endpoint: bare_receiver(endpoint, by_frame=True),
    "reference": reference_receiver,
}
