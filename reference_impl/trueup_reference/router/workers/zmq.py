"""Workers over ZMQ (`zmq+tcp://HOST:PORT`); `worker_frames` says what is spoken.

A DEALER queues for a peer that is not there, and connects again behind one's back to a process that knows nothing of
what was asked. Neither is wanted here: a link is one connection, and when that is lost, so is the link, with an error
for all that was under way. The next request makes another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec
import zmq
import zmq.asyncio

from trueup_reference.event_transport import ClientKeys
from trueup_reference.router.workers import CONNECT, WorkerFailure
from trueup_reference.router.workers.zmq_link import Link, ZmqStream
from trueup_reference.worker_frames import endpoint_of
from trueup_reference.worker_protocol import Asked

MOST_SOCKETS = 30_000  # three for each worker; libzmq's own bound would be 340 workers
SWEEP_S = 1.0
IDLE_S = 60.0  # after which the link to a worker that gets no work is closed


class ZmqTransport:
    """Used from one event loop, within which it is made. `keys`: CURVE, towards workers that share one server key."""

    def __init__(self, keys: ClientKeys | None = None) -> None:
        self._keys = keys
        self._context = zmq.asyncio.Context()
        self._context.set(zmq.MAX_SOCKETS, MOST_SOCKETS)
        self._links: dict[str, Link] = {}
        self._swept_s = 0.0

    async def generate(self, url: str, asked: Asked, *, connect_s: float, headers: Mapping[str, str]) -> ZmqStream:
        """Asks the worker, and waits until it has heard: `WorkerFailure` where it has not within `connect_s`."""
        body = msgspec.json.encode(asked)
        link = self._link(url)
        stream: ZmqStream | None = None
        try:
            async with asyncio.timeout(connect_s):
                await link.connected()
                stream = link.ask(body, msgspec.json.encode(dict(headers)))
                await stream.heard()
        except TimeoutError:
            if stream is None:
                self._drop(url, link)
            else:
                stream.close()
            what = "no connection" if stream is None else "a connection, and no answer"
            message = f"{what} within {connect_s * 1000:g} ms"
            raise WorkerFailure(CONNECT, message, retryable=True, taken=stream is not None) from None
        except BaseException:
            if stream is not None:
                stream.close()
            raise
        return stream

    async def health(self, url: str, *, timeout_s: float) -> bool:
        """Whether the worker says that it is well."""
        link = self._link(url)
        try:
            async with asyncio.timeout(timeout_s):
                await link.connected()
                return await link.health()
        except (TimeoutError, WorkerFailure):
            return False

    async def close(self) -> None:
        """Ends all that is under way."""
        for url, link in list(self._links.items()):
            self._drop(url, link)
        self._context.destroy(linger=0)

    def _link(self, url: str) -> Link:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._swept_s > SWEEP_S:
            self._swept_s = now_s
            for other, each in list(self._links.items()):
                if each.is_lost or (each.is_idle and now_s - each.used_s > IDLE_S):
                    self._drop(other, each)
        link = self._links.get(url)
        if link is None or link.is_lost:
            link = self._links[url] = Link(self._context, endpoint_of(url), self._keys)
        link.used_s = now_s
        return link

    def _drop(self, url: str, link: Link) -> None:
        link.close()
        if self._links.get(url) is link:
            del self._links[url]
