"""The router as a worker: the form, the keys and the statuses of the worker protocol."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reference_impl.router.app.serving_stubs import ScriptedRouter, error, finish, item, post, routed, served
from trueup_reference.router.protocol import Event, RouterError

PREFILL = {"request_id": "r", "phase": "prefill", "router_id": "up", "attempt": 0, "token_ids": [1], "max_tokens": 2}
DECODE = {**PREFILL, "phase": "decode", "transfer": {"from": "w1"}}


def code_of(body: bytes) -> str:
    return str(json.loads(body)["error"]["code"])


def test_prefill_answers_as_a_worker_does() -> None:
    async def main() -> None:
        router = ScriptedRouter([routed("prefill")], [Event.of("transfer", {"transfer": {"from": "w1"}}), finish()])
        async with served(router) as (url, _):
            status, body, headers = await post(url, "/v1/prefill", PREFILL)
        assert (status, headers["Content-Type"]) == (200, "text/event-stream")
        assert body.decode() == (
            'event: transfer\ndata: {"transfer":{"from":"w1"}}\n\n'
            'event: finish\ndata: {"reason":"length","usage":{}}\n\n'
        )
        assert router.asked[0].phases == ("prefill",)

    asyncio.run(main())


def test_decode_gets_the_transfer() -> None:
    async def main() -> None:
        router = ScriptedRouter([routed("decode")], [item(0, 7)], [error("worker_failed")])
        async with served(router) as (url, _):
            status, body, _ = await post(url, "/v1/decode", DECODE)
        assert status == 200
        assert body.decode() == (
            'event: item\ndata: {"index":0,"token_ids":[7]}\n\n'
            'event: error\ndata: {"code":"worker_failed","message":"it is worker_failed","retryable":true}\n\n'
        )
        assert router.asked[0].transfer == {"from": "w1"}

    asyncio.run(main())


@pytest.mark.parametrize("code", ["overloaded", "worker_failed", "timeout_first_item"])
@pytest.mark.parametrize("accepted", [False, True])
def test_before_the_first_event_a_status_says_more(code: str, accepted: bool) -> None:
    async def main() -> None:
        refusal = RouterError(code, "why", pool="pool0")
        router = ScriptedRouter([routed("prefill")], [error(code)], refusal=None if accepted else refusal)
        async with served(router) as (url, _):
            status, body, _ = await post(url, "/v1/prefill", PREFILL)
        assert (status, code_of(body)) == (refusal.status, code)
        assert json.loads(body)["error"]["pool"] == "pool0"

    asyncio.run(main())


def test_the_same_key_again_is_refused() -> None:
    async def main() -> None:
        goes_on = asyncio.Event()

        async def wait() -> None:
            await goes_on.wait()

        router = ScriptedRouter([item(0, 7)], wait, [finish()])
        async with served(router) as (url, _):
            first = asyncio.create_task(post(url, "/v1/decode", DECODE))
            while not router.answers:
                await asyncio.sleep(0.01)
            status, body, _ = await post(url, "/v1/decode", DECODE)
            assert (status, code_of(body)) == (409, "duplicate")
            goes_on.set()
            assert (await first)[0] == 200
            status, body, _ = await post(url, "/v1/decode", DECODE)
            assert (status, code_of(body)) == (409, "duplicate")
            for change in ({"router_id": "other"}, {"request_id": "s"}, {"attempt": 1}):
                assert (await post(url, "/v1/decode", {**DECODE, **change}))[0] == 200
        assert len(router.asked) == 4

    asyncio.run(main())


def test_a_key_whose_work_was_refused_may_come_again() -> None:
    async def main() -> None:
        router = ScriptedRouter([item(0, 7)], [finish()], refusal=RouterError("overloaded", "why"))
        async with served(router) as (url, _):
            assert (await post(url, "/v1/decode", DECODE))[0] == 429
            router.refusal = None
            assert (await post(url, "/v1/decode", DECODE))[0] == 200
            assert (await post(url, "/v1/decode", DECODE))[0] == 409

    asyncio.run(main())


@pytest.mark.parametrize("begun", [False, True])
def test_a_new_attempt_ends_the_older(begun: bool) -> None:
    async def main() -> None:
        async def forever() -> None:
            await asyncio.Event().wait()

        router = ScriptedRouter([item(0, 7)], forever) if begun else ScriptedRouter(forever)
        async with served(router) as (url, _):
            older = asyncio.create_task(post(url, "/v1/decode", {**DECODE, "attempt": 1}))
            while not router.answers:
                await asyncio.sleep(0.01)
            router.steps = [[finish()]]
            assert (await post(url, "/v1/decode", {**DECODE, "attempt": 2}))[0] == 200
            status, body, _ = await older
            assert router.answers[0].is_closed.is_set()
            told: Any = json.loads(body.decode().rpartition("data: ")[2]) if begun else json.loads(body)["error"]
            assert (status, told["code"]) == (200 if begun else 409, "superseded")
            assert not told.get("retryable", False)

    asyncio.run(main())


def test_an_older_attempt_is_refused_while_a_newer_runs() -> None:
    async def main() -> None:
        goes_on = asyncio.Event()

        async def wait() -> None:
            await goes_on.wait()

        router = ScriptedRouter(wait, [finish()])
        async with served(router) as (url, _):
            newer = asyncio.create_task(post(url, "/v1/decode", {**DECODE, "attempt": 2}))
            while not router.answers:
                await asyncio.sleep(0.01)
            status, body, _ = await post(url, "/v1/decode", {**DECODE, "attempt": 1})
            assert (status, code_of(body)) == (409, "superseded")
            goes_on.set()
            assert (await newer)[0] == 200

    asyncio.run(main())
