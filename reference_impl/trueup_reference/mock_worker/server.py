"""A mock worker as a whole: what serves it, where it is known, and what it publishes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from trueup_reference.event_transport import Publisher, ServerKeys
from trueup_reference.event_transport.messages import Format
from trueup_reference.mock_worker.control import Control
from trueup_reference.mock_worker.faults import Fault, FaultPlan
from trueup_reference.mock_worker.http import HttpFront
from trueup_reference.mock_worker.kv_events import KvEvents
from trueup_reference.mock_worker.registering import Registered, registration
from trueup_reference.mock_worker.settings import Settings
from trueup_reference.mock_worker.worker import Worker
from trueup_reference.router.discovery import WorkerEntry
from trueup_reference.worker_frames import bracketed
from trueup_reference.worker_protocol import Phase

if TYPE_CHECKING:
    from trueup_reference.mock_worker.zmq import ZmqFront


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a worker belongs. `register`: a discovery file, or etcd://…/DEPLOYMENT; left out, nobody is told.

    `phase`: what it serves, all phases where it is left out; it is registered as agg then. `advertise`: the URL that
    others are told, where it is not the one that it listens at.
    """

    namespace: str = "default"
    phase: Phase | None = None
    id: str | None = None  # left out, a random one
    register: str | None = None
    advertise: str | None = None


class MockWorker:
    """A worker with its port and its publisher: `async with MockWorker(settings) as worker: worker.url`.

    `events_endpoint` and `replay_endpoint`: where KV events are published and sent again, such as tcp://127.0.0.1:0;
    without the first nothing is published. `zmq_port`: speak the protocol over ZMQ too, 0 for a free one; `url` is then
    of that scheme, and `http_url` the other. `control`: the path of a socket over which it is told what to do.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        events_endpoint: str | None = None,
        replay_endpoint: str | None = None,
        topic: str = "",
        events_format: Format = "A",
        faults: Iterable[Fault] = (),
        place: Place | None = None,
        zmq_port: int | None = None,
        zmq_keys: ServerKeys | None = None,
        control: Path | None = None,
    ) -> None:
        """Nothing runs yet. Port 0: a free one."""
        self.settings = settings or Settings()
        self.place = place or Place()
        self.id = self.place.id or f"{self.place.namespace}-{secrets.token_hex(4)}"
        self._host, self._port = host, port
        self._events = (events_endpoint, replay_endpoint, topic)
        self._events_format: Format = events_format
        self._faults = list(faults)
        self._zmq = (zmq_port, zmq_keys)
        self._control_path = control
        self._registered: Registered | None = None
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        """Binds, and is known. `OSError` or `zmq.ZMQError` where an address cannot be had, `ValueError` for none."""
        async with AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()

    async def _start(self, stack: AsyncExitStack) -> None:
        settings = self.settings
        endpoint, replay, topic = self._events
        self.publisher: Publisher | None = None
        events = None
        if endpoint is not None:
            name = f"worker-{settings.worker_id}-{settings.dp_rank}"
            self.publisher = Publisher(endpoint, topic, self._events_format, replay_endpoint=replay, name=name)
            stack.push_async_callback(asyncio.to_thread, self.publisher.close)
            events = KvEvents(self.publisher, settings.block_size, settings.dp_rank, settings.worker_id)
        self.worker = Worker(settings, FaultPlan(self._faults, settings.seed), events, self.place.phase)
        http = HttpFront(self.worker, self.about)
        self.port = await http.start(self._host, self._port)
        stack.push_async_callback(http.close)
        self.url = self.http_url = f"http://{bracketed(self._host)}:{self.port}"
        zmq_port, keys = self._zmq
        if zmq_port is not None:
            self.url = self._zmq_front(zmq_port, keys, stack).url
        if self._control_path is not None:
            control = Control(self._control_path, self.worker, self.about, self.register)
            await control.start()
            stack.push_async_callback(control.close)
        stack.push_async_callback(self.register, False)
        await self.register(True)

    def _zmq_front(self, port: int, keys: ServerKeys | None, stack: AsyncExitStack) -> ZmqFront:
        from trueup_reference.mock_worker.zmq import ZmqFront

        front = ZmqFront(self.worker, self._host, port, keys)
        stack.push_async_callback(front.close)
        return front

    async def register(self, wanted: bool) -> None:
        """Makes it known where it is to be, or takes that back; nothing where it is so already."""
        registered, self._registered = self._registered, None
        if not wanted and registered is not None:
            await registered.close()
        elif wanted and registered is None and self.place.register is not None:
            registered = registration(self.place.register, self.entry)
            await registered.start()
        if wanted:
            self._registered = registered

    @property
    def entry(self) -> WorkerEntry:
        """As discovery tells of it."""
        place = self.place
        url = place.advertise or self.url
        return WorkerEntry(id=self.id, namespace=place.namespace, phase=place.phase or "agg", url=url)

    async def close(self, *, drains: bool = True) -> None:
        """Ends: nobody is sent to it any more, and what is under way has `drain_ms`, or none."""
        if drains:
            await self.register(False)
            await self.worker.drain()
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        """Started."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ended at once."""
        await self.close(drains=False)

    def about(self) -> dict[str, Any]:
        """What `GET /health` answers."""
        worker = self.worker
        told: dict[str, Any] = {
            "status": "draining" if worker.is_draining else "ok",
            "id": self.id,
            "namespace": self.place.namespace,
            "phase": self.place.phase,
            "worker_id": str(self.settings.worker_id),  # JSON readers round above 2^53
            "dp_rank": self.settings.dp_rank,
            "block_size": self.settings.block_size,
            "capacity_blocks": self.settings.capacity_blocks,
            "blocks": len(worker.cache),
            "in_flight": worker.in_flight,
            "waiting": worker.prefills.waiting + worker.decodes.waiting,
            "counts": dict(worker.counts),
            "kv_events": None,
        }
        if self.publisher is not None:
            told["kv_events"] = {
                "endpoint": self.publisher.endpoint,
                "replay_endpoint": self.publisher.replay_endpoint,
                "topic": self.publisher.topic,
                "format": self.publisher.format,
            }
        return told
