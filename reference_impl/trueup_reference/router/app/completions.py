"""`POST /v1/completions` and `GET /v1/models`: OpenAI's form, with token ids in the place of text.

`text` is the token ids joined by spaces, so that joined chunks of a stream are the text of the whole; `token_ids`
stands beside it. `routed` says which pools and workers served it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send

from trueup_reference.router.app.errors import about, send_json
from trueup_reference.router.app.requests import Completion, read_completion
from trueup_reference.router.app.work import SSE, Service, Told, Work, as_error
from trueup_reference.router.forwarding import Answer
from trueup_reference.router.protocol import Event, Request, RouterError

DONE = b"data: [DONE]\n\n"


class Completions(Work[Completion]):
    """Streamed or not."""

    def read(
        self, body: bytes, headers: Sequence[tuple[bytes, bytes]], received_s: float
    ) -> tuple[Completion, Request]:
        """The request, and the form of the answer."""
        asked = read_completion(body, headers, received_s)
        return asked, asked.request

    async def answer(self, asked: Completion, answer: Answer, send: Send, told: Told) -> None:
        """A stream of chunks, or one object at the end."""
        made = _Made(self.service.model_name, asked)
        if asked.streams:
            await self._stream(made, answer, send, told)
            return
        while events := await answer.batch():
            for event in events:
                made.take(event)
        if made.error is not None:
            raise made.error
        told.items = made.items
        headers = about(asked.request.request_id)
        await send_json(send, 200, msgspec.json.encode(made.whole()), headers)

    def error(self, error: RouterError, request_id: str) -> bytes:
        """A chunk of a stream, its last."""
        return _chunk(error.told(request_id))

    async def _stream(self, made: _Made, answer: Answer, send: Send, told: Told) -> None:
        headers = [*SSE, *about(answer.request_id)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        is_over = False
        while not is_over:
            events = await answer.batch()
            chunks = [chunk for event in events for chunk in made.chunks(event)]
            told.items = made.items
            is_over = made.is_over or not events
            if made.error is not None:
                told.outcome = made.error.code
            if chunks or is_over:
                await send({"type": "http.response.body", "body": b"".join(chunks), "more_body": not is_over})


class Models:
    """Which models there are: one."""

    def __init__(self, service: Service) -> None:
        """It was made, as OpenAI's form has it, when this began."""
        made = {"id": service.model_name, "object": "model", "created": int(time.time()), "owned_by": "trueup"}
        self._body = msgspec.json.encode({"object": "list", "data": [made]})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lists it."""
        await send_json(send, 200, self._body)


class _Made:
    """A completion as it becomes one."""

    def __init__(self, model: str, asked: Completion) -> None:
        self.asked = asked
        self.is_over = False
        self.error: RouterError | None = None
        self.items = 0
        self._common = {
            "id": f"cmpl-{asked.request.request_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }
        self._token_ids: list[int] = []
        self._routed: list[dict[str, Any]] = []
        self._reason = "length"
        self._usage: dict[str, Any] = {}

    def take(self, event: Event) -> list[int]:
        """The tokens that came with it."""
        data = event.data
        if event.name == "item":
            self.items += 1
            self._token_ids += data["token_ids"]
            return list(data["token_ids"])
        if event.name == "routed":
            self._routed.append(data)
        elif event.name == "finish":
            self.is_over = True
            self._reason = str(data.get("reason", self._reason))
            self._usage = data.get("usage") or {}
        elif event.name == "error":
            self.is_over = True
            self.error = as_error(event)
        return []

    def whole(self) -> dict[str, Any]:
        """The answer of a request that is not streamed."""
        choice = self._choice(self._token_ids, " ".join(map(str, self._token_ids)), self._reason)
        return {**self._common, "choices": [choice], "usage": self._used(), "routed": self._routed}

    def chunks(self, event: Event) -> list[bytes]:
        """What a stream says to it."""
        had_some = bool(self._token_ids)
        tokens = self.take(event)
        if tokens:
            text = (" " if had_some else "") + " ".join(map(str, tokens))
            return [_chunk({**self._common, "choices": [self._choice(tokens, text, None)]})]
        if self.error is not None:
            return [_chunk(self.error.told(self.asked.request.request_id))]
        if not self.is_over:
            return []
        last = {**self._common, "choices": [self._choice([], "", self._reason)], "routed": self._routed}
        usage = {**self._common, "choices": [], "usage": self._used()}
        return [_chunk(last), *([_chunk(usage)] if self.asked.with_usage else []), DONE]

    @staticmethod
    def _choice(tokens: list[int], text: str, reason: str | None) -> dict[str, Any]:
        return {"index": 0, "text": text, "token_ids": tokens, "logprobs": None, "finish_reason": reason}

    def _used(self) -> dict[str, int]:
        prompt, made = len(self.asked.request.token_ids), len(self._token_ids)
        used = {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}
        cached = self._usage.get("cached_tokens")
        return used if not isinstance(cached, int) else {**used, "prompt_tokens_details": {"cached_tokens": cached}}  # type: ignore[dict-item]


def _chunk(data: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(data)
