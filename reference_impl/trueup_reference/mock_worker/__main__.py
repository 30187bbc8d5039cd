"""`trueup-mock-worker`: one worker in a process of its own, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trueup_reference.extras import require
from trueup_reference.logging_setup import configure
from trueup_reference.mock_worker import faults
from trueup_reference.mock_worker.settings import Settings

if TYPE_CHECKING:
    from trueup_reference.event_transport import ServerKeys

ALIASES = {"prefill_us_per_token": ["--per-token-prefill-us"]}
HELP = {
    "worker_id": "of its KV events and transfers",
    "dp_rank": "data-parallel rank",
    "block_size": "tokens of a block",
    "capacity_blocks": "blocks of its cache",
    "ttft_ms": "time to the first token, for a prompt that is cached",
    "prefill_us_per_token": "for each token of the prompt that is not cached",
    "itl_ms": "time between tokens",
    "max_in_flight": "requests under way, those that wait among them; more get 429",
    "max_prefills": "prompts that are computed at once, the others waiting in line; 0: any number",
    "max_decodes": "answers that are generated at once, the others waiting in line; 0: any number",
    "drain_ms": "for what is under way when it ends",
    "seed": "of the faults",
}


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        prog="trueup-mock-worker",
        description="A worker without a GPU: it speaks the worker protocol over HTTP or ZMQ, takes the time that it is "
        "told, makes itself known to routers, and publishes the KV events of a simulated block cache. Once it is ready "
        "it prints one line of JSON with its URL and endpoints. SIGTERM and SIGINT end it: what is under way has "
        "--drain-ms.",
        epilog="faults: " + "; ".join(f"{kind}: {meaning}" for kind, meaning in faults.MEANINGS.items()),
    )
    made.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    made.add_argument("--port", type=int, default=0, help="0, the default: a free one")
    for one in fields(Settings):
        kind = int if isinstance(one.default, int) else float
        name, text = f"--{one.name.replace('_', '-')}", f"{HELP[one.name]} (default: %(default)s)"
        made.add_argument(name, *ALIASES.get(one.name, []), type=kind, default=one.default, metavar="N", help=text)
    made.add_argument("--namespace", default="default", help="the pool that it serves (default: %(default)s)")
    made.add_argument("--phase", choices=["prefill", "decode", "agg"], help="what it serves; left out: all, as agg")
    made.add_argument("--id", help="by which routers know it (default: a random one)")
    made.add_argument(
        "--register",
        metavar="WHERE",
        help="make it known to routers: a discovery file, or etcd://HOST:PORT[,HOST:PORT...]/DEPLOYMENT",
    )
    made.add_argument("--advertise", metavar="URL", help="the URL that routers are told (default: its own)")
    made.add_argument("--zmq-port", type=int, metavar="N", help="speak ZMQ too, and be known by that; 0: a free one")
    made.add_argument("--zmq-secret-key", type=Path, metavar="FILE", help="CURVE: its secret key")
    made.add_argument(
        "--zmq-client-key",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="CURVE: who may ask",
    )
    made.add_argument("--control", type=Path, metavar="SOCKET", help="be told there what to do while it runs")
    made.add_argument("--events", metavar="ENDPOINT", help="publish KV events there, such as tcp://127.0.0.1:0")
    made.add_argument("--replay", metavar="ENDPOINT", help="send them again from there")
    made.add_argument("--topic", default="", help="of the KV events (default: empty)")
    made.add_argument("--events-format", choices=["A", "B"], default="A", help="of the KV events (default: A)")
    made.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="NAME[:ITEMS][=SHARE][xTIMES]",
        help=f"fail on purpose: {', '.join(faults.NAMES)}; after:3 cuts the connection behind three items; repeatable",
    )
    made.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=SHARE][@ITEMS][xTIMES]",
        help="commit it, in a share of the requests, behind so many items, so many times; repeatable",
    )
    made.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the standard input too: with whoever started it"
    )
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until a signal; 2 for arguments that cannot be obeyed."""
    arguments = parser()
    args = arguments.parse_args(argv)
    for option, port in (("--port", args.port), ("--zmq-port", args.zmq_port)):
        if port is not None and not 0 <= port < 1 << 16:
            arguments.error(f"{option} is {port}: 0 to 65535 is due")
    if (args.zmq_secret_key is None) == bool(args.zmq_client_key):
        arguments.error("--zmq-secret-key and --zmq-client-key are given together: CURVE alone lets anybody in")
    if args.zmq_secret_key is not None and args.zmq_port is None:
        arguments.error("--zmq-secret-key guards what --zmq-port opens: give that too")
    if args.register is not None and args.advertise is None and args.host in ("0.0.0.0", "::"):
        arguments.error(f"--host {args.host} is no address that a router could ask: say --advertise too")
    if args.replay is not None and args.events is None:
        arguments.error("--replay sends again what --events publishes: name that endpoint too")
    try:
        require("reference", "aiohttp", "xxhash", "zmq")
        configure()
        settings = Settings(**{one.name: getattr(args, one.name) for one in fields(Settings)})
        rules = [*map(faults.parse_fail, args.fail), *map(faults.parse, args.fault)]
        return asyncio.run(_serve(args, settings, rules))
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.stderr.write(f"mock_worker: {error}\n")
        return 2


async def _serve(args: argparse.Namespace, settings: Settings, rules: list[faults.Fault]) -> int:
    from zmq import ZMQError

    from trueup_reference.mock_worker.server import MockWorker, Place

    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    if args.until_stdin_closes:
        await _watch_stdin(ended)
    worker = MockWorker(
        settings,
        host=args.host,
        port=args.port,
        events_endpoint=args.events,
        replay_endpoint=args.replay,
        topic=args.topic,
        events_format=args.events_format,
        faults=rules,
        place=Place(
            namespace=args.namespace,
            phase=args.phase,
            id=args.id,
            register=args.register,
            advertise=args.advertise,
        ),
        zmq_port=args.zmq_port,
        zmq_keys=_keys(args),
        control=args.control,
    )
    try:
        await worker.start()
    except ZMQError as error:
        raise OSError(f"{args.events or args.zmq_port}: {error}") from error
    sys.stdout.write(msgspec.json.encode({"url": worker.url, **worker.about()}).decode() + "\n")
    sys.stdout.flush()
    await ended.wait()
    await worker.close()
    return 0


def _keys(args: argparse.Namespace) -> ServerKeys | None:
    from trueup_reference.event_transport import read_key, server_keys

    if args.zmq_secret_key is None:
        return None
    allowed = [read_key(path, is_secret=False) for path in args.zmq_client_key]
    return server_keys(read_key(args.zmq_secret_key, is_secret=True), allowed)


async def _watch_stdin(ended: asyncio.Event) -> None:
    """Sets the event when nobody holds the other end any more."""

    class Watch(asyncio.Protocol):
        def connection_lost(self, _: Exception | None) -> None:
            ended.set()

    await asyncio.get_running_loop().connect_read_pipe(Watch, sys.stdin)


if __name__ == "__main__":
    sys.exit(main())
