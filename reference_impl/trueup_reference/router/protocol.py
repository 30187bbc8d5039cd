"""What is asked of the router, what it answers, and how it says that it cannot: whatever the endpoint."""

from __future__ import annotations

from typing import Any

import msgspec

from trueup_reference.worker_protocol import Phase, written

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
    "internal": 500,
}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request, checked. Targets and the deadline are in milliseconds; the deadline counts from `received_s`."""

    request_id: str
    token_ids: tuple[int, ...]
    max_tokens: int
    ttft_target_ms: float | None = None
    itl_target_ms: float | None = None
    priority: int | None = None
    deadline_ms: float | None = None
    phases: tuple[Phase, ...] | None = None  # None: all that the grid's mode has, in their order
    transfer: dict[str, Any] | None = None  # for decode alone: what prefill has sent
    traceparent: str | None = None
    tracestate: str | None = None
    received_s: float | None = None  # by `time.monotonic`; None: when the router is asked to accept it


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event of an answer. `raw`: its data as JSON of one line, as the worker has written it."""

    name: str
    raw: bytes

    @classmethod
    def of(cls, name: str, data: Any) -> Event:
        """The event with these data."""
        return cls(name, msgspec.json.encode(data))

    @property
    def data(self) -> Any:
        """The data; decoded each time."""
        return msgspec.json.decode(self.raw)

    def written(self) -> bytes:
        """As a server-sent event."""
        return written(self.name, self.raw)


class RouterError(Exception):
    """Why a request gets no (further) answer: a status before `accepted`, an event `error` after it."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        pool: str | None = None,
        retry_after_s: float | None = None,
        retryable: bool = True,
    ) -> None:
        """`code`: one of `STATUSES`. `pool`: its namespace. `retryable`: for a frontend that asks this router."""
        super().__init__(message)
        self.status = STATUSES[code]
        self.code = code
        self.message = message
        self.pool = pool
        self.retry_after_s = retry_after_s
        self.retryable = retryable and code != "invalid_request"

    def told(self, request_id: str | None) -> dict[str, Any]:
        """As JSON, for a client."""
        about = {"code": self.code, "message": self.message, "request_id": request_id, "pool": self.pool}
        return {"error": about}

    def told_as_worker(self) -> dict[str, Any]:
        """As JSON of an event `error` of the worker protocol, for a frontend to which this router is a worker."""
        return {"code": self.code, "message": self.message, "retryable": self.retryable}
