"""Workers that do byte for byte what a test says, on a socket of their own."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
FINISH = {"reason": "length", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}


class Call:
    """One request of the router, and the means to answer it."""

    def __init__(self, asked: dict[str, Any], headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        self.asked = asked
        self.headers = headers
        self.gone = asyncio.Event()  # the router has closed the connection
        self._writer = writer

    async def raw(self, text: bytes) -> None:
        self._writer.write(text)
        await self._writer.drain()

    async def begin(self) -> None:
        await self.raw(HEAD)

    async def piece(self, text: bytes) -> None:
        await self.raw(b"%x\r\n%b\r\n" % (len(text), text))

    async def event(self, name: str, data: Any) -> None:
        await self.piece(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

    async def item(self, index: int, token: int = 7) -> None:
        await self.event("item", {"index": index, "token_ids": [token]})

    async def finish(self) -> None:
        await self.event("finish", FINISH)
        await self.raw(b"0\r\n\r\n")

    async def status(self, status: int, *headers: str, body: bytes = b"{}") -> None:
        lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.raw("\r\n".join(lines).encode() + body)

    def cut(self) -> None:
        """Resets the connection."""
        on = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, on)
        self._writer.close()

    def end(self) -> None:
        """Closes the connection in order."""
        self._writer.close()


Script = Callable[[Call], Awaitable[None]]


async def well(call: Call) -> None:
    """Answers as a worker does that is well."""
    await call.begin()
    if call.asked["phase"] == "prefill":
        await call.event("transfer", {"transfer": {"made_by": call.asked["attempt"]}})
    else:
        for index in range(call.asked["max_tokens"]):
            await call.item(index)
    await call.finish()


async def hang(call: Call) -> None:
    """Says nothing."""
    await call.gone.wait()


async def cut(call: Call) -> None:
    """Resets the connection before anything else."""
    call.cut()


def refusing(status: int, *headers: str) -> Script:
    """Answers by a status."""

    async def refuse(call: Call) -> None:
        await call.status(status, *headers)

    return refuse


def in_turn(scripts: Iterable[Script], then: Script = well) -> Script:
    """One script after the other, a request each, then the last one for all."""
    left = list(scripts)

    async def do(call: Call) -> None:
        await (left.pop(0) if left else then)(call)

    return do


class Scripted:
    """A worker; `calls` are the requests that it got."""

    def __init__(self, name: str, script: Script = well) -> None:
        self.name = name
        self.script = script
        self.calls: list[Call] = []
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._called = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def called(self, times: int = 1) -> Call:
        """Waits for the request with this number, counted from 1."""
        while len(self.calls) < times:
            self._called.clear()
            await self._called.wait()
        return self.calls[times - 1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
                while not writer.is_closing():
                    await self._one(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        call = Call(json.loads(body) if body else {}, headers, writer)
        self.calls.append(call)
        self._called.set()
        answering = asyncio.ensure_future(self.script(call))
        watching = asyncio.ensure_future(self._watch(reader, call))
        try:
            await answering
        except ConnectionError:
            call.gone.set()
            raise
        finally:
            answering.cancel()
            watching.cancel()
            await asyncio.gather(answering, watching, return_exceptions=True)

    @staticmethod
    async def _watch(reader: asyncio.StreamReader, call: Call) -> None:
        """A router that has more to ask waits for the end of the answer first."""
        while not reader.at_eof() and reader.exception() is None:
            await asyncio.sleep(0.002)
        call.gone.set()


async def item_then_cut(call: Call) -> None:
    await call.begin()
    await call.item(0)
    call.cut()


async def begin_then_cut(call: Call) -> None:
    await call.begin()
    call.cut()


async def tell_error(call: Call) -> None:
    await call.begin()
    await call.event("error", {"code": "out_of_memory", "message": "no room", "retryable": True})
    await call.gone.wait()


async def tell_fatal_error(call: Call) -> None:
    await call.begin()
    await call.event("error", {"code": "bad_prompt", "message": "no such token", "retryable": False})
