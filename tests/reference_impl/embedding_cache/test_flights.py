"""One computation per key, for threads and event loops together, whoever gives up and whatever goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from trueup_reference.embedding_cache import EmbeddingCache

WAIT_S = 10.0
Compute = Callable[[], Awaitable[torch.Tensor]]


class Encoder:
    """Counts its calls; each begins, and waits until it is let go."""

    def __init__(self, result: torch.Tensor | BaseException, *, waits: bool = True) -> None:
        self.calls = 0
        self.cancelled = 0
        self._result = result
        self.begun = threading.Event()
        self.may_end = threading.Event()
        if not waits:
            self.may_end.set()

    async def __call__(self) -> torch.Tensor:
        self.calls += 1
        self.begun.set()
        try:
            while not self.may_end.is_set():
                await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self._answer()

    def blocking(self) -> torch.Tensor:
        self.calls += 1
        self.begun.set()
        assert self.may_end.wait(WAIT_S)
        return self._answer()

    def _answer(self) -> torch.Tensor:
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


def joined(cache: EmbeddingCache, number: int) -> Callable[[], bool]:
    return lambda: cache.numbers()["joined"] >= number


@pytest.fixture
def cache() -> EmbeddingCache:
    return EmbeddingCache(1000)


def test_tasks_that_miss_wait_for_one_computation(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.arange(4))
        asked = [asyncio.create_task(cache.get_or_compute_async("a", encode)) for _ in range(20)]
        await until(joined(cache, 19))
        encode.may_end.set()
        for got in await asyncio.gather(*asked):
            assert got.tolist() == [0, 1, 2, 3]
        assert encode.calls == 1
        assert (await cache.get_or_compute_async("a", encode)).tolist() == [0, 1, 2, 3]
        assert encode.calls == 1

    asyncio.run(main())
    assert cache.stats()["entries"] == 1
    assert sum(cache.compute_times().counts) == 1


def test_an_exception_reaches_all_tasks_and_is_not_kept(cache: EmbeddingCache) -> None:
    async def main() -> None:
        broken = Encoder(ValueError("no image"))
        asked = [asyncio.create_task(cache.get_or_compute_async("a", broken)) for _ in range(5)]
        await until(joined(cache, 4))
        broken.may_end.set()
        for got in await asyncio.gather(*asked, return_exceptions=True):
            assert isinstance(got, ValueError)
        assert broken.calls == 1
        assert (await cache.get_or_compute_async("a", Encoder(torch.ones(1), waits=False))).item() == 1

    asyncio.run(main())


@pytest.mark.parametrize("gives_up", ["who asked first", "who asked last"])
def test_who_gives_up_leaves_the_others_waiting(cache: EmbeddingCache, gives_up: str) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        first = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(encode.begun.is_set)
        second = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(joined(cache, 1))
        gone, stays = (first, second) if gives_up == "who asked first" else (second, first)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        encode.may_end.set()
        assert (await stays).item() == 1
        assert (encode.calls, encode.cancelled) == (1, 0)

    asyncio.run(main())


def test_a_timeout_of_one_leaves_the_others_waiting(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        stays = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(encode.begun.is_set)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(cache.get_or_compute_async("a", encode), 0.01)
        encode.may_end.set()
        assert (await stays).item() == 1

    asyncio.run(main())


def test_when_all_give_up_the_computation_is_cancelled(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        asked = [asyncio.create_task(cache.get_or_compute_async("a", encode)) for _ in range(3)]
        await until(joined(cache, 2))
        await until(encode.begun.is_set)
        for one in asked:
            one.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await until(lambda: encode.cancelled == 1)
        assert (await cache.get_or_compute_async("a", Encoder(torch.zeros(1), waits=False))).item() == 0

    asyncio.run(main())


def test_a_task_cancelled_before_its_first_step_blocks_nobody(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1), waits=False)
        asked = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await asyncio.sleep(0)
        computing = asyncio.all_tasks() - {asked, asyncio.current_task()}
        assert len(computing) == 1
        assert computing.pop().cancel()  # as at the end of `asyncio.run`
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asked, WAIT_S)
        assert encode.calls == 0
        assert (await cache.get_or_compute_async("a", encode)).item() == 1

    asyncio.run(main())


def test_a_computation_that_cancels_itself_is_no_answer_for_others(cache: EmbeddingCache) -> None:
    async def main() -> None:
        cancelled = Encoder(asyncio.CancelledError())
        first = asyncio.create_task(cache.get_or_compute_async("a", cancelled))
        await until(cancelled.begun.is_set)
        second = asyncio.create_task(cache.get_or_compute_async("a", Encoder(torch.ones(1), waits=False)))
        await until(joined(cache, 1))
        cancelled.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).item() == 1

    asyncio.run(main())


def test_a_thread_waits_for_a_computation_in_a_loop(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        first = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(encode.begun.is_set)
        other = asyncio.create_task(asyncio.to_thread(cache.get_or_compute, "a", encode.blocking))
        await until(joined(cache, 1))
        encode.may_end.set()
        assert (await first).item() == (await other).item() == 1
        assert encode.calls == 1

    asyncio.run(main())


def test_a_loop_waits_for_a_computation_in_a_thread_and_goes_on_meanwhile(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        thread = asyncio.create_task(asyncio.to_thread(cache.get_or_compute, "a", encode.blocking))
        await until(encode.begun.is_set)
        asked = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(joined(cache, 1))
        encode.may_end.set()
        assert (await asked).item() == (await thread).item() == 1
        assert encode.calls == 1

    asyncio.run(main())


def test_two_loops_share_a_computation_and_survive_the_end_of_the_first(cache: EmbeddingCache) -> None:
    """The loop that computes ends without waiting: who waits in another loop, or in a thread, computes."""
    never = Encoder(torch.zeros(1))
    own = Encoder(torch.ones(1), waits=False)

    async def first() -> None:
        task = asyncio.create_task(cache.get_or_compute_async("a", never))
        await until(joined(cache, 2))
        assert not task.done()

    async def second() -> float:
        return (await cache.get_or_compute_async("a", own)).item()

    with ThreadPoolExecutor(3) as pool:
        ending = pool.submit(asyncio.run, first())
        assert never.begun.wait(WAIT_S)
        waiting = pool.submit(asyncio.run, second())
        blocked = pool.submit(cache.get_or_compute, "a", own.blocking)
        ending.result(WAIT_S)
        assert waiting.result(WAIT_S) == 1
        assert blocked.result(WAIT_S).item() == 1
    assert (never.cancelled, own.calls) == (1, 1)


def test_a_loop_that_was_closed_with_its_computation_blocks_nobody(cache: EmbeddingCache) -> None:
    loop = asyncio.new_event_loop()
    never = Encoder(torch.zeros(1))
    task = loop.create_task(cache.get_or_compute_async("a", never))
    while not never.begun.is_set():
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert cache.get_or_compute("a", lambda: torch.ones(1)).item() == 1
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that is what this test is about


def test_an_interrupted_thread_is_no_answer_for_others(cache: EmbeddingCache) -> None:
    interrupted = Encoder(KeyboardInterrupt())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get_or_compute, "a", interrupted.blocking)
        assert interrupted.begun.wait(WAIT_S)
        second = pool.submit(cache.get_or_compute, "a", lambda: torch.ones(1))
        asyncio.run(until(joined(cache, 1)))
        interrupted.may_end.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(WAIT_S)
        assert second.result(WAIT_S).item() == 1


def test_a_computation_that_asks_for_its_own_key_is_told(cache: EmbeddingCache) -> None:
    def own() -> torch.Tensor:
        return cache.get_or_compute("a", lambda: torch.ones(1))

    async def own_async() -> torch.Tensor:
        return await asyncio.create_task(cache.get_or_compute_async("a", Encoder(torch.ones(1))))

    with pytest.raises(RuntimeError, match="asks for the same key"):
        cache.get_or_compute("a", own)
    with pytest.raises(RuntimeError, match="asks for the same key"):
        asyncio.run(cache.get_or_compute_async("a", own_async))
    assert cache.get_or_compute("a", lambda: cache.get_or_compute("b", lambda: torch.ones(1))).item() == 1


def test_blocking_the_loop_that_computes_is_refused(cache: EmbeddingCache) -> None:
    async def main() -> None:
        encode = Encoder(torch.ones(1))
        asked = asyncio.create_task(cache.get_or_compute_async("a", encode))
        await until(encode.begun.is_set)
        with pytest.raises(RuntimeError, match="would block the event loop"):
            cache.get_or_compute("a", encode.blocking)
        encode.may_end.set()
        assert (await asked).item() == 1

    asyncio.run(main())


@pytest.mark.parametrize("is_async", [False, True])
def test_a_failed_computation_keeps_nothing_alive(cache: EmbeddingCache, is_async: bool) -> None:
    """Without a run of the garbage collector: its frames hold tensors of the encoder."""
    seen: list[weakref.ref[torch.Tensor]] = []

    def broken() -> torch.Tensor:
        activation = torch.ones(1000)
        seen.append(weakref.ref(activation))
        raise ValueError("no image")

    async def broken_async() -> torch.Tensor:
        return broken()

    async def main() -> None:
        with contextlib.suppress(ValueError):
            await cache.get_or_compute_async("a", broken_async)
        await asyncio.sleep(0)  # the loop calls back those who asked to hear of the task's end
        assert [one() for one in seen] == [None]

    gc.collect()
    gc.disable()
    try:
        if is_async:
            asyncio.run(main())
        else:
            with contextlib.suppress(ValueError):
                cache.get_or_compute("a", broken)
        assert [one() for one in seen] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize("is_async", [False, True])
def test_a_result_that_is_too_large_is_handed_out_and_counted_as_refused(cache: EmbeddingCache, is_async: bool) -> None:
    encode = Encoder(torch.ones(500), waits=False)
    got = (
        asyncio.run(cache.get_or_compute_async("a", encode)) if is_async else cache.get_or_compute("a", encode.blocking)
    )
    assert got.shape == (500,)
    assert cache.numbers()["refused"] == 1
    assert len(cache) == 0
