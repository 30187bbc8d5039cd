"""Kills, stops and pauses workers and routers at random under load, and accounts for every request.

    python benchmarks/router_faults.py [--minutes 10] [--seed 0] [--ledger FILE.json] [--router PROGRAM]

Two routers, four pools of two mock workers each, every one a process. A client that takes the routers in turn asks
again, through the other one, what a router died with or refused. The ledger's words are those of the contract:
*completed*, *errored*, *interrupted*, *lost*, counted by request and by stream. It exits with 1 where one was lost,
where an interrupted request was not completed by asking again, where a stream of a living router has no end, where an
answer has other items than it must, or where a router ends by itself, ends badly, or does not come back.
`--router`: another router, started with the words that the suite `router-service` uses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from measure import table
from trueup_reference.mock_worker.worker import answer_tokens
from trueup_reference.router_demo import scene
from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.fleet import Fleet, Pool, Worker
from trueup_reference.router_demo.ledger import ENDS, Ledger
from trueup_reference.router_demo.processes import Program, StartError
from trueup_reference.router_demo.traffic import KINDS, Kind, Traffic

REST_S = (0.3, 1.5)  # between two faults
AWAY_S = (0.2, 3.0)  # until what was killed or stopped comes back
PAUSE_S = (0.1, 1.5)
SETTLE_S = 90.0  # for what is under way when the faults end
STOP_S = 15.0  # within which a program that was asked to end has ended
TELL_S = 30.0
FAULTS = {  # with their weights
    "worker:kill": 4,
    "worker:stop": 2,
    "worker:pause": 2,
    "worker:leave": 2,
    "router:kill": 3,
    "router:stop": 1,
    "router:pause": 1,
}
# Prompts are shorter than in the demo: what is measured is what is lost, not prefill.
TRAFFIC = tuple(Kind(one.name, one.share, (10, 400), one.answer, one.ttft, one.itl, one.priority) for one in KINDS)


class Faults:
    """Commits them, one after the other and some at once; never on both routers, and always seeded."""

    def __init__(self, fleet: Fleet, seed: int, kinds: Sequence[str]) -> None:
        self.committed: list[dict[str, Any]] = []
        self.broken: list[str] = []  # what a router has done that it must not
        self._fleet = fleet
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
            await worker.program.start()
        self._busy.discard(worker.id)

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


async def load(client: Client, ledger: Ledger, rate: float, faults: asyncio.Task[None], seed: int) -> int:
    """So many requests a second until the faults have ended, then waits for the answers; how many have not come."""
    traffic, chance, loop = Traffic(seed, TRAFFIC), random.Random(seed), asyncio.get_running_loop()
    tasks: set[asyncio.Task[Any]] = set()
    began_s = due_s = told_s = loop.time()
    while not faults.done():
        due_s += chance.expovariate(rate)
        await asyncio.sleep(due_s - loop.time())
        kind, body = traffic.next()
        entry = ledger.open(f"request-{len(ledger.entries) + 1}", kind)
        expected = answer_tokens(body["token_ids"], body["max_tokens"])
        task = asyncio.create_task(client.ask(entry, body, expected))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        if loop.time() - told_s > TELL_S:
            told_s = loop.time()
            counts = ledger.counts()
            print(
                f"{told_s - began_s:6.0f} s  {counts['requests']:,} requests, {len(tasks)} under way, "
                + ", ".join(f"{end} {counts[end]:,}" for end in ENDS),
                flush=True,
            )
    if tasks and faults.exception() is None:
        await asyncio.wait(tasks, timeout=SETTLE_S)
    left = list(tasks)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    faults.result()
    return len(left)


async def run(args: argparse.Namespace, folder: Path) -> int:
    command = shlex.split(args.router)
    ledger = Ledger()
    pools = [Pool(one.namespace, one.phase, args.workers, (*one.words, "--drain-ms", "2000")) for one in scene.POOLS]
    async with Fleet(folder, pools, scene.GRID, scene.SERVICE) as fleet:
        for _ in range(2):
            await fleet.add_router(command=command)
        faults = Faults(fleet, args.seed, args.faults)
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session:
            client = Client(session, fleet.routers, ledger, seed=args.seed)
            left = await load(client, ledger, args.rate, asyncio.create_task(faults.run(args.minutes * 60)), args.seed)
    broken = ledger.broken_promises() + faults.broken
    if left:
        broken.append(f"{left} requests had no end {SETTLE_S:g} s after the last fault")
    show(ledger, faults, broken)
    if args.ledger is not None:
        kept = {
            **{"seed": args.seed, "minutes": args.minutes, "rate": args.rate, "router": args.router or "reference"},
            **{"counts": ledger.counts(), "broken": broken, "faults": faults.committed, "requests": ledger.told()},
        }
        args.ledger.write_text(json.dumps(kept) + "\n", encoding="utf-8")
    return 1 if broken else 0


def show(ledger: Ledger, faults: Faults, broken: Sequence[str]) -> None:
    counts = ledger.counts()
    done = Counter(
        (one["what"], "router" if one["whom"].startswith("router") else "worker") for one in faults.committed
    )
    print("\nFaults: " + ", ".join(f"{what} {who} {number}" for (what, who), number in sorted(done.items())) + "\n")
    rows = [
        ["completed", counts["requests_completed"], counts["completed"]],
        ["errored", counts["requests_errored"], counts["errored"]],
        ["interrupted", counts["requests_interrupted"], counts["interrupted"]],
        ["- of these completed by asking again", counts["interrupted_then_completed"], ""],
        ["lost", counts["requests_lost"], counts["lost"]],
        ["never accepted, and given up", counts["requests_given_up"], ""],
        ["together", counts["requests"], counts["accepted"]],
    ]
    table(["", "requests", "accepted streams"], [[str(cell) for cell in row] for row in rows])
    print(f"errors {counts['errors']}, refused before they were accepted {counts['refusals']},")
    print(f"not reached {counts['unreached']}, failovers within a router {counts['failovers']}")
    for text in broken:
        print(f"BROKEN: {text}")
    print("kept: nothing was lost" if not broken else f"{len(broken)} promises are broken", flush=True)


def kinds(text: str) -> list[str]:
    found = text.split(",")
    for one in found:
        if one not in FAULTS:
            raise argparse.ArgumentTypeError(f"there is no {one!r}: {', '.join(FAULTS)}")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=10.0, help="of faults (10)")
    parser.add_argument("--workers", type=int, default=2, help="of each of the four pools (2)")
    parser.add_argument("--seed", type=int, default=0, help="of the faults and the requests (0)")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second (20)")
    parser.add_argument(
        "--faults", type=kinds, default=list(FAULTS), metavar="WHOM:WHAT,…", help=f"of {', '.join(FAULTS)}"
    )
    parser.add_argument("--ledger", type=Path, metavar="FILE.json", help="keep what became of every request")
    parser.add_argument("--router", default="", metavar="PROGRAM", help="another one than the reference")
    args = parser.parse_args(argv)
    print(
        f"seed {args.seed}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="router-faults-") as folder:
        return asyncio.run(run(args, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
