"""The bridge as the contract suite `metrics` asks it: with an engine behind it that can be driven, and can fail."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import Metric

from trueup_reference.metrics_bridge.bridge import MetricsBridge, Source
from trueup_reference.metrics_bridge.mock_engine import MockEngine
from trueup_reference.metrics_bridge.prefixes import Prefixes
from trueup_reference.metrics_bridge.sources import TextSource


class BridgeExporter:
    """One engine, one bridge."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """`ValueError` refuses a configuration."""
        self._engine = MockEngine()
        self._source = _Failing(self._engine.registry)
        self._bridge = MetricsBridge(self._source, Prefixes.from_config(config or {}))

    def scrape(self, accept: str | None) -> dict[str, Any]:
        """One page: status, content_type and body."""
        return self._bridge.scrape(accept)._asdict()

    def set_source(self, exposition: bytes) -> None:
        """A page in place of the engine; `ValueError` for one that cannot be read."""
        self._source.of = TextSource(exposition)

    def drive(self, requests: int, distinct_ids: int) -> None:
        """The engine handles requests."""
        self._engine.drive(requests, distinct_ids)

    def fail_next(self) -> None:
        """The next collection raises."""
        self._source.fails.set()

    def begin_shutdown(self) -> None:
        """The engine goes; the bridge answers with its last numbers."""
        self._bridge.begin_shutdown()


class _Failing:
    """A source that can be replaced, and can be made to fail once."""

    def __init__(self, of: Source) -> None:
        self.of = of
        self.fails = threading.Event()

    def collect(self) -> Iterable[Metric]:
        if self.fails.is_set():
            self.fails.clear()
            raise RuntimeError("the engine cannot be asked")
        return self.of.collect()
