"""Routers that know their workers badly."""

from __future__ import annotations

import asyncio
import functools
from pathlib import Path

import aiohttp
from aiohttp.client_proto import ResponseHandler

from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.pools import Admission, Pool, Worker
from contracts.router_service.plain.router import Router
from contracts.router_service.plain.settings import Bounds
from contracts.router_service.plain.watching import Watching
from contracts.router_service.seeding import fault


@fault("RS-110")
class ReadsOnce(Watching):
    """reads its workers once"""

    def rediscover(self) -> None:
        pass


@fault("RS-111")
class KeepsStaleWorkers(Router):
    """adds workers and drops none"""

    def set_workers(self, pool: Pool, entries: dict[tuple[str, str], None]) -> None:
        known = {(one.id, one.url): None for one in pool.workers}
        super().set_workers(pool, {**known, **entries})


@fault("RS-111")
class KnowsThemById(Router):
    """keeps the first URL of a worker"""

    def set_workers(self, pool: Pool, entries: dict[tuple[str, str], None]) -> None:
        known = {one.id: one for one in pool.workers}
        pool.workers = [known.get(identity) or Worker(identity, url) for identity, url in entries]


@fault("RS-112")
class WaitsForPools(Admission):
    """waits for a pool as long as it takes"""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(Bounds(**{**vars(bounds), "pool_wait_s": 1e6}))


@fault("RS-113")
class DoesNotWait(Admission):
    """refuses at once when a pool has no worker"""

    def __init__(self, bounds: Bounds) -> None:
        super().__init__(Bounds(**{**vars(bounds), "pool_wait_s": 0.0}))


@fault("RS-114")
class UnreadableIsEmpty(Router):
    """takes a file that it cannot read for one without workers"""

    def discovered(self, path: Path) -> None:
        try:
            super().discovered(path)
        except ValueError:
            for pool in self.pools.values():
                pool.workers = []


@fault("RS-117")
class OneRouterId(Router):
    """has the same router_id in each process"""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        super().__init__(plan, bounds)
        self.router_id = "router"


@fault("RS-119")
class SharedConnections(Router):
    """has a hundred connections for all pools"""

    def connector(self) -> aiohttp.BaseConnector:
        return aiohttp.TCPConnector(limit=100, force_close=True)


@fault("RS-118", "Router")
class RepeatsTheirKeys(OneRouterId):
    """has the keys of the replica that was killed"""


@fault("RS-126")
class KeepsConnections(Router):
    """asks on connections that it has kept, and takes their end for the worker's failure"""

    def connector(self) -> aiohttp.BaseConnector:
        made = aiohttp.TCPConnector(limit=0, keepalive_timeout=600)
        vars(made)["_factory"] = functools.partial(_Unlooked, loop=asyncio.get_running_loop())
        return made


class _Unlooked(ResponseHandler):
    def is_connected(self) -> bool:
        return True
