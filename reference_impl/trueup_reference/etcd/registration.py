"""A key that is there while somebody lives: under a lease that is kept alive, and anew where the lease was lost."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from trueup_reference.etcd.client import EtcdClient
from trueup_reference.etcd.errors import EtcdAwayError, EtcdError

logger = logging.getLogger("trueup_reference.etcd")


class Registration:
    """Registers in the background until it is closed; etcd may come, go and begin anew meanwhile.

    `registered` is set while the lease was alive when it was last looked at.
    """

    def __init__(self, client: EtcdClient, key: str, value: bytes) -> None:
        """Whoever made the client closes it."""
        self.key = key
        self.registered = asyncio.Event()
        self.registrations = 0
        self._client = client
        self._value = value
        self._lease: int | None = None
        self._task: asyncio.Task[None] | None = None
        self._said = ""

    def start(self) -> None:
        """Goes on in the running event loop."""
        self._task = asyncio.create_task(self._run(), name=f"registration {self.key}")

    async def close(self) -> None:
        """Takes the key back, at once where etcd answers; else its lease ends by itself. A second call does nothing."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        lease, self._lease = self._lease, None
        self.registered.clear()
        if lease is not None:
            try:
                await self._client.revoke(lease)
            except EtcdError as error:
                logger.warning("deregistration_failed key=%s %s", self.key, error)

    async def _run(self) -> None:
        settings = self._client.settings
        while True:
            try:
                if self._lease is None or not self.registered.is_set():
                    await self._register()
                elif not await self._client.keep_alive(self._lease):
                    self._lost("its lease is gone")
                    continue
                self._said = ""
                await asyncio.sleep(settings.keep_alive_s)
            except EtcdError as error:
                if not isinstance(error, EtcdAwayError):
                    self._lost(str(error))
                if str(error) != self._said:  # each problem once
                    logger.warning("registration_waits key=%s %s", self.key, error)
                    self._said = str(error)
                # Well below a third of the TTL: the lease may live on. Not all workers at once.
                await asyncio.sleep(min(1.0, settings.keep_alive_s / 4) * random.uniform(0.5, 1))

    async def _register(self) -> None:
        # Known before the key is there: whoever is cancelled in between still takes it back. Where etcd goes away in
        # between, the next try is under the same lease.
        if self._lease is None:
            self._lease = await self._client.grant(self._client.settings.ttl_s)
        await self._client.put(self.key, self._value, self._lease)
        self.registrations += 1
        self.registered.set()
        logger.info("registered key=%s ttl_s=%d", self.key, self._client.settings.ttl_s)

    def _lost(self, why: str) -> None:
        self._lease = None
        if self.registered.is_set():
            self.registered.clear()
            logger.warning("registration_lost key=%s %s", self.key, why)
