"""What the requests of a router share."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trueup_reference.router.admission import Admission
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.pools import Pools
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.workers import Transport

if TYPE_CHECKING:
    from trueup_reference.router.answering import Answer
    from trueup_reference.worker_protocol import Phase

MOST_NUMBERED = 10_000  # requests and phases, the latest


class Numbers:
    """How often each request was given to a worker lately, by phase.

    One that comes again, since its client's connection broke, is counted on: workers refuse a key that they have seen.
    """

    def __init__(self) -> None:
        self._next: OrderedDict[tuple[str, Phase], int] = OrderedDict()

    def take(self, request_id: str, phase: Phase, least: int = 0) -> int:
        """The number of the next attempt, from 0. `least`: what its asker knows, who may ask after it was forgotten."""
        key = (request_id, phase)
        number = max(self._next.pop(key, 0), least)
        self._next[key] = number + 1
        if len(self._next) > MOST_NUMBERED:
            self._next.popitem(last=False)
        return number


@dataclass(eq=False)
class Shared:
    """One for each router. `live`: requests that wait or were accepted, and have not ended."""

    service: ServiceSettings
    router_id: str
    transports: Mapping[str, Transport]  # by the scheme of a worker's URL
    metrics: RouterMetrics
    admission: Admission
    pools: Pools
    loop: asyncio.AbstractEventLoop
    numbers: Numbers = field(default_factory=Numbers)
    live: set[Answer] = field(default_factory=set)
    _waiting: set[asyncio.Future[None]] = field(default_factory=set)

    def ended(self, answer: Answer) -> None:
        """The request is over, and everything of it is given back."""
        self.live.discard(answer)
        if not self.live:
            for each in self._waiting:
                if not each.done():
                    each.set_result(None)

    async def when_idle(self) -> None:
        """Returns when no request is under way."""
        while self.live:
            told = self.loop.create_future()
            self._waiting.add(told)
            try:
                await told
            finally:
                self._waiting.discard(told)
