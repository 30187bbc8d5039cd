"""Exporters that are built otherwise than most, and break no law that is a MUST."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, Counter

from contracts.suite_runs import verdicts
from trueup_contracts.metrics.adapters import RegistryExporter
from trueup_contracts.metrics.calls import Answer
from trueup_contracts.profile import Profile

LATER_S = 0.3


class CountsLater:
    """An engine whose numbers come from another process: a moment after the request was handled."""

    capabilities = frozenset({"traffic"})

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._requests = Counter("requests_total", "Requests handled.", registry=registry)
        self._exporter = RegistryExporter(registry)

    def scrape(self, accept: str | None) -> Answer:
        return self._exporter.scrape(accept)

    def drive(self, requests: int, distinct_ids: int) -> None:
        later = threading.Timer(LATER_S, self._requests.inc, [requests])
        later.daemon = True
        later.start()


@pytest.mark.parametrize(("requirement", "fails"), [("MX-040", False), ("MX-041", True)])
def test_requests_may_be_counted_a_moment_later(requirement: str, fails: bool) -> None:
    found = verdicts("metrics", CountsLater, Profile("quick", 20261125), requirement)
    assert bool(found) == fails, found
