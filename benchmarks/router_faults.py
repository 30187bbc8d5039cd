"""Kills, stops and pauses workers and routers at random under load, and accounts for every request.

    python benchmarks/router_faults.py [--minutes 10] [--seed 0] [--ledger FILE.json] [--etcd] [--router PROGRAM]

Two routers, four pools of two mock workers each, every one a process. A client that takes the routers in turn asks
again, through the other one, what a router died with or refused. The ledger's words are those of the contract:
*completed*, *errored*, *interrupted*, *lost*, counted by request and by stream. It exits with 1 where one was lost,
where an interrupted request was not completed by asking again, where a stream of a living router has no end, where an
answer has other items than it must, or where a router ends by itself, ends badly, or does not come back.
`--etcd`: workers register in an etcd in place of a file; it is killed and paused, and loses its store.
`--router`: another router, started with the words that the suite `router-service` uses.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import platform
import random
import shlex
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from measure import table
from router_chaos import FAULTS, Etcd, Faults
from trueup_reference.mock_worker.worker import answer_tokens
from trueup_reference.router_demo import scene
from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.fleet import Fleet, Pool
from trueup_reference.router_demo.ledger import ENDS, Ledger
from trueup_reference.router_demo.processes import StartError
from trueup_reference.router_demo.traffic import KINDS, Kind, Traffic

SETTLE_S = 90.0  # for what is under way when the faults end
TELL_S = 30.0
# Prompts are shorter than in the demo: what is measured is what is lost, not prefill.
TRAFFIC = tuple(Kind(one.name, one.share, (10, 400), one.answer, one.ttft, one.itl, one.priority) for one in KINDS)


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
    async with AsyncExitStack() as stack:
        etcd = None
        if args.etcd:
            os.environ["TRUEUP_ETCD_TTL_S"] = "2"
            etcd = Etcd(folder)
            stack.push_async_callback(etcd.program.end)
            await etcd.start()
        registry = None if etcd is None else etcd.registry
        fleet = await stack.enter_async_context(Fleet(folder, pools, scene.GRID, scene.SERVICE, registry))
        for _ in range(2):
            await fleet.add_router(command=command)
        faults = Faults(fleet, args.seed, possible(args.faults, with_etcd=args.etcd), etcd)
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
            **{name: getattr(args, name) for name in ("seed", "minutes", "rate", "etcd", "workers")},
            **{"router": args.router or "reference", "counts": ledger.counts(), "broken": broken},
            **{"faults": faults.committed, "requests": ledger.told()},
        }
        data = f"{json.dumps(kept)}\n".encode()
        args.ledger.write_bytes(gzip.compress(data, mtime=0) if args.ledger.suffix == ".gz" else data)
    return 1 if broken else 0


def show(ledger: Ledger, faults: Faults, broken: Sequence[str]) -> None:
    counts = ledger.counts()
    groups = {"router": "router", "etcd": "etcd"}  # every other name is a worker's
    done = Counter((one["what"], groups.get(one["whom"].partition("-")[0], "worker")) for one in faults.committed)
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


def possible(chosen: Sequence[str], *, with_etcd: bool) -> list[str]:
    """A worker leaves a file that names it; with etcd it is its lease that tells."""
    return [one for one in chosen if (one != "worker:leave" if with_etcd else not one.startswith("etcd:"))]


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
    parser.add_argument("--ledger", type=Path, metavar="FILE.json[.gz]", help="keep what became of every request")
    parser.add_argument("--etcd", action="store_true", help="workers register in an etcd, which has faults too")
    parser.add_argument("--router", default="", metavar="PROGRAM", help="another one than the reference")
    args = parser.parse_args(argv)
    print(
        f"seed {args.seed}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="router-faults-") as folder:
        try:
            return asyncio.run(run(args, Path(folder)))
        except StartError as error:
            parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
