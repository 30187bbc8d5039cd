"""Routers that leave workers alone too seldom, or for too long."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.router_service.plain.asking import WorkerFailed
from contracts.router_service.plain.pools import Ejection, Pool, Worker
from contracts.router_service.plain.router import Router
from contracts.router_service.seeding import fault


@fault("RS-085")
class NeverEjects(Ejection):
    """goes on asking workers that always fail"""

    def failed(self, worker: Worker) -> None:
        worker.is_probed = False


@fault("RS-086")
class NeverComesBack(Pool):
    """leaves workers alone for good"""

    def choose(self, tried: Sequence[Worker]) -> Worker | None:
        return super().choose([*tried, *(one for one in self.workers if one.ejections)])


@fault("RS-087")
class SameBackoff(Ejection):
    """has one back-off, however often a worker fails"""

    def backoff_s(self, worker: Worker) -> float:
        return self.bounds.backoff_s


@fault("RS-088")
class AllAtOnce(Pool):
    """sends everybody to a worker whose back-off has ended"""

    def take_turn(self, worker: Worker) -> None:
        super().take_turn(worker)
        worker.is_probed = False


@fault("RS-115")
class DropsWorkers(Router):
    """takes workers that fail off its list, until discovery changes"""

    def note_failure(self, worker: Worker, failed: WorkerFailed) -> None:
        for pool in self.pools.values():
            if worker in pool.workers:
                pool.workers.remove(worker)
