"""Workers over ZMQ: the same answers as over HTTP, and an error, not silence, for whatever is gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.asyncio

from fix_etcd import HeldPort
from trueup_reference.event_transport import client_keys, read_key, server_keys, write_keys
from trueup_reference.mock_worker import Fault, MockWorker, Settings
from trueup_reference.mock_worker import zmq as mock_zmq
from trueup_reference.router.protocol import Event
from trueup_reference.router.workers import WorkerFailure, WorkerStream
from trueup_reference.router.workers import zmq as zmq_workers
from trueup_reference.router.workers.zmq import ZmqTransport
from trueup_reference.worker_frames import VERSION, endpoint_of
from trueup_reference.worker_protocol import Asked

FAST = Settings(ttft_ms=0, prefill_us_per_token=0, itl_ms=0)
SLOW = Settings(ttft_ms=60_000)
Work = Callable[[MockWorker, ZmqTransport], Awaitable[None]]


def asked(request_id: str = "r", **more: Any) -> Asked:
    return Asked(**{"request_id": request_id, "phase": "agg", "token_ids": tuple(range(40)), "max_tokens": 3, **more})


async def all_of(transport: ZmqTransport, url: str, one: Asked, connect_s: float = 10.0) -> list[Event]:
    stream = await transport.generate(url, one, connect_s=connect_s, headers={"traceparent": "00-1"})
    found: list[Event] = []
    try:
        while not found or found[-1].name not in ("finish", "error"):
            found += await stream.read()
    finally:
        stream.close()
    return found


async def to_the_end(stream: WorkerStream) -> None:
    while True:
        await stream.read()


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.001)


def run(settings: Settings, work: Work, keys: Any = None, client: Any = None, **more: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(60), MockWorker(settings, zmq_port=0, zmq_keys=keys, **more) as worker:
            transport = ZmqTransport(client)
            try:
                await work(worker, transport)
            finally:
                await transport.close()

    asyncio.run(main())


@contextmanager
def process(*words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A worker that can be killed, and its URL."""
    argv = [sys.executable, "-m", "trueup_reference.mock_worker", "--until-stdin-closes", *words]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield started, json.loads(started.stdout.readline())["url"]
        finally:
            started.kill()


def test_an_answer_is_that_of_http() -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        events = await all_of(transport, worker.url, asked())
        assert [event.name for event in events] == ["item", "item", "item", "finish"]
        assert [event.data["index"] for event in events[:3]] == [0, 1, 2]
        assert events[3].data["usage"] == {"prompt_tokens": 40, "cached_tokens": 0, "completion_tokens": 3}
        transfer, finish = await all_of(transport, worker.url, asked("p", phase="prefill"))
        assert (transfer.name, finish.name) == ("transfer", "finish")
        decode = asked("p", phase="decode", transfer=transfer.data["transfer"])
        assert (await all_of(transport, worker.url, decode))[:3] == events[:3]
        assert await transport.health(worker.url, timeout_s=10)

    run(FAST, work)


def test_many_answers_on_one_connection_keep_apart() -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        prompts = [asked(f"{number}", token_ids=(number + 1,), max_tokens=30) for number in range(100)]
        answers = await asyncio.gather(*(all_of(transport, worker.url, one) for one in prompts))
        assert all([event.data.get("index") for event in answer[:-1]] == list(range(30)) for answer in answers)
        assert len({answer[0].raw for answer in answers}) == 100
        assert len(transport._links) == 1

    run(FAST, work)


def test_a_link_that_nobody_uses_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmq_workers, "SWEEP_S", -1.0)
    monkeypatch.setattr(zmq_workers, "IDLE_S", -1.0)

    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        async with MockWorker(SLOW, zmq_port=0) as busy, MockWorker(FAST, zmq_port=0) as other:
            stream = await transport.generate(busy.url, asked(), connect_s=10, headers={})
            assert (await all_of(transport, worker.url, asked()))[-1].name == "finish"
            assert (await all_of(transport, other.url, asked()))[-1].name == "finish"
            assert set(transport._links) == {busy.url, other.url}
            stream.close()

    run(FAST, work)


@pytest.mark.parametrize(
    ("settings", "one", "status", "flags"),
    [
        (FAST, asked("twice"), 409, (False, True)),
        (Settings(ttft_ms=60_000), asked(deadline_ms=5), 408, (True, True)),
        (Settings(capacity_blocks=1), asked(), 429, (True, True)),
        (FAST, asked(phase="decode"), 400, (False, True)),
    ],
)
def test_a_refusal_is_a_failure_with_its_status(
    settings: Settings, one: Asked, status: int, flags: tuple[bool, bool]
) -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        if one.request_id == "twice":
            await all_of(transport, worker.url, one)
        with pytest.raises(WorkerFailure) as caught:
            await all_of(transport, worker.url, one)
        failure = caught.value
        assert (failure.status, failure.code, failure.taken) == (status, "worker_failed", False)
        assert (failure.retryable, failure.alive) == flags
        assert failure.retry_after_s == (1 if status == 429 else None)

    run(settings, work)


def test_whoever_closes_ends_the_work() -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        stream = await transport.generate(worker.url, asked(), connect_s=10, headers={})
        await until(lambda: worker.worker.in_flight == 1)
        began = time.monotonic()
        stream.close()
        await until(lambda: worker.worker.in_flight == 0)
        assert time.monotonic() - began < 5
        reading = asyncio.create_task(all_of(transport, worker.url, asked("other")))
        await until(lambda: worker.worker.in_flight == 1)
        reading.cancel()
        await until(lambda: worker.worker.in_flight == 0)
        assert worker.worker.clear(), "its blocks are still in use"

    run(SLOW, work)


def test_a_router_that_goes_ends_its_work() -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        gone = ZmqTransport()
        await gone.generate(worker.url, asked("gone"), connect_s=10, headers={})
        await transport.generate(worker.url, asked("stays"), connect_s=10, headers={})
        await until(lambda: worker.worker.in_flight == 2)
        await gone.close()
        await until(lambda: worker.worker.in_flight == 1)

    run(SLOW, work)


def test_a_killed_worker_is_an_error_at_once_and_another_in_its_place_is_used() -> None:
    port = HeldPort()
    words = ["--zmq-port", str(port.number), "--ttft-ms", "0", "--itl-ms", "20", "--prefill-us-per-token", "0"]

    async def work() -> None:
        transport = ZmqTransport()
        try:
            with process(*words) as (killed, url):
                stream = await transport.generate(url, asked(max_tokens=10_000), connect_s=10, headers={})
                assert (await stream.read())[0].name == "item"
                killed.kill()
                began = time.monotonic()
                with pytest.raises(WorkerFailure, match="the connection is lost") as caught:
                    await to_the_end(stream)
                assert time.monotonic() - began < 5
                assert (caught.value.retryable, caught.value.taken) == (True, True)
                killed.wait()
                with pytest.raises(WorkerFailure, match="no connection") as caught:
                    await all_of(transport, url, asked("new"))
                assert (caught.value.retryable, caught.value.taken) == (True, False)
                assert not await transport.health(url, timeout_s=10)
            with process(*words) as (_, again):
                assert again == url
                assert (await all_of(transport, url, asked("new")))[-1].name == "finish"
        finally:
            await transport.close()
            port.let_go()

    asyncio.run(work())


def test_a_worker_that_ends_finishes_its_answers_first() -> None:
    async def work() -> None:
        transport = ZmqTransport()
        try:
            with process("--zmq-port", "0", "--ttft-ms", "0", "--itl-ms", "20") as (ending, url):
                stream = await transport.generate(url, asked(max_tokens=20), connect_s=10, headers={})
                names = [event.name for event in await stream.read()]
                ending.send_signal(signal.SIGTERM)
                while await transport.health(url, timeout_s=10):
                    pass
                # On a slow machine it has ended by now.
                with pytest.raises(WorkerFailure, match=r"status 503|no connection|the connection is lost"):
                    await all_of(transport, url, asked("new"))
                while names[-1] != "finish":
                    names += [event.name for event in await stream.read()]
                assert names == ["item"] * 20 + ["finish"]
                assert await asyncio.to_thread(ending.wait) == 0
        finally:
            await transport.close()

    asyncio.run(work())


def test_a_worker_that_stands_still_is_noticed_by_its_silence() -> None:
    async def work() -> None:
        transport = ZmqTransport()
        try:
            with process("--zmq-port", "0", "--ttft-ms", "60000") as (stopped, url):
                stream = await transport.generate(url, asked(), connect_s=10, headers={})
                os.kill(stopped.pid, signal.SIGSTOP)
                with pytest.raises(WorkerFailure) as caught:
                    await all_of(transport, url, asked("new"), connect_s=0.2)
                assert (caught.value.code, caught.value.taken) == ("timeout_connect", True)
                with pytest.raises(WorkerFailure, match="the connection is lost"):
                    await stream.read()
        finally:
            await transport.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    ("fault", "names", "told"),
    [
        (Fault(kind="cut", after_items=2, times=1), ["item", "item"], "the connection is lost"),
        (Fault(kind="end", after_items=1, times=1), ["item"], "the answer ended before its finish"),
        (Fault(kind="refuse", times=1), [], "status 503: a fault on purpose: refuse"),
        (Fault(kind="tell", after_items=1, times=1), ["item", "error"], None),
    ],
)
def test_faults_are_committed(fault: Fault, names: list[str], told: str | None) -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        came: list[str] = []
        stream = await transport.generate(worker.url, asked(), connect_s=10, headers={})

        async def read() -> None:
            while "error" not in came:
                came.extend(event.name for event in await stream.read())

        if told is None:
            await read()
        else:
            with pytest.raises(WorkerFailure, match=told):
                await read()
        stream.close()
        assert came == names
        while True:
            with contextlib.suppress(WorkerFailure):  # while its socket is bound again
                assert (await all_of(transport, worker.url, asked("well")))[-1].name == "finish"
                break
            await asyncio.sleep(0.01)

    run(FAST, work, faults=[fault])


def test_a_cut_is_no_client_that_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the socket is bound again nobody can be told that the worker lives, which must not end the binding."""
    monkeypatch.setattr(mock_zmq, "ALIVE_S", 0.001)

    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        for number in range(3):
            with pytest.raises(WorkerFailure, match="the connection is lost"):
                await all_of(transport, worker.url, asked(f"{number}"))
            while not await transport.health(worker.url, timeout_s=10):
                await asyncio.sleep(0.001)

    run(FAST, work, faults=[Fault(kind="cut", after_items=1, times=3)])


def key_pair() -> tuple[str, str]:
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def test_curve_lets_in_whom_it_knows() -> None:
    (server, server_secret), (router, router_secret), (_, stranger_secret) = key_pair(), key_pair(), key_pair()

    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        assert (await all_of(transport, worker.url, asked()))[-1].name == "finish"
        for keys in (client_keys(server, stranger_secret), client_keys(key_pair()[0], router_secret), None):
            other = ZmqTransport(keys)
            try:
                with pytest.raises(WorkerFailure) as caught:
                    await all_of(other, worker.url, asked("other"), connect_s=1)
                assert caught.value.retryable
                assert not caught.value.taken
            finally:
                await other.close()
        assert worker.worker.counts["requests"] == 1

    run(FAST, work, server_keys(server_secret, [router]), client_keys(server, router_secret))


def test_curve_by_files_of_keys(tmp_path: Path) -> None:
    for name in ("worker", "router"):
        write_keys(tmp_path, name)
    words = ["--zmq-port", "0", "--ttft-ms", "0", "--zmq-secret-key", str(tmp_path / "worker.key_secret")]
    public, secret = (
        read_key(tmp_path / name, is_secret=name.endswith("secret")) for name in ("worker.key", "router.key_secret")
    )

    async def work(url: str) -> None:
        for keys, is_known in ((client_keys(public, secret), True), (None, False)):
            transport = ZmqTransport(keys)
            try:
                assert await transport.health(url, timeout_s=10 if is_known else 0.5) is is_known
            finally:
                await transport.close()

    with process(*words, "--zmq-client-key", str(tmp_path / "router.key")) as (_, url):
        asyncio.run(work(url))


def test_frames_that_are_none_harm_nobody() -> None:
    async def work(worker: MockWorker, transport: ZmqTransport) -> None:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.DEALER)
        socket.connect(endpoint_of(worker.url))
        number = bytes(8)
        for frames in (
            [b""],
            [VERSION],
            [b"other/1", b"ask", number, b"{}"],
            [VERSION, b"ask", b"short", b"{}"],
            [VERSION, b"ask", number],
            [VERSION, b"melt", number],
            [VERSION, b"cancel", number],
            [VERSION, b"ask", number, b"\xff\x00"],
        ):
            await socket.send_multipart(frames)
        assert await socket.recv_multipart() == [VERSION, b"ack", number]
        kind, refused = (await socket.recv_multipart())[1::2]
        assert (kind, json.loads(refused)["status"]) == (b"refused", 400)
        context.destroy(linger=0)
        assert (await all_of(transport, worker.url, asked()))[-1].name == "finish"

    run(FAST, work)


def test_what_is_no_worker_is_told() -> None:
    async def work() -> None:
        context = zmq.asyncio.Context()
        socket = context.socket(zmq.ROUTER)
        port = socket.bind_to_random_port("tcp://127.0.0.1")
        transport = ZmqTransport()
        try:
            asking = asyncio.create_task(all_of(transport, f"zmq+tcp://127.0.0.1:{port}", asked()))
            peer, *_ = await socket.recv_multipart()
            await socket.send_multipart([peer, b"hello"])
            with pytest.raises(WorkerFailure, match="does not speak this protocol"):
                await asking
        finally:
            await transport.close()
            context.destroy(linger=0)

    asyncio.run(work())
