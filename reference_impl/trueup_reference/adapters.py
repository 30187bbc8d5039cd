"""What the contract suites are given to open: one factory per suite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trueup_reference.router import PoolRouter

if TYPE_CHECKING:
    from trueup_reference.embedding_cache import EmbeddingCache
    from trueup_reference.metrics_bridge.exporter import BridgeExporter


class RouterFactory:
    """The factory of the suite `router`."""

    capabilities = PoolRouter.capabilities
    name = "trueup reference router"

    def __call__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> PoolRouter:
        """A router of this configuration."""
        return PoolRouter(config, defaults)

    def make_from_text(self, text: bytes) -> PoolRouter:
        """A router of this JSON text."""
        return PoolRouter.make_from_text(text)


router = RouterFactory()


class CacheFactory:
    """The factory of the suite `embedding-cache`; `copies` says whether it copies what it keeps and hands out."""

    _ALWAYS = "keys stats remove clear delta pinning shrink get_or_compute metrics threads cuda streams any_layout"

    def __init__(self, *, copies: bool) -> None:
        """Without copies it keeps the caller's tensors, and counts each storage once."""
        self._copies = copies
        self.capabilities = frozenset(
            f"{self._ALWAYS} {'copies_on_set copies_on_get' if copies else 'shared_storage'}".split()
        )
        self.name = "trueup reference embedding cache"

    def __call__(self, capacity_bytes: int, device: str) -> EmbeddingCache:
        """An empty cache."""
        from trueup_reference.embedding_cache import EmbeddingCache

        return EmbeddingCache(capacity_bytes, device, copies_on_set=self._copies, copies_on_get=self._copies)


embedding_cache = CacheFactory(copies=True)
embedding_cache_sharing = CacheFactory(copies=False)


class MetricsFactory:
    """The factory of the suite `metrics`: a mock engine behind the bridge."""

    capabilities = frozenset({"filter", "utf8", "traffic", "faults", "shutdown", "threads"})
    name = "trueup reference metrics bridge"

    def __call__(self, config: Mapping[str, Any] | None = None) -> BridgeExporter:
        """An exporter of an engine of its own."""
        from trueup_reference.metrics_bridge.exporter import BridgeExporter

        return BridgeExporter(config)


metrics = MetricsFactory()


_EVENT_FACTORIES = {
    "event_subscriber": "SubscriberFactory",
    "event_publisher": "PublisherFactory",
    "event_replay": "ReplayFactory",
    "event_subscriber_asyncio": "AsyncSubscriberFactory",
    "event_publisher_asyncio": "AsyncPublisherFactory",
    "event_replay_asyncio": "AsyncReplayFactory",
}


def __getattr__(name: str) -> Any:
    """The factories of the event transport, which need pyzmq: it is loaded with the first of them."""
    if name not in _EVENT_FACTORIES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trueup_reference.event_transport import factories

    return globals().setdefault(name, getattr(factories, _EVENT_FACTORIES[name])())
