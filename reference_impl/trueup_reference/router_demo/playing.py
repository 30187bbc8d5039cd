"""Plays the scene: traffic, what is done to the workers meanwhile, and what is shown of both."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from rich.console import Console
from rich.live import Live

from trueup_reference.mock_worker.worker import answer_tokens
from trueup_reference.router_demo import showing
from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.fleet import Fleet
from trueup_reference.router_demo.ledger import Ledger
from trueup_reference.router_demo.scene import Act
from trueup_reference.router_demo.traffic import Traffic

REFRESH_S = 0.2
LINE_S = 2.0
READINESS_S = 0.5
PIPE_WIDTH = 120
END_S = 8.0  # for the answers that are still under way when the traffic ends


class Output(Console):
    """A console that lets whoever started it know that nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Rich raises SystemExit, which would leave an event loop in the middle of its tasks."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Played(NamedTuple):
    """What there was, and the bodies of the requests."""

    show: showing.Show
    bodies: list[dict[str, Any]]


async def play(
    fleet: Fleet, acts: Sequence[Act], seconds: float, rate: float, seed: int, command: Sequence[str] = ()
) -> Played:
    """Starts a router before the fleet's workers, and plays. What goes wrong in a part of it is raised here."""
    console = Output()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    show = showing.Show(fleet, Ledger(), seconds)
    router = await fleet.add_router(command=command)
    show.url = router.url
    traffic, chance = Traffic(seed), random.Random(seed)
    bodies: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    began_s = loop.time()

    def happened(text: str) -> None:
        show.elapsed_s = loop.time() - began_s
        show.happenings.append((round(show.elapsed_s, 1), text))
        if not console.is_terminal:
            console.print(f"{show.elapsed_s:5.1f} s  {text}", highlight=False, soft_wrap=True)

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout()) as session:
        client = Client(session, [router], show.ledger, asks_again_after_errors=True, seed=seed)
        try:
            async with asyncio.TaskGroup() as watching:
                watches = [
                    watching.create_task(_watch_readiness(show, session)),
                    watching.create_task(_shown(show, console, lambda: loop.time() - began_s)),
                    watching.create_task(_act(fleet, acts, seconds, show, happened)),
                ]
                async with _requests(show) as ask:
                    due_s = began_s
                    while (due_s := due_s + chance.expovariate(rate)) < began_s + seconds:
                        await asyncio.sleep(due_s - loop.time())
                        kind, body = traffic.next()
                        bodies.append(body)
                        entry = show.ledger.open(f"demo-{len(bodies)}", kind)
                        ask(client.ask(entry, body, answer_tokens(body["token_ids"], body["max_tokens"])))
                await watches[2]
                for watch in watches:
                    watch.cancel()
        except ExceptionGroup as group:  # what else is in it comes of the first
            raise group.exceptions[0] from group
    show.elapsed_s = loop.time() - began_s
    console.print(showing.summary(show), highlight=False)
    return Played(show, bodies)


@asynccontextmanager
async def _requests(show: showing.Show) -> AsyncIterator[Callable[[Any], None]]:
    """Takes requests, each a task of its own, and waits for them at the end."""
    tasks: set[asyncio.Task[Any]] = set()

    def ask(request: Any) -> None:
        task = asyncio.create_task(request)
        tasks.add(task)
        show.under_way = len(tasks)

        def done(task: asyncio.Task[Any]) -> None:
            tasks.discard(task)
            show.under_way = len(tasks)

        task.add_done_callback(done)

    try:
        yield ask
        if tasks:
            await asyncio.wait(tasks, timeout=END_S)
    finally:
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _act(
    fleet: Fleet, acts: Sequence[Act], seconds: float, show: showing.Show, happened: Callable[[str], None]
) -> None:
    """Does what is to be done, each at its time."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    workers = {worker.id: worker for worker in fleet.workers}
    for act in acts:
        await asyncio.sleep(began_s + act.at * seconds - loop.time())
        worker = workers[act.worker]
        if act.what == "kill":
            under_way = sum(
                1
                for entry in show.ledger.entries.values()
                for one in entry.tries
                if one.ended_s is None and one.hops and one.hops[-1].worker == act.worker
            )
            worker.program.kill()
            happened(f"SIGKILL to {act.worker}; requests under way there: {under_way}")
        else:
            await worker.program.start()
            happened(f"{act.worker} is back")


async def _watch_readiness(show: showing.Show, session: aiohttp.ClientSession) -> None:
    """What the router says of its pools."""
    while True:
        with contextlib.suppress(aiohttp.ClientError, ValueError, KeyError):
            async with session.get(f"{show.url}/readyz") as response:
                show.readiness = (await response.json())["pools"]
        await asyncio.sleep(READINESS_S)


async def _shown(show: showing.Show, console: Console, elapsed_s: Callable[[], float]) -> None:
    """Shows, until it is cancelled."""
    if not console.is_terminal:
        while True:
            await asyncio.sleep(LINE_S)
            show.elapsed_s = elapsed_s()
            console.print(showing.line(show), highlight=False, soft_wrap=True)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            show.elapsed_s = elapsed_s()
            live.update(showing.live(show), refresh=True)
            await asyncio.sleep(REFRESH_S)
