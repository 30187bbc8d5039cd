"""What the requests of a router share."""

from __future__ import annotations

import asyncio
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
