"""A program that answers as a router may, or must not: as the request says, so many times, and then well."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from typing import Any

from aiohttp import web

TOKENS = [7, 8, 9]
SEEN_S = 0.3  # aiohttp's client drops what it has not read when a connection is reset


class Router:
    def __init__(self, is_good: bool) -> None:
        self.is_good = is_good
        self.asked: Counter[str] = Counter()
        self.ids: set[str] = set()

    async def generate(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        request_id = body["request_id"]
        name = request_id.partition("~")[0]
        behaviour = body["behaviour"] if self.asked[name] < body["times"] and not self.is_good else "complete"
        self.asked[name] += 1
        if request_id in self.ids:
            behaviour = "repeated"
        self.ids.add(request_id)
        if behaviour in ("refuse", "repeated"):
            told = {"error": {"code": "overloaded" if behaviour == "refuse" else "repeated_id", "message": ""}}
            return web.json_response(told, status=429, headers={"Retry-After": "0"})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self.answer(response, behaviour, request_id)
        if behaviour in ("cut", "cut after its end"):
            await asyncio.sleep(SEEN_S)
            assert request.transport is not None
            request.transport.abort()
        return response

    async def answer(self, response: web.StreamResponse, behaviour: str, request_id: str) -> None:
        async def say(name: str, **data: Any) -> None:
            await response.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())

        if behaviour != "no acceptance":
            await say("accepted", request_id=request_id)
        await say("routed", phase="agg", pool="one", worker="one-0", attempt=0)
        await response.write(b": keep-alive\n\n")
        if behaviour == "failover":
            await say("routed", phase="agg", pool="two", worker="two-0", attempt=1)
        if behaviour == "no JSON":
            await response.write(b"event: item\ndata: {\n\n")
        if behaviour == "no index":
            await say("item", token_ids=[7])
        items = {"wrong token": [7, 8, 8], "short": [7, 8], "nothing": []}.get(behaviour, TOKENS)
        order = [1, 0, 2] if behaviour == "swapped" else range(len(items))
        for number in order:
            await say("item", index=number, token_ids=[items[number]])
            if behaviour in ("die", "exit", "cut"):
                await asyncio.sleep(SEEN_S)
            if behaviour == "die":
                os.kill(os.getpid(), signal.SIGKILL)
            if behaviour == "exit":
                os._exit(0)
            if behaviour == "hang":
                await asyncio.sleep(3600)
            if behaviour in ("error", "cut"):
                break
        if behaviour == "error":
            error = {"code": "worker_failed", "message": "the worker has gone", "request_id": request_id, "pool": "one"}
            await say("error", error=error)
        elif behaviour not in ("cut", "no end"):
            await say("finish", reason="length", usage={})
        if behaviour == "two ends":
            await say("finish", reason="length", usage={})


async def main() -> None:
    port, kind = int(sys.argv[1]), sys.argv[2]
    app = web.Application()
    app.router.add_post("/v1/generate", Router(kind == "good").generate)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    print(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}"}), flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    os._exit(0)  # whatever hangs


if __name__ == "__main__":
    asyncio.run(main())
