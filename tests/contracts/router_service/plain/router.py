"""The router: what becomes of a request, from its admission to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from contracts.router_service.plain import discovery
from contracts.router_service.plain.asked import Asked
from contracts.router_service.plain.asking import Stream, WorkerFailed, ask
from contracts.router_service.plain.counting import Counting
from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.pools import Admission, Ejection, Pool, Worker
from contracts.router_service.plain.settings import Bounds, Failed

LAST_WORD_S = 1.0  # for a client to take its error
REMEMBERED = 10_000  # requests whose attempts are still counted on
logger = logging.getLogger("plain")


class Client(Protocol):
    """Whom events are told."""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        """Comes back when the client has room for more."""


@dataclass(eq=False)
class Job:
    """An admitted request. It keeps the plan that it began with."""

    asked: Asked
    plan: Plan
    client: Client
    pools: dict[str, Pool]
    end_s: float
    held: list[Pool] = field(default_factory=list)
    transfer: dict[str, Any] | None = None
    has_begun: bool = False  # the client has an item


class Router:
    """One process of it. What is decided is a method each."""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        self.plan = plan
        self.bounds = bounds
        self.router_id = str(uuid.uuid4())
        self.pools: dict[str, Pool] = {}
        self.admission = Admission(bounds)
        self.ejection = Ejection(bounds)
        self.counting = Counting(self)
        self.is_draining = False
        self.attempts: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.session: aiohttp.ClientSession

    async def start(self) -> None:
        """In the event loop that it serves in."""
        self.session = aiohttp.ClientSession(connector=self.connector(), read_bufsize=1 << 16)

    def connector(self) -> aiohttp.BaseConnector:
        """A connection for each request: one that was kept may have died with its worker."""
        return aiohttp.TCPConnector(limit=0, force_close=True)

    async def close(self) -> None:
        await self.session.close()

    # What it knows.

    def pool(self, namespace: str) -> Pool:
        return self.pools.setdefault(namespace, Pool(namespace))

    def discovered(self, path: Path) -> None:
        """Takes the workers of the file. `ValueError` for one that is no such file."""
        entries: dict[str, list[tuple[str, str]]] = {}
        for identity, namespace, url in discovery.read(path):
            entries.setdefault(namespace, []).append((identity, url))
        for namespace in self.pools.keys() | entries.keys():
            self.set_workers(self.pool(namespace), dict.fromkeys(entries.get(namespace, [])))
        self.admission.look_again()

    def set_workers(self, pool: Pool, entries: dict[tuple[str, str], None]) -> None:
        known = {(one.id, one.url): one for one in pool.workers}
        pool.workers = [known.get(entry) or Worker(*entry) for entry in entries]

    def reload(self, plan: Plan) -> None:
        """Requests that are admitted from now on get this one."""
        self.plan = plan

    # What becomes of a request.

    async def serve(self, asked: Asked, client: Client) -> None:
        """Tells the client everything. `Failed` where it is not accepted; after that errors are events."""
        job = self.make_job(asked, client)
        try:
            async with asyncio.timeout_at(self.queue_end_s(job)):
                await self.admit(job)
        except TimeoutError:
            raise self.too_late() from None
        try:
            await self.serve_admitted(job)
        except Failed as failed:
            self.counting.failed(failed)
            await self.tell_error(job, failed)

    async def serve_admitted(self, job: Job) -> None:
        self.counting.admitted(job)
        try:
            async with asyncio.timeout_at(job.end_s):
                await job.client.tell("accepted", {"request_id": job.asked.request_id})
                await self.chain(job)
        except TimeoutError:
            raise self.too_late() from None
        finally:
            self.let_go(job)

    async def tell_error(self, job: Job, failed: Failed) -> None:
        """A client that does not read does not hold it up for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_S):
                await job.client.tell("error", failed.told(job.asked.request_id))

    def make_job(self, asked: Asked, client: Client) -> Job:
        plan = self.plan
        pools = {phase: self.pool(plan.choose(phase, asked)) for phase in asked.phases}
        return Job(asked, plan, client, pools, self.end_s(asked), transfer=asked.transfer)

    def end_s(self, asked: Asked) -> float:
        """When it is over, at the latest."""
        limits_s = [self.bounds.total_s] if asked.deadline_s is None else [self.bounds.total_s, asked.deadline_s]
        return asyncio.get_running_loop().time() + min(limits_s)

    def queue_end_s(self, job: Job) -> float:
        """Until when it may wait."""
        return job.end_s

    def too_late(self) -> Failed:
        return Failed("timeout_total", "the time of the request is over")

    async def admit(self, job: Job) -> None:
        """Waits for a slot in each pool that it needs."""
        if self.is_draining:
            raise Failed("draining", "this router is about to end")
        needs = list(dict.fromkeys(job.pools.values()))
        await self.admission.take(needs)
        job.held = needs

    def let_go(self, job: Job, *pools: Pool) -> None:
        """Of its slots: all, or those of these pools."""
        freed = [pool for pool in job.held if pool in pools or not pools]
        job.held = [pool for pool in job.held if pool not in freed]
        self.admission.give_back(*freed)

    async def chain(self, job: Job) -> None:
        """All phases, one after the other."""
        for phase in job.asked.phases:
            await self.run(job, phase)
            if phase == "prefill" and job.pools[phase] is not job.pools.get("decode"):
                self.let_go(job, job.pools[phase])

    async def run(self, job: Job, phase: str) -> None:
        """One phase, with its retries."""
        failed: Failed | None = None
        for pool in self.order(job, phase):
            with self.slot(job, pool) as is_there:
                tried: list[Worker] = []
                for _ in range(self.attempts_in(pool) if is_there else 0):
                    worker = await self.worker_of(pool, tried)
                    if worker is None:
                        failed = failed or Failed("no_worker", "no worker may be used", pool.namespace)
                        break
                    tried.append(worker)
                    if failed is not None:
                        self.counting.retried(pool, phase)
                    try:
                        await self.attempt(job, phase, pool, worker)
                    except WorkerFailed as error:
                        error.pool = pool.namespace
                        failed = error
                        if not self.may_retry(job, error):
                            raise
                        await self.before_retry(job, phase, error)
                    else:
                        return
        assert failed is not None  # the first pool's slot is held
        raise failed

    def order(self, job: Job, phase: str) -> list[Pool]:
        return [self.pool(name) for name in job.plan.order(phase, job.pools[phase].namespace)]

    def attempts_in(self, pool: Pool) -> int:
        return max(1, self.bounds.same_pool_attempts)

    @contextlib.contextmanager
    def slot(self, job: Job, pool: Pool) -> Iterator[bool]:
        """The one that it holds, or one of a faster pool for as long as it is tried there."""
        if pool in job.held:
            yield True
        elif self.admission.try_to_take(pool):
            try:
                yield True
            finally:
                self.admission.give_back(pool)
        else:
            yield False

    async def worker_of(self, pool: Pool, tried: list[Worker]) -> Worker | None:
        """Waits a while where there is none, or all are held back."""
        waits_until_s = time.monotonic() + self.bounds.pool_wait_s
        while (worker := pool.choose(tried)) is None and time.monotonic() < waits_until_s:
            await asyncio.sleep(0.01)
        return worker

    def may_retry(self, job: Job, failed: WorkerFailed) -> bool:
        return failed.may_retry and not job.has_begun

    async def before_retry(self, job: Job, phase: str, failed: WorkerFailed) -> None:
        """Prefill is repeated where its result went with a dead worker."""
        if phase != "decode" or not failed.is_gone or "prefill" not in job.asked.phases:
            return
        pool = job.pools["prefill"]
        if pool not in job.held:
            await self.wait_for_slot(pool)
            job.held.append(pool)
        await self.run(job, "prefill")
        if pool is not job.pools["decode"]:
            self.let_go(job, pool)

    async def wait_for_slot(self, pool: Pool) -> None:
        """As long as it takes: an accepted request is not shed."""
        while not self.admission.try_to_take(pool):
            await asyncio.sleep(0.01)

    # An attempt.

    async def attempt(self, job: Job, phase: str, pool: Pool, worker: Worker) -> None:
        number = self.next_attempt(job, phase)
        told = {"phase": phase, "pool": pool.namespace, "worker": worker.id, "attempt": number}
        pool.take_turn(worker)
        try:
            await job.client.tell("routed", told)
            await self.forward(job, phase, worker, self.body(job, phase, number))
        except WorkerFailed as failed:
            self.note_failure(worker, failed)
            raise
        finally:
            worker.in_flight -= 1
            worker.is_probed = False
        self.ejection.works(worker)

    def note_failure(self, worker: Worker, failed: WorkerFailed) -> None:
        if failed.retry_after_s is not None:
            worker.held_until_s = time.monotonic() + failed.retry_after_s
        if failed.is_its_fault:
            self.ejection.failed(worker)

    def next_attempt(self, job: Job, phase: str) -> int:
        """Counted on where the same request comes again."""
        key = (job.asked.request_id, phase)
        number = self.attempts.pop(key, 0)
        self.attempts[key] = number + 1
        if len(self.attempts) > REMEMBERED:
            self.attempts.popitem(last=False)
        return number

    def body(self, job: Job, phase: str, number: int) -> dict[str, Any]:
        asked = job.asked
        return {
            "request_id": asked.request_id,
            "router_id": self.router_id,
            "attempt": number,
            "phase": phase,
            "token_ids": asked.token_ids,
            "max_tokens": asked.max_tokens,
            "targets": {"ttft_ms": asked.ttft_ms, "itl_ms": asked.itl_ms},
            "priority": asked.priority,
            "transfer": job.transfer if phase == "decode" else None,
            "deadline_ms": self.deadline_ms(job),
        }

    def deadline_ms(self, job: Job) -> float | None:
        if job.asked.deadline_s is None:
            return None
        return max(1.0, round((job.end_s - asyncio.get_running_loop().time()) * 1000, 3))

    async def forward(self, job: Job, phase: str, worker: Worker, body: dict[str, Any]) -> None:
        """Asks the worker and hands on what it tells."""
        clock = self.first_clock()
        has_begun = False
        async with self.asked_of(worker, body, job.asked.headers, clock) as stream:
            while True:
                name, data = await self.next_event(stream, clock)
                if name == "error":
                    raise self.failure_told(data)
                if name == "finish":
                    if phase != "prefill" or job.asked.phases == ("prefill",):
                        await job.client.tell("finish", data)
                    return
                if name == ("transfer" if phase == "prefill" else "item"):
                    if not has_begun:
                        self.counting.began(phase, clock)
                        worker.is_probed = False
                    has_begun = True
                    await self.hand_on(job, phase, name, data)
                    clock = self.next_clock(clock)

    def first_clock(self) -> Clock:
        return Clock(self.bounds.first_item_s, "timeout_first_item")

    def next_clock(self, clock: Clock) -> Clock:
        """After an item."""
        return Clock(self.bounds.between_items_s, "timeout_between_items")

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        async with clock.limit():
            return await stream.next()

    async def hand_on(self, job: Job, phase: str, name: str, data: dict[str, Any]) -> None:
        if name == "item":
            job.has_begun = True
            await job.client.tell("item", data)
        else:
            job.transfer = data["transfer"] if isinstance(data.get("transfer"), dict) else data
            if job.asked.phases == ("prefill",):
                job.has_begun = True
                await job.client.tell("transfer", data)

    def failure_told(self, data: dict[str, Any]) -> WorkerFailed:
        message = f"the worker told {data.get('code')}: {data.get('message')}"
        return WorkerFailed("worker_failed", message, may_retry=data.get("retryable") is True)

    @contextlib.asynccontextmanager
    async def asked_of(
        self, worker: Worker, body: dict[str, Any], headers: dict[str, str], clock: Clock
    ) -> AsyncIterator[Stream]:
        async with contextlib.AsyncExitStack() as stack:
            async with clock.limit():
                stream = await stack.enter_async_context(
                    ask(self.session, worker.url, body, headers, self.bounds.connect_s)
                )
            yield stream


class Clock:
    """What may pass until the next event."""

    def __init__(self, limit_s: float, code: str) -> None:
        self.code = code
        self.began_s = asyncio.get_running_loop().time()
        self.end_s = self.began_s + limit_s

    @contextlib.asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout_at(self.end_s) as limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise WorkerFailed(self.code, "the worker was silent for too long", is_gone=True) from error
