"""Everything a router is made of, put together, run, and taken apart."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import uuid
from collections.abc import Mapping
from contextlib import AsyncExitStack

import msgspec

from trueup_reference.router import starting
from trueup_reference.router.app import Service, make_app
from trueup_reference.router.discovery import Discovery, DiscoveryError, open_discovery
from trueup_reference.router.forwarding import GlobalRouter
from trueup_reference.router.grid_file import GridError, read_plan
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.options import Options
from trueup_reference.router.reloading import GridWatch
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.serving import Ending, Server, bind, end, signals, url_of
from trueup_reference.router.starting import StartError
from trueup_reference.router.workers import Transport

logger = logging.getLogger("trueup_reference.router")
PROBE_S = 1.0  # for a worker to say that it is well

__all__ = ["StartError", "run"]


async def run(options: Options) -> int:
    """Until a signal ends it; then 0. `StartError`, or `OSError` where the address cannot be had."""
    metrics = RouterMetrics()
    watch = GridWatch(options.config, lambda data: read_plan(options.config, data, options.defaults), metrics.reloaded)
    try:
        plan = watch.first()
    except GridError as error:
        raise StartError(str(error)) from error
    settings = starting.settings(options)
    tokens = starting.tokens(options)
    router_id = f"{options.namespace}.{options.component_name}.{uuid.uuid4().hex[:12]}"
    async with AsyncExitStack() as stack:
        transports = starting.transports(options)
        for transport in {id(one): one for one in transports.values()}.values():
            stack.push_async_callback(transport.close)
        discovery = _discovery(options, transports)
        stack.push_async_callback(discovery.close)
        router = GlobalRouter(plan, settings, discovery, transports, metrics, router_id=router_id)
        stack.push_async_callback(router.close)
        service = Service(
            router,
            metrics,
            options.model_name,
            discovery=discovery,
            tokens=tokens,
            max_body_bytes=options.max_body_bytes,
            log_requests=options.log_requests,
        )
        server = _server(options, service, settings)
        listening = bind(options.host, options.port)
        for each in listening:
            stack.callback(each.close)
        ending = Ending()

        def reload() -> None:
            watch.ask()
            _reload_tokens(options, service)

        stack.enter_context(signals(ending, reload))
        try:
            await router.start()
        except DiscoveryError as error:
            raise StartError(f"--discovery: {error}") from error
        watching = asyncio.create_task(watch.run(router.swap), name="grid")
        stack.callback(watching.cancel)
        await server.listen(listening)
        _say(options, url_of(listening[0], with_tls=options.tls_cert is not None), router_id)
        await ending.asked.wait()
        await end(service, server, settings, ending.hurried)
    logger.info("ended")
    return 0


def _discovery(options: Options, transports: Mapping[str, Transport]) -> Discovery:
    async def answers(url: str) -> bool:
        transport = transports.get(url.partition("://")[0])
        return transport is not None and await transport.health(url, timeout_s=PROBE_S)

    try:
        return open_discovery(options.discovery, answers)
    except DiscoveryError as error:
        raise StartError(f"--discovery: {error}") from error


def _server(options: Options, service: Service, settings: ServiceSettings) -> Server:
    try:
        return Server(make_app(service), settings, options.tls_cert, options.tls_key)
    except (ssl.SSLError, OSError) as error:
        raise StartError(f"--tls-cert and --tls-key: {error.strerror or error}") from error


def _reload_tokens(options: Options, service: Service) -> None:
    try:
        service.tokens = starting.tokens(options)
    except StartError as error:
        logger.error("the tokens are refused, those before stay in force: %s", error)
        return
    if service.tokens is not None:
        logger.info("%d tokens are in force", len(service.tokens))


def _say(options: Options, url: str, router_id: str) -> None:
    """Says where it listens: to whoever started it, and in the log."""
    if not options.is_local:
        said = "without --token-file, for everybody" if options.token_file is None else "with bearer tokens"
        logger.warning("listening beyond this machine, %s", said)
    about = {"url": url, "router_id": router_id}
    logger.info("listening", extra=about)
    sys.stdout.write(msgspec.json.encode(about).decode() + "\n")
    sys.stdout.flush()
