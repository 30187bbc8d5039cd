"""A worker behind HTTP: server-sent events, health, and its faults and cache to set from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from aiohttp import web

from trueup_reference.mock_worker.answering import CutError, answer
from trueup_reference.mock_worker.faults import Fault
from trueup_reference.mock_worker.worker import Worker
from trueup_reference.worker_protocol import WorkerError

MOST_BODY_BYTES = 64 << 20
SHUTDOWN_S = 1.0  # for what is left when draining is over
_CLIENT_GONE = 499  # nginx's word for it; nobody receives it
_SSE = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
_KEEP_ALIVE = b": keep-alive\n\n"


class HttpFront:
    """Listens from `start` to `close`. `about` is what `GET /health` answers."""

    def __init__(self, worker: Worker, about: Callable[[], dict[str, Any]]) -> None:
        self._worker = worker
        self._about = about
        self._runner = web.AppRunner(
            self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_S
        )

    async def start(self, host: str, port: int) -> int:
        """The port. `OSError` where the address cannot be had."""
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, host, port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Whatever is under way has a moment."""
        await self._runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.router.add_post("/generate", self._generate)
        app.router.add_get("/health", self._health)
        app.router.add_post("/reset", self._reset)
        app.router.add_get("/faults", self._tell_faults)
        app.router.add_put("/faults", self._set_faults)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return _json(self._about(), status=503 if self._worker.is_draining else 200)

    async def _reset(self, _: web.Request) -> web.Response:
        if self._worker.clear():
            return _json({"cleared": True})
        return _json({"error": {"code": "busy", "message": "requests are under way"}}, status=409)

    async def _tell_faults(self, _: web.Request) -> web.Response:
        return _json({"faults": self._worker.faults.faults})

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=list[Fault])
        except msgspec.DecodeError as error:
            return _refused(WorkerError(400, "invalid_request", str(error)))
        self._worker.faults.set(faults)
        return await self._tell_faults(request)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        stream: web.StreamResponse | None = None
        try:
            async with aclosing(answer(self._worker, await request.read())) as answered:
                async for told in answered:
                    if told is not None:
                        if stream is None:  # aiohttp's answers are mappings, and false while they are empty
                            stream = await _begin(request)
                        await stream.write(told.written())
                    elif stream is not None:
                        await stream.write(_KEEP_ALIVE)
            if stream is None:
                stream = await _begin(request)
            await stream.write_eof()
        except CutError:
            if request.transport is not None:
                request.transport.abort()
            raise asyncio.CancelledError from None
        except WorkerError as error:
            if stream is None:
                return _refused(error)
            with suppress(ConnectionResetError):
                await stream.write(error.told.written())
                await stream.write_eof()
        except ConnectionResetError:  # the client has gone, which aiohttp would log as a fault of ours
            return web.Response(status=_CLIENT_GONE) if stream is None else stream
        return stream


async def _begin(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers=_SSE)
    await stream.prepare(request)
    return stream


def _json(told: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(told), status=status, content_type="application/json")


def _refused(error: WorkerError) -> web.Response:
    response = _json({"error": {"code": error.code, "message": error.message}}, status=error.status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
