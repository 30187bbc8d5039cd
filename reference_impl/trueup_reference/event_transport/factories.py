"""What the suites `event-subscriber`, `event-publisher` and `event-replay` are given to open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trueup_reference.event_transport import canonical
from trueup_reference.event_transport.asynchronous import AsyncPublisher, AsyncReplayClient, AsyncSubscriber
from trueup_reference.event_transport.messages import Dialect, Envelope, Format
from trueup_reference.event_transport.publisher import Publisher
from trueup_reference.event_transport.replay_client import ReplayClient
from trueup_reference.event_transport.settings import TIMEOUT_ENV
from trueup_reference.event_transport.subscriber import Subscriber
from trueup_reference.event_transport.wire_events import encode_payload


class SubscriberFactory:
    """The factory of the suite `event-subscriber`."""

    capabilities = frozenset("format_b codec match replay bounds gap_reports default_timeout curve".split())
    name = "trueup reference subscriber"
    timeout_env = TIMEOUT_ENV

    def __call__(
        self,
        endpoints: Sequence[str],
        topic: str,
        recv_timeout_ms: int | None = None,
        format: Format = "A",
        **more: Any,
    ) -> Subscriber:
        """A subscriber."""
        return Subscriber(endpoints, topic, recv_timeout_ms, format, **more)

    def decode(self, frames: Sequence[bytes], format: Format) -> dict[str, Any]:
        """A message in canonical form."""
        return canonical.decode(frames, format)


class PublisherFactory:
    """The factory of the suite `event-publisher`: what is published is in canonical form."""

    _QUEUE = "queue policy_block policy_drop_newest policy_drop_oldest hold"
    capabilities = frozenset(f"format_b codec {_QUEUE} readiness replay broker curve".split())
    name = "trueup reference publisher"

    def __call__(self, endpoint: str, topic: str, format: Format = "A", **more: Any) -> Publisher:
        """A publisher."""
        return Publisher(endpoint, topic, format, encode=canonical_encode(format), **more)

    def encode(self, message: Mapping[str, Any], format: Format, dialect: Dialect) -> list[bytes]:
        """The frames of a message in canonical form."""
        return canonical.encode(message, format, dialect)


class ReplayFactory:
    """The factory of the suite `event-replay`."""

    capabilities = frozenset[str]()
    name = "trueup reference replay client"

    def __call__(self) -> ReplayClient:
        """A client."""
        return ReplayClient()


class AsyncSubscriberFactory(SubscriberFactory):
    """The same, whose calls are coroutines."""

    capabilities = SubscriberFactory.capabilities | {"asyncio"}
    name = "trueup reference subscriber (asyncio)"

    async def __call__(  # type: ignore[override]
        self,
        endpoints: Sequence[str],
        topic: str,
        recv_timeout_ms: int | None = None,
        format: Format = "A",
        **more: Any,
    ) -> AsyncSubscriber:
        """A subscriber."""
        return AsyncSubscriber(endpoints, topic, recv_timeout_ms, format, **more)


class AsyncPublisherFactory(PublisherFactory):
    """The same, whose calls are coroutines."""

    capabilities = PublisherFactory.capabilities | {"asyncio"}
    name = "trueup reference publisher (asyncio)"

    async def __call__(  # type: ignore[override]
        self, endpoint: str, topic: str, format: Format = "A", **more: Any
    ) -> AsyncPublisher:
        """A publisher."""
        return AsyncPublisher(endpoint, topic, format, encode=canonical_encode(format), **more)


class AsyncReplayFactory:
    """The same, whose calls are coroutines."""

    capabilities = frozenset({"asyncio"})
    name = "trueup reference replay client (asyncio)"

    async def __call__(self) -> AsyncReplayClient:
        """A client."""
        return AsyncReplayClient()


def canonical_encode(format: Format) -> Any:
    """What makes the payload of a batch in canonical form."""
    if format == "A":
        return lambda batch: encode_payload(canonical.to_wire_batch(batch, "map"), "map")
    return _envelope


def _envelope(batch: Any) -> Envelope:
    try:
        return Envelope(payload=bytes(batch["payload"]), published_at_ms=int(batch["published_at_ms"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no batch of format B in canonical form: {error!r}") from error
