"""Exporters of other constructions: prometheus-client's own server, and a model of Dynamo's line filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import Metric

from trueup_contracts.metrics.adapters import RegistryExporter
from trueup_contracts.metrics.calls import Answer
from trueup_reference.metrics_bridge import MockEngine, TextSource


class PrometheusClient(RegistryExporter):
    """A registry, and the encoder that prometheus-client's server chooses for a scraper. Names without a colon."""

    capabilities = frozenset({"traffic", "faults", "shutdown", "threads"})
    prefix, exemplars = "engine_", True

    def __init__(self) -> None:
        engine = MockEngine(self.prefix, exemplars=self.exemplars)
        super().__init__(engine.registry)
        self.drive = engine.drive
        self._failing = _FailsOnce()
        engine.registry.register(self._failing)

    def fail_next(self) -> None:
        self._failing.fails = True

    def begin_shutdown(self) -> None:
        """Its server answers as before until it ends."""


class PrometheusClientWithColons(PrometheusClient):
    """The same, with SGLang's names, and as SGLang without exemplars."""

    prefix, exemplars = "sglang:", False


class _FailsOnce:
    fails = False

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> list[Metric]:
        if self.fails:
            self.fails = False
            raise RuntimeError("the engine cannot be asked")
        return []


@contextmanager
def prometheus_server(prefix: str) -> Iterator[str]:
    """The real server of prometheus-client with an engine's metrics, at a URL of this machine."""
    engine = MockEngine(prefix, exemplars=":" not in prefix)
    engine.drive(20, 20)
    server, thread = start_http_server(0, "127.0.0.1", engine.registry)
    try:
        yield f"http://127.0.0.1:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class LineFilter:
    """Dynamo's bridge, as its page is: prometheus-client's text, filtered and renamed line by line, for every scraper.

    Help lines and samples are filtered by the same pattern; a kept prefix is taken away before another is added; an
    error gives an empty page with status 200.
    """

    capabilities = frozenset({"filter", "traffic", "faults", "threads"})

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        self.keep: Sequence[str] = tuple(config.get("keep_prefixes") or ())
        self.drop: Sequence[str] = tuple(config.get("drop_prefixes") or ())
        self.add: str = config.get("add_prefix") or ""
        self.engine = MockEngine()
        self.registry: CollectorRegistry | TextSource = self.engine.registry
        self.drive = self.engine.drive
        self.fails = False

    def set_source(self, exposition: bytes) -> None:
        self.registry = TextSource(exposition)

    def fail_next(self) -> None:
        self.fails = True

    def scrape(self, accept: str | None) -> Answer:
        text = ""
        if not self.fails:
            text = "".join(self.passed(line) for line in generate_latest(self.registry).decode().split("\n"))
        self.fails = False
        return Answer(200, "text/plain; version=0.0.4", text.encode())

    def passed(self, line: str) -> str:
        words = line.split(" ", 3)
        is_metadata = words[:2] in (["#", "HELP"], ["#", "TYPE"])
        name, rest = (words[2], " ".join(words[3:])) if is_metadata else [*line.split(None, 1), "", ""][:2]
        if not name or name.startswith(tuple(self.drop)) or (self.keep and not name.startswith(tuple(self.keep))):
            return ""
        if not self.add:
            return f"{line}\n"
        name = next((name.removeprefix(prefix) for prefix in self.keep if name.startswith(prefix)), name)
        name = name if name.startswith(self.add) else self.add + name
        return f"{' '.join([*words[:2], name, rest]) if is_metadata else f'{name} {rest}'}\n"
