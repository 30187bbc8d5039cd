"""The endpoints, in aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from contracts.router_service.plain import asked as asking
from contracts.router_service.plain.asked import Asked
from contracts.router_service.plain.counting import CONTENT_TYPE
from contracts.router_service.plain.router import LAST_WORD_S, Router
from contracts.router_service.plain.settings import Failed

MOST_BYTES = 16 << 20  # of a request
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Streamed:
    """A client of `/v1/generate`."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.response: web.StreamResponse | None = None

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        await self.write(self.written(name, data))

    def written(self, name: str, data: dict[str, Any]) -> bytes:
        return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()

    async def write(self, text: bytes) -> None:
        if self.response is None:
            headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
            self.response = web.StreamResponse(headers=headers)
            await self.response.prepare(self.request)
        await self.response.write(text)

    async def ended(self) -> web.StreamResponse:
        assert self.response is not None  # it was told something
        await self.response.write_eof()
        return self.response


class InWorkersForm(Streamed):
    """A frontend that takes the router for a worker."""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        if name in ("accepted", "routed"):
            return
        if name == "error":
            if self.response is None:
                raise Failed(data["error"]["code"], data["error"]["message"], data["error"]["pool"])
            data = {"code": data["error"]["code"], "message": data["error"]["message"], "retryable": True}
        await super().tell(name, data)


class Completed(Streamed):
    """A client of OpenAI's form."""

    def __init__(self, request: web.Request, found: dict[str, Any], model: str) -> None:
        super().__init__(request)
        self.is_streamed = found.get("stream") is True
        options = found.get("stream_options")
        self.with_usage = isinstance(options, dict) and options.get("include_usage") is True
        self.head = {
            "id": f"cmpl-{uuid.uuid4()}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": found.get("model") or model,
        }
        self.pools: dict[str, str] = {}
        self.tokens: list[int] = []
        self.finish: dict[str, Any] = {}

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        if name == "routed":
            self.pools[data["phase"]] = data["pool"]
        if name == "finish":
            self.finish = data
        if name == "item" and not self.is_streamed:
            self.tokens += data["token_ids"]
        if name == "error" and not self.is_streamed:
            raise Failed(data["error"]["code"], data["error"]["message"], data["error"]["pool"])
        if not self.is_streamed:
            return
        if name == "accepted":
            await self.write(b"")
        elif name == "item":
            text = " " * bool(self.tokens) + " ".join(map(str, data["token_ids"]))
            self.tokens += data["token_ids"]
            await self.send(self.choice(text, data["token_ids"], None))
        elif name == "error":
            await self.send(data)
        elif name == "finish":
            await self.send(self.choice("", [], data.get("reason")))
            if self.with_usage:
                await self.send({**self.head, "choices": [], "usage": self.usage()})
            await self.write(b"data: [DONE]\n\n")

    def choice(self, text: str, tokens: list[int], reason: str | None) -> dict[str, Any]:
        one = {"index": 0, "text": text, "token_ids": tokens, "logprobs": None, "finish_reason": reason}
        return {**self.head, "choices": [one], "pools": self.pools}

    def usage(self) -> dict[str, Any] | None:
        """With the sum that OpenAI's clients expect."""
        found = self.finish.get("usage")
        if not isinstance(found, dict):
            return None
        return {**found, "total_tokens": found.get("prompt_tokens", 0) + found.get("completion_tokens", 0)}

    async def send(self, data: dict[str, Any]) -> None:
        await self.write(b"data: " + json.dumps(data).encode() + b"\n\n")

    async def ended(self) -> web.StreamResponse:
        if self.is_streamed:
            return await super().ended()
        whole = self.choice(" ".join(map(str, self.tokens)), self.tokens, self.finish.get("reason"))
        return web.json_response({**whole, "usage": self.usage()})


class Service:
    """The router behind its endpoints."""

    def __init__(self, router: Router, model: str) -> None:
        self.router = router
        self.model = model
        self.under_way: dict[asyncio.Task[Any], bool] = {}  # and whether it was ended by us
        self.problem: str | None = None  # why what is known of the workers may be stale

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BYTES)
        app.router.add_post("/v1/generate", self.guarded(self.generate))
        app.router.add_post("/v1/completions", self.guarded(self.completions))
        app.router.add_post("/v1/prefill", self.guarded(self.prefill))
        app.router.add_post("/v1/decode", self.guarded(self.decode))
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        return app

    async def generate(self, request: web.Request, found: dict[str, Any]) -> web.StreamResponse:
        asked = asking.asked(found, self.router.plan.phases, request.headers)
        return await self.answer(asked, Streamed(request))

    async def completions(self, request: web.Request, found: dict[str, Any]) -> web.StreamResponse:
        asked = asking.completion(found, self.router.plan.phases, request.headers)
        return await self.answer(asked, Completed(request, found, self.model))

    async def prefill(self, request: web.Request, found: dict[str, Any]) -> web.StreamResponse:
        return await self.phase("prefill", request, found)

    async def decode(self, request: web.Request, found: dict[str, Any]) -> web.StreamResponse:
        return await self.phase("decode", request, found)

    async def phase(self, phase: str, request: web.Request, found: dict[str, Any]) -> web.StreamResponse:
        if phase not in self.router.plan.phases or found.get("phase", phase) != phase:
            raise Failed("invalid_request", f"the phase {phase} is not served here")
        return await self.answer(asking.asked(found, (phase,), request.headers), InWorkersForm(request))

    async def answer(self, asked: Asked, client: Streamed) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task is not None
        self.under_way[task] = False
        try:
            await self.router.serve(asked, client)
        except asyncio.CancelledError:
            if not self.under_way[task]:
                raise  # the client has gone
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORD_S):
                    await client.tell("error", self.draining().told(asked.request_id))
        finally:
            del self.under_way[task]
        return await client.ended()

    def guarded(self, handler: Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]) -> Handler:
        """Turns failures into answers."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            found: dict[str, Any] = {}
            try:
                if self.router.is_draining:
                    raise self.draining()
                found = await self.body(request)
                return await handler(request, found)
            except Failed as failed:
                identity = found.get("request_id")
                return self.refused(failed, identity if isinstance(identity, str) else None)

        return guarded

    def draining(self) -> Failed:
        return Failed("draining", "this router is about to end")

    async def body(self, request: web.Request) -> dict[str, Any]:
        try:
            return asking.parsed(await request.read())
        except web.HTTPRequestEntityTooLarge:
            raise Failed("invalid_request", f"the body has more than {MOST_BYTES} bytes") from None

    def refused(self, failed: Failed, request_id: str | None) -> web.Response:
        response = web.json_response(failed.told(request_id), status=failed.status)
        if failed.retry_after_s is not None:
            response.headers["Retry-After"] = str(math.ceil(failed.retry_after_s))
        return response

    async def healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(self, request: web.Request) -> web.Response:
        told = {}
        for namespace in self.router.plan.namespaces:
            pool = self.router.pool(namespace)
            is_ready, reason = pool.state()
            told[namespace] = {"ready": is_ready, "reason": reason, "workers": len(pool.workers)}
        is_ready = self.is_ready(told)
        page = {"ready": is_ready, "draining": self.router.is_draining, "discovery": self.problem, "pools": told}
        return web.json_response(page, status=200 if is_ready else 503)

    def is_ready(self, pools: dict[str, dict[str, Any]]) -> bool:
        return not self.router.is_draining and all(pool["ready"] for pool in pools.values())

    async def metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self.router.counting.page(), headers={"Content-Type": CONTENT_TYPE})

    # The end.

    async def drain(self, sites: list[web.TCPSite]) -> None:
        """As it goes after SIGTERM, until nothing is under way."""
        self.begin_drain()
        await asyncio.sleep(self.router.bounds.drain_notice_s)
        for site in sites:
            await site.stop()
        if self.under_way:
            await asyncio.wait(list(self.under_way), timeout=self.router.bounds.drain_s)
        if self.under_way:
            await self.end_the_rest()

    def begin_drain(self) -> None:
        self.router.is_draining = True
        self.router.admission.refuse_all(self.draining())

    async def end_the_rest(self) -> None:
        tasks = list(self.under_way)
        for task in tasks:
            self.under_way[task] = True
            task.cancel()
        await asyncio.wait(tasks, timeout=2 * LAST_WORD_S)
