"""`POST /v1/generate`: the events of an answer as they come."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.types import Send

from trueup_reference.router.app.errors import about
from trueup_reference.router.app.requests import read_generate
from trueup_reference.router.app.work import SSE, Told, Work, ended_by
from trueup_reference.router.forwarding import Answer
from trueup_reference.router.protocol import Request, RouterError
from trueup_reference.worker_protocol import written

LAST = frozenset({"finish", "error"})


class Generate(Work[None]):
    """The router's own form."""

    def read(self, body: bytes, headers: Sequence[tuple[bytes, bytes]], received_s: float) -> tuple[None, Request]:
        """The request."""
        return None, read_generate(body, headers, received_s)

    async def answer(self, asked: None, answer: Answer, send: Send, told: Told) -> None:
        """`accepted` goes out with the headers, before anything is dispatched."""
        headers = [*SSE, *about(answer.request_id)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        is_over = False
        while not is_over:
            events = await answer.batch()
            told.items += sum(event.name == "item" for event in events)
            is_over = not events or events[-1].name in LAST
            if events and is_over:
                told.outcome = ended_by(events[-1])
            body = b"".join([event.written() for event in events])
            await send({"type": "http.response.body", "body": body, "more_body": not is_over})

    def error(self, error: RouterError, request_id: str) -> bytes:
        """An event."""
        return written("error", msgspec.json.encode(error.told(request_id)))
