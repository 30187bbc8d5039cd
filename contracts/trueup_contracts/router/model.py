"""The answers that the contract allows, in exact rational arithmetic; and the one of the binary64 formula.

Source of both: the router's formula `trunc((v - low) / ((high - low) / n))`, clamped. Where `v - low`,
`high - low`, the step and the quotient are all exact in binary64, the exact answer is the only one;
elsewhere the rounded division may fall one band short at an edge, so either neighbour within 4 ulp of the
edge is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

EDGE_ULPS = 4


class Axis(NamedTuple):
    """Bounds and resolution, as the configuration has them."""

    low: float
    high: float
    resolution: int

    def formula(self, value: float) -> int:
        """The band by the binary64 formula."""
        low, high = float(self.low), float(self.high)
        if value < low:
            return 0
        if value >= high:
            return self.resolution - 1
        return min(int((float(value) - low) / ((high - low) / self.resolution)), self.resolution - 1)

    def allowed(self, value: float) -> set[int]:
        """The bands that the contract allows."""
        low, high, at = Fraction(float(self.low)), Fraction(float(self.high)), Fraction(float(value))
        if at < low:
            return {0}
        if at >= high:
            return {self.resolution - 1}
        step = (high - low) / self.resolution
        quotient = (at - low) / step
        band = min(int(quotient), self.resolution - 1)
        bands = {band}
        if not all(map(_is_exact, (at - low, high - low, step, quotient))):
            for edge in (band, band + 1):
                place = low + edge * step
                if 0 < edge < self.resolution and abs(at - place) <= EDGE_ULPS * Fraction(math.ulp(float(place))):
                    bands |= {edge - 1, edge}
        return bands

    @property
    def midpoint(self) -> float:
        """What an absent target counts as, in binary64."""
        return (float(self.low) + float(self.high)) / 2


def _is_exact(value: Fraction) -> bool:
    return Fraction(float(value)) == value


def grid(first: Axis, second: Axis) -> list[list[int]]:
    """A mapping in which every cell has a pool of its own, so that a pool tells its cell."""
    return [
        [row * second.resolution + column for column in range(second.resolution)] for row in range(first.resolution)
    ]


def cell(pool: int, second: Axis) -> tuple[int, int]:
    """The cell of a pool in such a mapping."""
    return divmod(pool, second.resolution)


def disagg(
    prefill: tuple[Axis, Axis] | None = None, decode: tuple[Axis, Axis] | None = None, **more: Any
) -> dict[str, Any]:
    """A configuration of the mode disagg; a phase that is not given has one cell."""
    one = (Axis(0, 1000, 1), Axis(0, 1000, 1))
    isl, ttft = prefill or one
    context, itl = decode or one
    return {
        **_pools("prefill", isl.resolution * ttft.resolution),
        **_pools("decode", context.resolution * itl.resolution),
        "prefill_pool_selection_strategy": {
            **_fields("isl", "", isl),
            **_fields("ttft", "_ms", ttft),
            "prefill_pool_mapping": grid(isl, ttft),
        },
        "decode_pool_selection_strategy": {
            **_fields("context_length", "", context),
            **_fields("itl", "_ms", itl),
            "decode_pool_mapping": grid(context, itl),
        },
        **more,
    }


def agg(ttft: Axis, itl: Axis, isl: Axis | None = None, **more: Any) -> dict[str, Any]:
    """A configuration of the mode agg; with `isl` its mapping has a layer for each band, and pools of its own."""
    cells = ttft.resolution * itl.resolution
    layers = isl.resolution if isl is not None else 1
    mapping: Any = grid(ttft, itl)
    if isl is not None:
        mapping = [[[pool + layer * cells for pool in row] for row in grid(ttft, itl)] for layer in range(layers)]
    return {
        "mode": "agg",
        **_pools("agg", cells * layers),
        "agg_pool_selection_strategy": {
            **(_fields("isl", "", isl) if isl is not None else {}),
            **_fields("ttft", "_ms", ttft),
            **_fields("itl", "_ms", itl),
            "agg_pool_mapping": mapping,
        },
        **more,
    }


def _pools(phase: str, count: int) -> Mapping[str, Any]:
    return {
        f"num_{phase}_pools": count,
        f"{phase}_pool_dynamo_namespaces": [f"{phase}-{number}" for number in range(count)],
    }


def _fields(name: str, unit: str, axis: Axis) -> Mapping[str, Any]:
    return {f"{name}_min{unit}": axis.low, f"{name}_max{unit}": axis.high, f"{name}_resolution": axis.resolution}
