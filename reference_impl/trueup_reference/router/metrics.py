"""The numbers of a router as Prometheus metrics, in a registry of their own. No worker and no request is a label."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

PREFIX = "trueup_router"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
GAUGES = {
    "in_flight_requests": "Requests that have a slot in the pool.",
    "queued_requests": "Requests that wait for a slot or for a worker of the pool.",
    "registered_workers": "Workers that are registered in the pool.",
    "usable_workers": "Of those, workers that are neither ejected nor have asked for a pause.",
    "ejected_workers": "Of those, workers that get no requests after failures.",
}


class RouterMetrics:
    """Counters are incremented where things happen, gauges read when they are scraped."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Without a registry, in a new one."""
        self.registry = registry or CollectorRegistry()
        self._children: dict[tuple[Any, ...], Any] = {}
        self._selections = self._counter(
            "selections", "Requests that a pool was selected for, by why.", "phase", "pool", "reason"
        )
        self._retries = self._counter("retries", "Attempts after a failure, by what failed.", "phase", "pool", "code")
        self._failovers = self._counter(
            "failovers", "Requests that went on to a faster pool, by the pool that had failed.", "phase", "pool"
        )
        self._ejections = self._counter("ejections", "Times that a worker was ejected after failures.", "pool")
        self._rejected = self._counter(
            "rejected_requests", "Requests that were refused before they were accepted.", "pool", "code"
        )
        self._ended = self._counter("ended_requests", "Accepted requests that ended, by how.", "outcome")
        self._reloads = self._counter("grid_reloads", "Grids that were read anew, by what came of it.", "outcome")
        self._forwarding = self._histogram(
            "forwarding_seconds", "Time from the dispatch of an attempt to its end.", "phase", "pool"
        )
        self._first_item = self._histogram(
            "first_item_seconds", "Time from the receipt of a request to its first item.", "pool"
        )
        self._waiting = self._histogram(
            "admission_wait_seconds", "Time from the receipt of a request to its admission.", "pool"
        )
        self.accepted = Counter(f"{PREFIX}_accepted_requests", "Requests that were accepted.", registry=self.registry)
        self.draining = Gauge(f"{PREFIX}_draining", "1 once new requests are refused.", registry=self.registry)
        for outcome in ("taken", "refused"):
            self._reloads.labels(outcome)

    def follow(self, pools: Callable[[], Mapping[str, Mapping[str, int]]]) -> None:
        """Takes the gauges of each pool from this, by the names above."""
        self.registry.register(_Pools(pools))

    def selected(self, phase: str, pool: str, reason: str) -> None:
        """A pool was selected."""
        self._child(self._selections, phase, pool, reason).inc()

    def retried(self, phase: str, pool: str, code: str) -> None:
        """One more attempt in this pool, after a failure with this code."""
        self._child(self._retries, phase, pool, code).inc()

    def failed_over(self, phase: str, pool: str) -> None:
        """From this pool to a faster one."""
        self._child(self._failovers, phase, pool).inc()

    def ejected(self, pool: str) -> None:
        """A worker was ejected."""
        self._child(self._ejections, pool).inc()

    def rejected(self, pool: str | None, code: str) -> None:
        """A request was not accepted."""
        self._child(self._rejected, pool or "", code).inc()

    def ended(self, outcome: str) -> None:
        """An accepted request: `completed`, `client_gone`, or the code of its error."""
        self._child(self._ended, outcome).inc()

    def reloaded(self, outcome: str) -> None:
        """A grid was read anew: `taken` or `refused`."""
        self._child(self._reloads, outcome).inc()

    def forwarded(self, phase: str, pool: str, seconds: float) -> None:
        """An attempt has ended."""
        self._child(self._forwarding, phase, pool).observe(seconds)

    def first_item(self, pool: str, seconds: float) -> None:
        """Item 0 has come."""
        self._child(self._first_item, pool).observe(seconds)

    def admitted(self, pool: str, seconds: float) -> None:
        """A request has its slots."""
        self._child(self._waiting, pool).observe(seconds)

    def exposition(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)

    def _child(self, metric: Any, *labels: str) -> Any:
        # The library's own look-up takes a lock and compares names each time.
        key = (metric, *labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return child

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", text, labels, registry=self.registry, buckets=SECONDS)


class _Pools(Collector):
    def __init__(self, pools: Callable[[], Mapping[str, Mapping[str, int]]]) -> None:
        self._pools = pools

    def collect(self) -> Iterator[Metric]:
        """The present numbers."""
        present = self._pools()
        for name, text in GAUGES.items():
            family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=["pool"])
            for pool, numbers in present.items():
                family.add_metric([pool], numbers[name])
            yield family
