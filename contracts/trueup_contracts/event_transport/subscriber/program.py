"""A Python program of its own that uses the implementation: to end it, and to interrupt it."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import NotRunError
from trueup_contracts.event_transport.frames import TOPIC
from trueup_contracts.processes import ending
from trueup_contracts.subject import Subject

_CODE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is started with it ignored
sys.path[:] = sys.argv[1].split("\\n")
from trueup_contracts.event_transport.subscriber import program
program.main(sys.argv[2:])
"""
_TIMEOUT_MS = 60_000
_RECEIVED = b"trueup: received"
_NO_TARGET = "trueup: no such target"


class Program:
    """The target is imported in a process; it connects to an endpoint and receives, once or for ever."""

    def __init__(self, subject: Subject, endpoint: str, times: str) -> None:
        module = subject.target.partition(":")[0]
        file = Path(getattr(sys.modules.get(module), "__file__", None) or Path.cwd() / "nothing")
        folder = file.parents[module.count(".") + (file.name == "__init__.py")]
        path = "\n".join([*(one for one in sys.path if one), str(folder)])
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, path, subject.target, endpoint, times],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=Path.cwd(),
        )

    def send_signal(self, number: int) -> None:
        """To the process."""
        self._process.send_signal(number)

    def is_gone_within(self, limit_s: float) -> bool:
        """Whether it ends in this time."""
        try:
            self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def has_received(self, budgets: Budgets) -> None:
        """It has received once. A program that cannot be started at all is not judged."""
        __tracebackhide__ = True
        assert self._process.stdout is not None
        log, until = b"", time.monotonic() + budgets.signal_s  # in all: it may write without an end
        while _RECEIVED not in log:
            left_s = max(0.0, until - time.monotonic())
            is_there = left_s and select.select([self._process.stdout], [], [], left_s)[0]
            more = os.read(self._process.stdout.fileno(), 1 << 16) if is_there else b""
            log += more
            if not more:
                told = log.decode("utf-8", "replace").strip()
                if _NO_TARGET in told:
                    raise NotRunError(told.splitlines()[-1])
                raise AssertionError(f"a program that uses it has received nothing: {told[-500:]}")

    def ends(self, budgets: Budgets, what: str, *, may_fail: bool = False) -> None:
        """It ends, and not badly. That takes milliseconds, but those of a machine that is busy are long."""
        __tracebackhide__ = True
        try:
            output, _ = self._process.communicate(timeout=budgets.signal_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{what} was still there {budgets.signal_s:g} s later") from None
        status = self._process.returncode
        log = output.decode("utf-8", "replace").strip()
        assert may_fail or status == 0, f"{what} {ending(status)}: {log[-500:]}"

    def __enter__(self) -> Program:
        """Ended at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Killed, where it is still there."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def main(argv: list[str]) -> None:
    """The process: `TARGET ENDPOINT once|for ever`. What is made is held until the interpreter ends."""
    from trueup_contracts.errors import TargetError
    from trueup_contracts.in_process import resolve

    target, endpoint, times = argv
    try:
        factory: Any = resolve(target, Path.cwd())
    except TargetError as error:
        sys.exit(f"{_NO_TARGET}: {error}")
    args = {"endpoints": [endpoint], "topic": TOPIC, "recv_timeout_ms": _TIMEOUT_MS, "format": "A"}
    claimed = getattr(factory, "capabilities", ())
    if "asyncio" in claimed:
        import asyncio

        asyncio.run(_in_loop(factory, args, times))
    else:
        held = factory(**args)
        globals()["held"] = held
        held.recv()
        print(_RECEIVED.decode(), flush=True)
        while times != "once":
            held.recv()


async def _in_loop(factory: Any, args: dict[str, Any], times: str) -> None:
    held = await factory(**args)
    globals()["held"] = held
    await held.recv()
    print(_RECEIVED.decode(), flush=True)
    while times != "once":
        await held.recv()
