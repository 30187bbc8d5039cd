"""Routers that try again where they must not, or do not where they must."""

from __future__ import annotations

from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from contracts.router_service.plain.asking import Stream, WorkerFailed
from contracts.router_service.plain.pools import Pool, Worker
from contracts.router_service.plain.router import Clock, Job, Router
from contracts.router_service.plain.settings import Failed
from contracts.router_service.seeding import fault


@fault("RS-050")
class OneTry(Router):
    """gives up at the first status that is not 200"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and not failed.message.startswith("the worker answered")


@fault("RS-051")
class RefusedIsFinal(Router):
    """takes a refused connection for the end of the request"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and "cannot be reached" not in failed.message


@fault("RS-052")
class ResetIsFinal(Router):
    """tries again what was refused, and not what was cut"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and not failed.is_gone


@fault("RS-053")
class TriesUntilItWorks(Router):
    """tries fifty times, whatever the settings say"""

    def attempts_in(self, pool: Pool) -> int:
        return 50


@fault("RS-053")
class SameInstance(Pool):
    """tries the instance that has just failed, since it is the least busy one"""

    def choose(self, tried: Any) -> Worker | None:
        return tried[-1] if tried else super().choose(tried)


@fault("RS-054")
class OnlyServerErrors(Router):
    """takes 408 and 429 for faults of the request"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and not failed.message.startswith("the worker answered 4")


@fault("RS-055")
class EveryStatus(WorkerFailed):
    """tries again whatever the status was"""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(code, message, **{**more, "may_retry": True})


@fault("RS-056")
class NoRetryAfter(Router):
    """does not read Retry-After"""

    def note_failure(self, worker: Worker, failed: WorkerFailed) -> None:
        failed.retry_after_s = None
        super().note_failure(worker, failed)


@fault("RS-057")
class EventsAreFinal(Router):
    """hands on every error event, retryable or not"""

    def failure_told(self, data: dict[str, Any]) -> WorkerFailed:
        return super().failure_told({**data, "retryable": False})


@fault("RS-058")
class EventsAreRetried(Router):
    """does not read `retryable`"""

    def failure_told(self, data: dict[str, Any]) -> WorkerFailed:
        return super().failure_told({**data, "retryable": True})


@fault("RS-060")
class RetriesAfterItems(Router):
    """tries again after the first item"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return failed.may_retry


@fault("RS-061")
class RetriesErrorsAfterItems(Router):
    """tries again after items when the worker calls its error retryable"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) or (failed.may_retry and failed.message.startswith("the worker told"))


@fault("RS-064")
class SameAttempt(Router):
    """numbers every attempt 0"""

    def next_attempt(self, job: Job, phase: str) -> int:
        return 0


@fault("RS-064")
class NewRouterId(Router):
    """makes up a router_id for each attempt"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        return {**super().body(job, phase, number), "router_id": f"{self.router_id}-{number}"}


@fault("RS-065")
class OneRouted(Router):
    """tells the first dispatch, and no retry"""

    async def attempt(self, job: Job, phase: str, pool: Pool, worker: Worker) -> None:
        told = job.client.tell

        async def tell(name: str, data: dict[str, Any]) -> None:
            if name != "routed" or data["attempt"] == 0:
                await told(name, data)

        job.client.tell = tell  # type: ignore[method-assign]
        try:
            await super().attempt(job, phase, pool, worker)
        finally:
            job.client.tell = told  # type: ignore[method-assign]


@fault("RS-066")
class PrefillOnce(Router):
    """has retries for decode alone"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and (job.transfer is not None or "agg" in job.pools)


@fault("RS-066")
class NoTransfer(Router):
    """hands no transfer on to decode"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        return {**super().body(job, phase, number), "transfer": None}


@fault("RS-066")
class TransferIsTheEnd(Router):
    """goes on to decode when the transfer has come, and hears no more of prefill"""

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        if getattr(stream, "has_transfer", False):
            return "finish", {}
        name, data = await super().next_event(stream, clock)
        stream.has_transfer = name == "transfer"  # type: ignore[attr-defined]
        return name, data


@fault("RS-067")
class TransferOnce(Router):
    """hands the transfer to the first decode worker alone"""

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        found = super().body(job, phase, number)
        return found if number == 0 else {**found, "transfer": None}


@fault("RS-067")
class DecodeOnce(Router):
    """has retries for prefill alone"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) and job.transfer is None


@fault("RS-068")
class StartsAnew(Router):
    """goes back to prefill when decode is cut after items"""

    async def chain(self, job: Job) -> None:
        try:
            await super().chain(job)
        except WorkerFailed as failed:
            if not job.has_begun or not failed.may_retry:
                raise
            await self.run(job, "prefill")
            await self.run(job, "decode")


@fault("RS-069")
class DecodesAnyway(Router):
    """goes on to decode when prefill has failed"""

    async def run(self, job: Job, phase: str) -> None:
        try:
            await super().run(job, phase)
        except Failed:
            if phase != "prefill":
                raise


@fault("RS-069")
class NoPool(Router):
    """names no pool in its errors"""

    async def tell_error(self, job: Job, failed: Failed) -> None:
        failed.pool = None
        await super().tell_error(job, failed)


@fault("RS-070")
class FastestFirst(Router):
    """tries the fastest pool first"""

    def order(self, job: Job, phase: str) -> list[Pool]:
        first, *others = super().order(job, phase)
        return [first, *reversed(others)]


@fault("RS-070")
class NextOnly(Router):
    """tries one faster pool and no further one"""

    def order(self, job: Job, phase: str) -> list[Pool]:
        return super().order(job, phase)[:2]


@fault("RS-071")
class AlsoSlower(Router):
    """goes on to slower pools when the faster ones have failed"""

    def order(self, job: Job, phase: str) -> list[Pool]:
        found = super().order(job, phase)
        grid = job.plan._configuration.grids[phase]
        return [*found, *(pool for pool in map(self.pool, grid.namespaces) if pool not in found)]


@fault("RS-072")
class AlwaysOtherPools(Router):
    """does not read enable_priority_retry"""

    def order(self, job: Job, phase: str) -> list[Pool]:
        own = job.pools[phase]
        grid = job.plan._configuration.grids[phase]
        return [own, *(pool for pool in map(self.pool, grid.namespaces) if pool is not own)]


@fault("RS-073")
class ChosenPool(Router):
    """tells the pool that was chosen, not the one that serves"""

    async def attempt(self, job: Job, phase: str, pool: Pool, worker: Worker) -> None:
        namespace, pool.namespace = pool.namespace, job.pools[phase].namespace
        try:
            await super().attempt(job, phase, pool, worker)
        finally:
            pool.namespace = namespace


@fault("RS-074")
class PoolsFirst(Router):
    """goes to a faster pool at the first failure"""

    def attempts_in(self, pool: Pool) -> int:
        return 1


@fault("RS-075")
class AcrossPhases(Router):
    """takes the pools of prefill for retries of decode"""

    def order(self, job: Job, phase: str) -> list[Pool]:
        found = super().order(job, phase)
        return found if phase != "decode" else [found[0], *super().order(job, "prefill")]


@fault("RS-127")
class AnywhereElse(Router):
    """goes on to faster pools whatever the failure was"""

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return super().may_retry(job, failed) or (failed.pool != job.plan.namespaces[-1] and not job.has_begun)


@fault("RS-128")
class CountsAnew(Router):
    """numbers the attempts of each request from 0, also of one that it has sent before"""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.made: WeakKeyDictionary[Job, Counter[str]] = WeakKeyDictionary()

    def next_attempt(self, job: Job, phase: str) -> int:
        made = self.made.setdefault(job, Counter())
        made[phase] += 1
        return made[phase] - 1
