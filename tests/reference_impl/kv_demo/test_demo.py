"""`trueup-kv-index` as a user starts it: real workers, real publishers, a terminal, and an end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest

from reference_impl.mock_worker.test_process import started
from trueup_reference.event_transport import BlockStored, EventBatch, Publisher
from trueup_reference.kv_demo import __main__ as kv_demo
from trueup_reference.kv_demo.sources import SourceError, WorkerSource
from trueup_reference.kv_index import local_hashes, sequence_hashes

COMMAND = [sys.executable, "-m", "trueup_reference.kv_demo"]
LIMIT_S = 60


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=LIMIT_S)


def told(*words: str) -> Any:
    done = run(*words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it has not happened in time"
        time.sleep(0.02)


def test_it_routes_requests_to_the_workers_that_hold_them() -> None:
    found = told("--mock-workers", "2", "--requests", "60")
    workers = found["workers"]
    assert [one["worker_id"] for one in workers] == ["1", "2"]
    assert {(one["state"], one["failed"]) for one in workers} == {("exact", 0)}
    assert sum(one["routed"] for one in workers) == 60
    assert found["indexer"]["refused_events"] == found["indexer"]["gaps"] == 0
    for one in workers:
        assert one["blocks"] > 0
        assert (one["prefill_tokens"], one["decode_blocks"]) == (0, 0)
        # The worker computes the last token of a prompt in any case, and counts what is left of the last block.
        assert one["hit_rate"] * 0.8 <= one["seen_hit_rate"] <= one["hit_rate"] + 0.1
    # Conversations stay where they are: what is asked again is held.
    assert sum(one["hit_rate"] for one in workers) / 2 > 0.4
    for request in found["requests"]:
        costs = request["costs"]
        assert costs[request["chosen"]] == min(costs.values())


def test_what_was_stored_before_it_came_is_known() -> None:
    endpoints = ["--events", "tcp://127.0.0.1:0", "--replay", "tcp://127.0.0.1:0"]
    with started(*endpoints, "--worker-id", "9") as (_, ready):
        body = {"request_id": "before", "phase": "prefill", "token_ids": list(range(160)), "max_tokens": 1}
        asked = urllib.request.Request(f"{ready['url']}/generate", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(asked, timeout=LIMIT_S) as response:
            response.read()
        (worker,) = told(ready["url"], "--requests", "1")["workers"]
        assert (worker["worker_id"], worker["state"]) == ("9", "exact")
        assert worker["blocks"] >= 10


@pytest.mark.parametrize("replays", [True, False])
def test_any_publisher_of_format_a_is_listened_to(replays: bool) -> None:
    replay = {"replay_endpoint": "tcp://127.0.0.1:0"} if replays else {}
    with Publisher("tcp://127.0.0.1:0", "kv@somewhere", **replay) as publisher:  # type: ignore[arg-type]
        tokens = tuple(range(12 * 8))
        hashes = tuple(sequence_hashes(local_hashes(tokens, 8)))
        stored = BlockStored(block_hashes=hashes, parent_block_hash=None, token_ids=tokens, block_size=8)
        batch = EventBatch(ts=0.0, events=(stored,))
        source = f"7={publisher.endpoint}"
        if replays:
            publisher.publish(batch)
            source += f"@{publisher.replay_endpoint}"
        words = [source, "--block-size", "8", "--requests", "3", "--json"]
        with subprocess.Popen([*COMMAND, *words], stdout=subprocess.PIPE, text=True) as process:
            if not replays:
                assert publisher.wait_for_subscribers(1, LIMIT_S * 1000)
                publisher.publish(batch)
            out, _ = process.communicate(timeout=LIMIT_S)
        found = json.loads(out)
        (worker,) = found["workers"]
        assert (worker["worker_id"], worker["state"], worker["blocks"], worker["routed"]) == ("7", "exact", 12, 3)
        for request in found["requests"]:
            # One block more than what is a chain there, which nobody holds.
            assert request["overlaps"] == {"7": request["prompt_blocks"] - 1}


def test_another_block_size_is_told() -> None:
    with started("--events", "tcp://127.0.0.1:0", "--replay", "tcp://127.0.0.1:0", "--block-size", "4") as (_, ready):
        done = run(ready["url"], "--block-size", "16", "--requests", "3")
        assert done.returncode == 0
        assert "events have another block size: nothing of them ever matches" in done.stdout
        assert "degraded" in done.stdout


def test_workers_that_fail_leave_no_load() -> None:
    words = ["--events", "tcp://127.0.0.1:0", "--replay", "tcp://127.0.0.1:0"]
    with started(*words, "--fault", "error") as (_, ready):
        (worker,) = told(ready["url"], "--requests", "5")["workers"]
        assert (worker["routed"], worker["failed"]) == (5, 5)
        assert worker["failure"].startswith("500 ")
        assert "a fault on purpose: error" in worker["failure"]
        assert (worker["prefill_tokens"], worker["decode_blocks"]) == (0, 0)


def test_it_is_live_in_a_terminal_and_ends_on_ctrl_c() -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [*COMMAND, "--mock-workers", "1"], stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    seen = ""

    def read() -> bool:
        nonlocal seen
        with contextlib.suppress(OSError):
            seen += os.read(master, 65536).decode(errors="replace")
        return "demo-" in seen and "exact" in seen

    try:
        eventually(read)
        process.send_signal(signal.SIGINT)
        # At the end of what a terminal has to say Linux answers with EIO.
        with contextlib.suppress(OSError):
            while more := os.read(master, 65536):
                seen += more.decode(errors="replace")
        assert process.wait(LIMIT_S) == 0
    finally:
        os.close(master)
        process.kill()
        process.wait()
    assert "the last requests" in seen
    assert "Traceback" not in seen


def test_its_workers_end_with_it_even_when_it_is_killed() -> None:
    with subprocess.Popen([*COMMAND, "--mock-workers", "1"], stdout=subprocess.DEVNULL) as process:
        children = f"/proc/{process.pid}/task/{process.pid}/children"
        if not os.path.exists(children):
            process.kill()
            pytest.skip("the system does not tell a process's children")

        def child() -> str:
            with open(children, encoding="ascii") as file:
                return file.read().strip()

        eventually(lambda: bool(child()))
        worker = int(child().split()[0])
        eventually(lambda: b"mock_worker" in _command(worker))
        process.kill()
        process.wait(LIMIT_S)
        eventually(lambda: b"mock_worker" not in _command(worker))


def _command(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_what_cannot_be_obeyed_is_one_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        for words, message in (
            ((), "name a SOURCE, or start some: --mock-workers 3"),
            (("nonsense",), "'nonsense' is no source: [ID=]tcp://HOST:PORT[@tcp://HOST:REPLAY-PORT]"),
            ((nobody,), f"{nobody}/health: ClientConnectorError"),
            (("1=tcp://127.0.0.1:1", "1=tcp://127.0.0.1:2"), "two sources have the worker (1, 0)"),
            (("tcp://127.0.0.1:1", "--block-size", "0"), "--block-size is 0: 1 or more is due"),
            (("tcp://127.0.0.1:1", "--overlap-weight", "nan"), "overlap_weight is nan"),
        ):
            done = run(*words, "--for", "1")
            assert done.returncode == 2, words
            assert message in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("--requests", "0"), ("--for", "-1"), ("--for", "nan")])
def test_an_end_that_is_none_is_refused(words: tuple[str, str]) -> None:
    done = run("tcp://127.0.0.1:1", *words)
    assert done.returncode == 2
    assert "--requests is 1 or more, --for more than 0" in done.stderr


def test_a_bounded_run_does_not_wait_for_ever_for_a_silent_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [WorkerSource(1, 0, "tcp://127.0.0.1:1", None, None, None, None)]
    monkeypatch.setattr(kv_demo, "SILENCE_S", 0.1)
    args = kv_demo.parser().parse_args(["tcp://127.0.0.1:1", "--requests", "1"])
    with pytest.raises(SourceError, match=r"no prompt was stored in 0\.1 s.*: tcp://127\.0\.0\.1:1"):
        asyncio.run(kv_demo._watch(args, sources, asyncio.Event()))


def test_it_ends_when_its_time_is_over() -> None:
    done = run("tcp://127.0.0.1:1", "--for", "0.5")
    assert (done.returncode, done.stderr) == (0, "")
    assert "unknown" in done.stdout
