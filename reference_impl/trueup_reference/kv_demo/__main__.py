"""`trueup-kv-index`: listens to workers, routes requests among them, and shows both."""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from trueup_reference.extras import require
from trueup_reference.kv_demo import sources as sources_module
from trueup_reference.kv_demo.sources import SourceError, WorkerSource

if TYPE_CHECKING:
    from trueup_reference.kv_demo.listening import Listener
    from trueup_reference.kv_demo.routing import KvRouter

REFRESH_S = 0.25
RECV_TIMEOUT_MS = 100
ONCE_REQUESTS = 20
PIPE_WIDTH = 120
SILENCE_S = 15.0  # without a prompt to ask about, then a bounded run is given up
SETTLE_S = 5.0  # for events that are still on their way when a bounded run ends


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        prog="trueup-kv-index",
        description="Listens to the KV events of workers, keeps an index of who holds which blocks, routes requests by "
        "it, and shows blocks, hit rates, loads and the overlap of the last requests, live. Workers with a URL are "
        "sent the requests; for other publishers requests are made of what they stored, and only asked about.",
    )
    made.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="http://HOST:PORT of a mock worker, or [ID=]tcp://HOST:PORT[@tcp://HOST:REPLAY-PORT] of any publisher of "
        "format A",
    )
    made.add_argument("--mock-workers", type=int, default=0, metavar="N", help="start so many, and end them")
    made.add_argument("--topic", help="of the events (default: what mock workers say, else every topic)")
    made.add_argument("--block-size", type=int, metavar="TOKENS", help="default: what mock workers say, else 16")
    made.add_argument("--overlap-weight", type=float, default=1.0, metavar="W", help="default: %(default)s")
    made.add_argument("--temperature", type=float, default=0.0, metavar="T", help="default: %(default)s")
    made.add_argument("--concurrency", type=int, default=4, metavar="N", help="requests at once (default: %(default)s)")
    made.add_argument("--max-tokens", type=int, default=16, metavar="N", help="of an answer (default: %(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of the requests and of ties (default: %(default)s)")
    end = made.add_mutually_exclusive_group()
    end.add_argument("--once", action="store_true", help=f"end after {ONCE_REQUESTS} requests")
    end.add_argument("--requests", type=int, metavar="N", help="end after so many requests")
    end.add_argument("--for", type=float, metavar="SECONDS", dest="seconds", help="end after so long")
    made.add_argument("--json", action="store_true", help="print JSON at the end, and nothing before")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0, also on Ctrl-C; 2 for what cannot be obeyed."""
    arguments = parser()
    args = arguments.parse_args(argv)
    if not args.sources and not args.mock_workers:
        arguments.error("name a SOURCE, or start some: --mock-workers 3")
    if args.concurrency < 1 or args.max_tokens < 1 or args.mock_workers < 0:
        arguments.error("--concurrency and --max-tokens are 1 or more, --mock-workers 0 or more")
    if (args.requests is not None and args.requests < 1) or (args.seconds is not None and not args.seconds > 0):
        arguments.error("--requests is 1 or more, --for more than 0")
    if args.block_size is not None and args.block_size < 1:
        arguments.error(f"--block-size is {args.block_size}: 1 or more is due")
    args.requests = ONCE_REQUESTS if args.once else args.requests
    try:
        require("reference", "aiohttp", "rich", "xxhash", "zmq")
        return asyncio.run(_run(args))
    except (SourceError, ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(f"trueup-kv-index: {error}\n")
        return 2


async def _run(args: argparse.Namespace) -> int:
    from trueup_reference.kv_demo.spawning import mock_workers

    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        urls: list[str] = []
        if args.mock_workers:
            words = [] if args.block_size is None else ["--block-size", str(args.block_size)]
            urls = await stack.enter_async_context(mock_workers(args.mock_workers, *words))
        await _watch(args, await sources_module.found([*urls, *args.sources]), ended)
    return 0


async def _watch(args: argparse.Namespace, sources: list[WorkerSource], ended: asyncio.Event) -> None:
    from trueup_reference.event_transport import Subscriber
    from trueup_reference.kv_demo.listening import Listener
    from trueup_reference.kv_demo.routing import KvRouter

    replays = [one.replay_endpoint for one in sources]
    with_replay = all(replay is not None for replay in replays)
    topics = {one.topic for one in sources}
    topic = args.topic if args.topic is not None else topics.pop() if len(topics) == 1 else None
    subscriber = Subscriber(
        [one.endpoint for one in sources],
        topic or "",
        RECV_TIMEOUT_MS,
        match="all" if topic is None else "exact",
        # From the first batch on: what was stored before we came is known then.
        replay_endpoints=[replay for replay in replays if replay is not None] if with_replay else None,
        replay_from=0 if with_replay else None,
    )
    listener = Listener(subscriber)
    block_size = args.block_size or next((one.block_size for one in sources if one.block_size), 16)
    router = KvRouter(
        sources,
        listener,
        block_size,
        overlap_weight=args.overlap_weight,
        temperature=args.temperature,
        seed=args.seed,
    )
    thread = threading.Thread(target=router.run, name="events")
    thread.start()
    try:
        await _show(args, router, listener, sources, ended)
    finally:
        router.indexer.stop()
        await asyncio.to_thread(subscriber.close)
        await asyncio.to_thread(thread.join)


async def _show(
    args: argparse.Namespace, router: KvRouter, listener: Listener, sources: list[WorkerSource], ended: asyncio.Event
) -> None:
    """Shows until it is ended, or what was asked for is over; then once more what there is."""
    from rich.console import Console
    from rich.live import Live

    from trueup_reference.kv_demo.showing import shown, told

    console = Console()
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    started = time.monotonic()
    work = asyncio.create_task(_work(args, router, listener, sources))
    waiting = asyncio.create_task(ended.wait())
    try:
        async with AsyncExitStack() as stack:
            live = None
            if console.is_terminal and not args.json:
                live = stack.enter_context(Live(console=console, auto_refresh=False, transient=True))
            while not (work.done() or waiting.done()):
                left = REFRESH_S if args.seconds is None else started + args.seconds - time.monotonic()
                if left <= 0:
                    break
                await asyncio.wait({work, waiting}, timeout=min(left, REFRESH_S), return_when=asyncio.FIRST_COMPLETED)
                if live is not None:
                    live.update(shown(router, time.monotonic() - started), refresh=True)
        if work.done():
            work.result()
        bounded = args.requests is not None or args.seconds is not None
        await _stopped(work)
        if bounded and not waiting.done():
            await _settled(listener)
    finally:
        await _stopped(work)
        await _stopped(waiting)
    if args.json:
        sys.stdout.write(json.dumps(told(router), indent=2) + "\n")
    else:
        console.print(shown(router, time.monotonic() - started))


async def _work(args: argparse.Namespace, router: KvRouter, listener: Listener, sources: list[WorkerSource]) -> None:
    """The requests: sent where every worker has a URL, else only asked about."""
    urls = {one.worker: one.url for one in sources if one.url is not None}
    left = args.requests
    if len(urls) < len(sources):
        chance = random.Random(args.seed)
        heard = time.monotonic()
        while left is None or left > 0:
            prompt = listener.prompt(chance)
            if prompt is not None:
                heard = time.monotonic()
                router.route([*prompt, *(chance.randrange(1 << 16) for _ in range(router.block_size))], books=False)
                left = None if left is None else left - 1
            elif left is not None and time.monotonic() - heard > SILENCE_S:
                names = ", ".join(one.endpoint for one in sources)
                raise SourceError(f"no prompt was stored in {SILENCE_S:g} s, so there is nothing to ask about: {names}")
            await asyncio.sleep(REFRESH_S)
        return

    import aiohttp

    from trueup_reference.kv_demo.traffic import Client, Conversations

    conversations = Conversations(args.seed, router.block_size)

    async def requests(client: Client) -> None:
        nonlocal left
        while left is None or left > 0:
            left = None if left is None else left - 1
            await client.send(conversations.prompt(), args.max_tokens)

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        client = Client(session, router, urls)
        for _ in range(args.concurrency):
            group.create_task(requests(client))


async def _settled(listener: Listener) -> None:
    """Until nothing more comes: what the last requests stored is then in the index."""
    deadline = time.monotonic() + SETTLE_S
    listener.quiet = 0
    while listener.quiet < 2 and time.monotonic() < deadline:
        await asyncio.sleep(RECV_TIMEOUT_MS / 1000)


async def _stopped(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait({task})


if __name__ == "__main__":
    sys.exit(main())
