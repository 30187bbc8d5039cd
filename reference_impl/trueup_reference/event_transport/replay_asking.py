"""The client's side of a replay: one request, answered by many messages.

A REQ socket would give only the first of them, so this is a DEALER, which has to send the empty delimiter itself.
"""

from __future__ import annotations

import time

import zmq

from trueup_reference.event_transport.codec_a import topic_text
from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.curve import ClientKeys
from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.limits import DEFAULT, END_SEQUENCE, SEQUENCE_BYTES, Limits

_END = END_SEQUENCE.to_bytes(SEQUENCE_BYTES, "big")
HWM = 10_000
_MOST_MALFORMED = 256  # replies, before whoever waits may look at the clock


class Reply:
    """One message of an answer; topic None in replies of the first form."""

    __slots__ = ("is_end", "payload", "sequence", "topic")

    def __init__(self, topic: str | None, sequence: int, payload: bytes, *, is_end: bool) -> None:
        self.topic = topic
        self.sequence = sequence
        self.payload = payload
        self.is_end = is_end


def open_asking(
    context: zmq.Context[zmq.Socket[bytes]], endpoint: str, start: int, keys: ClientKeys | None
) -> zmq.Socket[bytes]:
    """A socket that has asked; the publisher need not be there yet."""
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.rcvhwm = HWM
    if keys is not None:
        keys.apply(socket)
    socket.connect(endpoint)
    socket.send_multipart([b"", start.to_bytes(SEQUENCE_BYTES, "big")])
    return socket


def parse_reply(frames: list[bytes], limits: Limits = DEFAULT) -> Reply:
    """Either form, and its end marker, which in ATOM has a payload. `MalformedError` for anything else."""
    if not 3 <= len(frames) <= 4 or frames[0]:
        raise MalformedError(
            f"a reply of {len(frames)} frames: an empty one, perhaps the topic, sequence and payload are due"
        )
    *topic, sequence, payload = frames[1:]
    if len(sequence) != SEQUENCE_BYTES:
        raise MalformedError(f"a sequence of {len(sequence)} bytes: 8 are due")
    if sum(map(len, frames)) > limits.message_bytes:
        raise MalformedError(f"a reply of more than {limits.message_bytes:,} bytes")
    shown = topic_text(topic[0], limits) if topic else None
    if sequence == _END:
        return Reply(shown, END_SEQUENCE, b"", is_end=True)
    return Reply(shown, int.from_bytes(sequence, "big"), payload, is_end=False)


class Asking:
    """A subscriber's replays, one at a time. Whoever calls owns the socket."""

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        endpoint: str,
        keys: ClientKeys | None,
        limits: Limits,
        timeout_ms: int,
        counts: Counts,
    ) -> None:
        """`timeout_ms`: without any reply."""
        self._context = context
        self._endpoint = endpoint
        self._keys = keys
        self._limits = limits
        self._timeout_s = timeout_ms / 1000
        self._counts = counts
        self._deadline_s = 0.0
        self.socket: zmq.Socket[bytes] | None = None

    def begin(self, start: int) -> None:
        """Asks, on a new socket: replies to what was asked before are not heard."""
        self.end()
        self.socket = open_asking(self._context, self._endpoint, start, self._keys)
        self.moved()

    def read(self) -> Reply | None:
        """A reply, if one is there. What is none is counted and skipped, and gives no more time."""
        for _ in range(_MOST_MALFORMED):
            if self.socket is None:
                return None
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return None
            try:
                reply = parse_reply(frames, self._limits)
            except MalformedError:
                self._counts.malformed += 1
                continue
            self.moved()
            return reply
        return None

    def moved(self) -> None:
        """The time without a reply begins now."""
        self._deadline_s = time.monotonic() + self._timeout_s

    @property
    def is_overdue(self) -> bool:
        """Nothing has come for too long."""
        return time.monotonic() >= self._deadline_s

    def wait_s(self, now_s: float) -> float | None:
        """How long until it is overdue; None where nothing is asked."""
        return None if self.socket is None else max(0.0, self._deadline_s - now_s)

    def end(self) -> None:
        """Nothing is awaited any more."""
        if self.socket is not None:
            self.socket.close(0)
            self.socket = None
