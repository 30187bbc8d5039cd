"""The faults of the fault run: what is done to workers, routers and etcd, at random but seeded."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trueup_reference.router_demo.fleet import Fleet, Worker
from trueup_reference.router_demo.processes import Program, StartError, free_port

REST_S = (0.3, 1.5)  # between two faults
AWAY_S = (0.2, 3.0)  # until what was killed or stopped comes back
PAUSE_S = (0.1, 1.5)
STOP_S = 15.0  # within which a program that was asked to end has ended
ETCD_S = 30.0  # within which it listens
FAULTS = {  # with their weights
    "worker:kill": 4,
    "worker:stop": 2,
    "worker:pause": 2,
    "worker:leave": 2,
    "router:kill": 3,
    "router:stop": 1,
    "router:pause": 1,
    "etcd:kill": 1,
    "etcd:pause": 1,
    "etcd:lose": 1,
}


class Etcd:
    """A server of its own, whose store can be lost."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("etcd")
        if binary is None:
            raise StartError("etcd is not installed")
        self._data = folder / "etcd"
        peer = f"http://127.0.0.1:{free_port()}"
        clients = "http://127.0.0.1:{port}"
        words = ["--data-dir", str(self._data), "--listen-client-urls", clients, "--advertise-client-urls", clients]
        words += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        words += ["--initial-cluster", f"default={peer}", "--log-level", "warn"]
        self.program = Program("etcd", (binary, *words), folder / "etcd.log", announces=False)

    @property
    def registry(self) -> str:
        return f"etcd://127.0.0.1:{self.program.port}/faults"

    async def start(self) -> None:
        """Waits until it listens."""
        await self.program.start()
        loop = asyncio.get_running_loop()
        limit_s = loop.time() + ETCD_S
        while loop.time() < limit_s:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.program.port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
        raise StartError(f"etcd does not listen after {ETCD_S:g} s{self.program.last_words()}")

    def lose(self) -> None:
        """Its next start is with an empty store."""
        shutil.rmtree(self._data)


class Faults:
    """Commits them, one after the other and some at once; never on both routers, and always seeded."""

    def __init__(self, fleet: Fleet, seed: int, kinds: Sequence[str], etcd: Etcd | None = None) -> None:
        self.committed: list[dict[str, Any]] = []
        self.broken: list[str] = []  # what a router has done that it must not, and what did not come back
        self._fleet = fleet
        self._etcd = etcd
        self._kinds = kinds
        self._chance = random.Random(seed)
        self._began_s = asyncio.get_running_loop().time()
        self._busy: set[str] = set()  # programs that a fault is on
        self._hidden: set[str] = set()  # workers that are not in the discovery file

    async def run(self, seconds: float) -> None:
        """Returns when everything is back."""
        weights = [FAULTS[kind] for kind in self._kinds]
        async with asyncio.TaskGroup() as tasks:
            while self._elapsed_s() < seconds:
                await asyncio.sleep(self._chance.uniform(*REST_S))
                who, _, what = self._chance.choices(self._kinds, weights)[0].partition(":")
                router, worker = self._chance.choice(self._fleet.routers), self._chance.choice(self._fleet.workers)
                if who == "router":
                    if not any(one.name in self._busy for one in self._fleet.routers):
                        self._busy.add(router.name)
                        tasks.create_task(self._on_router(router, what))
                elif who == "etcd":
                    if self._etcd is not None and who not in self._busy:
                        self._busy.add(who)
                        tasks.create_task(self._on_etcd(self._etcd, what))
                elif worker.id not in self._busy:
                    self._busy.add(worker.id)
                    tasks.create_task(self._on_worker(worker, what))
        for router in self._fleet.routers:
            if router.name not in self._busy and router.run is not None and router.run.returncode is not None:
                self.broken.append(f"{router.run.name} ended by itself with {router.run.returncode}")

    async def _on_router(self, router: Program, what: str) -> None:
        away_s, pause_s = self._chance.uniform(*AWAY_S), self._chance.uniform(*PAUSE_S)
        run = router.run
        assert run is not None
        if run.returncode is not None:
            self.broken.append(f"{run.name} ended by itself with {run.returncode}")
        else:
            self._note(what, run.name)
        if what == "pause":
            await self._pause(router, pause_s)
        else:
            await self._end(router, what)
            if what == "stop" and run.returncode != 0:
                self.broken.append(f"{run.name} ended with {run.returncode} when it was asked to end")
            await asyncio.sleep(away_s)
            try:
                await self._fleet.start_router(router)
            except StartError as error:
                self.broken.append(str(error))
                return  # it stays busy, so that nothing is done to the other one
        self._busy.discard(router.name)

    async def _on_worker(self, worker: Worker, what: str) -> None:
        away_s, pause_s = self._chance.uniform(*AWAY_S), self._chance.uniform(*PAUSE_S)
        self._note(what, worker.id)
        if what == "pause":
            await self._pause(worker.program, pause_s)
        elif what == "leave":  # it is taken from the discovery, and lives on
            self._hidden.add(worker.id)
            self._tell()
            await asyncio.sleep(away_s)
            self._hidden.discard(worker.id)
            self._tell()
        else:
            await self._end(worker.program, what)
            await asyncio.sleep(away_s)
            try:
                await worker.program.start()
            except StartError as error:
                self.broken.append(str(error))
                return  # it stays busy
        self._busy.discard(worker.id)

    async def _on_etcd(self, etcd: Etcd, what: str) -> None:
        away_s, pause_s = self._chance.uniform(*AWAY_S), self._chance.uniform(*PAUSE_S)
        self._note(what, "etcd")
        if what == "pause":
            await self._pause(etcd.program, pause_s)
        else:
            await self._end(etcd.program, "kill")
            if what == "lose":
                etcd.lose()
            await asyncio.sleep(away_s)
            try:
                await etcd.start()
            except StartError as error:
                self.broken.append(str(error))
                return
        self._busy.discard("etcd")

    @staticmethod
    async def _pause(program: Program, seconds: float) -> None:
        program.pause()
        await asyncio.sleep(seconds)
        program.resume()

    @staticmethod
    async def _end(program: Program, what: str) -> None:
        assert program.run is not None
        if what == "kill":
            program.kill()
        else:
            program.stop()
        if await program.run.died(STOP_S) is None:
            program.kill()
            await program.run.died(STOP_S)

    def _tell(self) -> None:
        self._fleet.tell([worker.entry for worker in self._fleet.workers if worker.id not in self._hidden])

    def _note(self, what: str, whom: str) -> None:
        self.committed.append({"at_s": round(self._elapsed_s(), 3), "what": what, "whom": whom})

    def _elapsed_s(self) -> float:
        return asyncio.get_running_loop().time() - self._began_s
