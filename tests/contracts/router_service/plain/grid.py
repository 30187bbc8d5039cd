"""Which pool a request gets, and which pools are tried after it."""

from __future__ import annotations

from pathlib import Path

from contracts.router_service.plain.asked import Asked
from trueup.grid_config.parsing import from_text
from trueup.grid_config.selection import select


class Plan:
    """A valid grid, unchanging. `ValueError` for one that is not."""

    def __init__(self, text: bytes, ttft_ms: float | None = None, itl_ms: float | None = None) -> None:
        """`ttft_ms`, `itl_ms`: for requests without a target of their own."""
        self._configuration = from_text(text)
        self._ttft_ms, self._itl_ms = ttft_ms, itl_ms

    @classmethod
    def read(cls, path: Path, ttft_ms: float | None = None, itl_ms: float | None = None) -> Plan:
        return cls(path.read_bytes(), ttft_ms, itl_ms)

    @property
    def phases(self) -> tuple[str, ...]:
        """Of a request that asks for everything."""
        return ("agg",) if self._configuration.mode == "agg" else ("prefill", "decode")

    @property
    def namespaces(self) -> list[str]:
        """Of all pools."""
        return list(dict.fromkeys(name for grid in self._configuration.grids.values() for name in grid.namespaces))

    def choose(self, phase: str, asked: Asked) -> str:
        """The namespace of the pool."""
        grid = self._configuration.grids[phase]
        ttft_ms = self._ttft_ms if asked.ttft_ms is None else asked.ttft_ms
        itl_ms = self._itl_ms if asked.itl_ms is None else asked.itl_ms
        values: list[float | None] = [len(asked.token_ids)] if phase != "agg" or len(grid.axes) == 3 else []
        values += [ttft_ms] if phase == "prefill" else [itl_ms] if phase == "decode" else [ttft_ms, itl_ms]
        return grid.namespaces[select(grid, values, asked.priority).pool]

    def order(self, phase: str, namespace: str) -> list[str]:
        """The pools to try: the chosen one, then, with retries, the faster ones, the slowest of those first."""
        if not self._configuration.retries:
            return [namespace]
        grid = self._configuration.grids[phase]
        own = grid.priorities[grid.namespaces.index(namespace)]
        faster = [index for index, priority in enumerate(grid.priorities) if priority < own]
        faster.sort(key=lambda index: -grid.priorities[index])
        return [namespace, *(grid.namespaces[index] for index in faster)]
