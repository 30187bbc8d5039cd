"""Places are given in the order of asking, and nobody keeps one that is no longer wanted."""

from __future__ import annotations

import asyncio
import random

import pytest

from trueup_reference.mock_worker.running import Line, Running
from trueup_reference.worker_protocol import Asked, WorkerError


def running(name: str = "r", deadline_ms: float | None = None) -> Running:
    return Running(Asked(request_id=name, phase="agg", token_ids=(1,), max_tokens=1, deadline_ms=deadline_ms))


def test_places_are_given_in_order() -> None:
    async def main() -> list[int]:
        line, order = Line(lambda: 2), []
        leave = [asyncio.Event() for _ in range(5)]

        async def work(number: int) -> None:
            async with line.place(running()):
                order.append(number)
                await leave[number].wait()

        tasks = [asyncio.create_task(work(number)) for number in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (order, line.waiting) == ([0, 1], 3)
        for number in (1, 0, 2, 3, 4):
            leave[number].set()
            await asyncio.wait({tasks[number]})
        return order

    assert asyncio.run(main()) == [0, 1, 2, 3, 4]


def test_whoever_waits_can_be_stopped_and_has_its_deadline() -> None:
    async def main() -> None:
        line = Line(lambda: 1)
        async with line.place(running()):
            late = running(deadline_ms=5)
            with pytest.raises(WorkerError) as caught:
                async with line.place(late):
                    raise AssertionError("there was no place")
            assert caught.value.code == "timeout_total"
            waits = running()
            asyncio.get_running_loop().call_soon(waits.stop, WorkerError(409, "superseded", "another came"))
            with pytest.raises(WorkerError) as caught:
                async with line.place(waits):
                    raise AssertionError("there was no place")
            assert caught.value.code == "superseded"
        async with asyncio.timeout(5), line.place(running()):
            assert line.waiting == 0

    asyncio.run(main())


def test_no_place_is_lost_whoever_goes_when() -> None:
    async def main(seed: int) -> None:
        chance, line, most, inside = random.Random(seed), Line(lambda: 3), 3, 0

        async def work() -> None:
            nonlocal inside
            async with line.place(running()):
                inside += 1
                assert inside <= most
                try:
                    await asyncio.sleep(chance.random() / 500)
                finally:
                    inside -= 1

        tasks = [asyncio.create_task(work()) for _ in range(60)]
        for task in chance.sample(tasks, 30):
            await asyncio.sleep(chance.random() / 1000)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [task.exception() for task in tasks if not task.cancelled()] == [None] * len(
            [task for task in tasks if not task.cancelled()]
        )
        async with asyncio.timeout(5), line.place(running()), line.place(running()), line.place(running()):
            assert line.waiting == 0

    for seed in range(10):
        asyncio.run(main(seed))


def test_a_line_without_a_bound_and_one_that_is_widened() -> None:
    async def main() -> None:
        most = 0
        line = Line(lambda: most)
        async with line.place(running()), line.place(running()):
            most = 2
            third = asyncio.create_task(line.place(running()).__aenter__())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert line.waiting == 1
        await third

    asyncio.run(main())
