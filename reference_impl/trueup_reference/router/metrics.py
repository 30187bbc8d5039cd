"""The numbers of a router as Prometheus metrics, in a registry of their own. No worker and no request is a label.

They are counted as plain numbers, since some dozen of them change with each request, and become metrics when they are
scraped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

PREFIX = "trueup_router"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
COUNTERS = {
    "accepted_requests": ("Requests that were accepted.", ()),
    "selections": ("Requests that a pool was selected for, by why.", ("phase", "pool", "reason")),
    "retries": ("Attempts after a failure, by what failed.", ("phase", "pool", "code")),
    "failovers": ("Requests that went on to a faster pool, by the pool that had failed.", ("phase", "pool")),
    "ejections": ("Times that a worker was ejected after failures.", ("pool",)),
    "rejected_requests": ("Requests that were refused before they were accepted.", ("pool", "code")),
    "ended_requests": ("Accepted requests that ended, by how.", ("outcome",)),
    "grid_reloads": ("Grids that were read anew, by what came of it.", ("outcome",)),
}
HISTOGRAMS = {
    "forwarding_seconds": ("Time from the dispatch of an attempt to its end.", ("phase", "pool")),
    "first_item_seconds": ("Time from the receipt of a request to its first item.", ("pool",)),
    "admission_wait_seconds": ("Time from the receipt of a request to its admission.", ("pool",)),
}
GAUGES = {
    "in_flight_requests": "Requests that have a slot in the pool.",
    "queued_requests": "Requests that wait for a slot or for a worker of the pool.",
    "registered_workers": "Workers that are registered in the pool.",
    "usable_workers": "Of those, workers that are neither ejected nor have asked for a pause.",
    "ejected_workers": "Of those, workers that get no requests after failures.",
}
_DRAINING = "1 once new requests are refused."
_Labels = tuple[str, ...]


class _Times:
    """A histogram: how many fell between the bounds, and their sum."""

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(SECONDS) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total_s += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Upper bounds, and how many are not above them."""
        bounds = [*map(floatToGoString, SECONDS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.counts)), strict=True))


class RouterMetrics(Collector):
    """Used from one event loop. Gauges are asked for when they are scraped."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Without a registry, in a new one."""
        self.is_draining = False
        self._counts: dict[str, Counter[_Labels]] = {name: Counter() for name in COUNTERS}
        self._times: dict[str, dict[_Labels, _Times]] = {name: {} for name in HISTOGRAMS}
        self._pools: Callable[[], Mapping[str, Mapping[str, int]]] = dict
        self._counts["accepted_requests"][()] = 0
        self._counts["grid_reloads"] = Counter({("taken",): 0, ("refused",): 0})
        self.registry = registry or CollectorRegistry()
        self.registry.register(self)

    def follow(self, pools: Callable[[], Mapping[str, Mapping[str, int]]]) -> None:
        """Takes the gauges of each pool from this, by the names above."""
        self._pools = pools

    def accepted(self) -> None:
        """A request was accepted."""
        self._counts["accepted_requests"][()] += 1

    def selected(self, phase: str, pool: str, reason: str) -> None:
        """A pool was selected."""
        self._counts["selections"][phase, pool, reason] += 1

    def retried(self, phase: str, pool: str, code: str) -> None:
        """One more attempt in this pool, after a failure with this code."""
        self._counts["retries"][phase, pool, code] += 1

    def failed_over(self, phase: str, pool: str) -> None:
        """From this pool to a faster one."""
        self._counts["failovers"][phase, pool] += 1

    def ejected(self, pool: str) -> None:
        """A worker was ejected."""
        self._counts["ejections"][(pool,)] += 1

    def rejected(self, pool: str | None, code: str) -> None:
        """A request was not accepted."""
        self._counts["rejected_requests"][pool or "", code] += 1

    def ended(self, outcome: str) -> None:
        """An accepted request: `completed`, `client_gone`, or the code of its error."""
        self._counts["ended_requests"][(outcome,)] += 1

    def reloaded(self, outcome: str) -> None:
        """A grid was read anew: `taken`, `refused` or `unchanged`."""
        self._counts["grid_reloads"][(outcome,)] += 1

    def forwarded(self, phase: str, pool: str, seconds: float) -> None:
        """An attempt has ended."""
        self._observe("forwarding_seconds", (phase, pool), seconds)

    def first_item(self, pool: str, seconds: float) -> None:
        """Item 0 has come."""
        self._observe("first_item_seconds", (pool,), seconds)

    def admitted(self, pool: str, seconds: float) -> None:
        """A request has its slots."""
        self._observe("admission_wait_seconds", (pool,), seconds)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        for name, (text, labels) in COUNTERS.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
            for values, count in self._counts[name].items():
                counter.add_metric(values, count)
            yield counter
        for name, (text, labels) in HISTOGRAMS.items():
            histogram = HistogramMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
            for values, times in self._times[name].items():
                histogram.add_metric(values, times.buckets(), times.total_s)
            yield histogram
        yield GaugeMetricFamily(f"{PREFIX}_draining", _DRAINING, value=int(self.is_draining))
        pools = self._pools()
        for name, text in GAUGES.items():
            gauge = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["pool"])
            for pool, numbers in pools.items():
                gauge.add_metric([pool], numbers[name])
            yield gauge

    def _observe(self, name: str, labels: _Labels, seconds: float) -> None:
        times = self._times[name].get(labels)
        if times is None:
            times = self._times[name][labels] = _Times()
        times.observe(max(seconds, 0.0))
