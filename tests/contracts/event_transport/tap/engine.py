"""An engine's publishing side on loopback, with real sockets: publishes frames, and serves replays of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import zmq

from trueup_contracts.event_transport.codec.replies import WITHOUT_TOPIC, end, reply

LIMIT_MS = 20_000


class Engine:
    """An XPUB socket, which tells of every subscription: nothing is published before somebody listens."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str = "tcp://127.0.0.1:*") -> None:
        self.socket = context.socket(zmq.XPUB)
        self.socket.set(zmq.XPUB_VERBOSE, 1)
        self.socket.set(zmq.LINGER, 1_000)
        self.socket.set(zmq.SNDHWM, 0)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.get_string(zmq.LAST_ENDPOINT)

    def wait_for_subscriber(self) -> bytes:
        """The topic that somebody subscribed to."""
        assert self.socket.poll(LIMIT_MS), "nobody subscribed"
        notice: bytes = self.socket.recv()
        assert notice[:1] == b"\x01"
        return notice[1:]

    def wait_for_end(self) -> None:
        """Until the subscriber has gone."""
        assert self.socket.poll(LIMIT_MS), "nobody unsubscribed"
        assert self.socket.recv()[:1] == b"\0"

    def publish(self, messages: Sequence[Sequence[bytes]]) -> None:
        """Sends messages."""
        for frames in messages:
            self.socket.send_multipart(list(frames))

    def close(self) -> None:
        self.socket.close()

    def die(self) -> None:
        """Ends as a process does: what was sent goes out, and then the port is free."""
        monitor = self.socket.get_monitor_socket(zmq.EVENT_CLOSED)
        self.socket.unbind(self.endpoint)
        assert monitor.poll(LIMIT_MS), "the port is still taken"
        self.socket.disable_monitor()
        monitor.close()
        self.socket.close()


@contextmanager
def engine(endpoint: str = "tcp://127.0.0.1:*") -> Iterator[Engine]:
    """An engine with a context of its own."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    made = Engine(context, endpoint)
    try:
        yield made
    finally:
        made.close()
        context.term()


@contextmanager
def replaying(
    messages: Sequence[Sequence[bytes]],
    form: str = WITHOUT_TOPIC,
    answer: Callable[[list[list[bytes]]], list[list[bytes]]] = lambda replies: replies,
) -> Iterator[str]:
    """The endpoint of a ROUTER that answers one request with these messages; `answer` changes what it sends."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.bind("tcp://127.0.0.1:*")
    endpoint = socket.get_string(zmq.LAST_ENDPOINT)

    def serve() -> None:
        if socket.poll(LIMIT_MS):
            identity, delimiter, start = socket.recv_multipart()
            assert delimiter == b""
            wanted = [one for one in messages if one[1] >= start]
            replies = [reply(form, one[0].decode(), int.from_bytes(one[1], "big"), one[2]) for one in wanted]
            for frames in answer([*replies, end(form)]):
                socket.send_multipart([identity, *frames])
        socket.close(linger=1_000)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield endpoint
    finally:
        thread.join()
        context.term()
