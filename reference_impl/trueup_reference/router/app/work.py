"""What every endpoint that takes work does: asks for a token, reads the request, waits for room, lets a client go."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.types import Receive, Scope, Send

from trueup_reference.router.app import tracing
from trueup_reference.router.app.bearer import is_let_in
from trueup_reference.router.app.bodies import MOST_BYTES, ClientGone, read_body
from trueup_reference.router.app.errors import Headers, Refused, refuse
from trueup_reference.router.app.presence import ClientStalled, Sending, WhileThere
from trueup_reference.router.app.requests import name_of
from trueup_reference.router.discovery import Discovery
from trueup_reference.router.forwarding import Answer, GlobalRouter
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.protocol import STATUSES, Event, Request, RouterError

logger = logging.getLogger("trueup_reference.router.requests")
SSE: Headers = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))
_Asked = TypeVar("_Asked")


@dataclass
class Service:
    """What the endpoints share. `tokens`: without one of them no work is taken; `None` asks for none.

    `discovery`: whose problem, while it has one, is told beside the pools.
    """

    router: GlobalRouter
    metrics: RouterMetrics
    model_name: str
    discovery: Discovery | None = None
    tokens: tuple[bytes, ...] | None = None
    max_body_bytes: int = MOST_BYTES
    log_requests: str = "failed"  # none, failed or all
    is_ending: bool = False


@dataclass
class Told:
    """What is logged of a request when it has ended: never a token of it."""

    endpoint: str
    began_s: float
    request_id: str | None = None
    request: Request | None = None
    pools: tuple[str, ...] = ()
    outcome: str = "finish"
    items: int = 0

    def log(self, which: str) -> None:
        """One record, if such a request is to be logged."""
        failed = self.outcome != "finish"
        level = logging.WARNING if failed else logging.INFO
        if which == "none" or (which == "failed" and not failed) or not logger.isEnabledFor(level):
            return
        about: dict[str, object] = {
            "endpoint": self.endpoint,
            "outcome": self.outcome,
            "request_id": self.request_id,
            "pool": [*self.pools],
            "duration_ms": round((time.monotonic() - self.began_s) * 1000, 1),
            "items": self.items,
        }
        if self.request is not None:
            about["isl"] = len(self.request.token_ids)
            if self.request.traceparent is not None:
                about["trace_id"] = tracing.trace_id(self.request.traceparent)
        logger.log(level, "%s: %s", self.endpoint, self.outcome, extra=about)


class Work(ABC, Generic[_Asked]):
    """An endpoint, as an ASGI application. Its children say how a request is read and how an answer is written."""

    def __init__(self, service: Service, endpoint: str) -> None:
        """`endpoint`: its path, for the log."""
        self.service = service
        self.endpoint = endpoint

    @abstractmethod
    def read(self, body: bytes, headers: Sequence[tuple[bytes, bytes]], received_s: float) -> tuple[_Asked, Request]:
        """The request, and whatever else the answer depends on."""

    @abstractmethod
    async def answer(self, asked: _Asked, answer: Answer, send: Send, told: Told) -> None:
        """Sends the answer."""

    @abstractmethod
    def error(self, error: RouterError, request_id: str) -> bytes:
        """How a stream of this endpoint tells an error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Takes a request."""
        told = Told(self.endpoint, time.monotonic())
        sending = Sending(send)
        try:
            asked, told.request = await self._take(scope, receive, told)
            told.request_id = told.request.request_id
            async with WhileThere(receive) as client:
                await self.work(asked, told, sending)
            if client.has_gone:
                told.outcome = "client_gone"
        except ClientGone:
            told.outcome = "client_gone"
        except ClientStalled:
            told.outcome = "client_stalled"
        except RouterError as error:
            await self._tell(error, told, sending)
        except Exception:
            # A stream must not end without a word, whatever went wrong here.
            logger.exception("%s: a fault of the router's own", self.endpoint)
            await self._tell(RouterError("internal", "a fault of the router's own"), told, sending)
        finally:
            sending.close()
            told.log(self.service.log_requests)

    async def _take(self, scope: Scope, receive: Receive, told: Told) -> tuple[_Asked, Request]:
        try:
            self._let_in(scope)
            body = await read_body(scope, receive, self.service.max_body_bytes)
            return self._read(body, scope, told)
        except RouterError as error:
            self.service.metrics.rejected(error.pool, error.code)
            raise

    def _read(self, body: bytes, scope: Scope, told: Told) -> tuple[_Asked, Request]:
        try:
            if self.service.is_ending:
                raise RouterError("draining", "the router is ending")
            return self.read(body, scope["headers"], told.began_s)
        except RouterError:
            told.request_id = name_of(body, scope["headers"])
            raise

    async def work(self, asked: _Asked, told: Told, send: Send) -> None:
        """Waits for room, and answers."""
        assert told.request is not None
        async with await self.service.router.accept(told.request) as answer:
            try:
                await self.answer(asked, answer, send, told)
            finally:
                told.pools = answer.pools

    async def _tell(self, error: RouterError, told: Told, sending: Sending) -> None:
        told.outcome = error.code
        told.pools = told.pools or (() if error.pool is None else (error.pool,))
        if not sending.has_begun:
            await refuse(sending, error, told.request_id)
        elif not sending.has_ended:
            await sending({"type": "http.response.body", "body": self.error(error, told.request_id or "")})

    def _let_in(self, scope: Scope) -> None:
        if scope["method"] != "POST":
            raise Refused(405, "method_not_allowed", f"{scope['method']} is not for {self.endpoint}: POST is", _ALLOW)
        if self.service.tokens is not None and not is_let_in(scope["headers"], self.service.tokens):
            raise Refused(401, "unauthorized", "a bearer token that the router knows is due", _AUTHENTICATE)


_ALLOW: Headers = ((b"allow", b"POST"),)
_AUTHENTICATE: Headers = ((b"www-authenticate", b"Bearer"),)


async def more(answer: Answer) -> list[Event]:
    """The next events. `RouterError` where an answer is over that has said neither `finish` nor `error`."""
    events = await answer.batch()
    if not events:
        raise RouterError("internal", "the answer broke off within the router")
    return events


def ended_by(event: Event) -> str:
    """`finish`, or the code of an error."""
    return "finish" if event.name == "finish" else str(event.data["error"]["code"])


def as_error(event: Event) -> RouterError:
    """The error that an event `error` tells."""
    told = event.data["error"]
    code = told["code"] if told["code"] in STATUSES else "worker_failed"
    return RouterError(code, told["message"], pool=told.get("pool"))
