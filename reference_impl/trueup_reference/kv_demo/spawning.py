"""Mock workers as processes of the demo's own, which end with it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trueup_reference.kv_demo.sources import SourceError

START_S = 30.0
END_S = 5.0


@asynccontextmanager
async def mock_workers(number: int, *words: str) -> AsyncIterator[list[str]]:
    """So many workers, with these arguments besides; their URLs. They also end where this process dies."""
    processes: list[asyncio.subprocess.Process] = []
    try:
        for worker_id in range(1, number + 1):
            processes.append(await _started(worker_id, *words))
        yield [await _url(process) for process in processes]
    finally:
        for process in processes:
            if process.returncode is None:
                process.terminate()
        await asyncio.gather(*(_ended(process) for process in processes))


async def _started(worker_id: int, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "trueup_reference.mock_worker", "--worker-id", str(worker_id), "--until-stdin-closes"),
        *("--events", "tcp://127.0.0.1:0", "--replay", "tcp://127.0.0.1:0", "--drain-ms", "500"),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # A process group of its own: Ctrl-C is for the demo, which then ends them.
        process_group=0,
    )


async def _url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), START_S)
        return str(json.loads(line)["url"])
    except (TimeoutError, ValueError, KeyError) as error:
        raise SourceError("a mock worker did not start") from error


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), END_S)
    except TimeoutError:
        process.kill()
        await process.wait()
