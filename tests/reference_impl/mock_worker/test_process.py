"""A worker in a process of its own: what it publishes is what it holds, and it ends when it is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reference_impl.mock_worker.asking import body
from trueup_reference.event_transport import (
    AllBlocksCleared,
    BlockRemoved,
    BlockStored,
    ReplayClient,
    decode_batch,
)

COMMAND = [sys.executable, "-m", "trueup_reference.mock_worker"]
FAST = ["--ttft-ms", "0", "--prefill-us-per-token", "0", "--itl-ms", "0"]


@contextmanager
def started(*words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A worker, and what it said when it was ready."""
    with subprocess.Popen(
        [*COMMAND, *FAST, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr is not None else ""
            yield process, json.loads(line)
        finally:
            process.kill()


def post(url: str, path: str, data: Any) -> str:
    """The answer."""
    request = urllib.request.Request(f"{url}{path}", json.dumps(data).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=30) as response:
        answer: bytes = response.read()
    return answer.decode()


def held_after(events: list[Any]) -> set[int]:
    """The blocks that a reader of these events believes to be there."""
    held: set[int] = set()
    for event in events:
        if isinstance(event, BlockStored):
            assert event.parent_block_hash is None or event.parent_block_hash in held
            assert len(event.token_ids) == event.block_size * len(event.block_hashes)
            held.update(int(each) for each in event.block_hashes)
        elif isinstance(event, BlockRemoved):
            held.difference_update(event.block_hashes)
        else:
            assert isinstance(event, AllBlocksCleared)
            held.clear()
    return held


def test_what_it_publishes_is_what_it_holds() -> None:
    endpoints = ["--events", "tcp://127.0.0.1:0", "--replay", "tcp://127.0.0.1:0"]
    with started(*endpoints, "--capacity-blocks", "12", "--block-size", "4", "--dp-rank", "3") as (process, ready):
        for number in range(8):
            asked = body(f"r{number}", tokens=13, max_tokens=9)
            asked["token_ids"] = [number % 3, *asked["token_ids"]]
            assert post(ready["url"], "/generate", asked).count("event: item") == 9
        with urllib.request.urlopen(f"{ready['url']}/health", timeout=30) as response:
            health = json.load(response)
        with ReplayClient() as client:
            replayed = client.replay(ready["kv_events"]["replay_endpoint"], 0, 5_000)
        batches = [decode_batch(payload) for _, _, payload in replayed]
        assert {batch.data_parallel_rank for batch in batches} == {3}
        events = [event for batch in batches for event in batch.events]
        assert any(isinstance(event, BlockRemoved) for event in events)
        assert len(held_after(events)) == health["blocks"] == 12
        assert json.loads(post(ready["url"], "/reset", {})) == {"cleared": True}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    with started() as (process, ready):
        assert ready["kv_events"] is None
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--block-size", "0"], "mock_worker: block_size is 0: 1 or more is due\n"),
        (["--fault", "melt"], "mock_worker: 'melt' is no fault: KIND[=SHARE][@ITEMS][xTIMES]"),
        (["--events", "nowhere"], "mock_worker: 'nowhere' is no endpoint"),
        (["--fail", "after"], "mock_worker: 'after': after how many items? after:3"),
        (["--register", "etcd://h"], "mock_worker: the deployment is ''"),
        (["--register", "/nowhere/w.json"], "mock_worker: [Errno 2] No such file or directory: '/nowhere/w.json"),
        (["--register", "w.json", "--namespace", "a/b"], "mock_worker: this worker: namespace is 'a/b'; a name of"),
        (["--register", "w.json", "--advertise", "here"], "mock_worker: this worker: url is 'here'; http://HOST:PORT"),
        (["--control", "/"], "mock_worker: / is there, and no socket"),
        (["--zmq-port", "0", "--host", "203.0.113.1"], "mock_worker: "),
        (["--host", "203.0.113.1"], "mock_worker: "),
    ],
)
def test_arguments_that_cannot_be_obeyed(words: list[str], told: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith(told)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "65536"], "--port is 65536: 0 to 65535 is due"),
        (["--zmq-port", "-1"], "--zmq-port is -1: 0 to 65535 is due"),
        (["--zmq-port", "0", "--zmq-secret-key", "k"], "--zmq-secret-key and --zmq-client-key are given together"),
        (["--zmq-secret-key", "k", "--zmq-client-key", "c"], "--zmq-secret-key guards what --zmq-port opens"),
        (["--register", "w.json", "--host", "0.0.0.0"], "--host 0.0.0.0 is no address that a router could ask"),
        (["--replay", "tcp://127.0.0.1:0"], "--replay sends again what --events publishes"),
    ],
)
def test_arguments_that_make_no_sense(words: list[str], told: str) -> None:
    done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_its_help_explains_every_argument() -> None:
    done = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True, timeout=60)
    for word in ("--ttft-ms", "--itl-ms", "--capacity-blocks", "--fault", "stall: nothing more comes"):
        assert word in " ".join(done.stdout.split())
