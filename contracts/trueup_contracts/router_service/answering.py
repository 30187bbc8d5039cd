"""One answer of a scripted worker: its steps, while it watches whether whoever asked is still there."""

from __future__ import annotations

import asyncio
import http
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from trueup_contracts.router_service import http11, steps
from trueup_contracts.router_service.steps import Step

if TYPE_CHECKING:
    from trueup_contracts.router_service.workers import Asked

_STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
    b"cache-control: no-store\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Gone(Exception):
    """The connection has ended before the answer has."""


class Answering:
    """`news` is called whenever something has happened."""

    def __init__(
        self,
        asked: Asked,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        news: Callable[[], None],
    ) -> None:
        self._asked, self._reader, self._writer, self._news = asked, reader, writer, news
        self._has_head = False
        self._items = self._tokens = 0

    async def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> bytes:
        """A status, and no stream."""
        error = {"code": code, "message": f"refused: {code}"}
        text = json.dumps({"error": error, **error}).encode()
        told = {"content-type": "application/json", "content-length": str(len(text)), **(headers or {})}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._end("answered")  # before it is sent: whoever reads it may look at once
        self._writer.write(f"HTTP/1.1 {status} {_phrase(status)}\r\n{lines}\r\n".encode() + text)
        await self._writer.drain()
        return b""

    async def run(self, script: Iterable[Step]) -> bytes:
        """Takes the steps; what was read of the next request meanwhile. `Gone` where the connection has ended."""
        work = asyncio.ensure_future(self._take(script))
        watch = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and (watch.exception() is not None or not watch.result()):
                self._end("gone")
                raise Gone
            await work
            return watch.result() if watch.done() and watch.exception() is None else b""
        except ConnectionError as error:
            self._end("gone")
            raise Gone from error
        finally:
            for one in (work, watch):
                one.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
            self._end("cut")  # where nothing was told before: the worker was stopped

    async def _take(self, script: Iterable[Step]) -> None:
        for step in script:
            match step:
                case steps.Status(status, headers, code):
                    await self.refuse(status, code, headers)
                    return
                case steps.Hold(gate):
                    await gate.passed(self._news)
                case steps.Hang():
                    await asyncio.Event().wait()
                case steps.KeepAlives():
                    await self._keep_alive(step)
                case steps.Cut():
                    http11.reset(self._writer)
                    self._end("cut")
                    raise Gone
                case steps.Close():
                    self._writer.close()
                    self._end("cut")
                    raise Gone
                case steps.End():
                    break
                case _:
                    await self._send(step)
                    if isinstance(step, steps.Finish | steps.Error):
                        break
        await self._head()
        self._end("answered")
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def _send(self, step: Step) -> None:
        await self._head()
        match step:
            case steps.Raw(data):
                await self._write(data)
            case steps.Item(token_ids, index):
                number = self._items if index is None else index
                tokens = [1_000 * (self._asked.number + 1) + number] if token_ids is None else list(token_ids)
                self._items += 1
                self._tokens += len(tokens)
                await self._event("item", {"index": number, "token_ids": tokens})
            case steps.Transfer(parameters):
                await self._event("transfer", {"transfer": dict(parameters)})
            case steps.Finish(reason, usage):
                told = {"prompt_tokens": len(self._asked.body.get("token_ids", [])), "completion_tokens": self._tokens}
                await self._event("finish", {"reason": reason, "usage": told if usage is None else dict(usage)})
            case steps.Error(code, message, retryable):
                await self._event("error", {"code": code, "message": message, "retryable": retryable})

    async def _event(self, name: str, value: Mapping[str, Any]) -> None:
        self._asked.sent_at_s.append(time.monotonic())
        await self._write(f"event: {name}\ndata: {json.dumps(value)}\n\n".encode())

    async def _keep_alive(self, step: steps.KeepAlives) -> None:
        opened = asyncio.ensure_future(_never() if step.gate is None else step.gate.passed(self._news))
        try:
            while not opened.done():
                await self._head()
                await self._write(b": keep-alive\n\n")
                await asyncio.wait({opened}, timeout=step.every_s)
        finally:
            opened.cancel()

    async def _head(self) -> None:
        if not self._has_head:
            self._has_head = True
            self._writer.write(_STREAM)
            await self._writer.drain()

    async def _write(self, data: bytes) -> None:
        if data:
            self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await self._writer.drain()

    def _end(self, outcome: str) -> None:
        if self._asked.end(outcome):
            self._news()


async def _never() -> None:
    await asyncio.Event().wait()


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "-"
