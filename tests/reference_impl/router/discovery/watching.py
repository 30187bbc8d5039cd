"""Waits for what a discovery finds out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trueup_reference.router.discovery import Discovery, WorkerEntry

LONG_S = 30.0


def entry(name: str = "w1", namespace: str = "pool", url: str = "http://127.0.0.1:9001") -> WorkerEntry:
    return WorkerEntry(id=name, namespace=namespace, phase="agg", url=url)


def ids(discovery: Discovery) -> dict[str, list[str]]:
    """Each namespace's workers by name."""
    return {namespace: [one.id for one in entries] for namespace, entries in discovery.workers.items()}


async def until(discovery: Discovery, holds: Callable[[], bool]) -> None:
    """Waits, by the discovery's own word, until something holds; a moment in which it does is enough."""
    held = asyncio.Event()

    def look() -> None:
        if holds():
            held.set()

    discovery.watch(look)
    look()
    try:
        async with asyncio.timeout(LONG_S):
            await held.wait()
    except TimeoutError:
        raise AssertionError(f"{ids(discovery)}, and its problem is {discovery.problem}") from None
