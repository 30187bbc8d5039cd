"""Workers that registered themselves in etcd, listed and then watched.

etcd is no oracle. While it is away, what is known is kept. When it is back, workers that died meanwhile are still
listed (a restart renews their leases), and an empty list may be that of a new store in which nobody has registered yet.
So after every reconnection each entry is probed, and a worker that is missing is kept while it answers, for as long as
a living one needs to register. Only while etcd is well does a key that goes mean a worker that goes, at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from trueup_reference.etcd import (
    CompactedError,
    EtcdClient,
    EtcdError,
    EtcdSettings,
    Event,
    KeyValue,
    Watched,
)
from trueup_reference.router.discovery.entries import DiscoveryError, WorkerEntry, read_entry
from trueup_reference.router.discovery.interface import Discovery, logger
from trueup_reference.router.discovery.probing import Probes

FIRST_S = 3.0  # that the start waits for workers to answer; who has not is used once it does
LEAST_BACKOFF_S, MOST_BACKOFF_S = 0.05, 1.0


class EtcdDiscovery(Discovery):
    """`probe` says whether a worker's URL answers `/health`; it is asked behind every (re)connection."""

    def __init__(self, settings: EtcdSettings, probe: Callable[[str], Awaitable[bool]]) -> None:
        """`ValueError` where a certificate cannot be had. Nothing is connected yet."""
        super().__init__()
        self._settings = settings
        self._client = EtcdClient(settings)
        self._listed: dict[str, WorkerEntry] = {}  # by key
        self._held: dict[str, WorkerEntry] = {}  # known from before an outage, and not listed since
        self._probes = Probes(probe, settings, self._judged)
        self._revision = 0  # the last one seen
        self._listed_at = 0  # of the last list: what a watch tells of it and before is known
        self._is_connected = False
        self._refused: dict[str, str] = {}  # entries that are none, by key
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Tries once before it returns; where etcd is away, that is the problem, and it is tried on."""
        tried = asyncio.Event()
        self._task = asyncio.create_task(self._run(tried), name="discovery etcd")
        waiting = asyncio.create_task(tried.wait())
        await asyncio.wait({self._task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def close(self) -> None:
        """Watches no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._probes.close()
        await self._client.close()

    async def _run(self, tried: asyncio.Event) -> None:
        wait_s = LEAST_BACKOFF_S
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await self._list()
                if not tried.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._probes.first_answers(), FIRST_S)
                    tried.set()
                await self._follow()
            except CompactedError as error:
                logger.info("discovery_lists_again %s", error)
            except EtcdError as error:
                self._is_connected = False
                self._probes.suspend(self._held)
                self._publish(f"etcd: {error}; what was known before is kept")
                tried.set()
                if loop.time() - began_s > MOST_BACKOFF_S:
                    wait_s = LEAST_BACKOFF_S
                # Many routers have lost the same etcd at the same time: they do not all come back at once.
                await asyncio.sleep(wait_s * random.uniform(0.5, 1))
                wait_s = min(2 * wait_s, MOST_BACKOFF_S, self._settings.keep_alive_s)

    async def _list(self) -> bool:
        """What is there now; whoever was known and is not there is kept only where that may not be the truth.

        Whether the store is a new one: a watch of the one before is then silent for ever.
        """
        revision, kvs = await self._client.list(self._settings.prefix)
        is_new_store = revision < self._revision
        is_reconnected = not self._is_connected
        if is_new_store:
            logger.warning("discovery_new_store revision=%d before=%d", revision, self._revision)
        self._revision = self._listed_at = revision
        self._is_connected = True
        before = {**self._held, **self._listed}
        found = {one.key.decode("utf-8", "replace"): one for one in kvs}
        self._refused = {key: why for key, why in self._refused.items() if key in found}
        self._listed = {key: entry for key, one in found.items() if (entry := self._entry(key, one))}
        missing = {key: entry for key, entry in before.items() if key not in self._listed}
        if is_reconnected or is_new_store:
            self._held = missing
            self._probes.begin(self._listed, missing, known=before)
        else:
            # A list while etcd is well is the truth, but for those that are held from before.
            held = {key: entry for key, entry in missing.items() if key in self._held}
            for key, entry in before.items():
                is_as_before = held.get(key) == entry or (key not in self._held and self._listed.get(key) == entry)
                if not is_as_before:
                    self._probes.forget(key)
            self._held = held
        self._publish(None)
        return is_new_store

    async def _follow(self) -> None:
        """Watches, and lists from time to time: a watch may be silent though its connection stands."""
        endpoint = self._client.endpoint
        async with aclosing(self._client.watch(self._settings.prefix, self._listed_at + 1)) as watched:
            changes = asyncio.create_task(self._changes(watched), name="discovery etcd watch")
            try:
                while True:
                    done, _ = await asyncio.wait({changes}, timeout=self._settings.keep_alive_s)
                    if done:
                        return changes.result()
                    is_new_store = await self._list()
                    if self._client.endpoint != endpoint:  # the one that is watched has not answered
                        self._is_connected = False
                    if is_new_store or not self._is_connected:
                        return None
            finally:
                changes.cancel()
                await asyncio.gather(changes, return_exceptions=True)

    async def _changes(self, watched: AsyncGenerator[Watched, None]) -> None:
        async for message in watched:
            for event in message.events:
                if event.kv.mod_revision > self._listed_at:
                    self._apply(event)
            self._revision = max(self._revision, message.header.revision)
            if message.events:
                self._publish(self.problem)

    def _apply(self, event: Event) -> None:
        key = event.kv.key.decode("utf-8", "replace")
        # Whoever has just registered is alive, and whoever has gone is not asked again.
        self._probes.forget(key)
        self._held.pop(key, None)
        entry = None
        if event.type == "DELETE":
            self._refused.pop(key, None)
        else:
            entry = self._entry(key, event.kv)
        if entry is None:
            self._listed.pop(key, None)
        else:
            self._listed[key] = entry

    def _entry(self, key: str, kv: KeyValue) -> WorkerEntry | None:
        """The entry, or None, and a line in the log, where it is none."""
        try:
            entry = read_entry(kv.value, key)
            if key != self._settings.worker_key(entry.namespace, entry.id):
                raise DiscoveryError(f"{key!a}: its entry is of {entry.id!a} in {entry.namespace!a}")
        except DiscoveryError as error:
            if self._refused.get(key) != str(error):
                logger.warning("discovery_entry_refused %s", error)
                self._refused[key] = str(error)
            return None
        self._refused.pop(key, None)
        return entry

    def _judged(self, key: str, answers: bool, is_over: bool) -> None:
        """A probe's answer; `is_over`: a worker that was kept has had its time."""
        if key in self._held and (is_over or not answers):
            entry = self._held.pop(key)
            self._probes.forget(key)
            logger.info("discovery_dropped namespace=%s id=%s", entry.namespace, entry.id)
        self._publish(self.problem)

    def _publish(self, problem: str | None) -> None:
        if problem is not None and problem != self.problem:
            logger.warning("discovery_away %s", problem)
        elif problem is None and self.problem is not None:
            logger.info("discovery_back revision=%d", self._revision)
        known = {**self._held, **self._listed}
        self._tell((entry for key, entry in known.items() if not self._probes.is_withheld(key)), problem)
