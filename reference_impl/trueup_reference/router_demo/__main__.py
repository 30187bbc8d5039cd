"""`python -m trueup_reference.router_demo`: a router, four pools, mixed traffic, workers that are killed; lost: 0."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from trueup_reference.extras import require

MOST_SECONDS = 600.0
UNREAD = 141  # as of SIGPIPE


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        prog="python -m trueup_reference.router_demo",
        description="Starts two prefill and two decode pools of mock workers and trueup-router, each a process, sends "
        "mixed traffic, kills workers and starts them again, shows it live, and ends by itself. "
        "Exit code 1 where something was lost.",
    )
    made.add_argument("--seconds", type=float, default=14.0, metavar="S", help="of traffic (default: %(default)g)")
    made.add_argument("--rate", type=float, default=25.0, metavar="N", help="requests a second (default: %(default)g)")
    made.add_argument("--seed", type=int, default=0, help="of the requests (default: %(default)s)")
    made.add_argument("--ledger", type=Path, metavar="FILE", help="keep what became of every request, as JSON")
    made.add_argument("--requests", type=Path, metavar="FILE", help="keep the requests: for trueup-router plot")
    made.add_argument("--picture", type=Path, metavar="PNG", help="draw the grid with the requests on it")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """0 where every request has its answer, 1 where not, 2 for what cannot be obeyed."""
    arguments = parser()
    args = arguments.parse_args(argv)
    if not 0 < args.seconds <= MOST_SECONDS or not 0 < args.rate <= 1000:
        arguments.error(f"--seconds is more than 0 and at most {MOST_SECONDS:g}, --rate at most 1000")
    for path in (args.ledger, args.requests, args.picture):
        if path is not None and not path.parent.is_dir():  # not only when all is over
            arguments.error(f"{path.parent} is no folder")
    try:
        require("reference", "aiohttp", "rich", "starlette", "uvicorn", "xxhash", "zmq")
        if args.picture is not None:
            require("plots", "matplotlib")
        return asyncio.run(_run(args))
    except BrokenPipeError:  # whoever reads has seen enough, and what is left must not be written at the end either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except (OSError, ValueError, ModuleNotFoundError) as error:
        sys.stderr.write(f"router_demo: {error}\n")
        return 2


async def _run(args: argparse.Namespace) -> int:
    from trueup_reference.router_demo import playing, scene
    from trueup_reference.router_demo.fleet import Fleet
    from trueup_reference.router_demo.processes import StartError

    task = asyncio.current_task()
    assert task is not None
    ended: list[bool] = []

    def end() -> None:
        if not ended:  # whoever is impatient must not cancel the ending
            ended.append(task.cancel())

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="router-demo-")))
        try:
            fleet = await stack.enter_async_context(Fleet(folder, scene.POOLS, scene.GRID, scene.SERVICE))
            played = await playing.play(fleet, scene.ACTS, args.seconds, args.rate, args.seed)
        except StartError as error:
            sys.stderr.write(f"router_demo: {error}\n")
            return 2
        except asyncio.CancelledError:
            return 130
    ledger = played.show.ledger
    if args.ledger is not None:
        kept = {"counts": ledger.counts(), "happenings": played.show.happenings, "requests": ledger.told()}
        args.ledger.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if args.requests is not None:
        args.requests.write_text("".join(json.dumps(one) + "\n" for one in played.bodies), encoding="utf-8")
    if args.picture is not None:
        _draw(args.picture, played.bodies, scene.GRID)
    everything = ledger.counts()["requests_completed"] == len(ledger.entries)
    return 0 if everything and not ledger.broken_promises() else 1


def _draw(path: Path, bodies: Sequence[object], grid: object) -> None:
    from trueup_reference.router.plot import plot

    with tempfile.TemporaryDirectory(prefix="router-demo-") as folder:
        drawn, requests = Path(folder) / "the demo's grid.json", Path(folder) / "requests.jsonl"
        drawn.write_text(json.dumps(grid), encoding="utf-8")
        requests.write_text("".join(json.dumps(one) + "\n" for one in bodies), encoding="utf-8")
        plot(drawn, path, requests)


if __name__ == "__main__":
    sys.exit(main())
