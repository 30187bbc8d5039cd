"""Routers whose clocks are wrong."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

from contracts.router_service.plain.asked import Asked
from contracts.router_service.plain.asking import Event, Stream, ask
from contracts.router_service.plain.router import Clock, Job, Router
from contracts.router_service.seeding import fault

FOREVER_S = 1e6


@fault("RS-076", "ask")
@contextlib.asynccontextmanager
async def connects_for_ever(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, Any], headers: Mapping[str, str], connect_s: float
) -> AsyncIterator[Stream]:
    """leaves it to the system how long a connection takes"""
    async with ask(session, url, body, headers, FOREVER_S) as stream:
        yield stream


@fault("RS-077")
class NoFirstItem(Router):
    """has no limit for the first item"""

    def first_clock(self) -> Clock:
        return Clock(FOREVER_S, "timeout_first_item")


@fault("RS-078")
class NoBetweenItems(Router):
    """has a limit for the first item alone"""

    def next_clock(self, clock: Clock) -> Clock:
        return Clock(FOREVER_S, "timeout_between_items")


@fault("RS-078")
class OneCode(Router):
    """calls every timeout timeout_first_item"""

    def next_clock(self, clock: Clock) -> Clock:
        return Clock(self.bounds.between_items_s, "timeout_first_item")


@fault("RS-079")
class KeepAlivesCount(Router):
    """takes a keep-alive for a sign of life"""

    async def next_event(self, stream: Stream, clock: Clock) -> Event:
        def read(line: str) -> None:
            if line.startswith(":"):
                stream._events.append(("comment", {}))
            Stream._read(stream, line)

        stream._read = read  # type: ignore[method-assign]
        limit_s = clock.end_s - clock.began_s
        while (found := await super().next_event(stream, clock))[0] == "comment":
            clock.end_s = asyncio.get_running_loop().time() + limit_s
        return found


@fault("RS-080")
class NoTotal(Router):
    """has no limit for a request as a whole"""

    def end_s(self, asked: Asked) -> float:
        limit_s = FOREVER_S if asked.deadline_s is None else asked.deadline_s
        return asyncio.get_running_loop().time() + limit_s


@fault("RS-081", "ask")
@contextlib.asynccontextmanager
async def leaves_work(
    session: aiohttp.ClientSession, url: str, body: Mapping[str, Any], headers: Mapping[str, str], connect_s: float
) -> AsyncIterator[Stream]:
    """gives work up without telling the worker"""
    stack = contextlib.AsyncExitStack()
    asking = asyncio.ensure_future(stack.enter_async_context(ask(session, url, body, headers, connect_s)))
    LEFT.append((stack, asking))
    yield await asyncio.shield(asking)


LEFT: list[tuple[contextlib.AsyncExitStack, asyncio.Future[Stream]]] = []


@fault("RS-082")
class OneClock(Router):
    """has one limit for all items together"""

    def next_clock(self, clock: Clock) -> Clock:
        return clock if clock.code == "timeout_between_items" else super().next_clock(clock)


@fault("RS-082")
class FirstItemGoesOn(Router):
    """goes on counting for the first item when that has come"""

    def next_clock(self, clock: Clock) -> Clock:
        found = super().next_clock(clock)
        found.end_s = min(found.end_s, clock.end_s)
        return found


@fault("RS-083")
class NoDeadline(Router):
    """hands the deadline on and has none itself"""

    def end_s(self, asked: Asked) -> float:
        return asyncio.get_running_loop().time() + self.bounds.total_s


@fault("RS-084")
class SameDeadline(Router):
    """tells every worker the deadline that the client gave"""

    def deadline_ms(self, job: Job) -> float | None:
        return None if job.asked.deadline_s is None else job.asked.deadline_s * 1000


@fault("RS-084")
class NoDeadlineHandedOn(Router):
    """keeps the deadline to itself"""

    def deadline_ms(self, job: Job) -> float | None:
        return None
