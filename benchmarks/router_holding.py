"""What holds when a worker of the router is killed, and when it has many streams for long."""

from __future__ import annotations

import asyncio
import resource
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import aiohttp

from measure import median, resident_bytes, table
from router_load import Load
from router_setting import PROMPT, SERVICE, cpu_s, for_router, grid, pools
from trueup_reference.mock_worker.worker import answer_tokens
from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.fleet import Fleet, Pool
from trueup_reference.router_demo.ledger import Ledger, Try
from trueup_reference.router_demo.processes import Program


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
            tasks.create_task(client.ask(entry, body, answer_tokens(body["token_ids"], 20)))
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
    later = [(at_s / 60, mb) for at_s, mb, _ in samples if at_s > minutes * 30]
    slope = statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 2 else float("nan")
    most_mb = max(mb for _, mb, _ in samples)
    each_kb = (most_mb - idle_mb) * 1000 / count
    print(f"{answered:,} answers, {wrong} of them wrong")
    print(f"idle {idle_mb:.1f} MB, at most {most_mb:.1f} MB: {each_kb:.1f} kB a stream")
    print(f"in the second half the memory grows by {slope:+.2f} MB a minute\n", flush=True)


def ended(one: Try) -> float:
    assert one.ended_s is not None
    return one.ended_s


def quantiles(values: Sequence[float]) -> list[str]:
    return [str(len(values)), f"{median(values):.1f}", f"{max(values):.1f}"] if values else ["0", "", ""]
