"""Routers that end badly."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

from aiohttp import web

from contracts.router_service.plain.asking import WorkerFailed
from contracts.router_service.plain.router import Job, Router
from contracts.router_service.plain.running import Process
from contracts.router_service.plain.serving import Service
from contracts.router_service.seeding import fault


@fault("RS-100")
class StaysReady(Service):
    """is ready as long as it answers, and answers as long as it works"""

    def is_ready(self, pools: dict[str, dict[str, Any]]) -> bool:
        return True

    async def drain(self, sites: list[web.TCPSite]) -> None:
        await asyncio.sleep(self.router.bounds.drain_s)
        await super().drain(sites)


@fault("RS-101")
class ClosesAtOnce(Service):
    """closes its port when it is asked to end"""

    async def drain(self, sites: list[web.TCPSite]) -> None:
        for site in sites:
            await site.stop()
        await super().drain([])


@fault("RS-102")
class CutsStreams(Service):
    """ends with its port, whatever is under way"""

    async def drain(self, sites: list[web.TCPSite]) -> None:
        self.begin_drain()
        await asyncio.sleep(self.router.bounds.drain_notice_s)
        os._exit(0)


@fault("RS-102")
class EndsTheRestAtOnce(Service):
    """has no patience: what is under way gets its error when the port closes"""

    async def drain(self, sites: list[web.TCPSite]) -> None:
        self.begin_drain()
        await asyncio.sleep(self.router.bounds.drain_notice_s)
        await self.end_the_rest()


@fault("RS-102")
class EndsByTheSignal(Process):
    """ends by the signal itself, as uvicorn does"""

    def status(self) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        return 0


@fault("RS-103")
class WaitsForTheLast(Service):
    """waits for what is under way as long as it takes"""

    async def end_the_rest(self) -> None:
        await asyncio.wait(list(self.under_way))


@fault("RS-103")
class SaysNothing(Service):
    """cuts what has not finished in time"""

    async def end_the_rest(self) -> None:
        pass


@fault("RS-104")
class AlwaysTheWholeTime(Service):
    """takes the whole time to drain, with nothing under way"""

    async def drain(self, sites: list[web.TCPSite]) -> None:
        await super().drain(sites)
        await asyncio.sleep(self.router.bounds.drain_s)


@fault("RS-105")
class NoRetriesAtTheEnd(Router):
    """does not try again while it drains"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and not self.is_draining
