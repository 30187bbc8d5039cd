"""The router: accepts requests, sends them to workers, and hands the answers on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from trueup_reference.router.admission import RETRY_AFTER_S, Admission
from trueup_reference.router.answering import Answer
from trueup_reference.router.discovery import Discovery
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.plan import Plan
from trueup_reference.router.pools import Pool, Pools
from trueup_reference.router.protocol import Request, RouterError
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.shared import Shared
from trueup_reference.router.workers import Transport

TELLING_S = 1.0  # for errors to reach clients when draining is over

__all__ = ["Answer", "GlobalRouter", "PoolState"]


class PoolState(NamedTuple):
    """What `/readyz` tells of a pool. `workers`: that are registered; `usable`: of those, not ejected."""

    ready: bool
    reason: str
    workers: int
    usable: int
    in_flight: int
    queued: int


class GlobalRouter:
    """Made and used within one event loop."""

    def __init__(
        self,
        plan: Plan,
        service: ServiceSettings,
        discovery: Discovery,
        transports: Mapping[str, Transport],
        metrics: RouterMetrics,
        *,
        router_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`transports`: by the scheme of a worker's URL. Whoever made the discovery and the transports closes them."""
        self._plan = plan
        self._discovery = discovery
        self._metrics = metrics
        admission = Admission(service.admission, service.pool_wait_ms / 1000)
        pools = Pools(service.ejection, admission, metrics, clock)
        self._shared = Shared(service, router_id, transports, metrics, admission, pools, asyncio.get_running_loop())
        self._is_refusing = False

    async def start(self) -> None:
        """Starts the discovery, and follows it."""
        pools = self._shared.pools
        pools.plan(self._plan.pools())
        self._discovery.watch(self._follow)
        await self._discovery.start()
        self._follow()
        self._metrics.follow(self._numbers)

    async def close(self) -> None:
        """Ends everything that is under way."""
        for answer in list(self._shared.live):
            answer.close()

    def swap(self, plan: Plan) -> None:
        """From now on by this plan; requests that were accepted keep theirs."""
        self._plan = plan
        self._shared.pools.plan(plan.pools())

    @property
    def in_flight(self) -> int:
        """Requests that wait or were accepted, and have not ended."""
        return len(self._shared.live)

    async def accept(self, request: Request) -> Answer:
        """Waits until there is room. `RouterError` where there will be none, or the request makes no sense."""
        try:
            if self._is_refusing:
                raise RouterError("draining", "the router is ending", retry_after_s=RETRY_AFTER_S)
            answer = Answer(self._shared, self._plan, request)
            await answer.admit()
        except RouterError as error:
            self._metrics.rejected(error.pool, error.code)
            raise
        return answer

    def pools(self) -> dict[str, PoolState]:
        """The pools of the present plan, by namespace."""
        return {name: self._state(self._shared.pools.get(name)) for name in self._plan.pools()}

    def refuse_new(self) -> None:
        """Requests get `draining` from now on."""
        self._is_refusing = True
        self._metrics.is_draining = True

    async def drain(self, limit_s: float) -> None:
        """Returns when nothing is under way; what is after `limit_s` gets an `error` `draining`.

        What still waits to be accepted gets it at once.
        """
        self.refuse_new()
        shared = self._shared
        for answer in list(shared.live):
            if not answer.is_accepted:
                answer.stop(RouterError("draining", "the router is ending", retry_after_s=RETRY_AFTER_S))
        try:
            async with asyncio.timeout(limit_s):
                await shared.when_idle()
        except TimeoutError:
            for answer in list(shared.live):
                why = f"the router ends, and {limit_s * 1000:g} ms were over"
                answer.stop(RouterError("draining", why, pool=answer.pool))
            with suppress(TimeoutError):
                async with asyncio.timeout(TELLING_S):
                    await shared.when_idle()

    def _follow(self) -> None:
        self._shared.pools.refresh(self._discovery.workers)

    def _state(self, pool: Pool | None) -> PoolState:
        if pool is None:
            return PoolState(False, "the router has not started", 0, 0, 0, 0)
        registered, usable, ejected = self._shared.pools.count(pool)
        if not registered:
            reason = "no worker is registered"
        elif usable:
            reason = "ready" if usable == registered else f"{usable} of {registered} workers can be used"
        elif ejected == registered:
            reason = f"all {registered} workers are ejected after failures"
        else:
            reason = f"none of {registered} workers can be used: ejected after failures, or they asked for a pause"
        admission = self._shared.admission
        in_flight, queued = admission.in_flight(pool.namespace), admission.queued(pool.namespace)
        return PoolState(usable > 0, reason, registered, usable, in_flight, queued)

    def _numbers(self) -> dict[str, dict[str, int]]:
        found = {}
        self._shared.pools.tidy()
        for pool in self._shared.pools:
            registered, usable, ejected = self._shared.pools.count(pool)
            found[pool.namespace] = {
                "in_flight_requests": self._shared.admission.in_flight(pool.namespace),
                "queued_requests": self._shared.admission.queued(pool.namespace),
                "registered_workers": registered,
                "usable_workers": usable,
                "ejected_workers": ejected,
            }
        return found
