"""Numbers as the formats write them: what every reader takes, which is less than Python's `float`."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|(?:inf|infinity))", re.I
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")


def number(text: str) -> float | None:
    """The value of a number, `NaN` and `Inf` in any case; `None` for what some reader refuses (`-NaN`, `1e999`)."""
    if text.lower() == "nan":
        return math.nan
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if math.isinf(value) and "inf" not in text.lower():
        return None
    return value


def milliseconds(text: str) -> float | None:
    """A timestamp of the text format: a 64-bit integer."""
    if not _INTEGER.fullmatch(text) or not -(1 << 63) <= int(text) < 1 << 63:
        return None
    return float(text)


def seconds(text: str) -> float | None:
    """A timestamp of OpenMetrics: any finite number."""
    value = number(text)
    return value if value is not None and math.isfinite(value) else None
