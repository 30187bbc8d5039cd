"""The numbers of caches as Prometheus metrics. No key is a label."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from prometheus_client.core import Metric

PREFIX = "trueup_embedding_cache"
COUNTERS = {
    "hits": "Requests that found an entry.",
    "misses": "Requests that found none.",
    "evictions": "Entries that made room for others.",
    "refused": "Tensors that were not stored for lack of room.",
    "joined": "Requests that waited for the computation of another.",
    "backend_errors": "Calls that a backend did not answer in time or at all: misses, or tensors that were not stored.",
    "backend_skipped": "Calls that were not made because the backend did not answer a moment ago.",
    "corrupted": "Entries whose bytes were not what was stored: removed, and counted as misses.",
    "lost": "Entries that the backend gave up by itself: counted as misses.",
}
GAUGES = {
    "bytes": "Bytes of the entries.",
    "capacity_bytes": "The bound of the entries' bytes.",
    "entries": "Entries.",
    "backend_up": "Whether the backend answered the last call.",
}
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Times(NamedTuple):
    """Times by bound, each counted once, and their sum in seconds."""

    counts: tuple[int, ...]
    sum_s: float


class Stopwatch:
    """Collects times; whoever uses it holds a lock."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Counts one."""
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1
        self._sum_s += seconds

    def times(self) -> Times:
        """What was counted so far."""
        return Times(tuple(self._counts), self._sum_s)


class Source(Protocol):
    """A cache whose numbers are collected."""

    name: str

    def numbers(self) -> Mapping[str, float]:
        """The present numbers by the names above; a missing one is not known now."""

    def compute_times(self) -> Times:
        """How long computations took."""


class CacheCollector:
    """For a registry of prometheus-client: `REGISTRY.register(CacheCollector(images, audio))`; names become labels."""

    def __init__(self, *sources: Source) -> None:
        """`ValueError` where two caches have one name: their numbers could not be told apart."""
        names = [source.name for source in sources]
        if len(set(names)) < len(names):
            raise ValueError(f"caches of one registry need names of their own, these are {', '.join(names)}")
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        present = {source.name: source.numbers() for source in self._sources}
        for kind, texts in ((CounterMetricFamily, COUNTERS), (GaugeMetricFamily, GAUGES)):
            for name, text in texts.items():
                family = kind(f"{PREFIX}_{name}", text, labels=["cache"])
                for cache, numbers in present.items():
                    if name in numbers:
                        family.add_metric([cache], numbers[name])
                if family.samples:
                    yield family
        seconds = HistogramMetricFamily(
            f"{PREFIX}_compute_seconds", "Time of computing an absent entry.", labels=["cache"]
        )
        for source in self._sources:
            times = source.compute_times()
            bounds = [*map(str, BOUNDS_S), "+Inf"]
            seconds.add_metric(
                [source.name], buckets=list(zip(bounds, accumulate(times.counts), strict=True)), sum_value=times.sum_s
            )
        yield seconds


def exposition(*sources: Source) -> bytes:
    """The metrics in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(CacheCollector(*sources))
    return generate_latest(registry)
