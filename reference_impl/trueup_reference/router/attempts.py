"""One attempt of a request at one worker: asking, the clocks, and what it says about the worker."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import msgspec

from trueup_reference.router.answers import WorkerAnswer
from trueup_reference.router.clocks import Clock, Expired
from trueup_reference.router.pools import Use
from trueup_reference.router.protocol import Event
from trueup_reference.router.shared import Shared
from trueup_reference.router.workers import FAILED, WorkerFailure, WorkerStream
from trueup_reference.worker_protocol import Asked

logger = logging.getLogger("trueup_reference.router.attempts")
FIRST_ITEM, BETWEEN_ITEMS = "timeout_first_item", "timeout_between_items"


class Attempt:
    """Begun by the first `next`. Ends by itself with the answer's end or its failure, or by `close`."""

    def __init__(
        self, shared: Shared, clock: Clock, use: Use, asked: Asked, headers: Mapping[str, str], received: float
    ) -> None:
        """`received`: the request, by the monotonic clock."""
        self.use = use
        self.answer = WorkerAnswer(asked.phase)
        self.finish: Event | None = None
        self._shared = shared
        self._clock = clock
        self._asked = asked
        self._headers = headers
        self._received = received
        timeouts = shared.service.timeouts_ms
        self._connect_s = timeouts.connect / 1000
        self._first_item_s = timeouts.first_item / 1000
        self._between_items_s = timeouts.between_items / 1000
        self._began = self._due = 0.0
        self._stream: WorkerStream | None = None
        self._failure: WorkerFailure | None = None  # behind items that came with it
        self._is_open = True

    async def next(self) -> list[Event]:
        """The next items, at least one but where the answer has ended: `finish` is there then. `WorkerFailure`."""
        clock = self._clock
        try:
            if self._stream is None:
                self._began = time.monotonic()
                self._due = clock.now + self._first_item_s
                self._stream = await clock.wait(self._ask(), self._due)
            while self._failure is None:
                taken = self.answer.take(await clock.wait(self._stream.read(), self._due))
                if taken.has_moved:
                    self._due = clock.now + self._between_items_s
                    if self.answer.items == len(taken.items) > 0:
                        self._begun()
                self._failure, self.finish = taken.failure, taken.finish
                if self.finish is not None:
                    self._end()
                    self.use.completed()
                    return taken.items
                if taken.items:
                    return taken.items
            raise self._failure
        except Expired as error:
            failure = self._late()
            self._failed(failure)
            raise failure from error
        except WorkerFailure as failure:
            self._failed(failure)
            raise

    def close(self) -> None:
        """Ends the worker's work at once."""
        self._end()
        self.use.abandoned()

    async def _ask(self) -> WorkerStream:
        url = self.use.instance.entry.url
        scheme = url.partition("://")[0]
        transport = self._shared.transports.get(scheme)
        if transport is None:
            raise WorkerFailure(FAILED, f"this router does not speak {scheme}", retryable=True, taken=False)
        asked = msgspec.structs.replace(self._asked, deadline_ms=max(self._clock.left_s * 1000, 0))
        return await transport.generate(url, asked, connect_s=self._connect_s, headers=self._headers)

    def _begun(self) -> None:
        """The first item has come."""
        self.use.answered()
        self._shared.metrics.first_item(self.use.pool.namespace, time.monotonic() - self._received)

    def _late(self) -> WorkerFailure:
        answer = self.answer
        if answer.items or answer.transfer is not None:
            code, limit_s, what = BETWEEN_ITEMS, self._between_items_s, "nothing more came"
        else:
            code, limit_s, what = FIRST_ITEM, self._first_item_s, "nothing came"
        message = f"{what} from {self.use.instance.entry.id} within {limit_s * 1000:g} ms"
        return WorkerFailure(code, message, retryable=True)

    def _failed(self, failure: WorkerFailure) -> None:
        self._end()
        worker, pool, asked = self.use.instance.entry.id, self.use.pool.namespace, self._asked
        about = {"request_id": asked.request_id, "phase": asked.phase, "pool": pool, "worker": worker}
        logger.info(
            "attempt %d at %s failed: %s", asked.attempt, worker, failure, extra={**about, "code": failure.code}
        )
        self.use.failed(failure)

    def _end(self) -> None:
        if self._is_open:
            self._is_open = False
            if self._stream is not None:
                self._stream.close()
            if self._began:
                asked, pool = self._asked, self.use.pool.namespace
                self._shared.metrics.forwarded(asked.phase, pool, time.monotonic() - self._began)
