"""Runs `trueup events tap` beside a real publisher, and reads what it prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from contracts.event_transport.codec.published import RELEASES
from contracts.event_transport.tap.engine import LIMIT_MS, engine
from trueup.cli import main

Frames = Sequence[bytes]
LIMIT = ("--for", str(LIMIT_MS // 1_000))
TS = 1_789_095_808.5
STORED: dict[str, Any] = {
    "block_hashes": [0xDAB8C5F2E1D0A7F0, 1],
    "parent_block_hash": None,
    "token_ids": list(range(32)),
    "block_size": 16,
    "lora_id": None,
    "medium": "GPU",
    "lora_name": "sql-adapter",
}


def batch(sequence: int, *events: tuple[str, dict[str, Any]], release: str = "vllm-map", topic: str = "kv") -> Frames:
    """A message of a release."""
    kinds = events or (("BlockStored", STORED),)
    return (topic.encode(), sequence.to_bytes(8, "big"), RELEASES[release].payload(TS, kinds, 0))


class Outcome:
    """What a run printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str = "") -> None:
        self.code, self.err = code, err
        self.lines = [re.sub(r"^\d\d:\d\d:\d\d\.\d{3}", "TIME", line.rstrip()) for line in out.splitlines()]
        self.text = "\n".join(self.lines)

    def row(self, name: str) -> str:
        """A line of the summary."""
        found = [line for line in self.lines if line.startswith(f"  {name} ")]
        assert len(found) == 1, self.text
        return found[0].removeprefix(f"  {name}").strip()

    @property
    def findings(self) -> list[str]:
        """Level, kind and words."""
        return [
            re.sub(r"^  (error|warning) +", r"\1 ", line) for line in self.lines if re.match("  (error|warning) ", line)
        ]


class Tapped:
    """Runs the command in this process, with an engine in a thread."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, messages: Sequence[Frames], *options: str) -> Outcome:
        """The engine publishes messages once the tap listens; it ends with the last one."""
        with engine() as made:

            def publish() -> None:
                made.wait_for_subscriber()
                made.publish(messages)
                made.wait_for_end()

            thread = threading.Thread(target=publish)
            thread.start()
            try:
                return self.run(made.endpoint, "--count", str(len(messages)), *LIMIT, *options)
            finally:
                thread.join()

    def run(self, *words: str) -> Outcome:
        """The command's outcome."""
        self._capsys.readouterr()
        code = main(["events", "tap", *words])
        told = self._capsys.readouterr()
        return Outcome(code, told.out, told.err)


def command(*words: str, **environment: str) -> subprocess.Popen[str]:
    """The command as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "trueup", "events", "tap", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
