"""Programs that the kit starts: read without waiting for their children, and ended with their whole group."""

from __future__ import annotations

import contextlib
import math
import os
import select
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import IO

from trueup_contracts.errors import TargetError

LOG_BYTES = 64 << 10  # of what it writes for people, the last ones
GRACE_S = 3.0  # for a process that has closed its input or output to end, and so to tell its exit status
_LOOK_S = 0.1  # between two looks at whether a process has ended whose pipes others may hold open


def split(kind: str, command: str) -> list[str]:
    """The words of a command, as a shell splits them. `TargetError` for none, and where there are no groups."""
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise TargetError(f"{kind}: {command}: {error}", "it is split as a shell splits words") from error
    if not argv:
        raise TargetError(f"{kind}: names no program", f"write {kind}: PROGRAM ARGUMENT …")
    if os.name != "posix":
        raise TargetError(f"{kind}: {command}: programs can be asked on POSIX systems only, this is {os.name}")
    return argv


def start(argv: Sequence[str], root: Path, *, stdin: int, stderr: int) -> subprocess.Popen[bytes]:
    """Starts a program in the root folder, in a process group of its own. `OSError` where it cannot be started."""
    return subprocess.Popen(
        argv, cwd=root, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, bufsize=0, start_new_session=True
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and what it started: the group outlives its first process. Once: its number may come again."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def chunks(
    process: subprocess.Popen[bytes], pipe: IO[bytes] | None, held: Callable[[], None] = lambda: None
) -> Generator[bytes, None, None]:
    """What comes through a pipe, until its end or the process's: then `held` is told that a child holds it open."""
    assert pipe is not None
    with pipe:
        something = select.poll()
        something.register(pipe, select.POLLIN)
        while True:
            if not something.poll(_LOOK_S * 1000):
                if process.poll() is None:
                    continue
                if not something.poll(0):  # what it wrote last would be there
                    held()
                    return
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                return
            yield chunk


class Log:
    """The last that a process wrote for people. Its thread reads until the process is gone."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: IO[bytes] | None) -> None:
        self._process = process
        self._pipe = pipe
        self._kept = bytearray()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def text(self) -> str:
        """Its last 64 KiB."""
        return bytes(self._kept).decode("utf-8", "replace")

    def _read(self) -> None:
        stop_at_s = math.inf
        for chunk in chunks(self._process, self._pipe):
            self._kept += chunk
            del self._kept[:-LOG_BYTES]
            if self._process.returncode is not None:  # and what it started, in a group of its own, goes on writing
                stop_at_s = min(stop_at_s, time.monotonic() + GRACE_S)
            if time.monotonic() >= stop_at_s:
                return


def ending(status: int) -> str:
    """How a process ended, in words."""
    names = {one.value: one.name for one in signal.Signals}
    return (
        f"ended with exit status {status}" if status >= 0 else f"was ended by {names.get(-status, f'signal {-status}')}"
    )


def members(group: int) -> list[int]:
    """The processes of a group. Where there is no `/proc` to look at, its first one."""
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if int(place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[2]) == group:
                found.append(int(place.parent.name))
    return found or [group]
