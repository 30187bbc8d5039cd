"""The whole router as a process: what it serves, how it ends, and what it says of what it was given."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest
from aiohttp import web

from reference_impl.router.app.processes import AGG, BODY, events, running, written

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 60))


def test_a_request_goes_through_both_phases(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as router:
            for target, pool in ((10, "prefill0"), (90, "prefill1")):
                told = await router.generate(router={"ttft_target": target}, request_id=pool)
                names = [name for name, _ in told]
                assert names == ["accepted", "routed", "routed", "item", "item", "item", "finish"]
                assert [one["pool"] for name, one in told if name == "routed"] == [pool, "decode0"]
            assert (await router.get("/healthz"))[0] == 200
            status, text = await router.get("/readyz")
            assert (status, set(json.loads(text)["pools"])) == (200, {"prefill0", "prefill1", "decode0"})
            assert await router.metric("trueup_router_accepted_requests_total") == 2

    run(main())


def test_the_openai_client(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            running(tmp_path, grid=AGG) as router,
            openai.AsyncOpenAI(base_url=f"{router.url}/v1", api_key="any") as client,
        ):
            whole = await client.completions.create(model="mock", prompt=[1, 2, 3], max_tokens=5)
            stream = await client.completions.create(model="mock", prompt=[1, 2, 3], max_tokens=5, stream=True)
            text = "".join([chunk.choices[0].text async for chunk in stream])
            assert whole.choices[0].text == text
            assert len(text.split()) == 5
            assert whole.usage is not None
            assert (whole.usage.prompt_tokens, whole.usage.completion_tokens) == (3, 5)

    run(main())


def test_the_router_is_a_worker_of_another(tmp_path: Path) -> None:
    """A frontend that chains by itself: prefill, then decode with what it has got."""

    async def main() -> None:
        async with running(tmp_path) as router, aiohttp.ClientSession() as session:
            asked = {**BODY, "router_id": "frontend", "attempt": 0, "phase": "prefill"}
            async with session.post(f"{router.url}/v1/prefill", json=asked) as response:
                transfer, finish = events(await response.text())
            assert (transfer[0], finish[0]) == ("transfer", "finish")
            asked = {**asked, "phase": "decode", "transfer": transfer[1]["transfer"]}
            async with session.post(f"{router.url}/v1/decode", json=asked) as response:
                assert [name for name, _ in events(await response.text())] == ["item", "item", "item", "finish"]
            async with session.post(f"{router.url}/v1/decode", json=asked) as response:
                assert response.status == 409

    run(main())


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as router:
            command = ["curl", "-sN", f"{router.url}/v1/generate", "-d", json.dumps(BODY)]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
            assert [name for name, _ in events(done.stdout)][-1] == "finish"
            # More than a megabyte: curl waits for "100 Continue" then.
            body = {**BODY, "token_ids": [4_000_000_000] * 200_000}
            command = ["curl", "-sN", f"{router.url}/v1/generate", "--data-binary", "@-"]
            done = await asyncio.to_thread(
                subprocess.run, command, input=json.dumps(body), capture_output=True, text=True, timeout=30
            )
            assert events(done.stdout)[0] == ("accepted", {"request_id": "r"})

    run(main())


def test_the_log_knows_requests_and_tells_no_prompt(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, "--log-requests", "all", "--log-level", "DEBUG") as router:
            async with aiohttp.ClientSession(headers={"traceparent": TRACE}) as session:
                secret = {**BODY, "token_ids": [87_654_321] * 3}
                async with session.post(f"{router.url}/v1/generate", json=secret) as response:
                    assert response.status == 200
                    await response.read()
                async with session.post(f"{router.url}/v1/generate", json={**secret, "priority": "x"}) as response:
                    assert response.status == 400
                    told = await response.json()
                    assert told["error"]["request_id"] == "r"
            router.process.send_signal(signal.SIGTERM)
            status, records = await router.until_ended()
        assert status == 0
        assert "87654321" not in json.dumps(records)
        good, bad = [one["extra"] for one in records if one["logger"] == "trueup_reference.router.requests"]
        assert (good.pop("duration_ms") > 0, bad.pop("duration_ms") > 0) == (True, True)
        assert good == {
            "endpoint": "/v1/generate",
            "outcome": "finish",
            "request_id": "r",
            "pool": ["prefill1", "decode0"],
            "items": 3,
            "isl": 3,
            "trace_id": TRACE.split("-")[1],
        }
        assert bad == {
            "endpoint": "/v1/generate",
            "outcome": "invalid_request",
            "request_id": "r",
            "pool": [],
            "items": 0,
        }

    run(main())


def test_a_client_that_goes_frees_the_worker(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, itl_ms=20_000) as router:
            worker = router.workers["decode0"].worker
            async with aiohttp.ClientSession() as session:
                response = await session.post(f"{router.url}/v1/generate", json={**BODY, "max_tokens": 9})
                while not worker.in_flight:
                    await asyncio.sleep(0.01)
                response.close()
                began_s = time.monotonic()
                while worker.in_flight:
                    await asyncio.sleep(0.005)
                # 100 ms are for the router; the worker, this test and whatever else runs here have the rest.
                assert time.monotonic() - began_s < 1
            record = await router.until_logged("client_gone")
            assert (record["extra"]["request_id"], record["extra"]["pool"]) == ("r", ["prefill1", "decode0"])
            assert await router.metric('trueup_router_ended_requests_total{outcome="client_gone"}') == 1
            assert await router.metric('trueup_router_in_flight_requests{pool="decode0"}') == 0

    run(main())


def test_work_that_was_accepted_ends_before_the_router_does(tmp_path: Path) -> None:
    async def main() -> None:
        service = {"drain_notice_ms": 1500, "drain_ms": 20_000}
        async with running(tmp_path, service=service, itl_ms=500) as router, aiohttp.ClientSession() as session:
            async with session.post(f"{router.url}/v1/generate", json={**BODY, "max_tokens": 6}) as response:
                await response.content.readuntil(b"event: item")
                router.process.send_signal(signal.SIGTERM)
                await router.until_logged("ending: new work is refused")
                # Still listening, for those who have not heard of it.
                assert (await router.get("/readyz"))[0] == 503
                assert (await router.get("/healthz"))[0] == 200
                async with session.post(f"{router.url}/v1/generate", json=BODY) as refused:
                    assert refused.status == 503
                    assert (await refused.json())["error"]["code"] == "draining"
                    assert refused.headers["Connection"] == "close"
                await router.until_logged("ending: what was accepted has")
                await router.until_closed()
                text = (await response.content.read()).decode()
                assert text.count("event: item") == 5
                assert "event: finish" in text
            assert (await router.until_ended())[0] == 0

    run(main())


@pytest.mark.parametrize("hurried", [False, True])
def test_what_does_not_end_in_time_is_told(tmp_path: Path, hurried: bool) -> None:
    async def main() -> None:
        service = {"drain_ms": 60_000 if hurried else 200}
        async with running(tmp_path, service=service, itl_ms=500) as router, aiohttp.ClientSession() as session:
            async with session.post(f"{router.url}/v1/generate", json={**BODY, "max_tokens": 1000}) as response:
                await response.content.readuntil(b"event: item")
                router.process.send_signal(signal.SIGTERM)
                await router.until_logged("ending: what was accepted has")
                if hurried:
                    router.process.send_signal(signal.SIGTERM)
                name, data = events((await response.content.read()).decode().partition("\n\n")[2])[-1]
                assert (name, data["error"]["code"], data["error"]["request_id"]) == ("error", "draining", "r")
            assert (await router.until_ended())[0] == 0

    run(main())


def test_a_client_that_takes_nothing_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    async def main() -> None:
        sent = 0

        async def generate(request: web.Request) -> web.StreamResponse:
            """Items without end, each of 100 kB."""
            nonlocal sent
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                while True:
                    data = json.dumps({"index": sent, "token_ids": [*range(20_000)]})
                    await response.write(f"event: item\ndata: {data}\n\n".encode())
                    sent += 1
            return response

        app = web.Application()
        app.router.add_post("/generate", generate)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            entry = {"id": "w", "namespace": "decode0", "phase": "agg", "url": url}
            workers = written(tmp_path / "endless.json", {"version": 1, "workers": [entry]})
            words = ["--discovery", str(workers)]
            async with (
                running(tmp_path, *words, grid=AGG, service={"drain_ms": 300}) as router,
                aiohttp.ClientSession() as session,
                session.post(f"{router.url}/v1/generate", json=BODY),
            ):
                before = -1
                while before != sent:  # until no more fits in between
                    before = sent
                    await asyncio.sleep(0.5)
                router.process.send_signal(signal.SIGTERM)
                status, records = await router.until_ended()
        finally:
            await runner.cleanup()
        assert status == 0
        assert "exception" not in json.dumps(records)
        told = [record["message"] for record in records]
        cut = "connections whose clients do not take the rest, and which are cut: 1"
        assert told[-3:] == [cut, "/v1/generate: client_gone", "ended"]

    run(main())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_with_nothing_under_way_it_ends_after_the_notice(tmp_path: Path, number: signal.Signals) -> None:
    async def main() -> None:
        async with running(tmp_path) as router, aiohttp.ClientSession() as session:
            async with session.get(f"{router.url}/healthz"):  # a connection that is kept open holds nothing up
                pass
            began_s = time.monotonic()
            router.process.send_signal(number)
            status, records = await router.until_ended()
            assert status == 0
            assert time.monotonic() - began_s < 5
            assert [one["level"] for one in records] == ["INFO"] * len(records)
            assert records[-1]["message"] == "ended"

    run(main())
