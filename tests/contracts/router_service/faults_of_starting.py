"""Routers that start when they must not, do not when they must, or tell too much."""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.router import Router
from contracts.router_service.plain.running import Process
from contracts.router_service.plain.serving import Service
from contracts.router_service.plain.settings import Bounds
from contracts.router_service.seeding import fault
from trueup.grid_config.model import Configuration
from trueup.grid_config.parsing import InvalidConfiguration, from_text

UNKNOWN = ("comment", "notes", "description", "version")


@fault("RS-001")
class NeverReady(Service):
    """is never ready"""

    def is_ready(self, pools: dict[str, dict[str, Any]]) -> bool:
        return False


@fault("RS-002")
class WaitsForABetterGrid(Process):
    """waits for a better grid when its own is wrong"""

    def plan(self) -> Plan:
        while True:
            try:
                return super().plan()
            except ValueError as error:
                print(error, file=sys.stderr, flush=True)
                time.sleep(0.5)


@fault("RS-003", "from_text")
def reads_what_it_knows(text: bytes) -> Configuration:
    """leaves out what it does not know of a grid, and takes the last of doubled fields"""
    found = json.loads(text)
    while True:
        try:
            return from_text(json.dumps(found).encode())
        except InvalidConfiguration as error:
            unknown = [name for name in found if f"{name!r}" in str(error) or f"`{name}`" in str(error)]
            if "unknown" not in str(error) or not unknown:
                raise
            found = {name: value for name, value in found.items() if name not in unknown}


@fault("RS-004")
class DoesNotSayWhere(Process):
    """says that its grid is wrong, and not where"""

    def plan(self) -> Plan:
        try:
            return super().plan()
        except ValueError:
            raise ValueError("the configuration is wrong") from None


@fault("RS-005")
class TakesAnySettings(Bounds):
    """has its own settings where those of the file are wrong"""

    @classmethod
    def read(cls, path: Path | None) -> Bounds:
        try:
            return Bounds.read(path)
        except ValueError:
            return Bounds()


@fault("RS-006")
class TakesAnyWorkers(Router):
    """starts without workers where their file is wrong"""

    def discovered(self, path: Path) -> None:
        try:
            super().discovered(path)
        except ValueError:
            for namespace in self.plan.namespaces:
                self.pool(namespace)


@fault("RS-007")
class NeedsWorkers(Router):
    """does not start before all workers are up"""

    def discovered(self, path: Path) -> None:
        super().discovered(path)
        for pool in self.pools.values():
            for worker in pool.workers:
                parts = urlsplit(worker.url)
                socket.create_connection((parts.hostname or "", parts.port or 0), 1).close()


@fault("RS-008")
class LogsBodies(Service):
    """logs every request"""

    async def body(self, request: web.Request) -> dict[str, Any]:
        found = await super().body(request)
        print("request", found, file=sys.stderr, flush=True)
        return found


@fault("RS-008")
class LogsHeaders(Service):
    """logs the headers of every request"""

    async def body(self, request: web.Request) -> dict[str, Any]:
        print("headers", dict(request.headers), file=sys.stderr, flush=True)
        return await super().body(request)


@fault("RS-009")
class ListensElsewhere(Process):
    """listens at another address too"""

    def __init__(self, given: argparse.Namespace) -> None:
        super().__init__(given)
        given.host = [given.host, "127.0.0.2"]
