"""The router as a process, with mock workers in this one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from trueup_reference.mock_worker import MockWorker, Settings

COMMAND = (sys.executable, "-m", "trueup_reference.router")
GRID: dict[str, Any] = {
    "num_prefill_pools": 2,
    "num_decode_pools": 1,
    "prefill_pool_dynamo_namespaces": ["prefill0", "prefill1"],
    "decode_pool_dynamo_namespaces": ["decode0"],
    "prefill_pool_selection_strategy": {
        **{"isl_min": 0, "isl_max": 100, "isl_resolution": 1, "ttft_min_ms": 0, "ttft_max_ms": 100},
        **{"ttft_resolution": 2, "prefill_pool_mapping": [[0, 1]]},
    },
    "decode_pool_selection_strategy": {
        **{"context_length_min": 0, "context_length_max": 100, "context_length_resolution": 1, "itl_min_ms": 0},
        **{"itl_max_ms": 100, "itl_resolution": 1, "decode_pool_mapping": [[0]]},
    },
}
AGG: dict[str, Any] = {
    "mode": "agg",
    "num_agg_pools": 1,
    "agg_pool_dynamo_namespaces": ["decode0"],
    "agg_pool_selection_strategy": {
        **{"ttft_min_ms": 0, "ttft_max_ms": 100, "ttft_resolution": 1},
        **{"itl_min_ms": 0, "itl_max_ms": 100, "itl_resolution": 1, "agg_pool_mapping": [[0]]},
    },
}
POOLS = {"prefill0": "prefill", "prefill1": "prefill", "decode0": "decode"}
BODY = {"request_id": "r", "token_ids": [1, 2, 3], "max_tokens": 3}


class Router:
    """What a router was given, what it says, and what it answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workers: dict[str, MockWorker] = {}
        self.ready: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    @property
    def url(self) -> str:
        return str(self.ready["url"])

    async def generate(self, **more: Any) -> list[tuple[str, Any]]:
        body = {**BODY, **more}
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}/v1/generate", json=body) as response:
            assert response.status == 200, await response.text()
            return events(await response.text())

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as response:
            return response.status, await response.text()

    async def metric(self, line: str) -> float:
        """The value of this series."""
        _, text = await self.get("/metrics")
        return next((float(one.rpartition(" ")[2]) for one in text.splitlines() if one.startswith(line + " ")), 0.0)

    async def until_logged(self, message: str) -> dict[str, Any]:
        """The record of the log that says so."""
        while True:
            line = await self._err.readline()
            assert line, f"it has ended without saying {message!r}"
            record: dict[str, Any] = json.loads(line)
            if message in record["message"]:
                return record

    async def until_ended(self) -> tuple[int, list[dict[str, Any]]]:
        """Its status, and what it has logged since."""
        rest = await self._err.read()
        return await self.process.wait(), [json.loads(line) for line in rest.splitlines()]

    async def until_closed(self) -> None:
        """Until nobody can connect any more."""
        with contextlib.suppress(aiohttp.ClientConnectorError):
            while True:
                await self.get("/readyz")

    async def killed(self) -> None:
        """It is over, however it was."""
        if self._process is not None:
            if self.process.returncode is None:
                self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def started(self, *words: str, environment: dict[str, str] | None = None) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *COMMAND,
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(environment or {})},
        )
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._err = self.process.stderr
        line = await self.process.stdout.readline()
        assert line, (await self._err.read()).decode()
        self.ready = json.loads(line)


def events(text: str) -> list[tuple[str, Any]]:
    """Of a stream that has ended."""
    found = []
    for block in text.split("\n\n")[:-1]:
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def written(path: Path, content: Any) -> Path:
    """In its place at once."""
    new = path.with_suffix(".new")
    new.write_text(content if isinstance(content, str) else json.dumps(content))
    new.rename(path)
    return path


@asynccontextmanager
async def running(
    folder: Path,
    *words: str,
    grid: Any = GRID,
    service: Any = None,
    environment: dict[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[Router]:
    """A router over one worker a pool. `settings` are the workers'."""
    router = Router(folder)
    async with AsyncExitStack() as stack:
        entries = []
        for number, (pool, phase) in enumerate(POOLS.items(), 1):
            worker = MockWorker(Settings(worker_id=number, **{"ttft_ms": 0, "itl_ms": 0, **settings}))
            router.workers[pool] = await stack.enter_async_context(worker)
            entries.append(
                {"id": f"w{number}", "namespace": pool, "phase": "agg" if grid is AGG else phase, "url": worker.url}
            )
        given = [
            *("--config", str(written(folder / "grid.json", grid))),
            *("--discovery", str(written(folder / "workers.json", {"version": 1, "workers": entries}))),
            *("--service", str(written(folder / "service.json", {"drain_notice_ms": 100, **(service or {})}))),
            *("--model-name", "mock", "--port", "0"),
        ]
        stack.push_async_callback(router.killed)
        await router.started(*given, *words, environment=environment)
        yield router
