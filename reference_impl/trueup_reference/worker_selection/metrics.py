"""The numbers of selectors as Prometheus metrics. No request's id is a label; workers are, of those with requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from trueup_reference.worker_selection.selector import WorkerSelector

PREFIX = "trueup_worker_selection"
GAUGES = {
    "active_prefill_tokens": "Prompt tokens that are still to be computed.",
    "active_decode_blocks": "Distinct blocks of the requests under way.",
    "active_requests": "Requests under way.",
}
OUTCOMES = ("chosen", "pinned", "refused")
ENDINGS = ("freed", "unknown", "removed")
_ENDED = "Requests that ended: freed, freed though not under way (unknown), removed with their worker."


class SelectionCollector:
    """For a registry of prometheus-client: `REGISTRY.register(SelectionCollector(selector))`; names become labels."""

    def __init__(self, *selectors: WorkerSelector) -> None:
        """`ValueError` where two selectors have one name: their numbers could not be told apart."""
        names = [selector.name for selector in selectors]
        if len(set(names)) < len(names):
            raise ValueError(f"selectors of one registry need names of their own, these are {', '.join(names)}")
        self._selectors = selectors

    def collect(self) -> Iterator[Metric]:
        """The present numbers, for a scrape."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        labels = ["selector", "worker_id", "dp_rank"]
        gauges = {name: GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels) for name, text in GAUGES.items()}
        for selector in self._selectors:
            for (worker_id, rank), (load, requests) in selector.loads().items():
                values = [load["prefill_tokens"], load["decode_blocks"], requests]
                for family, value in zip(gauges.values(), values, strict=True):
                    family.add_metric([selector.name, str(worker_id), str(rank)], value)
        yield from gauges.values()
        counters = {"requests": ("Requests that were asked for.", OUTCOMES), "ended": (_ENDED, ENDINGS)}
        for name, (text, kinds) in counters.items():
            counter = CounterMetricFamily(f"{PREFIX}_{name}", text, labels=["selector", "outcome"])
            for selector in self._selectors:
                counts = selector.outcomes()
                for kind in kinds:
                    counter.add_metric([selector.name, kind], counts.get(kind, 0))
            yield counter
