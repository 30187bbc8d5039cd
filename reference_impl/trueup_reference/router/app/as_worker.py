"""`POST /v1/prefill` and `/v1/decode`: the router as a worker, for a frontend that chains the two by itself.

What is asked and answered is the worker protocol, its keys too: the same piece of work again gets 409, and a new
attempt of the same request and phase ends the older.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from starlette.types import Send

from trueup_reference.router.app.errors import Refused, about
from trueup_reference.router.app.generating import LAST
from trueup_reference.router.app.requests import read_asked
from trueup_reference.router.app.work import SSE, Service, Told, Work, as_error, ended_by, more
from trueup_reference.router.forwarding import Answer
from trueup_reference.router.protocol import Event, Request, RouterError
from trueup_reference.worker_protocol import Asked, Phase, written

KEPT_KEYS = 10_000  # of work that has ended
_OUR_OWN = frozenset({"accepted", "routed"})


class AsWorker(Work[Asked]):
    """One phase of the worker protocol. The headers wait for the first event: until then a status says more."""

    def __init__(self, service: Service, phase: Phase) -> None:
        """Its path is that of the phase."""
        super().__init__(service, f"/v1/{phase}")
        self._phase = phase
        self._keys = Keys()

    def read(self, body: bytes, headers: Sequence[tuple[bytes, bytes]], received_s: float) -> tuple[Asked, Request]:
        """What is asked of the worker."""
        return read_asked(body, self._phase, headers, received_s)

    async def work(self, asked: Asked, told: Told, send: Send) -> None:
        """Ends where a newer attempt comes."""
        try:
            running = self._keys.begin(asked)
        except Refused as error:
            self.service.metrics.rejected(error.pool, error.code)
            raise
        was_refused = False
        try:
            await super().work(asked, told, send)
        except RouterError:
            was_refused = True
            raise
        except asyncio.CancelledError:
            if running.is_superseded and running.task.uncancel() == 0:
                raise Refused(409, "superseded", "a newer attempt of this request has come") from None
            raise
        finally:
            self._keys.end(running, is_known=not was_refused)

    async def answer(self, asked: Asked, answer: Answer, send: Send, told: Told) -> None:
        """`item`, `transfer`, `finish` and `error` as they come."""
        has_begun = is_over = False
        while not is_over:
            got = await more(answer)
            events = [event for event in got if event.name not in _OUR_OWN]
            told.items += sum(event.name == "item" for event in events)
            is_over = got[-1].name in LAST
            if not events:
                continue
            if is_over:
                told.outcome = ended_by(events[-1])
            if not has_begun:
                if events[0].name == "error":
                    raise as_error(events[0])
                has_begun = True
                headers = [*SSE, *about(answer.request_id)]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
            body = b"".join([self._written(event) for event in events])
            await send({"type": "http.response.body", "body": body, "more_body": not is_over})

    def error(self, error: RouterError, request_id: str) -> bytes:
        """An event of the worker protocol."""
        return written("error", msgspec.json.encode(error.told_as_worker()))

    def _written(self, event: Event) -> bytes:
        return self.error(as_error(event), "") if event.name == "error" else event.written()


@dataclass(eq=False)
class Running:
    """A piece of work under way, and who does it."""

    asked: Asked
    task: asyncio.Task[object]
    is_superseded: bool = False


class Keys:
    """Which pieces of work are or were here. Another replica knows nothing of them."""

    def __init__(self) -> None:
        """None yet."""
        self._running: dict[tuple[str, str], Running] = {}
        self._ended: OrderedDict[tuple[str, str, str, int], None] = OrderedDict()

    def begin(self, asked: Asked) -> Running:
        """Takes a key for the present task. `Refused` 409 where it was here before, or a newer attempt is under way."""
        place = (asked.request_id, asked.phase)
        before = self._running.get(place)
        if asked.key in self._ended or (before is not None and before.asked.key == asked.key):
            raise Refused(409, "duplicate", f"attempt {asked.attempt} of this request was here before")
        if before is not None:
            if before.asked.attempt > asked.attempt:
                raise Refused(409, "superseded", f"attempt {before.asked.attempt} of this request is under way")
            before.is_superseded = True
            before.task.cancel()
        task = asyncio.current_task()
        assert task is not None
        self._running[place] = running = Running(asked, task)
        return running

    def end(self, running: Running, *, is_known: bool) -> None:
        """It is over. `is_known`: whether its key is refused from now on; what was refused may come again."""
        place = (running.asked.request_id, running.asked.phase)
        if self._running.get(place) is running:
            del self._running[place]
        if is_known:
            self._ended[running.asked.key] = None
        if len(self._ended) > KEPT_KEYS:
            self._ended.popitem(last=False)
