"""Workers that a test registers in a real etcd, and whether they answer a probe."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fix_etcd import EtcdServer
from reference_impl.router.discovery.watching import entry
from trueup_reference.etcd import EtcdClient, EtcdSettings, Registration
from trueup_reference.router.discovery.etcd import EtcdDiscovery

TTL_S = 1  # with the election timeout of these tests, etcd's least
PATIENT_S = 3  # of a lease that is to be kept alive though the machine is slow


class Fleet:
    """A discovery, and workers that answer unless they are in `dead`."""

    def __init__(self, server: EtcdServer, *more: EtcdServer, ttl_s: int = TTL_S, timeout_s: float = 20.0) -> None:
        endpoints = tuple(one.url for one in (server, *more))
        self.settings = EtcdSettings(endpoints=endpoints, deployment="test", ttl_s=ttl_s, timeout_s=timeout_s)
        self.server = server
        self.client = EtcdClient(self.settings)
        self.patient = EtcdClient(replace(self.settings, ttl_s=PATIENT_S))
        self.discovery = EtcdDiscovery(self.settings, self.probe)
        self.dead: set[str] = set()
        self.gate = asyncio.Event()  # held by a test that has something to do before a probe is answered
        self.gate.set()
        self.probed: list[str] = []
        self.registrations: dict[str, Registration] = {}

    async def probe(self, url: str) -> bool:
        self.probed.append(url)
        await self.gate.wait()
        return url not in self.dead

    def key(self, name: str, namespace: str = "pool") -> str:
        return self.settings.worker_key(namespace, name)

    async def register(self, *names: str, is_patient: bool = False) -> None:
        """Workers that live: their leases are kept alive. The URL of one ends in its name."""
        client = self.patient if is_patient else self.client
        for name in names:
            written = entry(name, url=f"http://{name}").written()
            self.registrations[name] = Registration(client, self.key(name), written)
            self.registrations[name].start()
        await asyncio.gather(*(self.registrations[name].registered.wait() for name in names))

    async def die(self, name: str) -> None:
        """As by SIGKILL: no keep-alives, no revocation, no answers."""
        self.dead.add(f"http://{name}")
        registration = self.registrations.pop(name)
        task = registration._task
        assert task is not None
        task.cancel()
        await asyncio.wait({task})

    async def close(self) -> None:
        await self.discovery.close()
        for registration in self.registrations.values():
            task = registration._task
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        await self.client.close()
        await self.patient.close()

    def keeps(self, name: str) -> Callable[[], float | None]:
        """How long a worker is kept once etcd is back, when it has gone. A slow machine never makes it shorter."""
        discovery, back_s, gone_s = self.discovery, list[float](), list[float]()

        def look() -> None:
            if discovery.problem is None:
                back_s.append(time.monotonic())
                if all(one.id != name for one in discovery.workers.get("pool", ())):
                    gone_s.append(time.monotonic())

        discovery.watch(look)
        return lambda: gone_s[0] - back_s[0] if gone_s else None

    async def lease_of(self, name: str) -> int:
        found = await self.client.list(self.key(name))
        return found.kvs[0].lease

    async def remain(self, seconds: float, holds: Callable[[], bool]) -> None:
        """Nothing changes for so long."""
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            assert holds()
            await asyncio.sleep(0.02)


def run(fleet: Fleet, work: Callable[[Fleet], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            try:
                await work(fleet)
            finally:
                await fleet.close()

    asyncio.run(main())
