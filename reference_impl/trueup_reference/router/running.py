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

from trueup_reference.router.app import Service, make_app
from trueup_reference.router.app.bearer import TokenError, read_tokens
from trueup_reference.router.discovery import DiscoveryError, open_discovery
from trueup_reference.router.forwarding import GlobalRouter
from trueup_reference.router.grid_file import GridError, read_plan
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.options import Options
from trueup_reference.router.reloading import GridWatch
from trueup_reference.router.service import InvalidSettings, ServiceSettings
from trueup_reference.router.service import read as read_settings
from trueup_reference.router.serving import Ending, Server, bind, end, signals, url_of
from trueup_reference.router.workers import Transport

logger = logging.getLogger("trueup_reference.router")
PROBE_S = 1.0  # for a worker to say that it is well


class StartError(ValueError):
    """Why the router does not start: what is wrong with what it was given."""


async def run(options: Options) -> int:
    """Until a signal ends it; then 0. `StartError`, or `OSError` where the address cannot be had."""
    metrics = RouterMetrics()
    watch = GridWatch(options.config, lambda data: read_plan(options.config, data, options.defaults), metrics.reloaded)
    try:
        plan = watch.first()
        settings = _settings(options)
        tokens = None if options.token_file is None else read_tokens(options.token_file)
    except (GridError, InvalidSettings, TokenError) as error:
        raise StartError(str(error)) from error
    async with AsyncExitStack() as stack:
        transports = _transports(options)
        for transport in {id(one): one for one in transports.values()}.values():
            stack.push_async_callback(transport.close)
        try:
            discovery = open_discovery(options.discovery, lambda url: _answers(transports, url))
        except DiscoveryError as error:
            raise StartError(f"--discovery: {error}") from error
        stack.push_async_callback(discovery.close)
        router_id = f"{options.namespace}.{options.component_name}.{uuid.uuid4().hex[:12]}"
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
        server = Server(make_app(service), settings, options.tls_cert, options.tls_key)
        listening = bind(options.host, options.port)
        stack.callback(listening.close)
        try:
            await router.start()
        except DiscoveryError as error:
            raise StartError(f"--discovery: {error}") from error
        watching = asyncio.create_task(watch.run(router.swap), name="grid")
        stack.callback(watching.cancel)
        ending = Ending()

        def reload() -> None:
            watch.ask()
            _reload_tokens(options, service)

        with signals(ending, reload):
            await server.listen(listening)
            _say(options, url_of(listening, with_tls=options.tls_cert is not None), router_id)
            await ending.asked.wait()
            await end(service, server, settings, ending.hurried)
    logger.info("ended")
    return 0


def _settings(options: Options) -> ServiceSettings:
    if options.service is None:
        return ServiceSettings()
    try:
        return read_settings(options.service.read_bytes())
    except OSError as error:
        raise StartError(f"{options.service}: {error.strerror or error}") from error
    except InvalidSettings as error:
        raise StartError(f"{options.service}: {error}") from error


def _transports(options: Options) -> Mapping[str, Transport]:
    """By the scheme of a worker's URL."""
    from trueup_reference.router.workers.http import HttpTransport

    http = HttpTransport(ssl_context=_tls(options))
    return {"http": http, "https": http}


def _tls(options: Options) -> ssl.SSLContext | None:
    if options.worker_ca is None and options.worker_cert is None:
        return None
    try:
        context = ssl.create_default_context(cafile=options.worker_ca)
        if options.worker_cert is not None:
            context.load_cert_chain(options.worker_cert, options.worker_key)
    except OSError as error:  # ssl.SSLError is one
        raise StartError(f"TLS to workers: {error.strerror or error}") from error
    return context


async def _answers(transports: Mapping[str, Transport], url: str) -> bool:
    transport = transports.get(url.partition("://")[0])
    return transport is not None and await transport.health(url, timeout_s=PROBE_S)


def _reload_tokens(options: Options, service: Service) -> None:
    if options.token_file is None:
        return
    try:
        service.tokens = read_tokens(options.token_file)
    except TokenError as error:
        logger.error("the tokens are refused, those before stay in force: %s", error)
    else:
        logger.info("%d tokens are in force", len(service.tokens))


def _say(options: Options, url: str, router_id: str) -> None:
    """Says where it listens: to whoever started it, and in the log."""
    if not options.is_local:
        said = (
            "with bearer tokens" if options.token_file is not None else "to everybody who reaches it: no --token-file"
        )
        logger.warning("listening beyond this machine, %s", said)
    about = {"url": url, "router_id": router_id}
    logger.info("listening", extra=about)
    sys.stdout.write(msgspec.json.encode(about).decode() + "\n")
    sys.stdout.flush()
