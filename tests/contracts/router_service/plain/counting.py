"""What `/metrics` shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from contracts.router_service.plain.settings import Failed

if TYPE_CHECKING:
    from contracts.router_service.plain.pools import Pool
    from contracts.router_service.plain.router import Clock, Job, Router

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Counting:
    """The counters of one process."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._registry = CollectorRegistry()
        self._selected = self._counter("router_pool_selections", "Requests by the pool chosen.", "pool", "phase")
        self._failed = self._counter("router_request_failures", "Requests without a good end.", "code")
        self._retried = self._counter("router_retries", "Attempts after the first.", "pool", "phase")
        self._reloaded = self._counter("router_grid_reloads", "New grids, taken or refused.", "result")
        self._first_item = Histogram(
            "router_first_item_seconds",
            "From dispatch to the first item, or the transfer.",
            ["phase"],
            buckets=BOUNDS_S,
            registry=self._registry,
        )
        self._registry.register(self)

    def admitted(self, job: Job) -> None:
        for phase, pool in job.pools.items():
            self._selected.labels(pool.namespace, phase).inc()

    def failed(self, failed: Failed) -> None:
        self._failed.labels(failed.code).inc()

    def retried(self, pool: Pool, phase: str) -> None:
        self._retried.labels(pool.namespace, phase).inc()

    def reloaded(self, result: str) -> None:
        self._reloaded.labels(result).inc()

    def began(self, phase: str, clock: Clock) -> None:
        self._first_item.labels(phase).observe(asyncio.get_running_loop().time() - clock.began_s)

    def page(self) -> bytes:
        return generate_latest(self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """What is so at this moment."""
        in_flight = GaugeMetricFamily("router_requests_in_flight", "Requests that hold a slot.", labels=["pool"])
        queued = GaugeMetricFamily("router_queue_depth", "Requests that wait for a slot.", labels=["pool"])
        for name, pool in self._router.pools.items():
            in_flight.add_metric([name], pool.in_flight)
            queued.add_metric([name], pool.queued)
        yield from (in_flight, queued)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)
