"""Pools of mock workers and routers before them, each a process, told of each other by files in one folder."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import aiohttp

from trueup_reference.router_demo.processes import Program, StartError

MODEL = "mock"
READY_S = 30.0  # three times what a router has, for machines that are busy
POLL_S = 0.05
ANSWER_S = 5.0  # for one question whether it is ready


class Pool(NamedTuple):
    """Workers of one namespace, the arguments of each of them, and what they are if not mock workers."""

    namespace: str
    phase: str
    workers: int
    words: tuple[str, ...] = ()
    program: tuple[str, ...] = (sys.executable, "-m", "trueup_reference.mock_worker")


class Worker(NamedTuple):
    """A worker's place: the same while its process comes and goes."""

    id: str
    pool: Pool
    program: Program

    @property
    def entry(self) -> dict[str, str]:
        """As in the discovery file."""
        return {
            "id": self.id,
            "namespace": self.pool.namespace,
            "phase": self.pool.phase,
            "url": self.program.url,
        }


class Fleet:
    """An async context: at its end every process has ended."""

    def __init__(
        self,
        folder: Path,
        pools: Sequence[Pool],
        grid: Mapping[str, Any],
        service: Mapping[str, Any] | None = None,
        registry: str | None = None,
    ) -> None:
        """Nothing is started yet. `folder` is for files of its own.

        `registry`: `etcd://…` where workers make themselves known, in place of a file that names them.
        """
        self.folder = folder
        self.pools = pools
        self.workers: list[Worker] = []
        self.routers: list[Program] = []
        self._registry = registry
        self.grid, self.discovery, self.service = (folder / f"{name}.json" for name in ("grid", "workers", "service"))
        self.grid.write_text(json.dumps(grid), encoding="utf-8")
        self.service.write_text(json.dumps({"version": 1, **(service or {})}), encoding="utf-8")

    async def __aenter__(self) -> Self:
        """Starts the workers, and writes where they are."""
        number = 0
        for pool in self.pools:
            for letter in range(pool.workers):
                number += 1
                name = f"{pool.namespace}-{letter}"
                words = ("--worker-id", str(number), "--port", "{port}", *pool.words)
                if self._registry is not None:
                    words += ("--register", self._registry, "--id", name)
                    words += ("--namespace", pool.namespace, "--phase", pool.phase)
                program = Program(name, (*pool.program, *words), self.folder / f"{name}.log")
                self.workers.append(Worker(name, pool, program))
        try:
            await asyncio.gather(*(worker.program.start() for worker in self.workers))
            if self._registry is None:
                self.tell([worker.entry for worker in self.workers])
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends everything."""
        await self.close()

    def tell(self, entries: Sequence[Mapping[str, str]]) -> None:
        """Writes the discovery file, at once as a whole."""
        fresh = self.discovery.with_suffix(".new")
        fresh.write_text(json.dumps({"version": 1, "workers": entries}), encoding="utf-8")
        os.replace(fresh, self.discovery)

    async def add_router(self, *words: str, command: Sequence[str] = ()) -> Program:
        """One more router, which is ready. `command`: another program than the reference, with the suite's words."""
        name = f"router-{len(self.routers) + 1}"
        argv = (*(command or (sys.executable, "-m", "trueup_reference.router")), *self._words(), *words)
        router = Program(name, argv, self.folder / f"{name}.log", announces=not command)
        self.routers.append(router)
        await self.start_router(router)
        return router

    async def start_router(self, router: Program) -> None:
        """Again, or for the first time; waits until it is ready."""
        await router.start()
        await self.ready(router)

    async def ready(self, router: Program, limit_s: float = READY_S) -> None:
        """Waits for a 200 of its `/readyz`. `StartError` where it does not come."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + limit_s
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S)) as session:
            while loop.time() < limit:
                try:
                    async with session.get(f"{router.url}/readyz") as response:
                        if response.status == 200:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(POLL_S)
        raise StartError(f"{router.name} is not ready after {limit_s:g} s{router.last_words()}")

    async def close(self) -> None:
        """Routers first: they would only tell of workers that are gone."""
        await asyncio.gather(*(router.end() for router in self.routers))
        await asyncio.gather(*(worker.program.end() for worker in self.workers))

    def _words(self) -> tuple[str, ...]:
        where = self._registry or str(self.discovery)
        paths = ("--config", str(self.grid), "--discovery", where, "--service", str(self.service))
        return (*paths, "--host", "127.0.0.1", "--port", "{port}", "--model-name", MODEL)
