"""Routers that do not see when clients leave, or hold all up for one."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from aiohttp import web

from contracts.router_service.plain.asked import Asked
from contracts.router_service.plain.router import Client, Job, Router
from contracts.router_service.plain.running import Process
from contracts.router_service.plain.serving import Service, Streamed
from contracts.router_service.seeding import fault


@fault("RS-096")
class NoticesWhenItWrites(Process):
    """sees that a client has left when it has something to tell"""

    def runner(self, service: Service) -> web.AppRunner:
        return web.AppRunner(service.app(), handler_cancellation=False, access_log=None, shutdown_timeout=0.2)


@fault("RS-097")
class WorksOnInSilence(Router):
    """finishes what a client that has left asked for"""

    async def serve(self, asked: Asked, client: Client) -> None:
        work = asyncio.ensure_future(super().serve(asked, client))
        KEPT.add(work)
        work.add_done_callback(KEPT.discard)
        await asyncio.shield(work)


KEPT: set[asyncio.Future[None]] = set()


@fault("RS-098")
class BeginsForNobody(Router):
    """sees that a client has left from its first item on"""

    async def chain(self, job: Job) -> None:
        has_begun = asyncio.Event()
        told = job.client.tell

        async def tell(name: str, data: dict[str, Any]) -> None:
            if name in ("item", "finish"):
                has_begun.set()
            await told(name, data)

        job.client.tell = tell  # type: ignore[method-assign]
        work = asyncio.ensure_future(super().chain(job))
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work, asyncio.ensure_future(has_begun.wait())}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            raise


@fault("RS-099")
class KeepsAll(Streamed):
    """keeps what a client does not read"""

    async def write(self, text: bytes) -> None:
        if self.response is None or self.response._payload_writer is None:
            await super().write(text)
        else:
            await self.response._payload_writer.write(text, drain=False)  # type: ignore[call-arg]


@fault("RS-120")
class OneAtATime(Service):
    """reads one body after the other"""

    lock = asyncio.Lock()

    async def body(self, request: web.Request) -> dict[str, Any]:
        async with self.lock:
            return await super().body(request)


@fault("RS-122")
class FallsIntoDepths(Service):
    """answers 500 to what it did not expect"""

    async def body(self, request: web.Request) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await request.read())
        return found


@fault("RS-121")
class ReadsItAll(Service):
    """reads every body, and ends where its memory does"""

    def app(self) -> web.Application:
        app = super().app()
        app._client_max_size = 0
        return app

    async def body(self, request: web.Request) -> dict[str, Any]:
        if len(await request.read()) > MEMORY_BYTES:
            os._exit(137)
        return await super().body(request)


MEMORY_BYTES = 32 << 20
