"""A worker behind a ROUTER socket of ZMQ; `worker_frames` says what is spoken."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing

import msgspec
import zmq
import zmq.asyncio

from trueup_reference.event_transport import AllowList, ServerKeys
from trueup_reference.mock_worker.answering import CutError, answer
from trueup_reference.mock_worker.worker import Worker
from trueup_reference.worker_frames import (
    HEARTBEAT_MS,
    ID_BYTES,
    MOST_ASK_BYTES,
    MOST_QUEUED,
    SCHEME,
    VERSION,
    bracketed,
)
from trueup_reference.worker_protocol import WorkerError

ALIVE_S = 1.0
_RETRY_S = 0.005  # while a client's queue is full
_STALLED_S = 10.0  # after which a client that takes nothing is given up
_FLUSH_MS = 500  # for what was said before the end
_REBIND_S = 5.0
_Job = tuple[bytes, bytes]  # peer and id


class _GoneError(Exception):
    """The client is no longer there, or takes nothing."""


class ZmqFront:
    """Listens from its making to `close`. `keys`: CURVE, for clients on the list alone."""

    def __init__(self, worker: Worker, host: str, port: int = 0, keys: ServerKeys | None = None) -> None:
        """Port 0: a free one. `zmq.ZMQError` where the address cannot be had."""
        self._worker = worker
        self._keys = keys
        self._context = zmq.Context()
        self._async_context = zmq.asyncio.Context.shadow(self._context.underlying)
        self._jobs: dict[_Job, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.counts = {"malformed": 0, "cuts": 0}
        try:
            # Before the sockets that it guards.
            self._allow_list = None if keys is None else AllowList(self._context, keys.allowed_client_keys)
            self._socket = self._bound(f"tcp://{bracketed(host)}:{port or '*'}")
        except BaseException:
            self._context.destroy(linger=0)
            raise
        self._endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self.url = f"{SCHEME}://{self._endpoint.removeprefix('tcp://')}"
        self._serving = asyncio.create_task(self._serve(), name="zmq front")
        self._tasks = [asyncio.create_task(self._tell_alive())]
        if self._allow_list is not None:
            self._tasks.append(asyncio.create_task(self._judge(self._allow_list)))

    async def close(self) -> None:
        """Whatever is under way ends. A second call does nothing."""
        tasks, self._tasks = [*self._tasks, self._serving, *self._jobs.values()], []
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close(linger=_FLUSH_MS)
        if self._allow_list is not None:
            self._allow_list.socket.close(linger=0)
        await asyncio.to_thread(self._context.term)

    def _bound(self, endpoint: str) -> zmq.asyncio.Socket:
        socket = self._async_context.socket(zmq.ROUTER)
        try:
            socket.linger = _FLUSH_MS
            socket.router_mandatory = True  # a client that is gone is an error, not silence
            socket.sndhwm = MOST_QUEUED
            socket.maxmsgsize = MOST_ASK_BYTES
            socket.heartbeat_ivl = HEARTBEAT_MS
            socket.heartbeat_timeout = 3 * HEARTBEAT_MS
            socket.ipv6 = "[" in endpoint
            if self._keys is not None:
                self._keys.apply(socket)
            socket.bind(endpoint)
        except BaseException:
            socket.close(linger=0)
            raise
        return socket

    async def _serve(self) -> None:
        while True:
            frames = await self._socket.recv_multipart()
            if len(frames) < 4 or frames[1] != VERSION or len(frames[3]) != ID_BYTES:
                self.counts["malformed"] += 1
                continue
            peer, _, kind, number, *rest = frames
            if kind == b"ask" and rest and (peer, number) not in self._jobs:
                job = asyncio.create_task(self._answer(peer, number, rest[0]), name="zmq job")
                self._jobs[peer, number] = job
                job.add_done_callback(lambda _, key=(peer, number): self._jobs.pop(key, None))  # type: ignore[misc]
            elif kind == b"cancel":
                if (peer, number) in self._jobs:
                    self._jobs[peer, number].cancel()
            elif kind == b"health":
                told = msgspec.json.encode({"ok": not self._worker.is_draining})
                with contextlib.suppress(zmq.ZMQError):
                    await self._socket.send_multipart([peer, VERSION, b"health", number, told], zmq.NOBLOCK)
            else:
                self.counts["malformed"] += 1

    async def _answer(self, peer: bytes, number: bytes, asked: bytes) -> None:
        is_told = False
        try:
            await self._send(peer, b"ack", number)
            async with aclosing(answer(self._worker, asked)) as answered:
                async for told in answered:
                    if told is not None:
                        await self._send(peer, b"event", number, told.event.encode(), msgspec.json.encode(told.data))
                        is_told = True
            await self._send(peer, b"end", number)
        except CutError:
            await self._cut()
        except WorkerError as error:
            with contextlib.suppress(_GoneError):
                if is_told:
                    told = error.told
                    await self._send(peer, b"event", number, told.event.encode(), msgspec.json.encode(told.data))
                else:
                    about = {"status": error.status, "code": error.code, "message": error.message}
                    refused = msgspec.json.encode({**about, "retry_after_s": error.retry_after_s})
                    await self._send(peer, b"refused", number, refused)
        except _GoneError:
            pass  # the work has ended with it

    async def _send(self, peer: bytes, *frames: bytes) -> None:
        """`_GoneError` where the client is no longer there, or takes nothing for long."""
        until_s = asyncio.get_running_loop().time() + _STALLED_S
        while True:
            try:
                await self._socket.send_multipart([peer, VERSION, *frames], zmq.NOBLOCK)
            except zmq.Again:
                if asyncio.get_running_loop().time() > until_s:
                    raise _GoneError from None
            except zmq.ZMQError as error:
                raise _GoneError from error
            else:
                return
            await asyncio.sleep(_RETRY_S)

    async def _tell_alive(self) -> None:
        """A client that has gone without a word is noticed here, and what it asked for ends."""
        while True:
            await asyncio.sleep(ALIVE_S)
            if self._socket.closed:  # a cut is on its way, and is no client that has gone
                continue
            for peer in {peer for peer, _ in self._jobs}:
                try:
                    await self._socket.send_multipart([peer, VERSION, b"alive", bytes(ID_BYTES)], zmq.NOBLOCK)
                except zmq.Again:
                    pass  # it has more to read than it can
                except zmq.ZMQError:
                    for (of, _), job in list(self._jobs.items()):
                        if of == peer:
                            job.cancel()

    async def _cut(self) -> None:
        """All connections of the socket: ZMQ can reset no single one."""
        self.counts["cuts"] += 1
        current = asyncio.current_task()
        for job in list(self._jobs.values()):
            if job is not current:
                job.cancel()
        self._serving.cancel()
        self._socket.close(linger=_FLUSH_MS)
        until_s = asyncio.get_running_loop().time() + _REBIND_S
        while True:
            try:
                self._socket = self._bound(self._endpoint)
                self._serving = asyncio.create_task(self._serve(), name="zmq front")
                return
            except zmq.ZMQError:  # the old socket is closed a moment later, in a thread of ZMQ's
                if asyncio.get_running_loop().time() > until_s:
                    raise
            await asyncio.sleep(_RETRY_S)

    async def _judge(self, allow_list: AllowList) -> None:
        asking = zmq.asyncio.Socket(allow_list.socket)
        while True:
            await asking.poll()
            allow_list.answer()
