"""Publishes batches over ZMQ without ever holding its caller up longer than agreed."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Unpack

from trueup_reference.event_transport import exiting
from trueup_reference.event_transport.batch_queue import Batch, BatchQueue, Ticket
from trueup_reference.event_transport.codec_a import encode_batch, make_frames
from trueup_reference.event_transport.codec_b import make_frames_b
from trueup_reference.event_transport.errors import ClosedError, SettingError
from trueup_reference.event_transport.managed import Managed
from trueup_reference.event_transport.messages import Envelope, EventBatch, Format
from trueup_reference.event_transport.metrics import Role
from trueup_reference.event_transport.publisher_settings import PublisherSettings, checked_sending, chosen_publisher_id
from trueup_reference.event_transport.sending import Sender
from trueup_reference.event_transport.settings import (
    checked_choice,
    checked_count,
    checked_ms,
)
from trueup_reference.event_transport.waking import Wakeup

LINGER_MS = 1_000


class Publisher(Managed):
    """Publishes on one topic. Safe for threads; its sockets belong to a thread of its own.

    Each `publish` takes the next number before anything can fail, so that whatever is lost shows as a gap:
    `accepted = sent + queued + dropped`, and a number is missing for each `refused` and `dropped`.
    """

    role: Role = "publisher"

    def __init__(
        self,
        endpoint: str | Sequence[str],
        topic: str = "",
        format: Format = "A",
        **settings: Unpack[PublisherSettings],
    ) -> None:
        """Binds; with `broker` it connects to the XSUB sockets of one or many brokers instead.

        `SettingError` for what cannot be, `zmq.ZMQError` where the endpoint cannot be had.
        """
        sending = checked_sending(endpoint, topic, format, settings)
        most = checked_count("queue_batches", settings.get("queue_batches", 100_000))
        policy = settings.get("full_policy", "drop_newest")
        checked_choice("full_policy", policy, ("block", "drop_newest", "drop_oldest"))
        self.block_s = checked_ms("block_timeout_ms", settings.get("block_timeout_ms", 100)) / 1000
        self.name = settings.get("name", "publisher")
        self.topic = topic
        self.format: Format = format
        self.publisher_id = chosen_publisher_id(format, settings)
        self._is_brokered = sending.connects
        self._encode = settings.get("encode")
        self._numbers = threading.Lock()  # held from taking a number until it stands in line
        self._next = 0
        self._closed = False
        self._wakeup = Wakeup()
        self._queue = BatchQueue(most, policy, self._wakeup.wake)
        self._sender = Sender(sending, self._queue, self._wakeup)
        try:
            self._sender.start()
        except BaseException:
            self._wakeup.close()
            raise
        self.endpoint = self._sender.endpoints[0]
        self.replay_endpoint = self._sender.replay_endpoint
        exiting.opened(self)
        self._abandoned = weakref.finalize(self, _abandon, self._queue, self._sender, self._wakeup)
        self._abandoned.atexit = False

    def publish(self, batch: Any) -> int | None:
        """Its number, or None where it was refused: its number is then gone.

        `batch`: an `EventBatch` in A, an `Envelope` (or bytes) in B. `ValueError` where it cannot be encoded: its
        number is gone too. `ClosedError` after `close`.
        """
        number, found = self.offer(batch)
        if isinstance(found, Ticket):
            found = self._queue.wait(found, self.block_s)
        return number if found else None

    def wait_for_subscribers(self, count: int = 1, timeout_ms: int = 5_000) -> bool:
        """Whether so many subscribers of the topic are connected in time, to every broker where there are several.

        What is published before a subscriber is connected never reaches it; after this, it does. A broker tells of the
        first subscriber only.
        """
        if count > 1 and self._is_brokered:
            raise SettingError(f"count is {count}: a broker tells of the first subscriber only")
        deadline = time.monotonic() + checked_ms("timeout_ms", timeout_ms) / 1000
        ready = self._sender.readiness
        with ready.changed:
            while min(ready.counts) < count:
                left = deadline - time.monotonic()
                if left <= 0 or ready.ended:
                    return False
                ready.changed.wait(left)
            return True

    @property
    def subscribers(self) -> int:
        """Those of the topic that are connected now."""
        with self._sender.readiness.changed:
            return min(self._sender.readiness.counts)

    def flush(self, timeout_ms: int = LINGER_MS) -> bool:
        """Whether all that was accepted before has been handed to ZMQ (or dropped by `drop_oldest`) in time."""
        if self._closed:
            raise ClosedError("the publisher is closed")
        return self._queue.flush(checked_ms("timeout_ms", timeout_ms) / 1000)

    def hold(self) -> None:
        """Sends nothing from now on, until `release` or `close`: the queue fills."""
        self._queue.hold()

    def release(self) -> None:
        """Goes on."""
        self._queue.release()

    def close(self, linger_ms: int = LINGER_MS) -> None:
        """Sends what waits, for so long at most, drops the rest with a count, and ends. A second call does nothing."""
        linger_s = checked_ms("linger_ms", linger_ms) / 1000
        with self._numbers:
            self._closed = True
        self._queue.close()
        self._sender.end(linger_s)
        self._wakeup.close()
        exiting.closed(self)
        self._abandoned.detach()

    def stats(self) -> dict[str, int]:
        """Counts since the start: accepted, refused, dropped, queued, sent; subscribers and replays besides."""
        return {**self._queue.counts(), "subscribers": self.subscribers, **self._sender.counts()}

    def offer(self, batch: Any, called: Callable[[], None] | None = None) -> tuple[int, bool | Ticket]:
        """The same without waiting: where it would wait, a ticket, and `called`, from any thread, when that is over."""
        with self._numbers:
            if self._closed:
                raise ClosedError("the publisher is closed")
            number = self._next
            self._next += 1
            try:
                frames = self._frames(number, batch)
            except BaseException:
                self._queue.refuse()
                raise
            return number, self._queue.put(Batch(number, frames), called)

    def give_up(self, ticket: Ticket) -> bool:
        """Whether it was accepted by now; it no longer waits."""
        return self._queue.give_up(ticket)

    def numbers(self) -> dict[str, float]:
        """For `TransportCollector`."""
        return dict(self.stats())

    def _frames(self, number: int, batch: Any) -> tuple[bytes, ...]:
        """All but the topic."""
        written = batch if self._encode is None or isinstance(batch, bytes | Envelope) else self._encode(batch)
        if self.publisher_id is None:
            if not isinstance(written, bytes):
                written = _encoded(written)
            return tuple(make_frames(self.topic, number, written)[1:])
        envelope = written if isinstance(written, Envelope) else _enveloped(written)
        made = make_frames_b(self.topic, self.publisher_id, number, envelope.payload, envelope.published_at_ms)
        return tuple(made[1:])


def _abandon(queue: BatchQueue, sender: Sender, wakeup: Wakeup) -> None:
    """Nobody holds the publisher any more, and it was not closed."""
    queue.close()
    sender.end(0.0)
    wakeup.close()


def _encoded(batch: Any) -> bytes:
    if not isinstance(batch, EventBatch):
        raise ValueError(f"a {type(batch).__name__} is published: an EventBatch, or its bytes, is due")
    return encode_batch(batch)


def _enveloped(payload: Any) -> Envelope:
    if not isinstance(payload, bytes):
        raise ValueError(f"a {type(payload).__name__} is published: bytes or an Envelope is due")
    return Envelope(payload=payload, published_at_ms=time.time_ns() // 1_000_000)
