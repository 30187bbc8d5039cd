"""The cache's numbers as Prometheus metrics. No key is a label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "trueup_embedding_cache"
_COUNTERS = {
    "hits": "Requests that found an entry.",
    "misses": "Requests that found none.",
    "evictions": "Entries that made room for others.",
    "refused": "Tensors that were not stored for lack of room.",
}
_GAUGES = {
    "bytes": "Bytes of the entries.",
    "capacity_bytes": "The bound of the entries' bytes.",
    "entries": "Entries.",
}


class Metrics(Collector):
    """A registry of one cache. `numbers` gives the present ones by the names above."""

    def __init__(self, numbers: Callable[[], Mapping[str, float]]) -> None:
        self._numbers = numbers
        self.registry = CollectorRegistry()
        self.registry.register(self)
        self.compute_seconds = Histogram(
            f"{PREFIX}_compute_seconds", "Time of computing an absent entry.", registry=self.registry
        )

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        numbers = self._numbers()
        for name, help_text in _COUNTERS.items():
            yield CounterMetricFamily(f"{PREFIX}_{name}", help_text, value=numbers[name])
        for name, help_text in _GAUGES.items():
            yield GaugeMetricFamily(f"{PREFIX}_{name}", help_text, value=numbers[name])

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self.registry)
