"""Conversations over a few system prompts, sent to the workers that the router chooses."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trueup_reference.kv_demo.routing import KvRouter, Routed
from trueup_reference.worker_selection import Worker

if TYPE_CHECKING:
    import aiohttp

VOCABULARY = 1 << 17
MOST_TURNS = 8
REQUEST_S = 30.0  # for an answer
MOST_TOLD = 200  # characters of why a request has failed


class Conversations:
    """Prompts: a system prompt of a few, and turns that are added; after some turns another conversation begins."""

    def __init__(self, seed: int, block_size: int, *, systems: int = 4, at_once: int = 12) -> None:
        """The same seed, the same prompts."""
        self._chance = random.Random(seed)
        self._turn_tokens = 3 * block_size + block_size // 2
        self._systems = [self._tokens(block_size * length) for length in self._chance.choices((4, 8, 16), k=systems)]
        self._open = [self._begun() for _ in range(at_once)]

    def prompt(self) -> list[int]:
        """The next one."""
        number = self._chance.randrange(len(self._open))
        turns, tokens = self._open[number]
        tokens = tokens + self._tokens(self._chance.randint(1, self._turn_tokens))
        self._open[number] = (turns + 1, tokens) if turns < MOST_TURNS else self._begun()
        return tokens

    def _begun(self) -> tuple[int, list[int]]:
        return 0, list(self._chance.choice(self._systems))

    def _tokens(self, length: int) -> list[int]:
        return [self._chance.randrange(VOCABULARY) for _ in range(length)]


class Client:
    """Sends what is routed, and tells the router what came of it."""

    def __init__(self, session: aiohttp.ClientSession, router: KvRouter, urls: Mapping[Worker, str]) -> None:
        """`urls`: of every worker that may be chosen."""
        self._session = session
        self._router = router
        self._urls = urls

    async def send(self, token_ids: list[int], max_tokens: int) -> Routed:
        """Routes a prompt and waits for its answer; the request is freed whatever becomes of it."""
        router = self._router
        routed = router.route(token_ids)
        asked = {
            "request_id": routed.id,
            "router_id": "trueup-kv-index",
            "phase": "agg",
            "token_ids": token_ids,
            "max_tokens": max_tokens,
        }
        try:
            async with asyncio.timeout(REQUEST_S):
                usage = await self._answer(routed, asked)
            router.answered(routed, usage["prompt_tokens"], usage["cached_tokens"])
        except TimeoutError:
            router.failed(routed, f"no answer in {REQUEST_S:g} s")
        except (OSError, ValueError, KeyError) as error:
            router.failed(routed, f"{error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}")
        finally:
            router.selector.free(routed.id)
        return routed

    async def _answer(self, routed: Routed, asked: Mapping[str, Any]) -> dict[str, int]:
        """The usage that the worker tells at the end. `OSError`, `ValueError`, `KeyError` where the answer is none."""
        import aiohttp

        event = ""
        try:
            async with self._session.post(f"{self._urls[routed.chosen]}/generate", json=asked) as response:
                if not response.ok:
                    raise OSError(f"{response.status} {(await response.text())[:MOST_TOLD]}")
                async for line in response.content:
                    field, _, value = line.decode().strip().partition(": ")
                    if field == "event":
                        event = value
                    elif field == "data" and event == "item":
                        self._router.selector.prefill_done(routed.id)
                    elif field == "data" and event == "finish":
                        usage: dict[str, int] = json.loads(value)["usage"]
                        return usage
                    elif field == "data" and event == "error":
                        raise OSError(value[:MOST_TOLD])
        except aiohttp.ClientError as error:
            raise OSError(f"{type(error).__name__}: {error}") from error
        raise OSError("the answer ended before its finish")
