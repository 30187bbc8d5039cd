"""How workers are reached: one transport for each scheme of their URLs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from trueup_reference.router.protocol import Event
from trueup_reference.worker_protocol import Asked

CONNECT = "timeout_connect"
FAILED = "worker_failed"
MOST_EVENT_BYTES = 8 << 20  # of one event of a worker: the transfer of a long prompt is the largest


class WorkerFailure(Exception):
    """Why a worker's answer did not begin, or broke off."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        retryable: bool,
        taken: bool = True,
        alive: bool = False,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        """`code`: of the router's errors, `worker_failed` or a timeout.

        `taken`: whether the worker may have used up the transfer that it was given: not where it could not be reached
        or answered by a status. `alive`: whether this says nothing against its health, as 429 and 4xx do.
        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.taken = taken
        self.alive = alive
        self.retry_after_s = retry_after_s
        self.status = status


class WorkerStream(Protocol):
    """The answer of a worker that has taken the work."""

    async def read(self) -> list[Event]:
        """The events that have come, at least one; keep-alives are none. `WorkerFailure` where the answer breaks off.

        May be cancelled, and is asked no more after `finish` or `error`.
        """
        ...

    def close(self) -> None:
        """Gives the connection back after the end of the answer; before it, ends the worker's work at once."""
        ...


class Transport(Protocol):
    """Used from one event loop."""

    async def generate(self, url: str, asked: Asked, *, connect_s: float, headers: Mapping[str, str]) -> WorkerStream:
        """Asks the worker at this URL. `WorkerFailure` where it cannot be reached in `connect_s`, or refuses.

        May be cancelled, which ends the work.
        """
        ...

    async def health(self, url: str, *, timeout_s: float) -> bool:
        """Whether the worker says that it is well."""
        ...

    async def close(self) -> None:
        """Ends all that is under way."""
        ...
