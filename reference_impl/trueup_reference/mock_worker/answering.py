"""A worker's answer to a request as it comes in, with the faults that it commits: whatever the transport."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import aclosing

from trueup_reference.mock_worker.faults import STATUSES, Fault
from trueup_reference.mock_worker.worker import Worker
from trueup_reference.worker_protocol import Told, WorkerError, read

KEEP_ALIVE_S = 5.0


class CutError(Exception):
    """A fault: the connection is to be reset."""


async def answer(worker: Worker, body: bytes) -> AsyncGenerator[Told | None, None]:
    """Its events; None is a sign of life between them.

    `WorkerError`: a status before the first event, an event after it. `CutError` likewise, for a connection.
    """
    fault = worker.faults.take()
    if fault is not None and fault.kind in STATUSES:
        status = STATUSES[fault.kind]
        retry_after_s = None if fault.kind == "error" else 1
        raise WorkerError(status, "fault", f"a fault on purpose: {fault.kind}", retry_after_s=retry_after_s)
    items = 0
    async with aclosing(worker.generate(read(body))) as answered:
        async for told in answered:
            if fault is not None and items >= fault.after_items:
                async for sign in _commit(fault):
                    yield sign
                return
            items += told.event == "item"
            yield told


async def _commit(fault: Fault) -> AsyncGenerator[Told | None, None]:
    if fault.kind == "cut":
        raise CutError
    if fault.kind == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault.kind == "tell":
        message = f"a fault on purpose: {fault.kind}"
        yield Told("error", {"code": "fault", "message": message, "retryable": True})
    while fault.kind == "stall":
        await asyncio.sleep(KEEP_ALIVE_S)
        yield None
