"""Routers that tell clients something else than workers told them."""

from __future__ import annotations

import json
from typing import Any

from contracts.router_service.plain.asking import Stream, WorkerFailed
from contracts.router_service.plain.router import Clock, Router
from contracts.router_service.seeding import fault

STOP: tuple[str, dict[str, Any]] = ("finish", {"reason": "stop", "usage": {}})


@fault("RS-059")
class EmptyStream(Router):
    """takes an answer that ends at once for an empty completion"""

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        try:
            return await super().next_event(stream, clock)
        except WorkerFailed as failed:
            if "without an end" in failed.message and clock.code == "timeout_first_item":
                return STOP
            raise


@fault("RS-062")
class HalfIsWhole(Router):
    """takes the end of the worker's stream for the end of the answer"""

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        try:
            return await super().next_event(stream, clock)
        except WorkerFailed as failed:
            if "without an end" in failed.message and clock.code == "timeout_between_items":
                return STOP
            raise


@fault("RS-060")
class CutIsWhole(Router):
    """takes a connection that breaks in the middle for the end of the answer"""

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        try:
            return await super().next_event(stream, clock)
        except WorkerFailed as failed:
            if failed.code == "worker_failed" and clock.code == "timeout_between_items":
                return STOP
            raise


@fault("RS-061")
class NoErrors(Router):
    """leaves out error events after items"""

    async def next_event(self, stream: Stream, clock: Clock) -> tuple[str, dict[str, Any]]:
        found = await super().next_event(stream, clock)
        return STOP if found[0] == "error" and clock.code == "timeout_between_items" else found


@fault("RS-063")
class TrustsWorkers(Stream):
    """falls over an event that is no JSON"""

    @staticmethod
    def _object(text: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(text)
        return found


@fault("RS-123")
class Endless(Stream):
    """reads an event to its end, however long it is"""

    def _take(self, chunk: bytes) -> None:
        self._bytes = 0
        super()._take(chunk)
