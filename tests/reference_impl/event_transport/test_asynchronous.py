"""In an event loop: nothing is lost by cancelling, nobody is held up, nothing is left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from trueup_reference.event_transport import (
    AsyncPublisher,
    AsyncReplayClient,
    AsyncSubscriber,
    ClosedError,
    IncompleteError,
    Publisher,
)

ANY_PORT = "tcp://127.0.0.1:0"
LONG_MS = 10_000


def test_a_recv_that_is_cancelled_loses_nothing() -> None:
    async def run() -> list[int]:
        found: list[int] = []
        async with (
            AsyncPublisher(ANY_PORT, "kv") as publisher,
            AsyncSubscriber(publisher.endpoint, "kv", LONG_MS) as subscriber,
        ):
            assert await publisher.wait_for_subscribers()
            for number in range(300):
                waiting = asyncio.create_task(subscriber.recv())
                for _ in range(number % 4):
                    await asyncio.sleep(0)
                await publisher.publish(b"x")
                for _ in range(number % 3):
                    await asyncio.sleep(0)
                waiting.cancel()
                [answer] = await asyncio.gather(waiting, return_exceptions=True)
                if not isinstance(answer, BaseException):
                    assert answer is not None
                    found.append(answer.sequence)
            while len(found) < 300:
                message = await subscriber.recv()
                assert message is not None
                found.append(message.sequence)
        return found

    assert asyncio.run(run()) == list(range(300))


def test_what_comes_behind_much_that_is_skipped_is_received() -> None:
    async def run() -> int:
        async with (
            AsyncPublisher(ANY_PORT, "kv-of-another-kind", queue_batches=2_000) as publisher,
            AsyncSubscriber(publisher.endpoint, "kv", LONG_MS) as subscriber,
        ):
            while not subscriber.connected[publisher.endpoint]:
                waiting = asyncio.create_task(subscriber.recv())
                await asyncio.wait([waiting], timeout=0.01)
                waiting.cancel()
                await asyncio.wait([waiting])
            assert await publisher.wait_for_subscribers()
            for _ in range(1_000):
                await publisher.publish(b"x")
            waiting = asyncio.create_task(subscriber.recv())
            while (skipped := int(subscriber.numbers()["other_topic"])) < 1_000:
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            return skipped

    assert asyncio.run(asyncio.wait_for(run(), LONG_MS / 1000)) == 1_000


def test_the_loop_goes_on_while_a_recv_waits_and_close_ends_it() -> None:
    async def run() -> None:
        subscriber = AsyncSubscriber("tcp://127.0.0.1:9", "kv", LONG_MS)
        waiting = [asyncio.create_task(subscriber.recv()) for _ in range(3)]
        ticks = 0
        while ticks < 10:
            await asyncio.sleep(0.001)
            ticks += 1
        await subscriber.close()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert answers[0] is None
        assert all(isinstance(answer, ClosedError) for answer in answers[1:])
        await subscriber.close()

    asyncio.run(run())


def test_a_timeout_is_neither_an_error_nor_an_end() -> None:
    async def run() -> None:
        async with (
            AsyncPublisher(ANY_PORT, "kv") as publisher,
            AsyncSubscriber(publisher.endpoint, "kv", 20) as subscriber,
        ):
            assert await publisher.wait_for_subscribers()
            started_s = asyncio.get_running_loop().time()
            assert [await subscriber.recv() for _ in range(3)] == [None] * 3
            assert asyncio.get_running_loop().time() - started_s >= 0.06
            await publisher.publish(b"x")
            async for message in subscriber.forever():
                assert message.payload == b"x"
                break
            assert subscriber.stats()["received"] == 1

    asyncio.run(run())


def test_a_full_queue_holds_the_loop_up_for_nobody() -> None:
    async def run() -> None:
        settings: dict[str, Any] = {"full_policy": "block", "queue_batches": 1, "block_timeout_ms": LONG_MS}
        async with AsyncPublisher(ANY_PORT, "kv", **settings) as publisher:
            numbers = await asyncio.gather(*(publisher.publish(b"x") for _ in range(50)))
            assert numbers == list(range(50))
            assert await publisher.flush(LONG_MS)
            assert publisher.stats()["sent"] == 50
        with pytest.raises(ClosedError):
            await publisher.publish(b"x")

    asyncio.run(run())


def test_a_replay_that_is_cancelled_ends_its_thread() -> None:
    async def run() -> None:
        async with AsyncReplayClient() as client:
            with pytest.raises(IncompleteError):
                await client.replay("tcp://127.0.0.1:9", 0, 10)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await client.replay("tcp://127.0.0.1:9", 0, 60_000)
            with Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT) as publisher:
                publisher.publish(b"x")
                assert publisher.flush(LONG_MS)
                assert await client.replay(str(publisher.replay_endpoint), 0, LONG_MS) == [(0, "kv", b"x")]
        with pytest.raises(ClosedError):
            await client.replay("tcp://127.0.0.1:9", 0, 10)

    before = threading.active_count()
    asyncio.run(run())
    assert threading.active_count() == before
