"""The process: its options, its signals and its end."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from aiohttp import web

from contracts.router_service.plain.grid import Plan
from contracts.router_service.plain.router import Router
from contracts.router_service.plain.serving import Service
from contracts.router_service.plain.settings import Bounds
from contracts.router_service.plain.watching import Watching

WRONG = 2  # the exit status of a configuration that is refused


def options(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="plain")
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--discovery", type=Path, required=True)
    parser.add_argument("--service", type=Path)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--model-name", default="plain")
    parser.add_argument("--default-ttft-target", type=float)
    parser.add_argument("--default-itl-target", type=float)
    parser.add_argument("--fault", default="", help="for the seeded faults")
    return parser.parse_args(argv)


class Process:
    """What is started and ended, each a method of its own."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        # Before they are read: what is written between is read again.
        self.seen = {path: Watching.signature(path) for path in (given.config, given.discovery)}

    def plan(self) -> Plan:
        return Plan.read(self.given.config, self.given.default_ttft_target, self.given.default_itl_target)

    def run(self) -> int:
        """The exit status."""
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
        try:
            router = Router(self.plan(), Bounds.read(self.given.service))
            router.discovered(self.given.discovery)
        except (OSError, ValueError) as error:
            print(f"{self.given.config}: {error}", file=sys.stderr)
            return WRONG
        return asyncio.run(self.serve(router))

    async def serve(self, router: Router) -> int:
        await router.start()
        service = Service(router, self.given.model_name)
        watching = Watching(service, self.given.config, self.given.discovery, self.plan, self.seen)
        runner = self.runner(service)
        ends = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ends.set)
        loop.add_signal_handler(signal.SIGHUP, watching.reload)
        await runner.setup()
        site = web.TCPSite(runner, self.given.host, self.given.port, backlog=1024)
        await site.start()
        watching.start()
        try:
            await ends.wait()
            await service.drain([site])
        finally:
            await watching.close()
            await runner.cleanup()
            await router.close()
        return self.status()

    def runner(self, service: Service) -> web.AppRunner:
        return web.AppRunner(service.app(), handler_cancellation=True, access_log=None, shutdown_timeout=0.2)

    def status(self) -> int:
        return 0
