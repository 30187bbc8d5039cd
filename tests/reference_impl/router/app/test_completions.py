"""`/v1/completions` as OpenAI's own client sees it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest

from reference_impl.router.app.serving_stubs import ScriptedRouter, error, finish, item, post, routed, served
from trueup_reference.router.protocol import RouterError

BODY = {"model": "mock", "prompt": [1, 2, 3], "max_tokens": 3}
STEPS = ([routed("agg")], [item(0, 7), item(1, 8)], [item(2, 9)], [finish(cached_tokens=2)])


def with_client(router: ScriptedRouter, use: Callable[[openai.AsyncOpenAI], Awaitable[None]]) -> None:
    async def main() -> None:
        async with (
            served(router) as (url, _),
            openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client,
        ):
            await use(client)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_completion() -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        made = await client.completions.create(model="mock", prompt=[1, 2, 3], max_tokens=3)
        choice = made.choices[0]
        assert (choice.text, choice.finish_reason, choice.index) == ("7 8 9", "length", 0)
        assert choice.model_extra == {"token_ids": [7, 8, 9]}
        assert made.usage is not None
        assert (made.usage.prompt_tokens, made.usage.completion_tokens, made.usage.total_tokens) == (3, 3, 6)
        assert made.usage.prompt_tokens_details is not None
        assert made.usage.prompt_tokens_details.cached_tokens == 2
        assert (made.model, made.object, made.id) == ("mock", "text_completion", f"cmpl-{made._request_id}")
        assert made.model_extra == {"routed": [{"phase": "agg", "pool": "agg0", "worker": "w1", "attempt": 0}]}

    router = ScriptedRouter(*STEPS)
    with_client(router, use)
    assert (router.asked[0].token_ids, router.asked[0].max_tokens) == ((1, 2, 3), 3)


def test_a_stream() -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        stream = await client.completions.create(
            model="mock", prompt=[1], stream=True, extra_body={"router": {"ttft_target": 5}, "request_id": "r"}
        )
        chunks = [chunk async for chunk in stream]
        assert [chunk.choices[0].text for chunk in chunks] == ["7", " 8", " 9", ""]
        assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "length"]
        assert {chunk.id for chunk in chunks} == {"cmpl-r"}
        assert chunks[-1].model_extra is not None
        assert [one["pool"] for one in chunks[-1].model_extra["routed"]] == ["agg0"]

    router = ScriptedRouter(*STEPS)
    with_client(router, use)
    assert router.asked[0].ttft_target_ms == 5


def test_a_stream_with_usage() -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        stream = await client.completions.create(
            model="mock", prompt=[1], stream=True, stream_options={"include_usage": True}
        )
        *_, last = [chunk async for chunk in stream]
        assert last.choices == []
        assert last.usage is not None
        assert last.usage.total_tokens == 4

    with_client(ScriptedRouter(*STEPS), use)


def test_the_end_of_a_stream() -> None:
    async def main() -> None:
        async with served(ScriptedRouter(*STEPS)) as (url, _):
            _, body, headers = await post(url, "/v1/completions", {**BODY, "stream": True})
        assert headers["Content-Type"] == "text/event-stream"
        *chunks, done, rest = body.decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        assert [json.loads(chunk.removeprefix("data: "))["choices"][0]["token_ids"] for chunk in chunks] == [
            *([7], [8], [9]),
            [],
        ]

    asyncio.run(main())


def test_an_error_in_a_stream() -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        stream = await client.completions.create(model="mock", prompt=[1], stream=True)
        with pytest.raises(openai.APIError, match="it is worker_failed") as caught:
            async for _ in stream:
                pass
        assert caught.value.code == "worker_failed"

    with_client(ScriptedRouter([item(0, 7)], [error("worker_failed")]), use)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_request", openai.BadRequestError),
        ("overloaded", openai.RateLimitError),
        ("no_worker", openai.InternalServerError),
        ("timeout_first_item", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("accepted", [False, True])
def test_an_error_of_what_is_not_streamed(code: str, kind: type[openai.APIStatusError], accepted: bool) -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(kind, match=f"it is {code}") as caught:
            await client.completions.create(model="mock", prompt=[1], extra_body={"request_id": "r"})
        about: Any = caught.value.body
        assert about == {"code": code, "message": f"it is {code}", "request_id": "r", "pool": "pool0"}

    refusal = RouterError(code, f"it is {code}", pool="pool0")
    with_client(ScriptedRouter([item(0, 7)], [error(code)], refusal=None if accepted else refusal), use)


def test_models() -> None:
    async def use(client: openai.AsyncOpenAI) -> None:
        assert [model.id async for model in client.models.list()] == ["mock"]

    with_client(ScriptedRouter(), use)


def test_a_token_that_is_asked_for() -> None:
    async def main() -> None:
        router = ScriptedRouter(*STEPS)
        async with served(router, tokens=(b"0123456789abcdef",)) as (url, _):
            for token, is_known in (("0123456789abcdef", True), ("0123456789abcdeX", False)):
                async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client:
                    if is_known:
                        await client.completions.create(model="mock", prompt=[1])
                    else:
                        with pytest.raises(openai.AuthenticationError) as caught:
                            await client.completions.create(model="mock", prompt=[1])
                        assert caught.value.code == "unauthorized"
                        assert caught.value.response.headers["WWW-Authenticate"] == "Bearer"
        assert len(router.asked) == 1

    asyncio.run(main())
