"""A router that answers as a test says, behind the real application and the real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import aiohttp

from trueup_reference.router.app import Service, make_app
from trueup_reference.router.forwarding import GlobalRouter, PoolState
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.protocol import Event, Request, RouterError
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.serving import Server, bind, url_of

Step = list[Event] | Callable[[], Awaitable[None]]
READY = PoolState(True, "ready", 2, 2, 0, 0)


class ScriptedAnswer:
    """Says `accepted`, then what it is told; a step may be something to wait for."""

    def __init__(self, request: Request, steps: list[Step]) -> None:
        self.request_id = request.request_id
        self.pools = ("pool0",)
        self.is_closed = asyncio.Event()
        self._steps = [[Event.of("accepted", {"request_id": request.request_id})], *steps]

    async def batch(self) -> list[Event]:
        while self._steps:
            step = self._steps.pop(0)
            if isinstance(step, list):
                return step
            await step()
        return []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_closed.set()


class ScriptedRouter:
    """What it was asked is in `asked`, its answers in `answers`."""

    def __init__(self, *steps: Step, refusal: RouterError | None = None) -> None:
        self.steps = [*steps]
        self.refusal = refusal
        self.asked: list[Request] = []
        self.answers: list[ScriptedAnswer] = []
        self.states: dict[str, PoolState] = {"pool0": READY}
        self.is_waiting = asyncio.Event()
        self.has_left = asyncio.Event()
        self.room: asyncio.Event | None = None  # what a request waits for

    async def accept(self, request: Request) -> ScriptedAnswer:
        self.asked.append(request)
        if self.refusal is not None:
            raise self.refusal
        if self.room is not None:
            self.is_waiting.set()
            try:
                await self.room.wait()
            finally:
                self.has_left.set()
        self.answers.append(ScriptedAnswer(request, [*self.steps]))
        return self.answers[-1]

    def pools(self) -> dict[str, PoolState]:
        return self.states


def item(index: int, *token_ids: int) -> Event:
    return Event.of("item", {"index": index, "token_ids": [*token_ids]})


def routed(phase: str, attempt: int = 0) -> Event:
    return Event.of("routed", {"phase": phase, "pool": f"{phase}0", "worker": "w1", "attempt": attempt})


def finish(**usage: int) -> Event:
    return Event.of("finish", {"reason": "length", "usage": usage})


def error(code: str, pool: str | None = "pool0") -> Event:
    return Event.of("error", RouterError(code, f"it is {code}", pool=pool).told("r"))


@asynccontextmanager
async def served(router: ScriptedRouter, **settings: Any) -> AsyncIterator[tuple[str, Service]]:
    """Its URL."""
    service = Service(cast("GlobalRouter", router), RouterMetrics(), "mock", **settings)
    server = Server(make_app(service), ServiceSettings(drain_ms=0))
    listening = bind("127.0.0.1", 0)
    url = url_of(listening[0], with_tls=False)
    await server.listen(listening)
    try:
        yield url, service
    finally:
        server.stop_listening()
        await server.closed()


async def post(url: str, path: str, body: Any, **more: Any) -> tuple[int, Any, Any]:
    """Status, body, and headers."""
    async with aiohttp.ClientSession() as session, session.post(f"{url}{path}", json=body, **more) as response:
        return response.status, await response.read(), response.headers
