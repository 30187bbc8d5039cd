"""The worker protocol, asked over HTTP on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from reference_impl.mock_worker.asking import StatusError, all_of, body, told
from trueup_reference.mock_worker import Fault, MockWorker, Settings
from trueup_reference.router.discovery import read_entry

FAST = Settings(ttft_ms=0, prefill_us_per_token=0, itl_ms=0)
SLOW = Settings(ttft_ms=60_000)
Work = Callable[[MockWorker, aiohttp.ClientSession], Awaitable[None]]


def asked(settings: Settings, work: Work, **more: Any) -> None:
    """Runs `work` with a worker and a session."""

    async def main() -> None:
        async with MockWorker(settings, **more) as worker, aiohttp.ClientSession() as session, asyncio.timeout(30):
            await work(worker, session)

    asyncio.run(main())


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what another task will do."""
    while not holds():
        await asyncio.sleep(0.001)


def test_a_prompt_is_answered_by_items_and_a_finish() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        first = await all_of(session, worker.url, body(max_tokens=3))
        assert [name for name, _ in first] == ["item", "item", "item", "finish"]
        assert [data["index"] for _, data in first[:3]] == [0, 1, 2]
        usage = {"prompt_tokens": 40, "cached_tokens": 0, "completion_tokens": 3}
        assert first[3] == ("finish", {"reason": "length", "usage": usage})
        again = await all_of(session, worker.url, body("other", max_tokens=3))
        assert again[:3] == first[:3]
        assert again[3][1]["usage"]["cached_tokens"] == 32

    asked(FAST, work)


def test_prefill_sends_a_transfer_that_decode_takes() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        events = await all_of(session, worker.url, body(phase="prefill"))
        assert [name for name, _ in events] == ["transfer", "finish"]
        assert events[1][1]["reason"] == "prefill"
        transfer = events[0][1]["transfer"]
        assert len(transfer["block_hashes"]) == 2
        decoded = await all_of(session, worker.url, body(phase="decode", transfer=transfer))
        assert [name for name, _ in decoded] == ["item", "item", "item", "finish"]
        aggregated = await all_of(session, worker.url, body("agg"))
        assert decoded[:3] == aggregated[:3]
        with pytest.raises(StatusError, match="transfer is missing"):
            await all_of(session, worker.url, body("lost", phase="decode"))

    asked(FAST, work)


def test_the_same_work_again_is_a_conflict() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        await all_of(session, worker.url, body())
        with pytest.raises(StatusError) as caught:
            await all_of(session, worker.url, body())
        assert (caught.value.status, caught.value.code) == (409, "duplicate")
        for other in ({"attempt": 1}, {"router_id": "b"}, {"phase": "prefill"}):
            assert await all_of(session, worker.url, {**body(), **other})

    asked(FAST, work)


def test_a_new_attempt_ends_the_older_one() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        first = asyncio.create_task(all_of(session, worker.url, body(attempt=1)))
        await until(lambda: worker.worker.in_flight == 1)
        second = asyncio.create_task(all_of(session, worker.url, body(attempt=2)))
        with pytest.raises(StatusError) as caught:
            await first
        assert (caught.value.status, caught.value.code) == (409, "superseded")
        with pytest.raises(StatusError) as caught:
            await all_of(session, worker.url, body(attempt=0))
        assert caught.value.code == "superseded"
        second.cancel()
        await until(lambda: worker.worker.in_flight == 0)

    asked(SLOW, work)


def test_a_deadline_ends_it_by_a_status_or_an_event() -> None:
    async def before(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        with pytest.raises(StatusError) as caught:
            await all_of(session, worker.url, body(deadline_ms=20))
        assert (caught.value.status, caught.value.code) == (408, "timeout_total")

    async def after(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        events = await all_of(session, worker.url, body(deadline_ms=200, max_tokens=500))
        assert {name for name, _ in events[:-1]} == {"item"}
        name, data = events[-1]
        assert (name, data["code"], data["retryable"]) == ("error", "timeout_total", True)

    asked(SLOW, before)
    asked(Settings(ttft_ms=0, prefill_us_per_token=0, itl_ms=50), after)


@pytest.mark.parametrize(
    ("settings", "told_of_it"),
    [
        (Settings(ttft_ms=60_000, max_in_flight=1), "1 requests are under way"),
        (Settings(ttft_ms=60_000, capacity_blocks=4), "3 blocks are due, and 1 of 4 are free"),
    ],
)
def test_too_much_is_refused_for_a_while(settings: Settings, told_of_it: str) -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        first = asyncio.create_task(all_of(session, worker.url, body("first")))
        await until(lambda: worker.worker.in_flight == 1)
        with pytest.raises(StatusError, match=told_of_it) as caught:
            await all_of(session, worker.url, body("second"))
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
        first.cancel()

    asked(settings, work)


DEEP = json.dumps({**body(), "transfer": {}}).encode().removesuffix(b"{}}") + b'{"a":' * 9000 + b"1" + b"}" * 9001
BAD = {
    "no JSON": b"{",
    "no object": b"[]",
    "no request_id": json.dumps({**body(), "request_id": ""}).encode(),
    "a token of 33 bits": json.dumps({**body(), "token_ids": [1 << 32]}).encode(),
    "no tokens": json.dumps({**body(), "token_ids": []}).encode(),
    "an unknown phase": json.dumps({**body(), "phase": "warm"}).encode(),
    "no max_tokens": json.dumps({**body(), "max_tokens": 0}).encode(),
    "a deadline that is past": json.dumps({**body(), "deadline_ms": -1}).encode(),
    "a transfer of endless depth": DEEP,
}


def test_what_makes_no_sense_is_refused() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        for what, data in BAD.items():
            async with session.post(f"{worker.url}/generate", data=data) as response:
                assert response.status == 400, what
                assert (await response.json())["error"]["code"] == "invalid_request"
        assert worker.worker.counts["requests"] == 0

    asked(FAST, work)


def test_a_client_that_goes_away_gives_everything_back() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        waiting = asyncio.create_task(all_of(session, worker.url, body("waits")))
        await until(lambda: worker.worker.in_flight == 1)
        waiting.cancel()
        await until(lambda: worker.worker.in_flight == 0)
        assert worker.worker.clear(), "its blocks are still in use"

    asked(SLOW, work)


def reset_while_written_to(worker: MockWorker, request_id: str) -> None:
    """Asks for much, and resets the connection with the first words."""
    content = json.dumps(body(request_id, max_tokens=2_000)).encode()
    host, port = worker.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(b"POST /generate HTTP/1.1\r\nHost: w\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))
        assert client.recv(64).startswith(b"HTTP/1.1 200 ")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def listen(worker: MockWorker, session: aiohttp.ClientSession, request_id: str, came: list[str]) -> None:
    """The names of the events, as they come."""
    async for name, _ in told(session, worker.url, body(request_id)):
        came.append(name)


def test_a_client_that_goes_while_it_is_written_to_is_no_fault_of_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        for number in range(20):
            await asyncio.to_thread(reset_while_written_to, worker, f"{number}")
        await until(lambda: worker.worker.in_flight == 0)

    asked(FAST, work)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_faults_are_committed_and_set_from_outside() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        for kind, status in (("refuse", 503), ("error", 500)):
            with pytest.raises(StatusError) as caught:
                await all_of(session, worker.url, body(kind))
            assert (caught.value.status, caught.value.code) == (status, "fault")
        came: list[str] = []
        with pytest.raises(aiohttp.ClientError):
            await listen(worker, session, "cut", came)
        assert came == ["item", "item"]
        assert (await all_of(session, worker.url, body("well")))[-1][0] == "finish"
        async with session.put(f"{worker.url}/faults", json=[{"kind": "stall", "after_items": 1}]) as response:
            assert await response.json() == {
                "faults": [{"kind": "stall", "share": 1.0, "after_items": 1, "times": None}]
            }
        stalled: list[str] = []
        task = asyncio.create_task(listen(worker, session, "stall", stalled))
        await until(lambda: stalled == ["item"])
        assert worker.worker.in_flight == 1
        task.cancel()
        await until(lambda: worker.worker.in_flight == 0)
        async with session.put(f"{worker.url}/faults", json=[{"kind": "melt"}]) as response:
            assert response.status == 400

    faults = [Fault(kind="refuse", times=1), Fault(kind="error", times=1), Fault(kind="cut", after_items=2, times=1)]
    asked(FAST, work, faults=faults)


def test_a_prefill_is_cut_before_its_transfer() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        with pytest.raises(aiohttp.ClientError):
            await all_of(session, worker.url, body("first", phase="prefill"))
        events = await all_of(session, worker.url, body("second", phase="prefill"))
        assert [name for name, _ in events] == ["transfer", "finish"]

    asked(FAST, work, faults=[Fault(kind="cut", times=1)])


def test_a_worker_that_drains_says_so_and_ends_what_takes_too_long() -> None:
    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        async def answer() -> list[tuple[str, Any]]:
            return await all_of(session, worker.url, body(max_tokens=100_000))

        under_way = asyncio.create_task(answer())
        await until(lambda: worker.worker.in_flight == 1)
        draining = asyncio.create_task(worker.worker.drain())
        await until(lambda: worker.worker.is_draining)
        async with session.get(f"{worker.url}/health") as response:
            assert (response.status, (await response.json())["status"]) == (503, "draining")
        with pytest.raises(StatusError) as caught:
            await all_of(session, worker.url, body("new"))
        assert (caught.value.status, caught.value.code) == (503, "draining")
        await draining
        name, data = (await under_way)[-1]
        assert (name, data["code"]) == ("error", "draining")

    asked(Settings(ttft_ms=0, prefill_us_per_token=0, itl_ms=10, drain_ms=100, capacity_blocks=10_000), work)


@pytest.mark.parametrize(
    "wrong",
    [{"ttft_ms": -1}, {"itl_ms": float("nan")}, {"block_size": 0}, {"worker_id": 1 << 64}, {"dp_rank": 1 << 32}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)


def test_an_address_of_ipv6_is_written_as_a_url_has_it() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no ::1 here")

    async def work(worker: MockWorker, session: aiohttp.ClientSession) -> None:
        assert worker.http_url == f"http://[::1]:{worker.port}"
        assert worker.url.startswith("zmq+tcp://[::1]:")
        assert worker.entry == read_entry(worker.entry.written(), "worker")
        assert (await all_of(session, worker.http_url, body()))[-1][0] == "finish"

    asked(FAST, work, host="::1", zmq_port=0)
