"""Whether workers that etcd told of after an outage are alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from trueup_reference.etcd import EtcdSettings
from trueup_reference.router.discovery.entries import WorkerEntry
from trueup_reference.router.discovery.interface import logger

PROBE_S = 2.0  # for one answer
MOST_AT_ONCE = 64
FIRST_WAIT_S = 0.25  # between two probes of a worker that does not answer; then twice as long, up to a keep-alive


class Probes:
    """Asks each worker until it answers. `judged` is told key, whether it answered, and whether its time is over.

    A worker that was not known before is withheld until it has answered; one that was known, once it does not.
    """

    def __init__(
        self,
        probe: Callable[[str], Awaitable[bool]],
        settings: EtcdSettings,
        judged: Callable[[str, bool, bool], None],
    ) -> None:
        """Asks nobody yet."""
        self._probe = probe
        self._judged = judged
        self._interval_s = settings.keep_alive_s
        self._held_s = settings.ttl_s + settings.keep_alive_s  # a living worker has registered by then
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        self._withheld: set[str] = set()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._unanswered: set[str] = set()
        self._answered = asyncio.Event()

    def begin(
        self, listed: Mapping[str, WorkerEntry], held: Mapping[str, WorkerEntry], known: Mapping[str, WorkerEntry]
    ) -> None:
        """After a reconnection: all of them anew. `known` are served until they do not answer."""
        for key in list(self._tasks):
            self._cancel(key)
        silent = self._withheld
        self._withheld = {key for key, entry in listed.items() if key in silent or known.get(key) != entry}
        over_s = time.monotonic() + self._held_s
        self._unanswered = {*listed, *held}
        self._answered = asyncio.Event()
        for key, entry in {**listed, **held}.items():
            until_s = over_s if key in held else None
            self._tasks[key] = asyncio.create_task(self._ask(key, entry, until_s), name=f"probe {key}")
        self._note()

    async def first_answers(self) -> None:
        """Waits until each has been asked once."""
        await self._answered.wait()

    def is_withheld(self, key: str) -> bool:
        """Whether it must not be given work."""
        return key in self._withheld

    def suspend(self, held: Iterable[str]) -> None:
        """etcd is away, so that these cannot register: their time stands still until the next reconnection."""
        for key in held:
            self._cancel(key)

    def forget(self, key: str) -> None:
        """It needs no proof any more."""
        self._cancel(key)
        self._withheld.discard(key)
        self._note(key)

    async def close(self) -> None:
        """Asks nobody any more."""
        tasks = list(self._tasks.values())
        for key in list(self._tasks):
            self._cancel(key)
        if tasks:
            await asyncio.wait(tasks)

    async def _ask(self, key: str, entry: WorkerEntry, until_s: float | None) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            async with self._places:
                answers = await self._answers(entry.url)
            is_over = until_s is not None and time.monotonic() >= until_s
            if answers:
                self._withheld.discard(key)
            elif key not in self._withheld:
                self._withheld.add(key)
                logger.warning("discovery_unanswering namespace=%s id=%s", entry.namespace, entry.id)
            self._judged(key, answers, is_over)
            self._note(key)
            if is_over or (answers and until_s is None) or (not answers and until_s is not None):
                break
            wait_s = self._interval_s if answers else min(2 * wait_s, self._interval_s)
            await asyncio.sleep(wait_s if until_s is None else min(wait_s, max(0.0, until_s - time.monotonic())))
        self._tasks.pop(key, None)

    async def _answers(self, url: str) -> bool:
        try:
            async with asyncio.timeout(PROBE_S):
                return await self._probe(url)
        except TimeoutError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, it counts as no answer, and must not end the others
            logger.warning("discovery_probe_failed url=%s %s: %s", url, type(error).__name__, error)
            return False

    def _cancel(self, key: str) -> None:
        task = self._tasks.pop(key, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def _note(self, key: str | None = None) -> None:
        """Counts whoever has been asked."""
        if key is not None:
            self._unanswered.discard(key)
        if not self._unanswered:
            self._answered.set()
