"""The control socket: what it changes counts for the next request, and it is its owner's alone."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from reference_impl.mock_worker.asking import StatusError, all_of, body
from trueup_reference.mock_worker import MockWorker, Place, Settings, control

FAST = Settings(ttft_ms=0, prefill_us_per_token=0, itl_ms=0)
Say = Callable[..., Awaitable[Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.sock"


def told(path: Path, work: Callable[[MockWorker, Say], Awaitable[None]], **more: Any) -> None:
    async def say(**said: Any) -> Any:
        return await asyncio.to_thread(control.say, path, said)

    async def main() -> None:
        async with asyncio.timeout(30), MockWorker(FAST, control=path, **more) as worker:
            await work(worker, say)

    asyncio.run(main())


def test_faults_change_while_it_runs(path: Path) -> None:
    async def work(worker: MockWorker, say: Say) -> None:
        rule = {"kind": "busy", "share": 1.0, "after_items": 0, "times": 1}
        assert await say(op="fail", fail=["busyx1"]) == {"faults": [rule]}
        async with aiohttp.ClientSession() as session:
            with pytest.raises(StatusError) as caught:
                await all_of(session, worker.url, body("first"))
            assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "1")
            assert (await all_of(session, worker.url, body("second")))[-1][0] == "finish"
            assert await say(op="faults") == {"faults": []}
            await say(op="fail", fail=["tell:1x1", "endx1"])
            events = await all_of(session, worker.url, body("third"))
            assert [name for name, _ in events] == ["item", "error"]
            assert events[1][1]["retryable"]
            assert await all_of(session, worker.url, body("fourth")) == []
        assert (await say(op="about"))["counts"]["finished"] == 1
        assert await say(op="reset") == {"cleared": True}
        assert (await say(op="about"))["blocks"] == 0

    told(path, work)


def test_times_and_bounds_change_while_it_runs(path: Path) -> None:
    async def work(worker: MockWorker, say: Say) -> None:
        now = await say(op="settings", settings={"ttft_ms": 60_000, "max_prefills": 1})
        assert (now["ttft_ms"], now["max_prefills"]) == (60_000, 1)
        async with aiohttp.ClientSession() as session:
            tasks = [asyncio.create_task(all_of(session, worker.url, body(f"{number}"))) for number in range(3)]
            while (await say(op="about"))["waiting"] < 2:
                pass
            assert worker.worker.in_flight == 3
            for task in tasks:
                task.cancel()

    told(path, work)


def test_it_is_withdrawn_from_discovery_and_registered_again(path: Path, tmp_path: Path) -> None:
    discovery = tmp_path / "workers.json"

    async def work(_: MockWorker, say: Say) -> None:
        def known() -> list[str]:
            return [one["id"] for one in json.loads(discovery.read_text())["workers"]]

        assert known() == ["w1"]
        await say(op="withdraw")
        assert known() == []
        await say(op="register")
        await say(op="register")
        assert known() == ["w1"]

    told(path, work, place=Place(namespace="pool", id="w1", register=str(discovery)))
    assert json.loads(discovery.read_text())["workers"] == []


WRONG = {
    b"{": "Input data was truncated",
    b"[]": "Expected `object`, got `array`",
    b'{"op": "melt"}': "op is 'melt': one of about, fail,",
    b'{"op": "about", "x": 1}': "Object contains unknown field `x`",
    b'{"op": "fail"}': "fail is missing: a list such as",
    b'{"op": "fail", "fail": ["melt"]}': "'melt' is no failure",
    b'{"op": "settings", "settings": {"block_size": 1}}': "'block_size' cannot be changed: one of ttft_ms",
    b'{"op": "settings", "settings": {"ttft_ms": -1}}': "ttft_ms is -1",
    b'{"op": "settings", "settings": {"max_in_flight": 0}}': "max_in_flight is 0: 1 or more is due",
}


def test_what_makes_no_sense_is_told_and_changes_nothing(path: Path) -> None:
    def all_wrong() -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            with connection.makefile("rb") as lines:
                for line, expected in WRONG.items():
                    connection.sendall(line + b"\n")
                    answer = json.loads(lines.readline())
                    assert answer["error"]["code"] == "invalid_request"
                    assert answer["error"]["message"].startswith(expected)
                connection.sendall(b"x" * (1 << 17))
                assert b"a line of more than 65,536 bytes" in lines.readline()
                assert lines.readline() == b""

    async def work(worker: MockWorker, say: Say) -> None:
        await asyncio.to_thread(all_wrong)
        assert worker.worker.settings == FAST

    told(path, work)


def test_only_its_owner_may_use_it_and_it_goes_with_the_worker(path: Path) -> None:
    async def work(_: MockWorker, say: Say) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(OSError, match="another worker listens there"):
            await MockWorker(FAST, control=path).start()
        await say(op="about")

    before = os.umask(0)
    os.umask(before)
    told(path, work)
    assert not path.exists()
    assert os.umask(before) == before


def test_what_a_killed_worker_has_left_is_replaced_and_a_file_is_not(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))

    async def work(_: MockWorker, say: Say) -> None:
        await say(op="about")

    told(path, work)
    path.write_text("precious")
    with pytest.raises(OSError, match="is there, and no socket"):
        told(path, work)
    assert path.read_text() == "precious"


def test_its_command(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def work(_: MockWorker, say: Say) -> None:
        assert await asyncio.to_thread(control.main, [str(path), "fail", "after:3", "hang"]) == 0
        faults = json.loads(capsys.readouterr().out)["faults"]
        assert [fault["kind"] for fault in faults] == ["cut", "stall"]
        assert await asyncio.to_thread(control.main, [str(path), "settings", "ttft_ms=7"]) == 0
        assert json.loads(capsys.readouterr().out)["ttft_ms"] == 7
        assert await asyncio.to_thread(control.main, [str(path), "fail", "melt"]) == 2
        assert capsys.readouterr().err.startswith(f"mock_worker: {path}: 'melt' is no failure")

    told(path, work)
    assert control.main([str(path), "settings", "ttft_ms"]) == 2
    assert "'ttft_ms' is no setting: NAME=VALUE with a number is due" in capsys.readouterr().err
    assert control.main([str(path), "about"]) == 2
    assert "No such file" in capsys.readouterr().err
