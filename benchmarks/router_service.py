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
import asyncio
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

import router_peers
from measure import median, resident_bytes, spread, table
from router_load import Answered, Load, closed_loop, open_loop
from trueup_reference.mock_worker.worker import answer
from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.fleet import Fleet, Pool
from trueup_reference.router_demo.ledger import Ledger, Try
from trueup_reference.router_demo.processes import Program

PEERS = Path(router_peers.__file__)
ITEMS = 4
PROMPT = list(range(1000, 1256))
MODES = ("throughput", "latency", "failover", "streams")
REFERENCE, BARE, HTTPX, DIRECT = "trueup-router", "Starlette + aiohttp", "Starlette + httpx", "no proxy"
DISAGGREGATED = "trueup-router, disaggregated"
SERVICE: dict[str, Any] = {
    "timeouts_ms": {"connect": 5000, "first_item": 60_000, "between_items": 60_000, "total": 3_600_000},
    "admission": {"max_in_flight": 65_536, "max_queued": 65_536, "max_wait_ms": 60_000},
    "ejection": {"failures": 3, "backoff_ms": 500, "max_backoff_ms": 2000},
    "retry": {"same_pool_attempts": 3},
}
_TICKS = os.sysconf("SC_CLK_TCK")


def grid(mode: str) -> dict[str, Any]:
    """Two pools of each phase, chosen by the target."""
    phases = ("agg",) if mode == "agg" else ("prefill", "decode")
    made: dict[str, Any] = {"mode": mode}
    for phase in phases:
        made[f"num_{phase}_pools"] = 2
        made[f"{phase}_pool_dynamo_namespaces"] = [f"{phase}-0", f"{phase}-1"]
        rows = {"agg": "ttft", "prefill": "isl", "decode": "context_length"}[phase]
        columns = "ttft" if phase == "prefill" else "itl"
        strategy: dict[str, Any] = {}
        for axis in (rows, columns):
            unit = "_ms" if axis in ("ttft", "itl") else ""
            strategy |= {f"{axis}_min{unit}": 0, f"{axis}_max{unit}": 1000, f"{axis}_resolution": 2}
        strategy[f"{phase}_pool_mapping"] = [[0, 1], [0, 1]]
        made[f"{phase}_pool_selection_strategy"] = strategy
    return made


def pools(mode: str, *words: str, workers: int = 1) -> list[Pool]:
    program = (sys.executable, str(PEERS), "worker")
    phases = ("agg",) if mode == "agg" else ("prefill", "decode")
    return [Pool(f"{phase}-{number}", phase, workers, words, program) for phase in phases for number in range(2)]


def for_router(number: int) -> dict[str, Any]:
    target = 100 if number % 2 else 900
    return {
        "request_id": f"bench-{number}",
        "token_ids": PROMPT,
        "max_tokens": ITEMS,
        "targets": {"ttft_target": target, "itl_target": target},
    }


def for_worker(number: int) -> dict[str, Any]:
    return {
        **{"request_id": f"bench-{number}", "router_id": "bench", "attempt": 0, "phase": "agg"},
        **{"token_ids": PROMPT, "max_tokens": ITEMS},
    }


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


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    after = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(after[11]) + int(after[12])) / _TICKS


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


async def failover(folder: Path, times: int, rate: float) -> None:
    """From SIGKILL to the next dispatch of what had been sent to that worker, and to the first item of it."""
    words = ("--ttft-ms", "100", "--itl-ms", "5", "--capacity-blocks", "65536", "--prefill-us-per-token", "0")
    found = [Pool(f"agg-{number}", "agg", 2, words) for number in range(2)]
    again_ms: list[float] = []
    told_ms: list[float] = []
    worst_ms: list[float] = []
    ledger = Ledger()
    async with Fleet(folder, found, grid("agg"), SERVICE) as fleet, aiohttp.ClientSession() as session:
        router = await fleet.add_router()
        client = Client(session, [router], ledger)
        for number in range(times):
            victim = fleet.workers[number % len(fleet.workers)]
            killed_s = await _kill_amid(client, ledger, rate, victim.program, f"kill-{number}")
            tries = [
                one for key, entry in ledger.entries.items() if key.startswith(f"kill-{number}-") for one in entry.tries
            ]
            hit = [one for one in tries if one.began_s < killed_s and any(hop.worker == victim.id for hop in one.hops)]
            again_ms += [(one.hop_s - killed_s) * 1000 for one in hit if len(one.hops) > 1 and one.hop_s > killed_s]
            told_ms += [(ended(one) - killed_s) * 1000 for one in hit if one.outcome == "errored"]
            worst_ms.append(max((one.first_item_s - one.began_s) * 1000 for one in tries if one.first_item_s))
            await victim.program.start()
    counts = ledger.counts()
    print(f"Failover: SIGKILL to a worker of two, {times} times, at {rate:g} requests a second\n")
    rows = [
        ["from the kill to the next dispatch", *quantiles(again_ms)],
        ["from the kill to `error`, where items had come", *quantiles(told_ms)],
        ["the slowest first item around each kill (the worker's own: 100)", *quantiles(worst_ms)],
    ]
    table(["ms", "number", "p50", "most"], rows)
    told = {name: counts[name] for name in ("requests", "completed", "errored", "refused", "failovers", "lost")}
    print(", ".join(f"{name} {count}" for name, count in told.items()), *ledger.broken_promises(), "\n", flush=True)


async def _kill_amid(client: Client, ledger: Ledger, rate: float, victim: Program, name: str) -> float:
    """A second and a half of requests, in the middle of which the worker is killed; when that was."""
    killed_s = 0.0
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * 1.5)):
            body = {**for_router(number), "max_tokens": 20, "token_ids": [number, *PROMPT]}
            entry = ledger.open(f"{name}-{number}")
            tasks.create_task(client.ask(entry, body, answer(body["token_ids"], 20)))
            await asyncio.sleep(1 / rate)
            if not killed_s and number >= rate * 0.5:
                victim.kill()
                killed_s = time.monotonic()
    return killed_s


async def streams(folder: Path, count: int, minutes: float, itl_ms: float) -> None:
    """So many streams at any time, each of a minute or so; the memory of the router."""
    items = max(2, int(min(60.0, minutes * 30) * 1000 / itl_ms))
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    samples: list[tuple[float, float, float]] = []
    words = ("--items", str(items), "--itl-ms", str(itl_ms))
    async with Fleet(folder, pools("agg", *words), grid("agg"), SERVICE) as fleet:
        router = await fleet.add_router()
        assert router.run is not None
        pid = router.run.pid
        load = Load(router.url, "/v1/generate", items, for_router)
        began_s = time.perf_counter()
        idle_mb, answered, wrong = resident_bytes(pid) / 1e6, 0, 0
        end_s = began_s + minutes * 60

        async def client(delay_s: float) -> None:
            nonlocal answered, wrong
            await asyncio.sleep(delay_s)
            while time.perf_counter() < end_s:
                found = await load.one()
                answered += 1
                wrong += not found.is_right

        # Begun over a part of a stream's length: else all would end at once.
        ramp_s = min(10.0, items * itl_ms / 2000)
        tasks = [asyncio.create_task(client(ramp_s * number / count)) for number in range(count)]
        cpu_before_s = cpu_s(pid)
        while time.perf_counter() < end_s and router.run.returncode is None:
            await asyncio.sleep(min(5.0, minutes * 6))
            samples.append((time.perf_counter() - began_s, resident_bytes(pid) / 1e6, cpu_s(pid) - cpu_before_s))
        await asyncio.gather(*tasks)
        load.close()
    print(f"{count:,} streams at any time for {minutes:g} min, an item every {itl_ms:g} ms, {items} items each\n")
    step = max(1, len(samples) // 12)
    table(
        ["minute", "resident MB", "router's CPU, part of a core"],
        [
            [f"{at_s / 60:.1f}", f"{mb:.1f}", f"{(used_s - before[2]) / (at_s - before[0]):.2f}"]
            for before, (at_s, mb, used_s) in zip([(0.0, 0.0, 0.0), *samples], samples, strict=False)
        ][step - 1 :: step],
    )
    later = [(at_s / 60, mb) for at_s, mb, _ in samples if at_s > minutes * 60 / 5]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 2 else float("nan")
    most_mb = max(mb for _, mb, _ in samples)
    each_kb = (most_mb - idle_mb) * 1000 / count
    print(f"{answered:,} answers, {wrong} of them wrong")
    print(f"idle {idle_mb:.1f} MB, at most {most_mb:.1f} MB: {each_kb:.1f} kB a stream")
    print(f"after the first fifth the memory grows by {slope:+.2f} MB a minute\n", flush=True)


def check(one: Contestant, answered: list[Answered]) -> list[Answered]:
    wrong = sum(not each.is_right for each in answered)
    if wrong or not answered:
        raise SystemExit(f"{one.name}: {wrong} of {len(answered)} answers are wrong")
    return answered


def at(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def median_of(values: Sequence[float]) -> str:
    return f"{median(values):.2f}"


def ended(one: Try) -> float:
    assert one.ended_s is not None
    return one.ended_s


def quantiles(values: Sequence[float]) -> list[str]:
    return [str(len(values)), f"{median(values):.1f}", f"{max(values):.1f}"] if values else ["0", "", ""]


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
    for name, work in (
        ("failover", lambda where: failover(where, args.kills, 60.0)),
        ("streams", lambda where: streams(where, args.streams, args.minutes, args.itl_ms)),
    ):
        if name in chosen:
            (folder / name).mkdir()
            await work(folder / name)


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
