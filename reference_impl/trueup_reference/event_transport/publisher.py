"""Publishes batches over ZMQ without ever holding its caller up longer than agreed."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from trueup_reference.event_transport import exiting
from trueup_reference.event_transport.batch_queue import Batch, BatchQueue, FullPolicy, Ticket
from trueup_reference.event_transport.codec_a import encode_batch, make_frames
from trueup_reference.event_transport.codec_b import make_frames_b
from trueup_reference.event_transport.curve import client_keys, server_keys
from trueup_reference.event_transport.errors import ClosedError, SettingError
from trueup_reference.event_transport.limits import MOST_U64
from trueup_reference.event_transport.managed import Managed
from trueup_reference.event_transport.messages import Envelope, Format
from trueup_reference.event_transport.replay_server import ReplayForm
from trueup_reference.event_transport.sending import Sender, Sending
from trueup_reference.event_transport.settings import (
    checked_choice,
    checked_count,
    checked_endpoint,
    checked_endpoints,
    checked_ms,
)
from trueup_reference.event_transport.waking import Wakeup

LINGER_MS = 1_000


class Publisher(Managed):
    """Publishes on one topic. Safe for threads; its sockets belong to a thread of its own.

    Each `publish` takes the next number before anything can fail, so that whatever is lost shows as a gap:
    `accepted = sent + queued + dropped`, and a number is missing for each `refused` and `dropped`.
    """

    def __init__(
        self,
        endpoint: str | Sequence[str],
        topic: str = "",
        format: Format = "A",
        *,
        encode: Callable[[Any], bytes] | None = None,
        queue_batches: int = 100_000,
        full_policy: FullPolicy = "drop_newest",
        block_timeout_ms: int = 100,
        send_hwm: int = 100_000,
        replay_endpoint: str | None = None,
        replay_batches: int = 10_000,
        replay_bytes: int = 256 * 1024 * 1024,
        replay_form: ReplayForm = "v2",
        broker: bool = False,
        server_secret_key: str | None = None,
        allowed_client_keys: Sequence[str] | None = None,
        server_key: str | None = None,
        client_secret_key: str | None = None,
        publisher_id: int | None = None,
        name: str = "publisher",
    ) -> None:
        """Binds; with `broker` it connects to the XSUB sockets of one or many brokers instead.

        `encode` makes the payload of what is published: in A of an `EventBatch`. A topic's queue holds `queue_batches`;
        `send_hwm` is ZMQ's own, per subscriber, where it drops without a word. `SettingError` for what cannot be,
        `zmq.ZMQError` where the endpoint cannot be had.
        """
        checked_choice("format", format, ("A", "B"))
        checked_choice("full_policy", full_policy, ("block", "drop_newest", "drop_oldest"))
        checked_choice("replay_form", replay_form, ("v1", "v2"))
        endpoints = checked_endpoints([endpoint] if isinstance(endpoint, str) else endpoint, "endpoint")
        if len(endpoints) > 1 and not broker:
            raise SettingError("a publisher binds to one endpoint; several are for brokers")
        if format == "A" and publisher_id is not None:
            raise SettingError("publisher_id: format A has none")
        if format == "B" and replay_endpoint is not None:
            raise SettingError("replay_endpoint: format B has no replay")
        self.name = name
        self.topic = topic
        self.format: Format = format
        self._encode = encode or (encode_batch if format == "A" else None)
        self._block_s = checked_ms("block_timeout_ms", block_timeout_ms) / 1000
        self._numbers = threading.Lock()  # held from taking a number until it stands in line
        self._next = 0
        self._closed = False
        self.publisher_id: int | None = None
        if format == "B":
            given = secrets.randbits(64) if publisher_id is None else publisher_id
            self.publisher_id = checked_count("publisher_id", given, 0, MOST_U64)
        sending = Sending(
            endpoints=endpoints,
            connects=broker,
            topic=topic.encode(),
            send_hwm=checked_count("send_hwm", send_hwm, 0),
            replay_endpoint=None if replay_endpoint is None else checked_endpoint(replay_endpoint),
            replay_batches=checked_count("replay_batches", replay_batches),
            replay_bytes=checked_count("replay_bytes", replay_bytes, 1, 1 << 40),
            replay_form=replay_form,
            keys=server_keys(server_secret_key, allowed_client_keys),
            broker_keys=client_keys(server_key, client_secret_key),
        )
        most = checked_count("queue_batches", queue_batches)
        self._wakeup = Wakeup()
        self._queue = BatchQueue(most, full_policy, self._wakeup.wake)
        self._sender = Sender(sending, self._queue, self._wakeup)
        try:
            self._sender.start()
        except BaseException:
            self._wakeup.close()
            raise
        self.endpoint = self._sender.endpoints[0]
        self.replay_endpoint = self._sender.replay_endpoint
        exiting.opened(self)

    def publish(self, batch: Any) -> int | None:
        """Its number, or None where it was refused: its number is then gone.

        `batch`: an `EventBatch` in A, an `Envelope` (or bytes) in B. `ValueError` where it cannot be encoded: its
        number is gone too. `ClosedError` after `close`.
        """
        number, found = self._put(batch, None)
        if isinstance(found, Ticket):
            found = self._queue.wait(found, self._block_s)
        return number if found else None

    def wait_for_subscribers(self, count: int = 1, timeout_ms: int = 5_000) -> bool:
        """Whether so many subscribers of the topic are connected in time, to every broker where there are several.

        What is published before a subscriber is connected never reaches it; after this, it does.
        """
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
        return self._queue.flush(checked_ms("timeout_ms", timeout_ms) / 1000)

    def close(self, linger_ms: int = LINGER_MS) -> None:
        """Sends what waits, for so long at most, drops the rest with a count, and ends. A second call does nothing."""
        linger_s = checked_ms("linger_ms", linger_ms) / 1000
        with self._numbers:
            self._closed = True
        self._queue.close()
        self._sender.end(linger_s)
        self._wakeup.close()
        exiting.closed(self)

    def stats(self) -> dict[str, int]:
        """Counts since the start: accepted, refused, dropped, queued, sent; subscribers and replays besides."""
        return {**self._queue.counts(), "subscribers": self.subscribers, **self._sender.counts()}

    def _put(self, batch: Any, called: Callable[[], None] | None) -> tuple[int, bool | Ticket]:
        with self._numbers:
            if self._closed:
                raise ClosedError("the publisher is closed")
            number = self._next
            self._next += 1
            try:
                _, *frames = self._frames(number, batch)
            except BaseException:
                self._queue.refuse()
                raise
            return number, self._queue.put(Batch(number, tuple(frames)), called)

    def _frames(self, number: int, batch: Any) -> list[bytes]:
        if self.format == "A":
            payload = batch if isinstance(batch, bytes) else self._encode(batch) if self._encode else b""
            return make_frames(self.topic, number, payload)
        written = batch if self._encode is None else self._encode(batch)
        envelope = written if isinstance(written, Envelope) else _enveloped(written)
        identity = self.publisher_id or 0
        return make_frames_b(self.topic, identity, number, envelope.payload, envelope.published_at_ms)


def _enveloped(payload: Any) -> Envelope:
    if not isinstance(payload, bytes):
        raise ValueError(f"a {type(payload).__name__} is published: bytes or an Envelope is due")
    return Envelope(payload=payload, published_at_ms=time.time_ns() // 1_000_000)
