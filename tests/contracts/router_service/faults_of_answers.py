"""Routers whose answers have another form, or come at another time."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from contracts.router_service.plain.asked import Asked, Json, asked, tokens
from contracts.router_service.plain.asking import Event, Stream
from contracts.router_service.plain.counting import Counting
from contracts.router_service.plain.pools import Pool
from contracts.router_service.plain.router import Clock, Job, Router
from contracts.router_service.plain.serving import Completed, InWorkersForm, Service, Streamed
from contracts.router_service.plain.settings import Failed
from contracts.router_service.seeding import fault


@fault("RS-017")
class SeriesForEach(Counting):
    """has a series for each request"""

    def admitted(self, job: Job) -> None:
        super().admitted(job)
        IDS.append(job.asked.request_id)

    def page(self) -> bytes:
        lines = "".join(f'router_request_tokens{{request_id="{one}"}} 1\n' for one in IDS)
        return super().page() + f"# HELP router_request_tokens x\n# TYPE router_request_tokens gauge\n{lines}".encode()


IDS: list[str] = []


@fault("RS-017")
class JsonMetrics(Service):
    """tells its metrics as JSON"""

    async def metrics(self, request: web.Request) -> web.Response:
        return web.json_response({name: pool.in_flight for name, pool in self.router.pools.items()})


@fault("RS-020")
class EndsTwice(Streamed):
    """tells an end after the end"""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        await super().tell(name, data)
        if name == "finish":
            await super().tell("done", {})


@fault("RS-021")
class Buffers(Streamed):
    """tells everything at the end"""

    kept = b""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        self.kept += self.written(name, data)
        if name in ("finish", "error"):
            await self.write(self.kept)


@fault("RS-022")
class AcceptsLate(Streamed):
    """tells that it has accepted with the first item"""

    kept = b""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        self.kept += self.written(name, data)
        if name not in ("accepted", "routed"):
            await self.write(self.kept)
            self.kept = b""


@fault("RS-023")
class CountsItself(Router):
    """tells usage as it has counted itself"""

    async def next_event(self, stream: Stream, clock: Clock) -> Event:
        name, data = await super().next_event(stream, clock)
        return (name, {**data, "usage": {"completion_tokens": 0}}) if name == "finish" else (name, data)


@fault("RS-023")
class AlwaysLength(Router):
    """tells `length` whatever the reason was"""

    async def next_event(self, stream: Stream, clock: Clock) -> Event:
        name, data = await super().next_event(stream, clock)
        return (name, {**data, "reason": "length"}) if name == "finish" else (name, data)


@fault("RS-024")
class SegmentsAreLines(Stream):
    """takes what one read brings for whole lines"""

    def _take(self, chunk: bytes) -> None:
        super()._take(chunk if chunk.endswith(b"\n") else chunk + b"\n")


@fault("RS-025")
class LastClient(Router):
    """keeps the client of the last request in its state"""

    client: Any = None

    def make_job(self, asked: Asked, client: Any) -> Job:
        self.client = client
        return super().make_job(asked, client)

    async def hand_on(self, job: Job, phase: str, name: str, data: dict[str, Any]) -> None:
        own, job.client = job.client, self.client
        try:
            await super().hand_on(job, phase, name, data)
        finally:
            job.client = own


@fault("RS-026")
class FlatErrors(Router):
    """tells errors as workers do"""

    async def tell_error(self, job: Job, failed: Failed) -> None:
        await job.client.tell("error", failed.told(job.asked.request_id)["error"])


@fault("RS-027")
class WorkersByUrl(Router):
    """tells a worker's URL for its id"""

    async def attempt(self, job: Job, phase: str, pool: Pool, worker: Any) -> None:
        identity, worker.id = worker.id, worker.url
        try:
            await super().attempt(job, phase, pool, worker)
        finally:
            worker.id = identity


@fault("RS-030")
class TellsPrefill(Router):
    """tells the client the end of prefill"""

    async def run(self, job: Job, phase: str) -> None:
        await super().run(job, phase)
        if phase == "prefill":
            await job.client.tell("finish", {"reason": "prefill", "usage": {}})


@fault("RS-035", "asked")
def trusts_clients(found: Json, *more: Any) -> Asked:
    """falls over a request without token_ids"""
    return asked({**found, "max_tokens": found["max_tokens"], "token_ids": found["token_ids"]}, *more)


@fault("RS-036", "_number")
def any_number(value: object, name: str) -> float:
    """takes every number for a target"""
    return float(value)  # type: ignore[arg-type]


@fault("RS-036", "tokens")
def any_tokens(value: object, name: str) -> list[int]:
    """takes every list for token ids"""
    return value if isinstance(value, list) else tokens(value, name)


@fault("RS-037")
class PlainText(Service):
    """refuses in plain text"""

    def refused(self, failed: Failed, request_id: str | None) -> web.Response:
        return web.Response(text=failed.message, status=failed.status)


@fault("RS-038")
class InternalErrors(Router):
    """calls every failure of a worker an internal error"""

    async def tell_error(self, job: Job, failed: Failed) -> None:
        failed.code = "internal"
        await super().tell_error(job, failed)


@fault("RS-038")
class ErrorsAreSilent(Router):
    """ends the stream where it should tell an error"""

    async def tell_error(self, job: Job, failed: Failed) -> None:
        pass


@fault("RS-041")
class NotDone(Completed):
    """ends a completion without [DONE]"""

    async def write(self, text: bytes) -> None:
        await super().write(text.replace(b"data: [DONE]\n\n", b""))


@fault("RS-041")
class NoTokenIds(Completed):
    """has texts in its completions, and no token ids"""

    def choice(self, text: str, tokens: list[int], reason: str | None) -> dict[str, Any]:
        found = super().choice(text, tokens, reason)
        del found["choices"][0]["token_ids"]
        return found


@fault("RS-042")
class BuffersCompletions(Completed):
    """streams a completion when it is whole"""

    kept = b""

    async def write(self, text: bytes) -> None:
        self.kept += text
        if not text or b"[DONE]" in text:
            await super().write(self.kept)
            self.kept = b""


@fault("RS-043")
class LastItemOnly(Completed):
    """has the last item for the whole completion"""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        if name == "item" and not self.is_streamed:
            self.tokens = []
        await super().tell(name, data)


@fault("RS-044")
class DoneAfterAll(Completed):
    """writes [DONE] whatever happened"""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        await super().tell(name, data)
        if name == "error" and self.is_streamed:
            await self.write(b"data: [DONE]\n\n")


@fault("RS-045")
class ClientsForm(InWorkersForm):
    """answers frontends as it answers clients"""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        await Streamed.tell(self, name, data)


@fault("RS-046", "_transfer")
def drops_the_transfer(found: Json, phases: tuple[str, ...]) -> dict[str, Any] | None:
    """drops the transfer that a frontend hands it"""
    return {}


@fault("RS-047")
class ClientsErrors(InWorkersForm):
    """tells frontends errors as it tells them to clients"""

    async def tell(self, name: str, data: dict[str, Any]) -> None:
        if name == "error" and self.response is not None:
            await Streamed.tell(self, name, data)
        else:
            await super().tell(name, data)


@fault("RS-048")
class OneAnswerForAll(Service):
    """tells that it is ready, and nothing of its pools"""

    async def readyz(self, request: web.Request) -> web.Response:
        found = await super().readyz(request)
        return web.json_response({"status": json.loads(found.text or "{}")["ready"]}, status=found.status)


@fault("RS-049")
class AlwaysReady(Service):
    """is ready whatever its pools are"""

    def is_ready(self, pools: dict[str, dict[str, Any]]) -> bool:
        return not self.router.is_draining


@fault("RS-049")
class DeadWithoutWorkers(Service):
    """is not alive while a pool has no worker"""

    async def healthz(self, request: web.Request) -> web.Response:
        found = await self.readyz(request)
        return web.json_response({}, status=found.status)
