"""A mock worker behind HTTP: server-sent events, health, and its faults and cache to set from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, suppress
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from trueup_reference import worker_protocol
from trueup_reference.event_transport import Publisher
from trueup_reference.mock_worker.faults import Fault, FaultPlan
from trueup_reference.mock_worker.kv_events import KvEvents
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.mock_worker.worker import Worker
from trueup_reference.worker_protocol import WorkerError

MOST_BODY_BYTES = 64 << 20
KEEP_ALIVE_S = 5.0
SHUTDOWN_S = 1.0  # for what is left when draining is over
_CLIENT_GONE = 499  # nginx's word for it; nobody receives it
_SSE = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}


class MockWorker:
    """A worker with its port and its publisher: `async with MockWorker(settings) as worker: worker.url`.

    `events_endpoint` and `replay_endpoint`: where KV events are published and sent again, such as tcp://127.0.0.1:0;
    without the first nothing is published.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        events_endpoint: str | None = None,
        replay_endpoint: str | None = None,
        topic: str = "",
        faults: Iterable[Fault] = (),
    ) -> None:
        """Nothing runs yet. Port 0: a free one."""
        self.settings = settings or Settings()
        self._host, self._port = host, port
        self._events = (events_endpoint, replay_endpoint, topic)
        self._faults = list(faults)

    async def start(self) -> None:
        """Binds. `OSError` or `zmq.ZMQError` where an address cannot be had, `SettingError` where one is none."""
        endpoint, replay, topic = self._events
        self.publisher: Publisher | None = None
        events = None
        if endpoint is not None:
            name = f"worker-{self.settings.worker_id}-{self.settings.dp_rank}"
            self.publisher = Publisher(endpoint, topic, replay_endpoint=replay, name=name)
            events = KvEvents(self.publisher, self.settings.block_size, self.settings.dp_rank)
        self.worker = Worker(self.settings, FaultPlan(self._faults, self.settings.seed), events)
        self._runner = web.AppRunner(
            self._app(), handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_S
        )
        try:
            await self._runner.setup()
            site = web.TCPSite(self._runner, self._host, self._port)
            await site.start()
        except BaseException:
            await self._runner.cleanup()
            if self.publisher is not None:
                self.publisher.close(0)
            raise
        self.port = int(self._runner.addresses[0][1])
        self.url = f"http://{self._host}:{self.port}"

    async def close(self, *, drains: bool = True) -> None:
        """Ends: what is under way has `drain_ms`, or none."""
        if drains:
            await self.worker.drain()
        await self._runner.cleanup()
        if self.publisher is not None:
            await asyncio.to_thread(self.publisher.close)

    async def __aenter__(self) -> Self:
        """Started."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ended at once."""
        await self.close(drains=False)

    def about(self) -> dict[str, Any]:
        """What `GET /health` answers."""
        told: dict[str, Any] = {
            "status": "draining" if self.worker.is_draining else "ok",
            "worker_id": str(self.settings.worker_id),  # JSON readers round above 2^53
            "dp_rank": self.settings.dp_rank,
            "block_size": self.settings.block_size,
            "capacity_blocks": self.settings.capacity_blocks,
            "blocks": len(self.worker.cache),
            "in_flight": self.worker.in_flight,
            "counts": dict(self.worker.counts),
            "kv_events": None,
        }
        if self.publisher is not None:
            told["kv_events"] = {
                "endpoint": self.publisher.endpoint,
                "replay_endpoint": self.publisher.replay_endpoint,
                "topic": self.publisher.topic,
            }
        return told

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BODY_BYTES)
        app.router.add_post("/generate", self._generate)
        app.router.add_get("/health", self._health)
        app.router.add_post("/reset", self._reset)
        app.router.add_get("/faults", self._tell_faults)
        app.router.add_put("/faults", self._set_faults)
        return app

    async def _health(self, _: web.Request) -> web.Response:
        return _json(self.about(), status=503 if self.worker.is_draining else 200)

    async def _reset(self, _: web.Request) -> web.Response:
        if self.worker.clear():
            return _json({"cleared": True})
        return _json({"error": {"code": "busy", "message": "requests are under way"}}, status=409)

    async def _tell_faults(self, _: web.Request) -> web.Response:
        return _json({"faults": self.worker.faults.faults})

    async def _set_faults(self, request: web.Request) -> web.Response:
        try:
            faults = msgspec.json.decode(await request.read(), type=list[Fault])
        except msgspec.DecodeError as error:
            return _refused(WorkerError(400, "invalid_request", str(error)))
        self.worker.faults.set(faults)
        return await self._tell_faults(request)

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        fault = self.worker.faults.take()
        if fault is not None and fault.kind in ("refuse", "error"):
            status, retry_after_s = (503, 1) if fault.kind == "refuse" else (500, None)
            message = f"a fault on purpose: {fault.kind}"
            return _refused(WorkerError(status, "fault", message, retry_after_s=retry_after_s))
        stream: web.StreamResponse | None = None
        items = 0
        try:
            asked = worker_protocol.read(await request.read())
            async with aclosing(self.worker.generate(asked)) as answer:
                async for told in answer:
                    if fault is not None and items >= fault.after_items:
                        await _commit(fault, request, stream)
                    if stream is None:
                        stream = await _begin(request)
                    items += told.event == "item"
                    await stream.write(told.written())
            assert stream is not None  # an answer has an event at least
            await stream.write_eof()
        except WorkerError as error:
            if stream is None:
                return _refused(error)
            with suppress(ConnectionResetError):
                await stream.write(error.told.written())
                await stream.write_eof()
        except ConnectionResetError:  # the client has gone, which aiohttp would log as a fault of ours
            return stream or web.Response(status=_CLIENT_GONE)
        return stream


async def _begin(request: web.Request) -> web.StreamResponse:
    stream = web.StreamResponse(headers=_SSE)
    await stream.prepare(request)
    return stream


async def _commit(fault: Fault, request: web.Request, stream: web.StreamResponse | None) -> None:
    """Resets the connection, or says nothing more until the client has gone, which cancels this."""
    if fault.kind == "cut":
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError
    while True:
        await asyncio.sleep(KEEP_ALIVE_S)
        if stream is not None:
            await stream.write(b": keep-alive\n\n")


def _json(told: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(told), status=status, content_type="application/json")


def _refused(error: WorkerError) -> web.Response:
    response = _json({"error": {"code": error.code, "message": error.message}}, status=error.status)
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
