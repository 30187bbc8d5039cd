"""A phase of one request on its way: which worker comes next, in which pool, and when there is none any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from trueup_reference.router.admission import RETRY_AFTER_S, Admission
from trueup_reference.router.clocks import Clock, Expired
from trueup_reference.router.plan import Choice
from trueup_reference.router.pools import Instance, Use
from trueup_reference.router.protocol import RouterError
from trueup_reference.router.shared import Shared
from trueup_reference.router.workers import WorkerFailure
from trueup_reference.worker_protocol import Phase

PAUSE_S = 0.05  # before a worker that has failed is tried again; doubled each time
MOST_PAUSE_S = 1.0
_DOUBLINGS = 8  # until that is reached


class Slots:
    """What a request holds: for each of its phases a slot in a pool; in one pool no more than one."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held: dict[Phase, str] = {}

    def take_over(self, wanted: Mapping[Phase, str]) -> None:
        """These were taken."""
        self._held.update(wanted)

    def leave(self, phase: Phase) -> None:
        """Gives the slot of a phase back."""
        pool = self._held.pop(phase, None)
        if pool is not None and pool not in self._held.values():
            self._admission.leave(pool)

    def leave_all(self) -> None:
        """Gives everything back."""
        for phase in list(self._held):
            self.leave(phase)

    def move(self, phase: Phase, pool: str) -> bool:
        """Takes a slot of another pool in place of the phase's, if there is one now."""
        if pool not in self._held.values() and not self._admission.try_enter(pool):
            return False
        self.leave(phase)
        self._held[phase] = pool
        return True

    async def take_again(self, phase: Phase, pool: str) -> None:
        """Takes the slot of a phase that was left."""
        if phase not in self._held:
            if pool not in self._held.values():
                await self._admission.enter_again(pool)
            self._held[phase] = pool


class Course:
    """A phase of a request: where its attempts are."""

    def __init__(
        self, shared: Shared, clock: Clock, slots: Slots, phase: Phase, choice: Choice, request_id: str
    ) -> None:
        self.phase = phase
        self._request_id = request_id
        self._shared = shared
        self._clock = clock
        self._slots = slots
        self._choice = choice
        self._place = 0  # among the pools of the choice
        self._next_number = 0  # of its attempts, wherever
        self._failures = 0  # in the present pool
        self._tried: set[Instance] = set()  # there, in vain
        self._waits_until: float | None = None  # for a worker, while there is none
        self._failure: WorkerFailure | None = None  # the latest

    @property
    def namespace(self) -> str:
        """Of the present pool."""
        return self._choice.namespaces[self._place]

    @property
    def reason(self) -> str:
        """Why the first pool was selected."""
        return self._choice.reason

    async def begin_again(self) -> None:
        """After it had ended: takes its slot again, in a pool that no plan may have any more."""
        self._shared.pools.revive(self.namespace, self.phase)
        await self._slots.take_again(self.phase, self.namespace)

    def take(self) -> tuple[Use, int] | None:
        """A worker for the next attempt, and its number; None where none can be used."""
        pools = self._shared.pools
        pool = pools.get(self.namespace)
        use = None if pool is None else pools.take(pool, self.phase, self._tried)
        if use is None:
            return None
        self._waits_until = None
        number = self._shared.numbers.take(self._request_id, self.phase, self._next_number)
        self._next_number = number + 1
        return use, number

    async def wait(self) -> None:
        """Waits until a worker may be there. After a failure one of a faster pool is as good. `RouterError`."""
        if self._failures and self._go_faster():
            return
        shared = self._shared
        if self._waits_until is None:
            self._waits_until = self._clock.now + shared.service.pool_wait_ms / 1000
        pool = shared.pools.get(self.namespace)
        try:
            if pool is not None:
                await self._clock.wait(shared.pools.usable(pool), self._waits_until)
                return
        except Expired:
            pass
        if not self._go_faster():
            message = f"no worker of {self.namespace} could be used within {shared.service.pool_wait_ms:g} ms"
            if self._failure is not None:
                message += f", after a failure: {self._failure}"
            raise RouterError("no_worker", message, pool=self.namespace, retry_after_s=RETRY_AFTER_S)

    async def pause(self, use: Use) -> None:
        """Lets a worker that has failed before have a moment."""
        if use.instance in self._tried:
            pause_s = min(PAUSE_S * 2 ** min(self._failures - 1, _DOUBLINGS), MOST_PAUSE_S)
            await self._clock.wait(asyncio.sleep(pause_s))

    def failed(self, use: Use, failure: WorkerFailure, *, may_retry: bool) -> None:
        """Prepares another attempt. `RouterError`, for the client, where there is to be none."""
        error = RouterError(failure.code, str(failure), pool=self.namespace, retryable=failure.retryable)
        if not (may_retry and failure.retryable):
            raise error from failure
        self._failure = failure
        self._failures += 1
        self._tried.add(use.instance)
        has_attempts = self._failures < self._shared.service.retry.same_pool_attempts
        if not has_attempts and not self._go_faster():
            raise error from failure
        self._shared.metrics.retried(self.phase, self.namespace, failure.code)

    def _go_faster(self) -> bool:
        """To the next of the faster pools that has a worker and a slot."""
        shared = self._shared
        for place in range(self._place + 1, len(self._choice.namespaces)):
            namespace = self._choice.namespaces[place]
            pool = shared.pools.get(namespace)
            if pool is None or not shared.pools.has_worker(pool, self.phase):
                continue
            if not self._slots.move(self.phase, namespace):
                continue
            shared.metrics.failed_over(self.phase, self.namespace)
            shared.metrics.selected(self.phase, namespace, "retry")
            self._place, self._failures, self._waits_until = place, 0, None
            self._tried.clear()
            return True
        return False
