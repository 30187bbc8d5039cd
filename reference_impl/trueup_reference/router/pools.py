"""The pools' workers: which of them can be used, and which one a request gets."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from trueup_reference.router.admission import Admission
from trueup_reference.router.discovery import WorkerEntry
from trueup_reference.router.ejection import Ejection
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.service import EjectionSettings
from trueup_reference.router.workers import WorkerFailure
from trueup_reference.worker_protocol import Phase

logger = logging.getLogger("trueup_reference.router.pools")
LEAST_TIMER_S = 0.001


class Instance:
    """A worker as it is registered. The same id and URL again, after it was gone, is another instance."""

    __slots__ = ("ejection", "entry", "in_flight", "rests_until", "turn")

    def __init__(self, entry: WorkerEntry, settings: EjectionSettings) -> None:
        self.entry = entry
        self.ejection = Ejection(settings)
        self.in_flight = 0
        self.rests_until = 0.0  # as it has asked by Retry-After
        self.turn = 0  # of the last request that it got


class Pool:
    """A namespace and its workers."""

    def __init__(self, namespace: str, phases: Collection[Phase]) -> None:
        self.namespace = namespace
        self.phases = phases
        self.instances: tuple[Instance, ...] = ()
        self.waiting: set[asyncio.Future[None]] = set()  # for a worker that can be used

    def serving(self, phase: Phase) -> Iterable[Instance]:
        """Any worker of a namespace serves it, but where the namespace serves two phases each has its own."""
        if len(self.phases) < 2:
            return self.instances
        return (each for each in self.instances if each.entry.phase == phase)

    def choose(self, phase: Phase, tried: Collection[Instance], now: float) -> Instance | None:
        """The one with the least in flight, of those that the request has not tried if there are any.

        Where all are ejected, the one whose back-off ends first. None where there is none, or all have asked for a
        pause.
        """
        awake = [each for each in self.serving(phase) if each.rests_until <= now]
        usable = [each for each in awake if each.ejection.is_open(now)]
        if not usable:
            others = [each for each in awake if each not in tried] or awake
            return min(others, key=lambda each: each.ejection.until or 0.0, default=None)
        others = [each for each in usable if each not in tried] or usable
        return min(others, key=lambda each: (each.in_flight, each.turn))


class Use:
    """One attempt's use of a worker, which ends once, by how the attempt went."""

    __slots__ = ("_has_ended", "_is_probe", "_pools", "instance", "pool")

    def __init__(self, pools: Pools, pool: Pool, instance: Instance, *, is_probe: bool) -> None:
        self._pools = pools
        self._is_probe = is_probe
        self._has_ended = False
        self.pool = pool
        self.instance = instance

    def answered(self) -> None:
        """The first item has come."""
        if self.instance.ejection.until is not None:
            logger.info("%s of %s answers again", *self._names, extra=self._about)
        self.instance.ejection.answered(probe=self._is_probe)
        self._is_probe = False

    def completed(self) -> None:
        """The worker has done its work."""
        if self._end():
            self.answered()
            self.instance.ejection.completed()

    def failed(self, failure: WorkerFailure) -> None:
        """It has not."""
        if not self._end():
            return
        now = self._pools.now()
        if failure.alive:
            self.answered()
        elif self.instance.ejection.failed(now, probe=self._is_probe):
            self._pools.metrics.ejected(self.pool.namespace)
            seconds = (self.instance.ejection.until or now) - now
            logger.warning("%s of %s is ejected for %g s: %s", *self._names, seconds, failure, extra=self._about)
        if failure.retry_after_s:
            self._pools.rest(self.pool, self.instance, failure.retry_after_s)

    def abandoned(self) -> None:
        """Nobody waits for it any more."""
        if self._end():
            self.instance.ejection.abandoned(probe=self._is_probe)

    @property
    def _names(self) -> tuple[str, str]:
        return self.instance.entry.id, self.pool.namespace

    @property
    def _about(self) -> dict[str, str]:
        return {"worker": self.instance.entry.id, "pool": self.pool.namespace}

    def _end(self) -> bool:
        if self._has_ended:
            return False
        self._has_ended = True
        self.instance.in_flight -= 1
        return True


class Pools:
    """Used from one event loop."""

    def __init__(
        self,
        settings: EjectionSettings,
        admission: Admission,
        metrics: RouterMetrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Tells the admission which pools have workers."""
        self._settings = settings
        self._admission = admission
        self.metrics = metrics
        self.now = clock
        self._pools: dict[str, Pool] = {}
        self._planned: frozenset[str] = frozenset()
        self._entries: Mapping[str, tuple[WorkerEntry, ...]] = {}
        self._turns = itertools.count(1)

    def get(self, namespace: str) -> Pool | None:
        """The pool of a namespace; None once no plan has it and nothing is under way there."""
        return self._pools.get(namespace)

    def __iter__(self) -> Iterator[Pool]:
        """All of them."""
        return iter(self._pools.values())

    def plan(self, pools: Mapping[str, Collection[Phase]]) -> None:
        """These are the pools from now on; others stay as long as anything is under way there."""
        for namespace, phases in pools.items():
            pool = self._pools.get(namespace)
            if pool is None:
                pool = self._pools[namespace] = Pool(namespace, phases)
            pool.phases = phases
            self._register(pool)
        self._planned = frozenset(pools)
        self.tidy()

    def revive(self, namespace: str, phase: Phase) -> None:
        """Makes it a pool again, for a request by an older plan, where it was forgotten."""
        if namespace not in self._pools:
            self._pools[namespace] = Pool(namespace, frozenset({phase}))
            self._register(self._pools[namespace])

    def tidy(self) -> None:
        """Forgets the pools that no plan has, and where nothing is under way."""
        for namespace in self._pools.keys() - self._planned:
            if not self._pools[namespace].waiting and self._admission.forget(namespace):
                del self._pools[namespace]

    def refresh(self, entries: Mapping[str, tuple[WorkerEntry, ...]]) -> None:
        """These workers are registered now."""
        self._entries = entries
        for pool in self._pools.values():
            self._register(pool)

    def take(self, pool: Pool, phase: Phase, tried: Collection[Instance]) -> Use | None:
        """A worker for an attempt; None where none can be used."""
        now = self.now()
        chosen = pool.choose(phase, tried, now)
        if chosen is None:
            return None
        chosen.in_flight += 1
        chosen.turn = next(self._turns)
        return Use(self, pool, chosen, is_probe=chosen.ejection.begin(now))

    def has_worker(self, pool: Pool, phase: Phase) -> bool:
        """Whether there is one that can be used now."""
        now = self.now()
        return any(each.rests_until <= now for each in pool.serving(phase))

    async def usable(self, pool: Pool) -> None:
        """Returns when that may have changed."""
        changed = asyncio.get_running_loop().create_future()
        pool.waiting.add(changed)
        try:
            await changed
        finally:
            pool.waiting.discard(changed)

    def rest(self, pool: Pool, instance: Instance, seconds: float) -> None:
        """The worker gets nothing for so long."""
        until = self.now() + seconds
        instance.rests_until = max(instance.rests_until, until)
        self._tell(pool)
        self._tell_at(pool, until)

    def count(self, pool: Pool) -> tuple[int, int, int]:
        """Workers: registered, usable, ejected."""
        now = self.now()
        ejected = sum(each.ejection.until is not None for each in pool.instances)
        usable = sum(each.ejection.until is None and each.rests_until <= now for each in pool.instances)
        return len(pool.instances), usable, ejected

    def _register(self, pool: Pool) -> None:
        known = {each.entry: each for each in pool.instances}
        entries = self._entries.get(pool.namespace, ())
        pool.instances = tuple(known.get(each) or Instance(each, self._settings) for each in dict.fromkeys(entries))
        self._tell(pool)

    def _tell_at(self, pool: Pool, when: float) -> None:
        """uvloop's timers count milliseconds, and may fire before it is time."""
        left_s = when - self.now()
        if left_s <= 0:
            self._tell(pool)
        else:
            asyncio.get_running_loop().call_later(max(left_s, LEAST_TIMER_S), self._tell_at, pool, when)

    def _tell(self, pool: Pool) -> None:
        """Tells those that wait for a worker whether there is one."""
        if self._pools.get(pool.namespace) is not pool:
            return
        is_usable = all(self.has_worker(pool, phase) for phase in pool.phases)
        if is_usable:
            for changed in pool.waiting:
                if not changed.done():
                    changed.set_result(None)
        self._admission.set_open(pool.namespace, is_usable)
