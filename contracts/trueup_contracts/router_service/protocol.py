"""What the suite takes for granted of a router: its endpoints, the settings it is given, and the codes of its errors.

The formats themselves are in `formats.schema.json`; `docs/contracts/router-service.md` shows them. Times are
milliseconds and per pool.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GENERATE, COMPLETIONS, PREFILL, DECODE = "/v1/generate", "/v1/completions", "/v1/prefill", "/v1/decode"
HEALTH, READY, METRICS = "/healthz", "/readyz", "/metrics"

# Code of an error to its status before `accepted`.
STATUS = {
    "invalid_request": 400,
    "overloaded": 429,
    "no_worker": 503,
    "draining": 503,
    "worker_failed": 502,
    "timeout_connect": 504,
    "timeout_first_item": 504,
    "timeout_between_items": 504,
    "timeout_total": 504,
}
TIMEOUTS = frozenset(code for code in STATUS if code.startswith("timeout_"))

CLOCK_MS = 1  # by which a deadline may be rounded: event loops read their clock once a turn, some to the millisecond

# Generous, so that nothing but the test decides what becomes of a request: no retry, no ejection, no waiting.
SERVICE: dict[str, Any] = {
    "version": 1,
    "timeouts_ms": {"connect": 5_000, "first_item": 10_000, "between_items": 10_000, "total": 60_000},
    "retry": {"same_pool_attempts": 1},
    "admission": {"max_in_flight": 256, "max_queued": 256, "max_wait_ms": 10_000},
    "pool_wait_ms": 500,
    "drain_notice_ms": 50,
    "drain_ms": 1_000,
    "ejection": {"failures": 1_000, "backoff_ms": 500, "max_backoff_ms": 5_000},
}


def service(changes: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """A service file: the settings above, stretched by `scale`, with these in place of theirs, as they are."""
    return _changed(_stretched(SERVICE, scale), changes)


def _stretched(settings: Mapping[str, Any], scale: float, *, is_time: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.items():
        timed = is_time or name.endswith("_ms")
        if isinstance(value, Mapping):
            found[name] = _stretched(value, scale, is_time=timed)
        else:
            found[name] = round(value * scale) if timed else value
    return found


def _changed(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(settings)
    for name, value in changes.items():
        is_part = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = _changed(found[name], value) if is_part else value
    return found
