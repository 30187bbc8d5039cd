"""Pool selection: an immutable configuration, and selection as a pure function of it and of the request.

Axes are tokens (input length, context length) and milliseconds (TTFT and ITL targets);
`trueup grid-config` documents the configuration.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from trueup.grid_config.model import Configuration, Grid, OverrideRule
from trueup.grid_config.parsing import from_mapping, from_text
from trueup_reference.router.axis import Axis

Pools: TypeAlias = "int | tuple[Pools, ...]"
_TwoAxes: TypeAlias = tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[int, ...], ...]]


_LARGEST = 1 << 53  # up to it a number is the same as an integer and in binary64
_PLAIN = frozenset({int, float})  # and no boolean


@dataclass(frozen=True)
class _Phase:
    axes: tuple[Axis, ...]
    pools: Pools
    overrides: tuple[OverrideRule, ...]
    priorities: tuple[int, ...]

    def select(self, values: tuple[float, ...], priority: int | None) -> int:
        """The first override that matches the priority, else the cell of the values."""
        if priority is not None:
            for rule in self.overrides:
                if rule.min_priority <= priority <= rule.max_priority:
                    return rule.target_pool
        found = self.pools
        for axis, value in zip(self.axes, values, strict=True):
            assert isinstance(found, tuple)
            found = found[axis.band(value)]
        assert isinstance(found, int)
        return found


class PoolRouter:
    """Chooses pools. Safe to use from many threads: nothing changes after construction."""

    capabilities = frozenset(
        "disagg agg agg_isl priority_overrides priority_retry deprecated_names strict_types config_text defaults "
        "threads".split()
    )

    def __init__(self, config: Mapping[str, Any], defaults: Mapping[str, float] | None = None) -> None:
        """`defaults`: `ttft_target_ms` and `itl_target_ms` for requests without a target.

        Raises `trueup.grid_config.parsing.InvalidConfiguration`, a `ValueError`, that tells every fault.
        """
        self._set(from_mapping(config), defaults)

    @classmethod
    def make_from_text(cls, text: bytes, defaults: Mapping[str, float] | None = None) -> PoolRouter:
        """The same from the configuration's JSON text, in which duplicate keys can be seen and are refused."""
        router = cls.__new__(cls)
        router._set(from_text(text), defaults)
        return router

    def _set(self, config: Configuration, defaults: Mapping[str, float] | None) -> None:
        self._retries = config.retries
        self._phases = {name: _phase(grid) for name, grid in config.grids.items()}
        # What nearly every request needs: edges of rows, edges of columns, pools.
        self._prefill, self._decode, self._agg = (self._two_axes(name) for name in ("prefill", "decode", "agg"))
        given = dict(defaults or {})
        self._default_ttft_ms = _target("ttft_target_ms", given.pop("ttft_target_ms", None))
        self._default_itl_ms = _target("itl_target_ms", given.pop("itl_target_ms", None))
        if given:
            raise ValueError(f"there is no default {sorted(given)[0]!r}: ttft_target_ms, itl_target_ms")

    def select_prefill(self, isl: int, ttft_target_ms: float | None = None, priority: int | None = None) -> int:
        """The prefill pool for an input of `isl` tokens. `ValueError` or `TypeError` for a senseless request."""
        if priority is None and type(isl) is int:
            pool = _plain(self._prefill, isl, ttft_target_ms)
            if pool is not None:
                return pool
        phase = self._phase("prefill")
        ttft_ms = self._or_default(_target("ttft_target_ms", ttft_target_ms), self._default_ttft_ms, phase.axes[1])
        return phase.select((_length("isl", isl), ttft_ms), _priority(priority))

    def select_decode(
        self, context_length: int, itl_target_ms: float | None = None, priority: int | None = None
    ) -> int:
        """The decode pool for a context of `context_length` tokens."""
        if priority is None and type(context_length) is int:
            pool = _plain(self._decode, context_length, itl_target_ms)
            if pool is not None:
                return pool
        phase = self._phase("decode")
        itl_ms = self._or_default(_target("itl_target_ms", itl_target_ms), self._default_itl_ms, phase.axes[1])
        return phase.select((_length("context_length", context_length), itl_ms), _priority(priority))

    def select_agg(
        self,
        ttft_target_ms: float | None = None,
        itl_target_ms: float | None = None,
        priority: int | None = None,
        isl: int | None = None,
    ) -> int:
        """The pool of an aggregated configuration; `isl` is needed where the grid has an axis of input lengths."""
        if priority is None and isl is None:
            pool = _plain(self._agg, ttft_target_ms, itl_target_ms)
            if pool is not None:
                return pool
        phase = self._phase("agg")
        *outer, ttft_axis, itl_axis = phase.axes
        lengths: tuple[float, ...] = ()
        if outer:
            if isl is None:
                raise ValueError("isl is missing: the grid has an axis of input lengths")
            lengths = (_length("isl", isl),)
        elif isl is not None:
            _length("isl", isl)
        ttft_ms = self._or_default(_target("ttft_target_ms", ttft_target_ms), self._default_ttft_ms, ttft_axis)
        itl_ms = self._or_default(_target("itl_target_ms", itl_target_ms), self._default_itl_ms, itl_axis)
        return phase.select((*lengths, ttft_ms, itl_ms), _priority(priority))

    def retry_order(self, phase: str, pool: int) -> list[int]:
        """The pools to try for a request of `pool`: itself, then, where retry is on, faster ones, slowest first."""
        found = self._phase(phase)
        if isinstance(pool, bool) or not isinstance(pool, int) or not 0 <= pool < len(found.priorities):
            raise ValueError(f"there is no {phase} pool {pool!r}")
        if not self._retries:
            return [pool]
        own = found.priorities[pool]
        faster = [other for other, priority in enumerate(found.priorities) if priority < own]
        return [pool, *sorted(faster, key=lambda other: -found.priorities[other])]  # stable: ties in pool order

    def _two_axes(self, name: str) -> _TwoAxes | None:
        phase = self._phases.get(name)
        if phase is None or len(phase.axes) != 2:
            return None
        rows, columns = phase.axes
        return rows.edges, columns.edges, cast("tuple[tuple[int, ...], ...]", phase.pools)

    def _phase(self, name: str) -> _Phase:
        if name not in self._phases:
            raise ValueError(f"this configuration has no phase {name!r}: {', '.join(self._phases)}")
        return self._phases[name]

    @staticmethod
    def _or_default(target: float | None, default: float | None, axis: Axis) -> float:
        if target is not None:
            return target
        return axis.midpoint if default is None else default


def _plain(table: _TwoAxes | None, row: float | None, column: float | None) -> int | None:
    """The pool for two plain numbers, which nearly every request has; `None` leaves the request to the long way."""
    if (
        table is None
        or type(row) not in _PLAIN
        or type(column) not in _PLAIN
        or not 0 <= row <= _LARGEST  # type: ignore[operator]
        or not 0 <= column <= _LARGEST  # type: ignore[operator]
    ):
        return None
    rows, columns, pools = table
    return pools[bisect_right(rows, row)][bisect_right(columns, column)]  # type: ignore[type-var]


def _phase(grid: Grid) -> _Phase:
    return _Phase(
        tuple(Axis(one.low, one.high, one.resolution) for one in grid.axes),
        _frozen(grid.cells),
        grid.overrides,
        grid.priorities,
    )


def _frozen(cells: Any) -> Pools:
    return cells if isinstance(cells, int) else tuple(_frozen(part) for part in cells)


def _length(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is {value!r}: a whole number of tokens is due")
    if value < 0:
        raise ValueError(f"{name} is {value}: a length is 0 or more")
    return float(min(value, 1 << 1000))  # beyond every bound, and no float holds more


def _target(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r}: a number of milliseconds is due")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {value}: a finite number of milliseconds is due")
    if value < 0:
        raise ValueError(f"{name} is {value}: a target is 0 or more")
    return float(min(value, 1 << 1000))


def _priority(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError(f"priority is {value!r}: a whole number is due")
    return value
