"""The numbers of indexes and indexers as Prometheus metrics. No worker and no hash is a label."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "trueup_kv_index"
COUNTERS = {
    "stored_events": "Events that store blocks.",
    "removed_events": "Events that remove blocks.",
    "cleared_events": "Events that remove all blocks of a worker's rank.",
    "unknown_parents": "Stores that were refused because the worker does not hold the parent: events were lost.",
    "unknown_removals": "Blocks to be removed that the worker did not hold.",
    "requests": "Questions for matches.",
    "requested_blocks": "Blocks of those.",
    "matched_blocks": "Blocks of those that the best worker holds from the first on.",
    "duplicates": "Events whose id was passed already: nothing changed.",
    "gaps": "Places where ids of events are missing.",
    "replays": "Replays that were taken in.",
    "routed": "Prompts that were routed (approximate mode).",
    "expired": "Blocks whose time to live has passed (approximate mode).",
    "pruned": "Blocks that were dropped for the bound (approximate mode).",
    "messages": "Messages that an indexer took in.",
    "malformed_messages": "Messages that could not be decoded: skipped, and their worker is degraded.",
    "unknown_publishers": "Messages of endpoints that stand for no worker: skipped.",
    "refused_events": "Events that could not be taken in, those with an unknown parent among them.",
    "other_block_size": "Events whose block size is not the index's: no block of them can be matched.",
    "restarts": "Workers that began anew.",
}
GAUGES = {
    "blocks": "Pairs of worker and block that are held.",
    "nodes": "Different blocks that are held, or stand above one that is.",
    "segments": "Runs of blocks that the tree is made of.",
    "workers": "Workers and ranks that hold blocks.",
    "degraded_workers": "Workers and ranks of which events are missing.",
}


class Source(Protocol):
    """An index or an indexer whose numbers are collected."""

    name: str

    def stats(self) -> Mapping[str, int]:
        """The present numbers by the names above; a missing one is not counted there."""


class IndexCollector:
    """For a registry of prometheus-client: `REGISTRY.register(IndexCollector(index))`; names become labels."""

    def __init__(self, *sources: Source) -> None:
        """`ValueError` where two indexes have one name: their numbers could not be told apart."""
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError(f"indexes of one registry need names of their own, these are {', '.join(names)}")
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        present = {source.name: source.stats() for source in self._sources}
        for kind, texts in ((CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)):
            for name, text in texts.items():
                family = kind(f"{PREFIX}_{name}", text, labels=["index"])
                for index, numbers in present.items():
                    if name in numbers:
                        family.add_metric([index], numbers[name])
                if family.samples:
                    yield family


def exposition(*sources: Source) -> bytes:
    """The metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(IndexCollector(*sources))
    return generate_latest(registry)
