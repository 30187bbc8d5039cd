"""The router: accepts requests, sends them to workers, and hands the answers on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from trueup_reference.router.discovery import Discovery
from trueup_reference.router.metrics import RouterMetrics
from trueup_reference.router.plan import Plan
from trueup_reference.router.protocol import Event, Request
from trueup_reference.router.service import ServiceSettings
from trueup_reference.router.workers import Transport


class PoolState(NamedTuple):
    """What `/readyz` tells of a pool. `workers`: that are registered; `usable`: of those, not ejected."""

    ready: bool
    reason: str
    workers: int
    usable: int
    in_flight: int
    queued: int


class Answer:
    """The events of one request, `accepted` first: `async with` and `async for`. Used by one task at a time.

    Leaving the context ends the worker's work and frees every slot, at once; `close()` does the same from anywhere.
    """

    request_id: str
    pools: tuple[str, ...]  # namespaces it was sent to, so far

    async def batch(self) -> list[Event]:
        """The next events, as many as have come; empty after the last one."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends it; may be called again."""
        raise NotImplementedError

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> Event:
        """The next event; after `finish` or `error` there is none."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closed."""
        self.close()


class GlobalRouter:
    """Used from one event loop."""

    def __init__(
        self,
        plan: Plan,
        service: ServiceSettings,
        discovery: Discovery,
        transports: Mapping[str, Transport],
        metrics: RouterMetrics,
        *,
        router_id: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`transports`: by the scheme of a worker's URL. Whoever made the discovery and the transports closes them."""
        raise NotImplementedError

    async def start(self) -> None:
        """Starts the discovery, and follows it."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends everything that is under way."""
        raise NotImplementedError

    def swap(self, plan: Plan) -> None:
        """From now on by this plan; requests that were accepted keep theirs."""
        raise NotImplementedError

    async def accept(self, request: Request) -> Answer:
        """Waits until there is room. `RouterError` where there will be none, or the request makes no sense."""
        raise NotImplementedError

    def pools(self) -> dict[str, PoolState]:
        """The pools of the present plan, by namespace."""
        raise NotImplementedError

    def refuse_new(self) -> None:
        """Requests get `draining` from now on."""
        raise NotImplementedError

    async def drain(self, limit_s: float) -> None:
        """Returns when nothing is under way; what is after `limit_s` gets an `error` `draining`."""
        raise NotImplementedError
