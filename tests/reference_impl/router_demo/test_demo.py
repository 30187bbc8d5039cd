"""The demo as a user starts it: in a pipe, in a terminal, and killed."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from trueup_reference.router.__main__ import main as router
from trueup_reference.router_demo import playing, scene
from trueup_reference.router_demo.__main__ import main as demo
from trueup_reference.router_demo.fleet import Fleet, Pool, Worker
from trueup_reference.router_demo.processes import Program

COMMAND = [sys.executable, "-m", "trueup_reference.router_demo"]
LIMIT_S = 60


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it has not happened in time"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(one) for one in file.read().split()]
    except OSError:
        return []


def is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def test_it_kills_workers_and_loses_nothing(tmp_path: Path) -> None:
    ledger, requests, picture = (tmp_path / name for name in ("ledger.json", "requests.jsonl", "grid.png"))
    words = ("--seconds", "5", "--rate", "20", "--ledger", str(ledger), "--requests", str(requests))
    done = subprocess.run(
        [*COMMAND, *words, "--picture", str(picture)], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = re.findall(r"^ +[\d.]+ s  ([A-Za-z].*)$", done.stdout, re.MULTILINE)
    assert [re.sub(r"\d+$", "N", one) for one in said] == [
        "SIGKILL to decode-large-0; requests under way there: N",
        "decode-large-0 is back",
        "SIGKILL to prefill-large-1; requests under way there: N",
        "prefill-large-1 is back",
    ]
    found = re.search(r"^(\d+) requests, (\d+) completed, failovers (\d+), refused 0$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    assert found[1] == found[2]
    assert done.stdout.endswith("\nlost 0\n")
    assert max(len(line) for line in done.stdout.splitlines()) <= 120

    kept = json.loads(ledger.read_text(encoding="utf-8"))
    assert kept["counts"]["requests"] == len(kept["requests"]) == int(found[1]) > 50
    assert kept["counts"]["failovers"] == int(found[3])
    assert len(requests.read_text(encoding="utf-8").splitlines()) == int(found[1])
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_requests_that_it_keeps_can_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from trueup_reference.router_demo.scene import GRID
    from trueup_reference.router_demo.traffic import Traffic

    traffic = Traffic(1)
    (tmp_path / "grid.json").write_text(json.dumps(GRID))
    (tmp_path / "requests.jsonl").write_text("".join(json.dumps(traffic.next()[1]) + "\n" for _ in range(100)))
    words = [str(tmp_path / "grid.json"), "--requests", str(tmp_path / "requests.jsonl")]
    assert router(["plot", *words, "--out", str(tmp_path / "a.svg")]) == 0
    numbers = [int(one) for one in re.findall(r"(?:fast|large) (\d+)", capsys.readouterr().out)]
    assert sum(numbers) == 200
    assert min(numbers) > 0


def test_it_is_live_in_a_terminal_and_leaves_nothing_behind() -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    # It is told to end long before its first kill, however slow the machine is.
    command = [*COMMAND, "--seconds", "300"]
    process = subprocess.Popen(command, stdout=slave, stderr=slave, env=environment, start_new_session=True)
    os.close(slave)
    seen, has_ended = "", False

    def take() -> None:
        """What has come in a moment. At the end of what a terminal has to say Linux answers with EIO."""
        nonlocal seen, has_ended
        try:
            if select.select([master], [], [], 0.1)[0]:
                more = os.read(master, 65536)
                has_ended = not more
                seen += more.decode(errors="replace")
        except OSError:
            has_ended = True

    def is_shown() -> bool:
        take()
        return "trueup-router at http://127.0.0.1:" in seen and "decode-large" in seen and "under way" in seen

    try:
        eventually(is_shown)
        started = children(process.pid)

        process.send_signal(signal.SIGINT)

        def is_over() -> bool:
            take()
            return has_ended

        eventually(is_over)
        assert process.wait(LIMIT_S) == 130
    finally:
        os.close(master)
        process.kill()
        process.wait()
    assert "Traceback" not in seen
    if started:  # where the system does not tell them there is nothing to see
        assert len(started) == 9
        assert not any(is_alive(one) for one in started)


def test_whoever_is_impatient_does_not_cut_the_ending_short(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Fleet] = []

    async def play(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(LIMIT_S)

    async def close(fleet: Fleet) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0.1)
        closed.append(fleet)

    monkeypatch.setattr(scene, "POOLS", ())
    monkeypatch.setattr(playing, "play", play)
    monkeypatch.setattr(Fleet, "close", close)
    assert demo([]) == 130
    assert len(closed) == 1


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The router is one that nobody has started, and the only worker is one that does not start."""

    async def enter(fleet: Fleet) -> Fleet:
        fails = Program("w1", [sys.executable, "-c", "print('no JSON')"])
        fleet.workers.append(Worker("w1", Pool("pool", "agg", 1), fails))
        return fleet

    async def add_router(_: Fleet, *words: str, command: object = ()) -> Program:
        return Program("router", [])

    monkeypatch.setattr(Fleet, "__aenter__", enter)
    monkeypatch.setattr(Fleet, "add_router", add_router)


@pytest.mark.usefixtures("no_processes")
def test_a_worker_that_does_not_come_back_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scene, "ACTS", (scene.Act(0.0, "start", "w1"),))
    assert demo(["--seconds", "60"]) == 2
    assert capsys.readouterr().err == "router_demo: w1 did not start\n"


@pytest.mark.usefixtures("no_processes")
def test_it_ends_when_nobody_reads_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    monkeypatch.setattr(scene, "ACTS", ())
    monkeypatch.setattr(playing, "LINE_S", 0.01)
    with open(write, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        assert demo(["--seconds", "60"]) == 141
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_it_started_ends_with_it_even_when_it_is_killed() -> None:
    with subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL) as process:
        if not os.path.exists(f"/proc/{process.pid}/task/{process.pid}/children"):
            process.kill()
            pytest.skip("the system does not tell a process's children")
        eventually(lambda: len(children(process.pid)) == 9)
        started = children(process.pid)
        process.kill()
        process.wait(LIMIT_S)
        eventually(lambda: not any(is_alive(one) for one in started))


@pytest.mark.parametrize("words", [("--seconds", "0"), ("--seconds", "nan"), ("--rate", "1e9")])
def test_what_cannot_be_obeyed_is_told(words: tuple[str, ...]) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 2
    assert "--seconds is more than 0 and at most 600, --rate at most 1000" in done.stderr


def test_a_file_that_cannot_be_kept_is_told_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        demo(["--ledger", "/nowhere/ledger.json"])
    assert capsys.readouterr().err.endswith("error: /nowhere is no folder\n")
