"""What happens beside requests: files that change, workers that are well or not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp

from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.pools import Worker
from contracts.router_service.plain.serving import Service

LOOK_S = 0.05  # between two looks at a file
PROBE_S = 0.25  # between two questions for a worker's health
PROBE_LIMIT_S = 1.0
logger = logging.getLogger("plain")


class Watching:
    """Keeps a service up to date."""

    def __init__(
        self,
        service: Service,
        config: Path,
        discovery: Path,
        read_plan: Callable[[], Plan],
        seen: Mapping[Path, tuple[int, ...]],
    ) -> None:
        """`seen`: the signature of each file when it was read."""
        self.seen = seen
        self.service = service
        self.router = service.router
        self.config = config
        self.discovery = discovery
        self.read_plan = read_plan
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self.watch(self.config, self.reload)),
            asyncio.create_task(self.watch(self.discovery, self.rediscover)),
            asyncio.create_task(self.probe_all()),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def watch(self, path: Path, changed: Callable[[], None]) -> None:
        before = self.seen[path]
        while True:
            await asyncio.sleep(LOOK_S)
            now = self.signature(path)
            if now != before:
                before = now
                changed()

    @staticmethod
    def signature(path: Path) -> tuple[int, ...]:
        try:
            found = path.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def reload(self) -> None:
        """A grid that is wrong changes nothing."""
        try:
            plan = self.read_plan()
        except (OSError, ValueError) as error:
            logger.error("the grid is not taken: %s", error)
            self.router.counting.reloaded("refused")
            return
        self.router.reload(plan)
        self.router.counting.reloaded("taken")
        logger.warning("a new grid is taken")

    def rediscover(self) -> None:
        """A file that is wrong changes nothing."""
        try:
            self.router.discovered(self.discovery)
        except (OSError, ValueError) as error:
            self.service.problem = str(error)
            logger.error("the workers are those of before: %s", error)
        else:
            self.service.problem = None

    async def probe_all(self) -> None:
        while True:
            workers = [worker for pool in self.router.pools.values() for worker in pool.workers]
            await asyncio.gather(*map(self.probe, workers), asyncio.sleep(PROBE_S))

    async def probe(self, worker: Worker) -> None:
        try:
            limit = aiohttp.ClientTimeout(total=PROBE_LIMIT_S)
            async with self.router.session.get(f"{worker.url.rstrip('/')}/health", timeout=limit) as response:
                worker.is_healthy = response.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            worker.is_healthy = False
