"""A router over scripted workers, in this process, with real sockets between them."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from reference_impl.router.core.scripted import Scripted
from trueup_reference.router.discovery import StaticDiscovery, WorkerEntry
from trueup_reference.router.forwarding import Answer, GlobalRouter
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.plan import Plan
from trueup_reference.router.protocol import Event, Request
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.workers.http import HttpTransport

LONG_S = 30.0
QUICK = {"connect": 2000, "first_item": 400, "between_items": 400, "total": 20_000}  # ms
_numbers = itertools.count()


def agg(*namespaces: str, **more: Any) -> dict[str, Any]:
    """Pools by the TTFT target, 100 ms each."""
    count = len(namespaces)
    strategy = {
        "ttft_min_ms": 0,
        "ttft_max_ms": 100 * count,
        "ttft_resolution": count,
        "itl_min_ms": 0,
        "itl_max_ms": 100,
        "itl_resolution": 1,
        "agg_pool_mapping": [[pool] for pool in range(count)],
    }
    given = {"mode": "agg", "num_agg_pools": count, "agg_pool_dynamo_namespaces": list(namespaces)}
    return {**given, "agg_pool_selection_strategy": strategy, **more}


def disagg(prefill: tuple[str, ...] = ("p0",), decode: tuple[str, ...] = ("d0",), **more: Any) -> dict[str, Any]:
    """Pools by the targets, 100 ms each."""
    return {
        "num_prefill_pools": len(prefill),
        "num_decode_pools": len(decode),
        "prefill_pool_dynamo_namespaces": list(prefill),
        "decode_pool_dynamo_namespaces": list(decode),
        "prefill_pool_selection_strategy": {
            "isl_min": 0,
            "isl_max": 100,
            "isl_resolution": 1,
            "ttft_min_ms": 0,
            "ttft_max_ms": 100 * len(prefill),
            "ttft_resolution": len(prefill),
            "prefill_pool_mapping": [list(range(len(prefill)))],
        },
        "decode_pool_selection_strategy": {
            "context_length_min": 0,
            "context_length_max": 100,
            "context_length_resolution": 1,
            "itl_min_ms": 0,
            "itl_max_ms": 100 * len(decode),
            "itl_resolution": len(decode),
            "decode_pool_mapping": [list(range(len(decode)))],
        },
        **more,
    }


def plan(grid: Mapping[str, Any]) -> Plan:
    return Plan.read(json.dumps(grid).encode())


def request(**more: Any) -> Request:
    given = {"request_id": f"r{next(_numbers)}", "token_ids": (1, 2, 3), "max_tokens": 2, "ttft_target_ms": 1.0}
    return Request(**{"itl_target_ms": 1.0, **given, **more})


@dataclass
class Rig:
    router: GlobalRouter
    discovery: StaticDiscovery
    metrics: RouterMetrics
    workers: dict[str, list[Scripted]]

    def entries(self) -> list[WorkerEntry]:
        """Of all workers, whose phase is what their namespace begins with."""
        phases = {"p": "prefill", "d": "decode", "a": "agg"}
        return [
            WorkerEntry(id=worker.name, namespace=name, phase=phases[name[0]], url=worker.url)  # type: ignore[arg-type]
            for name, workers in self.workers.items()
            for worker in workers
        ]

    async def ask(self, **more: Any) -> list[Event]:
        """All events of a request."""
        async with await self.router.accept(request(**more)) as answer:
            return [event async for event in answer]

    async def until_item(self, answer: Answer) -> list[Event]:
        """The events up to the first item, and those that came with it."""
        found: list[Event] = []
        while not any(event.name == "item" for event in found):
            events = await answer.batch()
            assert events, f"no item came: {found}"
            found += events
        return found

    def value(self, name: str, **labels: str) -> float:
        """Of a metric."""
        return self.metrics.registry.get_sample_value(f"trueup_router_{name}", labels) or 0.0

    def is_idle(self) -> bool:
        """Nothing is held any more."""
        return self.router.in_flight == 0 and all(
            state.in_flight == state.queued == 0 for state in self.router.pools().values()
        )

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits for what another task, or the other end of a socket, will do."""
        while not holds():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def rig(grid: Mapping[str, Any], workers: Mapping[str, int], service: Mapping[str, Any]) -> AsyncIterator[Rig]:
    """`workers`: how many for each namespace."""
    async with AsyncExitStack() as stack:
        made = {
            name: [await stack.enter_async_context(Scripted(f"{name}-{number}")) for number in range(count)]
            for name, count in workers.items()
        }
        http = HttpTransport()
        stack.push_async_callback(http.close)
        discovery, metrics = StaticDiscovery(), RouterMetrics()
        settings = msgspec.convert(dict(service), ServiceSettings)
        router = GlobalRouter(plan(grid), settings, discovery, {"http": http}, metrics, router_id="router")
        found = Rig(router, discovery, metrics, made)
        discovery.set(found.entries())
        await router.start()
        stack.push_async_callback(router.close)
        yield found


def run(
    work: Callable[[Rig], Awaitable[None]],
    grid: Mapping[str, Any] | None = None,
    workers: Mapping[str, int] | None = None,
    **service: Any,
) -> None:
    """Runs `work`; a pool of two workers if nothing else is said. Everything must be given back behind it."""

    async def main() -> None:
        async with asyncio.timeout(LONG_S), rig(grid or agg("a0"), workers or {"a0": 2}, service) as made:
            await work(made)
            await made.until(made.is_idle)

    asyncio.run(main())


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def routed(events: list[Event]) -> list[tuple[str, str, int]]:
    """Each dispatch: phase, worker, attempt."""
    return [
        (event.data["phase"], event.data["worker"], event.data["attempt"]) for event in events if event.name == "routed"
    ]


def error(events: list[Event]) -> dict[str, Any]:
    """Of the last event."""
    assert events[-1].name == "error", names(events)
    told: dict[str, Any] = events[-1].data["error"]
    return told
