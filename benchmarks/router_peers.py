"""What the router is measured beside, each a process: a bare reverse proxy, and a worker that costs next to nothing.

    python router_peers.py proxy --port 0 --workers URL,URL --client aiohttp|httpx
    python router_peers.py worker --port 0 [--items 4] [--itl-ms 0]

The proxy is what one writes down with Starlette: the next worker in turn, the bytes as they come. It parses nothing,
retries nothing and counts nothing. The worker speaks the worker protocol with answers that are written beforehand, so
that what is measured is in front of it. Both print one line of JSON with their URL when they listen.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

SSE = "text/event-stream"
Send = Callable[[str, bytes], Any]


def say(url: str) -> None:
    print(json.dumps({"url": url}), flush=True)


@asynccontextmanager
async def by_aiohttp() -> AsyncIterator[Callable[[str, bytes], AsyncIterator[bytes]]]:
    import aiohttp

    timeout = aiohttp.ClientTimeout()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:

        async def answer(url: str, body: bytes) -> AsyncIterator[bytes]:
            async with session.post(url, data=body) as response:
                async for data in response.content.iter_any():
                    yield data

        yield answer


@asynccontextmanager
async def by_httpx() -> AsyncIterator[Callable[[str, bytes], AsyncIterator[bytes]]]:
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None) as client:

        async def answer(url: str, body: bytes) -> AsyncIterator[bytes]:
            async with client.stream("POST", url, content=body) as response:
                async for data in response.aiter_raw():
                    yield data

        yield answer


CLIENTS = {"aiohttp": by_aiohttp, "httpx": by_httpx}


def proxy(port: int, workers: Sequence[str], client: str) -> None:
    import uvicorn  # here: a worker starts sooner without all this
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    turn = itertools.cycle(f"{url}/generate" for url in workers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with CLIENTS[client]() as answer:
            app.state.answer = answer
            yield

    async def generate(request: Request) -> StreamingResponse:
        body = await request.body()
        return StreamingResponse(request.app.state.answer(next(turn), body), media_type=SSE)

    app = Starlette(routes=[Route("/v1/generate", generate, methods=["POST"])], lifespan=lifespan)

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            say(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}")

    Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)).run()


def event(name: str, data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


class Worker(asyncio.Protocol):
    """One connection, requests one after the other."""

    def __init__(self, items: int, itl_s: float) -> None:
        usage = {"prompt_tokens": 1, "cached_tokens": 0, "completion_tokens": items}
        self.items = [event("item", {"index": index, "token_ids": [index]}) for index in range(items)]
        finish = event("finish", {"reason": "length", "usage": usage})
        prefill = event("transfer", {"transfer": {"from": "here"}}) + event(
            "finish", {"reason": "prefill", "usage": usage}
        )
        self.prefill = HEAD + chunk(prefill) + END
        self.at_once = HEAD + b"".join(chunk(item) for item in self.items) + chunk(finish) + END
        self.last = chunk(finish) + END
        self.itl_s = itl_s
        self.received = b""
        self.transport: asyncio.Transport | None = None
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are of no class of asyncio's

    def connection_lost(self, _: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(body) < length:
            return
        self.received = b""
        assert self.transport is not None
        if head.startswith(b"GET"):
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        elif b'"prefill"' in body[:400] or b'"prefill"' in body[-400:]:
            self.transport.write(self.prefill)
        elif self.itl_s == 0:
            self.transport.write(self.at_once)
        else:
            self.transport.write(HEAD)
            self.step(0)

    def step(self, index: int) -> None:
        assert self.transport is not None
        if index == len(self.items):
            self.transport.write(self.last)
            return
        self.transport.write(chunk(self.items[index]))
        self.timer = asyncio.get_running_loop().call_later(self.itl_s, self.step, index + 1)


async def worker(port: int, items: int, itl_ms: float) -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Worker(items, itl_ms / 1000), "127.0.0.1", port, backlog=4096
    )
    say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="a bare reverse proxy, or a worker that costs next to nothing")
    parser.add_argument("what", choices=["proxy", "worker"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", default="")
    parser.add_argument("--client", choices=sorted(CLIENTS), default="aiohttp")
    parser.add_argument("--items", type=int, default=4)
    parser.add_argument("--itl-ms", type=float, default=0.0)
    parser.add_argument("--worker-id", help="as a mock worker has it; not used")
    args = parser.parse_args(argv)
    if args.what == "proxy":
        proxy(args.port, args.workers.split(","), args.client)
    else:
        with_uvloop(worker(args.port, args.items, args.itl_ms))
    return 0


def with_uvloop(work: Any) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        uvloop.run(work)


if __name__ == "__main__":
    sys.exit(main())
