"""What implementations offer to the suites `event-subscriber`, `event-publisher` and `event-replay`.

Every call takes keywords; over the wire the same names. Times are milliseconds, keys of CURVE are texts of 40
characters (Z85). A *format* is `"A"`, KV events in three frames, or, under the capability `format_b`, `"B"`, the event
plane in four.

In canonical form, a message is `{"topic": str, "sequence": int, "publisher_id": int | None, "batch": …}`. A batch of A
is `{"ts": float, "events": […], "data_parallel_rank": int | None, "unknown": {…}}`, an event `{"type": str, named
fields…, "unknown": {…}}` without the fields that were not there, a hash `{"i64": "-1"}`, `{"u64": "1"}` or `{"bytes":
"00ff…"}`. A batch of B is `{"payload": bytes, "published_at_ms": int}`.

Errors: `ValueError` for settings that cannot be; `trueup_contracts.Closed` after `close`; `Malformed` for what cannot
be decoded; `Incomplete` for a replay without its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

Format: TypeAlias = Literal["A", "B"]
Match: TypeAlias = Literal["exact", "prefix", "all"]
Dialect: TypeAlias = Literal["array", "map", "array_of_maps"]
FullPolicy: TypeAlias = Literal["block", "drop_newest", "drop_oldest"]
Canonical: TypeAlias = Mapping[str, Any]


class SubscriberFactory(Protocol):
    """The target of `event-subscriber`: connects to one or many publishers. It may have `capabilities`.

    Further keywords, each given only under its capability: `match` (default exact, which compares the whole topic;
    with all the topic is ignored), `replay_endpoints` (one for each endpoint, `replay`), `max_message_bytes` (of all
    frames together, `bounds`), `server_key` and `client_secret_key` (`curve`). Under `default_timeout`,
    `recv_timeout_ms` may be left out: 100, or what the environment variable says that the attribute `timeout_env`
    names.
    """

    def __call__(self, endpoints: Sequence[str], topic: str, recv_timeout_ms: int, format: Format) -> Subscriber:
        """A subscriber; the publishers need not be there yet. 0 ms polls; negative and absurd times are refused."""


class Codec(Protocol):
    """What the factory has besides under the capability `codec`. Over the wire: operations without `on`."""

    def decode(self, frames: Sequence[bytes], format: Format) -> Canonical:
        """The message that these frames are (`event-subscriber`). `Malformed` for what is none."""

    def encode(self, message: Canonical, format: Format, dialect: Dialect) -> Sequence[bytes]:
        """The frames of a message (`event-publisher`)."""


class Subscriber(Protocol):
    """A subscriber. Its calls come from one thread, but for `close`."""

    def recv(self) -> Message | None:
        """The next message; nothing when none came within the timeout. `Closed` after `close`."""

    def close(self) -> None:
        """Ends a `recv` that waits in another thread: it answers nothing, or raises. A second call is fine."""

    def stats(self) -> Mapping[str, int]:
        """Counts since the start: received, malformed, gaps, restarts, duplicates, uncertain, and others."""


class Message(Protocol):
    """What `recv` answers; a mapping with these keys will do."""

    endpoint: str  # as it was given
    topic: str
    sequence: int
    publisher_id: int | None  # None in format A
    payload: bytes  # in B the envelope's inner payload


class Reported(Message, Protocol):
    """What capabilities add to a message."""

    before: Mapping[str, Any] | None  # {"kind": "gap" | "restart" | "uncertain", "missed": int | None} (`gap_reports`)
    replayed: bool  # it came from a replay (`replay`)


class PublisherFactory(Protocol):
    """The target of `event-publisher`: binds to an endpoint. It may have `capabilities`.

    Further keywords, each given only under its capability: `queue_batches` and `full_policy` (`queue`),
    `block_timeout_ms` (`policy_block`), `replay_endpoint` and `replay_batches` (`replay`), `server_secret_key` and
    `allowed_client_keys` (`curve`), `broker=True` (`broker`: `endpoint` is that of an XSUB socket, to connect to),
    `publisher_id` (`format_b`, below 2^64).
    """

    def __call__(self, endpoint: str, topic: str, format: Format) -> Publisher:
        """A publisher. Port 0, or `*`, takes a free one."""


class Publisher(Protocol):
    """A publisher. Its calls may come from several threads."""

    endpoint: str  # with the port that was taken

    def publish(self, batch: Canonical) -> int | None:
        """Takes the next number and hands the batch on; nothing where it is refused at once. Its number is then gone.

        `ValueError` where it can never be encoded: its number is gone too.
        """

    def flush(self, timeout_ms: int) -> bool:
        """Whether all that was accepted before has been sent by then."""

    def close(self, linger_ms: int = 1_000) -> None:
        """Sends what waits, for so long at most, and ends. `Closed` for calls after it; a second call is fine."""

    def stats(self) -> Mapping[str, int]:
        """accepted, refused, dropped (accepted, and given up later), queued, sent; accepted = sent + queued + dropped.

        A batch that could not be encoded counts as refused.
        """


class OptionalPublisher(Publisher, Protocol):
    """What capabilities add to a publisher."""

    replay_endpoint: str  # (`replay`)
    publisher_id: int  # (`format_b`)

    def hold(self) -> None:
        """From now on nothing is taken from the queue, until `release` or `close`: so a test fills it (`hold`)."""

    def release(self) -> None:
        """The queue is emptied again (`hold`)."""

    def wait_for_subscribers(self, count: int, timeout_ms: int) -> bool:
        """Whether so many subscribers of the topic are connected by then (`readiness`).

        What is published after it reaches all of them.
        """


class ReplayFactory(Protocol):
    """The target of `event-replay`. It may have `capabilities`."""

    def __call__(self) -> ReplayClient:
        """A client."""


class ReplayClient(Protocol):
    """A client of the replays of format A."""

    def replay(self, endpoint: str, start: int, timeout_ms: int) -> Sequence[tuple[int, str | None, bytes]]:
        """Sequence, topic (None in replies of the first form) and payload of each batch, up to the end marker.

        `Incomplete` where the end marker has not come by then; its attribute `data` is what came.
        """

    def close(self) -> None:
        """Nothing is left of it. A second call is fine."""
