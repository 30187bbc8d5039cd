"""Programs that are started, killed, paused and started again, and that end with whoever started them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

START_S = 30.0
END_S = 5.0
LOG_CHARACTERS = 600
# Below those that systems give out: nobody gets a program's port while it is down.
PORTS = range(12_000, 30_000)
_CHANCE = random.SystemRandom()
_LEASH = Path(__file__).with_name("leash.py")


class StartError(Exception):
    """A program that has not said that it is ready."""


class Run:
    """A program from start to end."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, told: dict[str, Any]) -> None:
        """`told`: the line of JSON that it said when it was ready."""
        self.name = name
        self.told = told
        self._process = process

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Negative: the signal that killed it; `None` while it lives."""
        return self._process.returncode

    async def died(self, limit_s: float) -> int | None:
        """Its return code where it ends within this time, else `None`."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), limit_s)
        return self._process.returncode

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, unless it has ended."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)


class Program:
    """What can be started as often as it has ended. `{port}` in its arguments is always the same port, once free."""

    def __init__(self, name: str, argv: Sequence[str], log: Path | None = None, *, announces: bool = True) -> None:
        """`announces`: it says one line of JSON on its standard output when it is ready; else
        nothing is waited for. `log`: for what else it says.
        """
        self.name = name
        self.run: Run | None = None
        self.runs = 0
        self.is_paused = False
        self.port = free_port()
        self._announces = announces
        self._argv = argv
        self._log = log

    @property
    def is_up(self) -> bool:
        """Whether it runs, and is not paused."""
        return self.run is not None and self.run.returncode is None and not self.is_paused

    @property
    def url(self) -> str:
        """Where it listens, or did."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, limit_s: float = START_S) -> Run:
        """Waits until it says that it is ready. `StartError` where it ends before that, or takes longer."""
        self.runs += 1
        with open(self._log or os.devnull, "ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(_LEASH)),
                *(word.replace("{port}", str(self.port)) for word in self._argv),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE if self._announces else log,
                stderr=log,
                # A session of its own: Ctrl-C is for whoever started it, who then ends it.
                start_new_session=True,
            )
        self.run = Run(f"{self.name}#{self.runs}", process, {})
        self.is_paused = False
        if process.stdout is None:
            return self.run
        try:
            line = await asyncio.wait_for(process.stdout.readline(), limit_s)
            self.run.told = json.loads(line)
        except (TimeoutError, ValueError) as error:
            await self.end()
            raise StartError(f"{self.name} did not start{self.last_words()}") from error
        return self.run

    def last_words(self) -> str:
        """The end of its log, for a message."""
        if self._log is None:
            return ""
        text = self._log.read_text(encoding="utf-8", errors="replace").strip()
        return f": {text[-LOG_CHARACTERS:]}" if text else ""

    def kill(self) -> None:
        """At once, without a word."""
        self._send(signal.SIGKILL)

    def stop(self) -> None:
        """Asks it to end: what is under way may end before."""
        self._send(signal.SIGTERM)

    def pause(self) -> None:
        """It stands still, with all its connections open, as a machine does that swaps or a process in a debugger."""
        self.is_paused = True
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Goes on from where it was."""
        self._send(signal.SIGCONT)
        self.is_paused = False

    async def end(self, limit_s: float = END_S) -> None:
        """Asks it to end, and kills it when it does not."""
        if self.run is None:
            return
        self.resume()
        self.stop()
        if await self.run.died(limit_s) is None:
            self.kill()
            await self.run.died(limit_s)

    def _send(self, number: signal.Signals) -> None:
        if self.run is not None:
            self.run.send(number)


def free_port() -> int:
    """One of loopback that nobody has now."""
    while True:
        port = _CHANCE.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
