"""Whom the demo listens to: mock workers by their URL, or any publisher of format A by its endpoint."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

HEALTH_S = 5.0
_PUBLISHER = re.compile(
    r"(?:(?P<id>[0-9]{1,20})=)?(?P<endpoint>(?:tcp|ipc)://[^@\s]+)(?:@(?P<replay>(?:tcp|ipc)://\S+))?"
)
_FORMS = "[ID=]tcp://HOST:PORT[@tcp://HOST:REPLAY-PORT], or http://HOST:PORT of a mock worker"


class SourceError(Exception):
    """A source that cannot be used: what is wrong with it."""


class WorkerSource(NamedTuple):
    """A worker: where it publishes, and its URL where requests can be sent to it."""

    worker_id: int
    dp_rank: int
    endpoint: str
    replay_endpoint: str | None
    url: str | None
    block_size: int | None  # tokens, where it is known
    topic: str | None

    @property
    def worker(self) -> tuple[int, int]:
        """Id and rank."""
        return (self.worker_id, self.dp_rank)


async def found(texts: Sequence[str]) -> list[WorkerSource]:
    """The workers that these texts name, in order. `SourceError` for what names none, or for two of one id and rank."""
    sources = list(await asyncio.gather(*(_found(number, text) for number, text in enumerate(texts, 1))))
    parts: dict[str, list[Any]] = {
        "worker": [one.worker for one in sources],
        "endpoint": [one.endpoint for one in sources],
    }
    for name, values in parts.items():
        twice = next((value for value in values if values.count(value) > 1), None)
        if twice is not None:
            raise SourceError(f"two sources have the {name} {twice}: each needs one of its own (ID=ENDPOINT names it)")
    return sources


async def _found(number: int, text: str) -> WorkerSource:
    if text.startswith(("http://", "https://")):
        return await _asked(text.rstrip("/"))
    form = _PUBLISHER.fullmatch(text)
    if form is None:
        raise SourceError(f"{text!r} is no source: {_FORMS}")
    worker_id = int(form["id"]) if form["id"] else number
    if worker_id >= 1 << 64:
        raise SourceError(f"{text!r}: a worker's id has 64 bits")
    return WorkerSource(worker_id, 0, form["endpoint"], form["replay"], None, None, None)


async def _asked(url: str) -> WorkerSource:
    """What a mock worker says of itself."""
    import aiohttp

    try:
        limit = aiohttp.ClientTimeout(total=HEALTH_S)
        async with aiohttp.ClientSession(timeout=limit) as session, session.get(f"{url}/health") as response:
            told: Any = await response.json(content_type=None)
            events = told["kv_events"]
            if events is None:
                raise SourceError(f"{url} publishes no KV events: start it with --events tcp://127.0.0.1:0")
            return WorkerSource(
                int(told["worker_id"]),
                int(told["dp_rank"]),
                str(events["endpoint"]),
                None if events["replay_endpoint"] is None else str(events["replay_endpoint"]),
                url,
                int(told["block_size"]),
                str(events["topic"]),
            )
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SourceError(f"{url}/health: {type(error).__name__}: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise SourceError(f"{url}/health is not that of a mock worker: {type(error).__name__}: {error}") from error
