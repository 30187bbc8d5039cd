"""The bridge: collect, filter, rename, encode. One scrape is one collection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from trueup_reference.metrics_bridge.escaping import escaped_families
from trueup_reference.metrics_bridge.negotiation import OPENMETRICS, Chosen, choose
from trueup_reference.metrics_bridge.prefixes import Prefixes

_LOG = logging.getLogger(__name__)


class Source(Protocol):
    """Whatever has families: prometheus-client's registry, or a `TextSource`."""

    def collect(self) -> Iterable[Metric]:
        """The families as they are now."""


class Answer(NamedTuple):
    """What a scraper gets."""

    status: int
    content_type: str
    body: bytes


class MetricsBridge:
    """An engine's metrics for scrapers. Safe to be scraped from several threads, as far as the source is."""

    def __init__(self, source: Source, prefixes: Prefixes | None = None) -> None:
        self._prefixes = prefixes or Prefixes()
        self._source = source
        self._last: list[Metric] | None = None
        self._lock = threading.Lock()  # of the shutdown alone: scrapes do not wait for each other

    def scrape(self, accept: str | None = None) -> Answer:
        """A page. Where the collection fails, status 500: an empty page would say that everything is gone."""
        chosen = choose(accept)
        try:
            return Answer(200, chosen.content_type, encoded(self._families(), chosen))
        except Exception as error:  # noqa: BLE001 - whatever a collector raises, the scraper must hear of it
            _LOG.exception("a scrape failed")
            return Answer(500, "text/plain; charset=utf-8", f"the collection failed: {error}\n".encode())

    def begin_shutdown(self) -> None:
        """The engine may go now: later scrapes get its last numbers, until the server ends.

        Where they cannot be had, later scrapes ask it still: a shutdown does not fail for its metrics.
        """
        try:
            last = list(self._collected())  # without the lock: an engine that hangs holds no scraper up
        except Exception:  # noqa: BLE001 - whatever a collector raises
            _LOG.exception("the last numbers cannot be had")
            return
        with self._lock:
            if self._last is None:
                self._last = last

    def _families(self) -> Iterable[Metric]:
        with self._lock:
            last = self._last
        return self._collected() if last is None else last

    def _collected(self) -> Iterator[Metric]:
        return self._prefixes.applied(self._source.collect())


def encoded(families: Iterable[Metric], chosen: Chosen) -> bytes:
    """The page in a format. Names are escaped here, so that the encoder finds only such as it leaves alone."""
    once = _Once(escaped_families(families, chosen.escaping))
    if chosen.media_type == OPENMETRICS:
        page: bytes = generate_openmetrics(once, escaping="allow-utf-8")  # type: ignore[no-untyped-call]
        return page
    return generate_latest(once, escaping="allow-utf-8")


class _Once:
    """What prometheus-client's encoders call a registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
