"""The reference's router beside bare reverse proxies to the same workers, in turn, in one run. Figures only.

    python benchmarks/router_service.py [throughput latency failover]     # these three, or those that are named
    python benchmarks/router_service.py streams --minutes 5 --streams 2000

*throughput*: a closed loop of 32 clients. *latency*: an open loop of 500 requests a second, from when each was due.
*failover*: mock workers, one of which gets SIGKILL. *streams*: so many open at any time, and the router's memory.
The peers are a Starlette app that hands bytes on, with aiohttp's client and with httpx's: they parse nothing, try
nothing again and count nothing. The router under test chooses by a grid, in aggregated mode, so that each request is
sent to one worker, as the proxies do; `disaggregated` is the same router with two workers for each request.
For throughput and latency the proxy has one core to itself, and workers and load share the other; the workers' answers
are written beforehand (`benchmarks/router_peers.py`), so that the proxy is what limits.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import router_peers
from measure import median, spread, table
from router_holding import failover, streams
from router_load import Answered, Load, closed_loop, open_loop
from router_setting import ITEMS, PEERS, SERVICE, cpu_s, for_router, for_worker, grid, pools
from trueup_reference.router_demo.fleet import Fleet
from trueup_reference.router_demo.processes import Program

MODES = ("throughput", "latency", "failover", "streams")
REFERENCE, BARE, HTTPX, DIRECT = "trueup-router", "Starlette + aiohttp", "Starlette + httpx", "no proxy"
DISAGGREGATED = "trueup-router, disaggregated"


class Contestant(NamedTuple):
    """A place that requests are sent to, and the process that takes them."""

    name: str
    url: str
    path: str
    body: Callable[[int], dict[str, Any]]
    pid: int | None


@asynccontextmanager
async def contestants(folder: Path, *, is_pinned: bool) -> AsyncIterator[list[Contestant]]:
    """All at once: those that are not measured are idle."""
    async with AsyncExitStack() as stack:
        found: list[Contestant] = []
        routers: dict[str, Program] = {}
        for mode, name in (("agg", REFERENCE), ("disagg", DISAGGREGATED)):
            (folder / mode).mkdir()
            fleet = await stack.enter_async_context(
                Fleet(folder / mode, pools(mode, "--items", str(ITEMS)), grid(mode), SERVICE)
            )
            routers[name] = await fleet.add_router()
            if mode == "agg":
                urls = [worker.program.url for worker in fleet.workers]
                found.append(Contestant(DIRECT, urls[0], "/generate", for_worker, None))
        for client, name in (("aiohttp", BARE), ("httpx", HTTPX)):
            words = ("proxy", "--port", "{port}", "--workers", ",".join(urls), "--client", client)
            program = Program(client, (sys.executable, str(PEERS), *words), folder / f"{client}.log")
            stack.push_async_callback(program.end)
            await program.start()
            assert program.run is not None
            found.append(Contestant(name, program.url, "/v1/generate", for_worker, program.run.pid))
        for name, router in routers.items():
            assert router.run is not None
            found.append(Contestant(name, router.url, "/v1/generate", for_router, router.run.pid))
        with pinned([one.pid for one in found if one.pid is not None], is_pinned=is_pinned):
            yield found


@contextmanager
def pinned(proxies: Sequence[int], *, is_pinned: bool) -> Iterator[None]:
    """The proxies on one core, everything else that we started, and we, on the next one."""
    before = os.sched_getaffinity(0)
    if not is_pinned or len(before) < 2:
        yield
        return
    mine, theirs = sorted(before)[:2]
    for task in Path("/proc/self/task").glob("*/children"):
        for child in task.read_text(encoding="ascii").split():
            os.sched_setaffinity(int(child), {theirs if int(child) in proxies else mine})
    os.sched_setaffinity(0, {mine})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def throughput(found: Sequence[Contestant], clients: int, seconds: float, rounds: int) -> None:
    rates: dict[str, list[float]] = {one.name: [] for one in found}
    costs: dict[str, list[float]] = {one.name: [] for one in found}
    for _ in range(rounds):
        for one in found:
            load = Load(one.url, one.path, ITEMS, one.body)
            await closed_loop(load, clients, seconds / 5)
            cpu_before_s = 0.0 if one.pid is None else cpu_s(one.pid)
            began_s = time.perf_counter()
            answered = check(one, await closed_loop(load, clients, seconds))
            rates[one.name].append(len(answered) / (time.perf_counter() - began_s))
            if one.pid is not None:
                costs[one.name].append((cpu_s(one.pid) - cpu_before_s) / len(answered) * 1e6)
            load.close()
    rows = []
    for one in found:
        cost = spread(costs[one.name], 0) if costs[one.name] else ("", "")
        rows.append(
            [one.name, *spread(rates[one.name], 0), *cost, ratio(rates, one.name, BARE), ratio(rates, one.name, HTTPX)]
        )
    print(f"Throughput: {clients} clients, answers of {ITEMS} items; the ratio is of the same round (aim: 0.80)\n")
    table(["", "requests/s", "range", "CPU µs a request", "range", f"of {BARE}", f"of {HTTPX}"], rows)
    for base in (BARE, HTTPX):
        print(f"{REFERENCE} takes {ratio(costs, REFERENCE, base)} times the CPU time of {base}")
    print(flush=True)


async def latency(found: Sequence[Contestant], rate: float, seconds: float, rounds: int) -> None:
    first: dict[str, dict[float, list[float]]] = {one.name: {0.5: [], 0.99: []} for one in found}
    whole: dict[str, dict[float, list[float]]] = {one.name: {0.5: [], 0.99: []} for one in found}
    late: set[str] = set()
    for _ in range(rounds):
        for one in found:
            load = Load(one.url, one.path, ITEMS, one.body)
            await open_loop(load, rate, min(1.0, seconds / 5))
            began_s = time.perf_counter()
            answered = check(one, await open_loop(load, rate, seconds))
            if time.perf_counter() - began_s > seconds * 1.1 + 0.2:
                late.add(one.name)
            for share in (0.5, 0.99):
                first[one.name][share].append(at([each.first_item_s for each in answered], share) * 1000)
                whole[one.name][share].append(at([each.took_s for each in answered], share) * 1000)
            load.close()
    rows = [
        [one.name, *(median_of(found_ms[one.name][share]) for found_ms in (first, whole) for share in (0.5, 0.99))]
        for one in found
    ]
    print(f"Latency in ms at {rate:g} requests a second, of {rounds} rounds the median\n")
    table(["", "first item p50", "p99", "whole answer p50", "p99"], rows)
    for name in sorted(late):
        print(f"{name} cannot keep up with this rate: its times grow with the length of the run")
    for base in (DIRECT, BARE):
        for share in (0.5, 0.99):
            added = [mine - theirs for mine, theirs in zip(whole[REFERENCE][share], whole[base][share], strict=True)]
            aim = "; aim: 2" if base == BARE and share == 0.99 else ""
            middle, found_range = spread(added, 2)
            print(f"{REFERENCE} adds at p{share * 100:.0f} to {base}: {middle} ms ({found_range}{aim})")
    print(flush=True)


def check(one: Contestant, answered: list[Answered]) -> list[Answered]:
    wrong = sum(not each.is_right for each in answered)
    if wrong or not answered:
        raise SystemExit(f"{one.name}: {wrong} of {len(answered)} answers are wrong")
    return answered


def at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median_of(values: Sequence[float]) -> str:
    return f"{median(values):.2f}"


def ratio(rates: dict[str, list[float]], name: str, base: str) -> str:
    found = [mine / theirs for mine, theirs in zip(rates[name], rates[base], strict=True)]
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


async def measured(args: argparse.Namespace, folder: Path) -> None:
    chosen = args.modes or MODES[:3]
    if {"throughput", "latency"} & set(chosen):
        (folder / "peers").mkdir()
        async with contestants(folder / "peers", is_pinned=not args.no_pin) as found:
            if "throughput" in chosen:
                await throughput(found, args.clients, args.seconds, args.rounds)
            if "latency" in chosen:
                await latency(found, args.rate, args.seconds, args.rounds)
    if "failover" in chosen:
        (folder / "failover").mkdir()
        await failover(folder / "failover", args.kills, 60.0)
    if "streams" in chosen:
        (folder / "streams").mkdir()
        await streams(folder / "streams", args.streams, args.minutes, args.itl_ms)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("modes", nargs="*", metavar="MODE", help=f"of {', '.join(MODES)}; default: the first three")
    parser.add_argument("--rounds", type=int, default=5, help="(5)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each contestant in each round (10)")
    parser.add_argument("--clients", type=int, default=32, help="of the closed loop (32)")
    parser.add_argument("--rate", type=float, default=500.0, help="of the open loop, requests a second (500)")
    parser.add_argument("--kills", type=int, default=20, help="of failover (20)")
    parser.add_argument("--streams", type=int, default=2000, help="at any time (2000)")
    parser.add_argument("--minutes", type=float, default=5.0, help="of streams (5)")
    parser.add_argument("--itl-ms", type=float, default=1000.0, help="of streams (1000)")
    parser.add_argument("--no-pin", action="store_true", help="let the system place the processes")
    args = parser.parse_args(argv)
    unknown = [mode for mode in args.modes if mode not in MODES]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}: {', '.join(MODES)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    with tempfile.TemporaryDirectory(prefix="router-bench-") as folder:
        router_peers.with_uvloop(measured(args, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
