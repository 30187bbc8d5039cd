"""What routers and workers say to each other, and how it is written: JSON, and server-sent events."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import msgspec

MOST_TOKENS = 1 << 20  # of a prompt, and of an answer
Phase = Literal["prefill", "decode", "agg"]
_Token = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The body of `POST /generate`. `deadline_ms`: what is left of it at receipt."""

    request_id: _Name
    phase: Phase
    token_ids: Annotated[tuple[_Token, ...], msgspec.Meta(min_length=1, max_length=MOST_TOKENS)]
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=MOST_TOKENS)]
    router_id: Annotated[str, msgspec.Meta(max_length=512)] = ""
    attempt: Annotated[int, msgspec.Meta(ge=0)] = 0
    targets: dict[str, float | None] | None = None
    priority: int | None = None
    transfer: dict[str, Any] | None = None
    deadline_ms: Annotated[float, msgspec.Meta(ge=0)] | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        """What names this piece of work."""
        return (self.request_id, self.phase, self.router_id, self.attempt)


def written(event: str, data: bytes) -> bytes:
    """A server-sent event; `data` is JSON of one line."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)


class Told(NamedTuple):
    """An event of the answer: `item`, `transfer`, `finish` or `error`."""

    event: str
    data: dict[str, Any]

    def written(self) -> bytes:
        """As a server-sent event."""
        return written(self.event, msgspec.json.encode(self.data))


class WorkerError(Exception):
    """Why a request gets no (further) answer: a status before the first event, an `error` event after it."""

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s

    @property
    def told(self) -> Told:
        """As an event. 408, 429 and 5xx can be tried again elsewhere."""
        retryable = self.status in (408, 429) or self.status >= 500
        return Told("error", {"code": self.code, "message": self.message, "retryable": retryable})


def read(body: bytes) -> Asked:
    """The request. `WorkerError` 400 says which field is wrong."""
    try:
        asked = msgspec.json.decode(body, type=Asked)
    except msgspec.DecodeError as error:
        raise WorkerError(400, "invalid_request", str(error)) from error
    except RecursionError as error:
        raise WorkerError(400, "invalid_request", "transfer is nested too deep") from error
    if asked.phase == "decode" and asked.transfer is None:
        raise WorkerError(400, "invalid_request", "transfer is missing: decode needs what prefill has sent")
    return asked
