"""Workers as processes, found by a router's discovery: by their lease, by their file, and until they are killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from fix_etcd import EtcdServer
from reference_impl.mock_worker.asking import StatusError, all_of, body
from reference_impl.router.discovery.watching import ids, until
from trueup_reference.event_transport import Subscriber
from trueup_reference.mock_worker import MockWorker, Place, Settings
from trueup_reference.router.discovery import Discovery, open_discovery
from trueup_reference.router.discovery.etcd import EtcdDiscovery

FAST = ["--ttft-ms", "0", "--per-token-prefill-us", "0", "--itl-ms", "0"]


class Workers:
    """Processes that end with the test, and with these tests when those are killed."""

    def __init__(self, stack: ExitStack, *words: str, environment: dict[str, str] | None = None) -> None:
        self._stack = stack
        self._words = words
        self._environment = {**os.environ, **(environment or {})}

    async def start(self, name: str, *words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        argv = [sys.executable, "-m", "trueup_reference.mock_worker", *FAST, *self._words, "--id", name, *words]
        argv.append("--until-stdin-closes")
        pipe = subprocess.PIPE
        process = self._stack.enter_context(
            subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=self._environment)
        )
        self._stack.callback(process.kill)
        assert process.stdout is not None
        return process, json.loads(await asyncio.to_thread(process.stdout.readline))


async def health(url: str) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/health") as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


def found(where: str, environment: dict[str, str], work: Callable[[Discovery, Workers], Awaitable[None]]) -> None:
    async def main() -> None:
        with ExitStack() as stack:
            workers = Workers(stack, "--register", where, "--namespace", "pool", environment=environment)
            async with asyncio.timeout(60), open_discovery(where, health, environment) as discovery:
                await work(discovery, workers)

    asyncio.run(main())


def test_by_etcd(etcd: EtcdServer) -> None:
    async def work(discovery: Discovery, workers: Workers) -> None:
        prefill, told = await workers.start("prefill", "--phase", "prefill")
        killed, _ = await workers.start("killed", "--phase", "decode")
        await until(discovery, lambda: ids(discovery) == {"pool": ["killed", "prefill"]})
        entry = discovery.workers["pool"][1]
        assert (entry.id, entry.phase, entry.url) == ("prefill", "prefill", told["url"])
        async with aiohttp.ClientSession() as session:
            assert (await all_of(session, entry.url, body("one", phase="prefill")))[-1][0] == "finish"
            with pytest.raises(StatusError, match="decode is asked of a worker for prefill") as caught:
                await all_of(session, entry.url, body("two", phase="decode", transfer={}))
            assert (caught.value.status, caught.value.code) == (400, "wrong_phase")
        killed.send_signal(signal.SIGKILL)
        await until(discovery, lambda: ids(discovery) == {"pool": ["prefill"]})
        prefill.send_signal(signal.SIGTERM)
        await until(discovery, lambda: ids(discovery) == {})
        assert await asyncio.to_thread(prefill.wait) == 0

    found(f"etcd://{etcd.address}/test", {"TRUEUP_ETCD_TTL_S": "2"}, work)


def test_by_etcd_that_begins_anew(etcd: EtcdServer) -> None:
    """The worker is known throughout, and has registered anew behind it."""

    async def work(discovery: Discovery, workers: Workers) -> None:
        await workers.start("w1")
        await until(discovery, lambda: ids(discovery) == {"pool": ["w1"]})
        lost: list[Any] = []
        discovery.watch(lambda: lost.append(None) if ids(discovery) != {"pool": ["w1"]} else None)
        etcd.kill()
        etcd.lose_data()
        await until(discovery, lambda: discovery.problem is not None)
        await etcd.start_beside()
        await until(discovery, lambda: discovery.problem is None)
        while not etcd.ask("kv/range", key="/trueup/test/workers/pool/w1").get("kvs"):
            await asyncio.sleep(0.01)
        assert isinstance(discovery, EtcdDiscovery)
        while not discovery._listed or discovery._held:  # it is no longer one of before the outage
            await asyncio.sleep(0.01)
        assert lost == []

    found(f"etcd://{etcd.address}/test", {"TRUEUP_ETCD_TTL_S": "10"}, work)


def test_by_a_file(tmp_path: Path) -> None:
    path = tmp_path / "workers.json"
    path.write_text('{"version": 1, "workers": []}')

    async def work(discovery: Discovery, workers: Workers) -> None:
        first, told = await workers.start("first", "--advertise", "http://worker.example:80")
        await workers.start("second", "--zmq-port", "0")
        await until(discovery, lambda: ids(discovery) == {"pool": ["first", "second"]})
        one, other = discovery.workers["pool"]
        assert one.url == "http://worker.example:80" != told["url"]
        assert other.url.startswith("zmq+tcp://127.0.0.1:")
        first.send_signal(signal.SIGTERM)
        await until(discovery, lambda: ids(discovery) == {"pool": ["second"]})

    found(str(path), {}, work)


def test_a_crash_on_purpose_is_one(tmp_path: Path) -> None:
    path = tmp_path / "workers.json"
    path.write_text('{"version": 1, "workers": []}')

    async def work(_: Discovery, workers: Workers) -> None:
        process, told = await workers.start("w1", "--fail", "crash:2")
        events: list[str] = []
        async with aiohttp.ClientSession() as session:

            async def ask() -> None:
                async with session.post(f"{told['url']}/generate", json=body()) as response:
                    async for line in response.content:
                        events.extend([line.decode().strip()] if line.startswith(b"event") else [])

            with pytest.raises(aiohttp.ClientError):
                await ask()
        assert events == ["event: item", "event: item"]
        assert await asyncio.to_thread(process.wait) == -signal.SIGKILL

    found(str(path), {}, work)


def test_events_in_format_b_are_those_of_an_index() -> None:
    """Each as a KV index reads it, numbered without a gap."""

    async def main() -> list[Any]:
        settings = Settings(worker_id=7, dp_rank=2, ttft_ms=0, prefill_us_per_token=0, itl_ms=0, capacity_blocks=3)
        worker = MockWorker(settings, events_endpoint="tcp://127.0.0.1:0", topic="kv", events_format="B")
        async with worker, aiohttp.ClientSession() as session:
            assert worker.publisher is not None
            with Subscriber(worker.publisher.endpoint, "kv", 10_000, "B") as subscriber:
                assert await asyncio.to_thread(worker.publisher.wait_for_subscribers)
                await all_of(session, worker.url, body("one", tokens=32, max_tokens=1))
                await all_of(
                    session, worker.url, body("two", tokens=33, max_tokens=1, phase="prefill", token_ids=[1] * 33)
                )
                worker.worker.clear()
                return [await asyncio.to_thread(subscriber.recv) for _ in range(4)]

    messages = asyncio.run(main())
    assert [message.sequence for message in messages] == [0, 1, 2, 3]
    assert len({message.publisher_id for message in messages}) == 1
    told = [msgspec.msgpack.decode(message.payload) for message in messages]
    assert {(one["worker_id"], one["event"]["dp_rank"]) for one in told} == {(7, 2)}
    assert [one["event"]["event_id"] for one in told] == [0, 1, 2, 3]
    first, gone, second, cleared = (one["event"]["data"] for one in told)
    assert first["stored"]["parent_hash"] is None
    assert [sorted(block) for block in first["stored"]["blocks"]] == [["block_hash", "tokens_hash"]] * 2
    assert gone["removed"]["block_hashes"] == [first["stored"]["blocks"][-1]["block_hash"]]
    assert len(second["stored"]["blocks"]) == 2
    assert cleared == "cleared"


def test_prompts_wait_in_line_for_their_place() -> None:
    """Two at once, of four; a place that is given up is the next one's."""

    async def main() -> list[tuple[int, int]]:
        settings = Settings(ttft_ms=60_000, max_prefills=2)
        seen = []
        async with MockWorker(settings, place=Place(phase="prefill")) as worker, aiohttp.ClientSession() as session:
            tasks = []
            for number in range(4):
                asked = body(f"{number}", phase="prefill")
                tasks.append(asyncio.create_task(all_of(session, worker.url, asked)))
                while worker.worker.in_flight <= number:
                    await asyncio.sleep(0.001)
            for task in tasks:
                seen.append((worker.worker.in_flight, worker.about()["waiting"]))
                task.cancel()
                before = worker.worker.in_flight
                while worker.worker.in_flight == before:
                    await asyncio.sleep(0.001)
        return seen

    assert asyncio.run(main()) == [(4, 2), (3, 1), (2, 0), (1, 0)]
