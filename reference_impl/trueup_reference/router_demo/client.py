"""A client that asks one of several routers, and another where the first has died or says no."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from trueup_reference.router_demo.ledger import Entry, Hop, Ledger, Try
from trueup_reference.router_demo.processes import Program, Run

DEATH_S = 3.0  # from the end of a stream to the end of its process, where the one comes of the other
FIRST_PAUSE_S = 0.05
MOST_PAUSE_S = 1.0
ERRORS_ASKED_AGAIN = 5  # answers that end with an error, where the client asks again


class BrokenStreamError(Exception):
    """An answer that has ended without an end, or that is none."""


class Client:
    """Sends requests and enters into the ledger what becomes of each. `limit_s`: for one answer, to its end."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        routers: Sequence[Program],
        ledger: Ledger,
        *,
        limit_s: float = 60.0,
        patience_s: float = 60.0,
        asks_again_after_errors: bool = False,
        seed: int = 0,
    ) -> None:
        """`patience_s`: for how long it tries again what no router has accepted, or what a router died with.

        `asks_again_after_errors`: also what ended with an error, under another id. Where a router died it always does.
        """
        self._session = session
        self._routers = routers
        self._ledger = ledger
        self._limit_s = limit_s
        self._patience_s = patience_s
        self._asks_again = asks_again_after_errors
        self._turn = itertools.count()
        self._chance = random.Random(seed)

    async def ask(self, entry: Entry, body: Mapping[str, Any], expected: Sequence[int]) -> Entry:
        """Asks until there is an answer. `expected`: the tokens that a right one has."""
        until = time.monotonic() + self._patience_s
        pause_s = FIRST_PAUSE_S
        asked: set[tuple[str, str]] = set()  # by which process, under which id: it would take it for the same work
        errors = 0
        last: Run | None = None
        while True:
            run, url = self._choose(last)
            if run is not None:
                last = run
                wire_id = entry.request_id
                for number in itertools.count(2):
                    if (run.name, wire_id) not in asked:
                        break
                    wire_id = f"{entry.request_id}~{number}"
                one = Try(run.name, wire_id, time.monotonic())
                entry.tries.append(one)
                retry_after_s = await self._send(entry, one, run, url, {**body, "request_id": wire_id}, expected)
                if one.is_accepted:
                    asked.add((run.name, wire_id))
                if one.outcome in ("completed", "lost"):
                    return entry
                if one.outcome == "errored":
                    errors += 1
                    if not (self._asks_again or entry.was_interrupted) or errors > ERRORS_ASKED_AGAIN:
                        return entry
                pause_s = max(pause_s, min(retry_after_s or 0.0, MOST_PAUSE_S))
            if time.monotonic() + pause_s >= until:
                return entry
            await asyncio.sleep(pause_s * self._chance.uniform(0.5, 1.0))
            pause_s = min(2 * pause_s, MOST_PAUSE_S)

    def _choose(self, last: Run | None) -> tuple[Run | None, str]:
        """The next router in turn; after a failure another one than that which failed, where there is one."""
        for _ in self._routers:
            router = self._routers[next(self._turn) % len(self._routers)]
            if router.run is not None and (router.run is not last or len(self._routers) == 1):
                return router.run, router.url
        return None, ""

    async def _send(
        self, entry: Entry, one: Try, run: Run, url: str, body: Mapping[str, Any], expected: Sequence[int]
    ) -> float | None:
        """One try, whose outcome it sets; the seconds after which a router that refused wants to be asked again."""
        retry_after_s = None
        tokens: list[int] = []
        try:
            async with asyncio.timeout(self._limit_s), self._session.post(f"{url}/v1/generate", json=body) as response:
                if response.status == 200:
                    await self._read(entry, one, response, tokens)
                else:
                    one.outcome, one.code = "refused", _code(await response.read())
                    retry_after_s = _seconds(response.headers.get("Retry-After"))
        except TimeoutError:
            one.note = f"no end within {self._limit_s:g} s"
            one.outcome = one.outcome or ("lost" if one.is_accepted else "unreached")
        except (aiohttp.ClientError, BrokenStreamError, OSError, ValueError, LookupError, TypeError) as error:
            one.note = f"{type(error).__name__}: {error}"[:200]
            if not one.is_accepted:
                one.outcome = "unreached"
            elif one.outcome is None:  # else it had its end before
                # A process that was killed, or has crashed. One that ended in good order had to end its streams before.
                one.outcome = "interrupted" if await run.died(DEATH_S) else "lost"
        finally:
            one.ended_s = time.monotonic()
            self._ledger.ended(one)
        entry.wrong = entry.wrong or _wrong(one, tokens, expected)
        return retry_after_s

    async def _read(self, entry: Entry, one: Try, response: aiohttp.ClientResponse, tokens: list[int]) -> None:
        """The events of an answer. `BrokenStreamError` where it ends before its end, or is no such answer."""
        name = ""
        async for line in response.content:
            key, _, value = line.decode().rstrip("\r\n").partition(": ")
            if key == "event":
                name = value
            if key != "data":
                continue
            if one.outcome is not None:
                entry.wrong = f"{name} came after the end"
            else:
                self._take(one, name, json.loads(value), tokens)
        if one.outcome is None:
            raise BrokenStreamError("it ended without an end")

    def _take(self, one: Try, name: str, data: dict[str, Any], tokens: list[int]) -> None:
        if not one.is_accepted and name != "accepted":
            raise BrokenStreamError(f"{name} came before accepted")
        if name == "accepted":
            one.is_accepted = True
        elif name == "routed":
            self._ledger.hop(one, Hop(data["phase"], data["pool"], data["worker"], data["attempt"]), time.monotonic())
        elif name == "item":
            if data["index"] != one.items:
                raise BrokenStreamError(f"item {data['index']} came where {one.items} was due")
            one.first_item_s = one.first_item_s or time.monotonic()
            one.items += 1
            tokens += data["token_ids"]
        elif name == "finish":
            one.outcome = "completed"
        elif name == "error":
            one.outcome, one.code = "errored", data["error"]["code"]
            one.note = str(data["error"]["message"])[:200]
        else:
            raise BrokenStreamError(f"{name!r} is no event")


def _wrong(one: Try, tokens: Sequence[int], expected: Sequence[int]) -> str | None:
    if one.outcome == "completed" and len(tokens) != len(expected):
        return f"{len(tokens)} tokens came, and {len(expected)} are due"
    if list(tokens) != list(expected[: len(tokens)]):
        return f"it began with {list(tokens[:8])}, and {list(expected[:8])} is due"
    return None


def _code(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return f"unreadable: {body[:80]!r}"


def _seconds(text: str | None) -> float | None:
    return float(text) if text is not None and text.isdecimal() else None
