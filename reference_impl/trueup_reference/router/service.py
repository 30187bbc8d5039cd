"""What the service is set to beside the grid: timeouts, retries and bounds, all per pool and all optional."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from trueup.rules import nearest_hint

_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
MOST_MS = 86_400_000  # a day
_Ms = Annotated[float, msgspec.Meta(gt=0, le=MOST_MS)]
_MsOrNone = Annotated[float, msgspec.Meta(ge=0, le=MOST_MS)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1 << 31)]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Timeouts(_Settings, frozen=True):
    """In milliseconds. `first_item` counts from each dispatch, `total` from the request's receipt."""

    connect: _Ms = 1000
    first_item: _Ms = 60_000
    between_items: _Ms = 30_000
    total: _Ms = 600_000


class Retry(_Settings, frozen=True):
    """`same_pool_attempts`: in one pool in all, so that 1 means none again."""

    same_pool_attempts: _Count = 2


class AdmissionBounds(_Settings, frozen=True):
    """Of each pool: requests under way, requests that wait, and how long one waits."""

    max_in_flight: _Count = 256
    max_queued: Annotated[int, msgspec.Meta(ge=0, le=1 << 31)] = 256
    max_wait_ms: _MsOrNone = 5000


class EjectionSettings(_Settings, frozen=True):
    """Failures in a row until a worker gets no requests, and for how long: doubled each time, up to the most."""

    failures: _Count = 3
    backoff_ms: _Ms = 1000
    max_backoff_ms: _Ms = 30_000


class ServiceSettings(_Settings, frozen=True):
    """`pool_wait_ms`: how long a request waits for a pool in which no worker can be used."""

    version: Literal[1] = 1
    timeouts_ms: Timeouts = Timeouts()
    retry: Retry = Retry()
    admission: AdmissionBounds = AdmissionBounds()
    pool_wait_ms: _MsOrNone = 5000
    drain_notice_ms: _MsOrNone = 500
    drain_ms: _MsOrNone = 30_000
    ejection: EjectionSettings = EjectionSettings()


class InvalidSettings(ValueError):
    """Settings that are refused; the message says which and why."""


def read(text: bytes) -> ServiceSettings:
    """The settings in a JSON text. Raises `InvalidSettings`."""
    try:
        return msgspec.json.decode(text, type=ServiceSettings)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidSettings(f"{error}{_hint(str(error))}") from error


def _hint(message: str) -> str:
    """What an unknown field may have been meant to be, among all fields there are."""
    unknown = _UNKNOWN.search(message)
    if unknown is None:
        return ""
    parts = (ServiceSettings, Timeouts, Retry, AdmissionBounds, EjectionSettings)
    return f": {nearest_hint(unknown[1], sorted({name for part in parts for name in part.__struct_fields__}))}"
