"""The HTTP transport: what its headers mean."""

from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import pytest

from reference_impl.router.core.scripted import FINISH, Call, Scripted, refusing, well
from trueup_reference.router.workers import WorkerFailure
from trueup_reference.router.workers.http import MOST_RETRY_AFTER_S, HttpTransport
from trueup_reference.worker_protocol import Asked

ASKED = Asked(request_id="r", phase="agg", token_ids=(1,), max_tokens=1)


async def failure_of(worker: Scripted, http: HttpTransport) -> WorkerFailure:
    with pytest.raises(WorkerFailure) as failed:
        await http.generate(worker.url, ASKED, connect_s=5, headers={})
    return failed.value


@pytest.mark.parametrize(
    ("header", "least_s", "most_s"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("1" * 5000, MOST_RETRY_AFTER_S, MOST_RETRY_AFTER_S),
        (None, 900, 1000),
        (formatdate(0, usegmt=True), 0, 0),
    ],
)
def test_a_worker_may_ask_for_a_pause(header: str | None, least_s: float, most_s: float) -> None:
    """None: until a time in 1,000 seconds."""

    async def main() -> None:
        http = HttpTransport()
        asked = formatdate(time.time() + 1000, usegmt=True) if header is None else header
        async with asyncio.timeout(30), Scripted("w", refusing(503, f"Retry-After: {asked}")) as worker:
            failure = await failure_of(worker, http)
            assert failure.retry_after_s is not None
            assert least_s <= failure.retry_after_s <= most_s
            assert (failure.retryable, failure.taken, failure.alive, failure.status) == (True, False, False, 503)
        await http.close()

    asyncio.run(main())


@pytest.mark.parametrize("header", ["soon", "-1", "1.5", "Fri, 99 Nov 2026 00:00:00 GMT", ""])
def test_a_pause_that_is_none_is_not_made(header: str) -> None:
    async def main() -> None:
        http = HttpTransport()
        async with asyncio.timeout(30), Scripted("w", refusing(429, f"Retry-After: {header}")) as worker:
            failure = await failure_of(worker, http)
            assert (failure.retry_after_s, failure.retryable, failure.alive) == (None, True, True)
        await http.close()

    asyncio.run(main())


def test_a_large_prompt_is_sent_whole() -> None:
    async def main() -> None:
        http = HttpTransport()
        tokens = tuple(range(400_000))
        async with asyncio.timeout(30), Scripted("w", well) as worker:
            asked = Asked(request_id="r", phase="agg", token_ids=tokens, max_tokens=1)
            stream = await http.generate(worker.url, asked, connect_s=5, headers={})
            assert (await stream.read())[0].name == "item"
            stream.close()
            assert worker.calls[0].asked["token_ids"] == list(tokens)
        await http.close()

    asyncio.run(main())


async def whole(worker: Scripted, http: HttpTransport, number: int) -> None:
    """Reads an answer to its last event."""
    asked = Asked(request_id=f"r{number}", phase="agg", token_ids=(1,), max_tokens=1)
    stream = await http.generate(worker.url, asked, connect_s=5, headers={})
    while (await stream.read())[-1].name != "finish":
        pass
    stream.close()


def test_a_connection_whose_end_comes_a_little_later_is_used_again() -> None:
    async def late_end(call: Call) -> None:
        await call.begin()
        await call.event("finish", FINISH)
        await asyncio.sleep(0.02)
        await call.raw(b"0\r\n\r\n")

    async def main() -> None:
        http = HttpTransport()
        async with asyncio.timeout(30), Scripted("w", late_end) as worker:
            for number in range(3):
                await whole(worker, http, number)
                await asyncio.sleep(0.1)
            assert worker.connections == 1
        await http.close()

    asyncio.run(main())


def test_a_connection_whose_end_does_not_come_is_closed() -> None:
    async def no_end(call: Call) -> None:
        await call.begin()
        await call.event("finish", FINISH)
        await call.gone.wait()

    async def main() -> None:
        http = HttpTransport()
        async with asyncio.timeout(30), Scripted("w", no_end) as worker:
            await whole(worker, http, 0)
            await worker.calls[0].gone.wait()
        await http.close()

    asyncio.run(main())


def test_nobody_at_home_is_told_as_such() -> None:
    async def main() -> None:
        http = HttpTransport()
        async with Scripted("w") as worker:
            pass
        failure = await failure_of(worker, http)
        assert str(failure) == f"no connection: 127.0.0.1:{worker.port}: Connection refused"
        assert (failure.retryable, failure.taken, failure.alive) == (True, False, False)
        assert not await http.health(worker.url, timeout_s=5)
        await http.close()

    asyncio.run(main())


def test_health_is_a_status() -> None:
    async def main() -> None:
        http = HttpTransport()
        async with asyncio.timeout(30), Scripted("w", refusing(200)) as worker:
            assert await http.health(worker.url, timeout_s=5)
            worker.script = refusing(503)
            assert not await http.health(worker.url, timeout_s=5)
        await http.close()

    asyncio.run(main())
