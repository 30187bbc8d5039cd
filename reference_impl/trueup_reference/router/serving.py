"""The service as a process: listens, ends when it is told, and lets what was accepted end first.

uvicorn by itself closes its port at once on SIGTERM and ends with the signal's status. Here the port stays open for
`drain_notice_ms`, with 503 for new work, so that a load balancer can learn of it; then it closes, and what was
accepted has `drain_ms`.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from trueup_reference.router.app import Service
from trueup_reference.router.http_protocol import HttpProtocol
from trueup_reference.router.service import ServiceSettings

_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
logger = logging.getLogger("trueup_reference.router.serving")
FLUSH_S = 3  # for the last bytes to clients, when draining is over
BACKLOG = 2048
KEEP_ALIVE_S = 75  # longer than a load balancer's, which must not find a connection closed that it has just chosen


def bind(host: str, port: int) -> list[socket.socket]:
    """The sockets to listen on, one for each address of the host, all on one port. `OSError` says where, too."""
    made: list[socket.socket] = []
    failed: OSError | None = None
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, kind, protocol, _, address in dict.fromkeys(found):
            port = made[0].getsockname()[1] if made else port
            try:
                made.append(_bound(family, kind, protocol, (address[0], port, *address[2:])))
            except OSError as error:
                if error.errno not in _NO_SUCH_ADDRESS:
                    raise
                failed = error  # such as ::1 of localhost where there is no IPv6
        if not made:
            raise failed or OSError("it has no address")
    except OSError as error:
        for each in made:
            each.close()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return made


def _bound(family: int, kind: int, protocol: int, address: tuple[Any, ...]) -> socket.socket:
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except BaseException:
        made.close()
        raise
    return made


def url_of(listening: socket.socket, *, with_tls: bool) -> str:
    """Where it is reached."""
    host, port = listening.getsockname()[:2]
    return f"{'https' if with_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


class Ending:
    """What signals ask for: the first of SIGTERM and SIGINT ends the service, a second one ends it without waiting."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """A signal has come."""
        (self.hurried if self.asked.is_set() else self.asked).set()


@contextlib.contextmanager
def signals(ending: Ending, reload: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT end, SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    handled = {signal.SIGTERM: ending.ask, signal.SIGINT: ending.ask, signal.SIGHUP: reload}
    for number, told in handled.items():
        loop.add_signal_handler(number, told)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


class Server:
    """uvicorn on a socket of ours, which takes no signals."""

    def __init__(
        self, app: ASGIApp, settings: ServiceSettings, tls_cert: Path | None = None, tls_key: Path | None = None
    ) -> None:
        """`OSError` or `ssl.SSLError` for a certificate that cannot be used."""
        config = uvicorn.Config(
            app,
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=math.ceil(settings.drain_ms / 1000) + 3 * FLUSH_S,  # the last resort
            ssl_certfile=tls_cert,
            ssl_keyfile=tls_key,
        )
        config.load()
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    async def listen(self, listening: list[socket.socket]) -> None:
        """Returns when it listens; closes the sockets in the end."""
        self._task = asyncio.create_task(self._server.serve(listening), name="uvicorn")
        began = asyncio.create_task(self._server.began.wait())
        await asyncio.wait({self._task, began}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            began.cancel()
            self._task.result()

    def stop_listening(self) -> None:
        """Closes the port; what is under way goes on."""
        self._server.should_exit = True

    async def closed(self) -> None:
        """When the last connection has; those whose clients do not take what is left are cut."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=FLUSH_S)
        if not self._task.done():
            left = list(self._server.server_state.connections)
            logger.warning("connections whose clients do not take the rest, and which are cut: %d", len(left))
            for connection in left:
                connection.transport.abort()
        await self._task


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.began = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None: what a signal means is decided elsewhere."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.began.set()


async def end(service: Service, server: Server, settings: ServiceSettings, hurried: asyncio.Event) -> None:
    """From the signal to the last byte."""
    service.is_ending = True
    service.router.refuse_new()
    logger.info("ending: new work is refused, the port closes in %g ms", settings.drain_notice_ms)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(settings.drain_notice_ms / 1000):
            await hurried.wait()
    server.stop_listening()
    logger.info("ending: what was accepted has %g ms", settings.drain_ms)
    draining = asyncio.create_task(service.router.drain(settings.drain_ms / 1000))
    hurrying = asyncio.create_task(hurried.wait())
    await asyncio.wait({draining, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    hurrying.cancel()
    if not draining.done():
        draining.cancel()
        await asyncio.wait({draining})
        await service.router.drain(0)
    else:
        draining.result()
    await server.closed()
