"""What the contract suites are given to open: one factory per suite."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trueup_reference.router import PoolRouter

if TYPE_CHECKING:
    from trueup_reference.embedding_cache import EmbeddingCache
    from trueup_reference.kv_index import KvIndex
    from trueup_reference.metrics_bridge.exporter import BridgeExporter
    from trueup_reference.worker_selection import WorkerSelector


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


class IndexFactory:
    """The factory of the suite `kv-index`."""

    capabilities = frozenset(
        "dump early_exit find_matches_tokens memory nodes ttl tiers identity opaque_hashes threads gap_state "
        "block_size stats".split()
    )
    name = "trueup reference KV index"

    def __call__(
        self,
        block_size: int,
        *,
        ttl_s: float | None = None,
        max_blocks: int | None = None,
        follow_ids: bool = False,
    ) -> KvIndex:
        """An empty index. With `ttl_s` or `max_blocks` it is fed by `route`, and its clock stands still."""
        from trueup_reference.kv_index import ApproximateIndex, FollowingIndex, KvIndex
        from trueup_reference.kv_index.approximate import MAX_BLOCKS, TTL_S

        if follow_ids:
            return FollowingIndex(block_size)
        if ttl_s is None and max_blocks is None:
            return KvIndex(block_size)
        return ApproximateIndex(
            block_size,
            ttl_s=TTL_S if ttl_s is None else ttl_s,
            max_blocks=MAX_BLOCKS if max_blocks is None else max_blocks,
            clock=lambda: 0.0,
        )


kv_index = IndexFactory()


class SelectorFactory:
    """The factory of the suite `worker-selection`."""

    capabilities = frozenset({"temperature", "weighted_overlaps", "remove_worker", "threads"})
    name = "trueup reference worker selection"

    def __call__(self, block_size: int, overlap_weight: float, temperature: float, seed: int) -> WorkerSelector:
        """A selector that knows of no request."""
        from trueup_reference.worker_selection import WorkerSelector

        return WorkerSelector(block_size, overlap_weight, temperature, seed)


worker_selection = SelectorFactory()


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
