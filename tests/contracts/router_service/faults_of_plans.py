"""Routers that take a new grid badly."""

from __future__ import annotations

import asyncio
import sys
import zlib

from contracts.router_service.plain.asked import Asked
from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.router import Client, Job, Router
from contracts.router_service.plain.serving import Service
from contracts.router_service.plain.watching import Watching
from contracts.router_service.seeding import fault


@fault("RS-106")
class HalfApplied(Router):
    """takes the decode pools of a new grid a moment after those of prefill"""

    def reload(self, plan: Plan) -> None:
        asyncio.get_running_loop().call_later(0.5, super().reload, plan)
        for own, new in ((self.plan._configuration.grids, plan._configuration.grids),):
            for phase in ("prefill", "agg"):
                if phase in own and phase in new:
                    own[phase] = new[phase]


@fault("RS-106")
class NewNamesOldCells(Router):
    """takes the names of a new grid and keeps its cells"""

    def reload(self, plan: Plan) -> None:
        for phase, grid in plan._configuration.grids.items():
            old = self.plan._configuration.grids.get(phase)
            if old is not None and len(old.namespaces) <= len(grid.namespaces):
                plan._configuration.grids[phase] = grid._replace(cells=old.cells, axes=old.axes)
        super().reload(plan)


@fault("RS-106")
class NeverReloads(Watching):
    """reads its grid once"""

    def reload(self) -> None:
        pass


@fault("RS-107")
class EndsByAWrongGrid(Watching):
    """ends when a new grid is wrong"""

    def reload(self) -> None:
        try:
            self.read_plan()
        except ValueError:
            sys.exit(2)
        super().reload()


@fault("RS-107")
class LooksNoMore(Watching):
    """takes no further grid when one was wrong"""

    is_stuck = False

    def reload(self) -> None:
        try:
            self.read_plan()
        except ValueError:
            self.is_stuck = True
        if not self.is_stuck:
            super().reload()


@fault("RS-108")
class CutsAtReload(Service):
    """ends what is under way when a new grid is taken"""

    def __init__(self, router: Router, model: str) -> None:
        super().__init__(router, model)
        reload = router.reload

        def cutting(plan: Plan) -> None:
            reload(plan)
            for task in self.under_way:
                task.cancel()

        router.reload = cutting  # type: ignore[method-assign]


@fault("RS-106")
class AsksTheNewPlan(Router):
    """looks for the pool of each phase in the grid of the moment"""

    async def run(self, job: Job, phase: str) -> None:
        if job.plan is not self.plan:
            job.plan = self.plan
            job.pools[phase] = self.pool(job.plan.choose(phase, job.asked))
        await super().run(job, phase)


@fault("RS-109")
class KeepsPools(Router):
    """tells pools in its readiness that have gone from the grid"""

    def reload(self, plan: Plan) -> None:
        before = self.plan.namespaces
        super().reload(plan)
        names = list(dict.fromkeys([*plan.namespaces, *before]))
        plan.__class__ = type("Plan", (Plan,), {"namespaces": names})


@fault("RS-116")
class ByChance(Router):
    """chooses by a hash that is salted anew in each process"""

    def make_job(self, asked: Asked, client: Client) -> Job:
        job = super().make_job(asked, client)
        for phase in job.pools:
            names = self.plan._configuration.grids[phase].namespaces
            salted = f"{self.router_id} {asked.ttft_ms} {len(asked.token_ids)}"
            job.pools[phase] = self.pool(names[zlib.crc32(salted.encode()) % len(names)])
        return job
