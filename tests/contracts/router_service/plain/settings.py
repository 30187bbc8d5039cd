"""What the router is told: the bounds of `{service}`, in seconds, and the errors that its clients see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STATUSES = {
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


class Failed(Exception):
    """Why a client gets no (further) answer."""

    def __init__(self, code: str, message: str, pool: str | None = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.pool = pool
        self.retry_after_s = retry_after_s
        self.status = STATUSES[code]

    def told(self, request_id: str | None) -> dict[str, Any]:
        """As the clients read it."""
        return {
            "error": {"code": self.code, "message": self.message, "request_id": request_id, "pool": self.pool},
        }


@dataclass(frozen=True)
class Bounds:
    """`{service}`; what it leaves out stays as it is here."""

    connect_s: float = 1.0
    first_item_s: float = 30.0
    between_items_s: float = 10.0
    total_s: float = 600.0
    same_pool_attempts: int = 2
    max_in_flight: int = 64
    max_queued: int = 256
    max_wait_s: float = 5.0
    pool_wait_s: float = 5.0
    drain_notice_s: float = 0.5
    drain_s: float = 30.0
    failures: int = 3
    backoff_s: float = 1.0
    max_backoff_s: float = 30.0

    @classmethod
    def read(cls, path: Path | None) -> Bounds:
        """Raises `ValueError` for what is no such file."""
        if path is None:
            return cls()
        given = json.loads(path.read_bytes(), parse_constant=_no_constant)
        if not isinstance(given, dict) or given.get("version") != 1:
            raise ValueError(f"{path}: version 1 is due")
        known = {place for _, place, _ in _PLACES} | {("version",)}
        for place, value in _leaves(given):
            if place not in known:
                raise ValueError(f"{path}: there is no setting {'.'.join(place)} with a value like {value!r}")
        found: dict[str, float] = {}
        for name, place, least in _PLACES:
            value = given
            for key in place:
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                continue
            is_time = name.endswith("_s")
            kinds = (int, float) if is_time else (int,)
            if type(value) not in kinds or value < least:
                raise ValueError(f"{path}: {'.'.join(place)} is {value!r}: a number from {least} on is due")
            found[name] = value / 1000 if is_time else value
        return cls(**found)  # type: ignore[arg-type]  # counts are whole above


def _leaves(value: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, one in value.items():
        if isinstance(one, dict):
            yield from _leaves(one, (*place, name))
        else:
            yield (*place, name), one


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_PLACES = (
    ("connect_s", ("timeouts_ms", "connect"), 0),
    ("first_item_s", ("timeouts_ms", "first_item"), 0),
    ("between_items_s", ("timeouts_ms", "between_items"), 0),
    ("total_s", ("timeouts_ms", "total"), 0),
    ("same_pool_attempts", ("retry", "same_pool_attempts"), 1),
    ("max_in_flight", ("admission", "max_in_flight"), 1),
    ("max_queued", ("admission", "max_queued"), 0),
    ("max_wait_s", ("admission", "max_wait_ms"), 0),
    ("pool_wait_s", ("pool_wait_ms",), 0),
    ("drain_notice_s", ("drain_notice_ms",), 0),
    ("drain_s", ("drain_ms",), 0),
    ("failures", ("ejection", "failures"), 1),
    ("backoff_s", ("ejection", "backoff_ms"), 0),
    ("max_backoff_s", ("ejection", "max_backoff_ms"), 0),
)
