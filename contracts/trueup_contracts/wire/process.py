"""The adapter's process: started, asked by lines, and ended with everything that it started.

What is wrong with it is one sentence, told by every call from then on. The process is killed at once, and nobody is
told before it is gone, both threads have ended and every descriptor is closed.
"""

from __future__ import annotations

import contextlib
import math
import os
import queue
import select
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.wire import values

LINE_BYTES = 8 << 20  # the longest line that is read
LOG_BYTES = 64 << 10  # of stderr, the last ones
_SHOWN = 200  # characters of a line that is wrong
_GRACE_S = 3.0  # for a process that has closed its input or output to end, and so to tell its exit status
_LOOK_S = 0.1  # between two looks at whether a process has ended whose pipes others may hold open

_DEAD: Any = object()


class Process:
    """One run of the adapter. `judge` says what is wrong with a reply, or nothing."""

    def __init__(self, argv: Sequence[str], root: Path, judge: Callable[[Any], str | None]) -> None:
        """Starts it in the root folder. `OSError` where it cannot be started."""
        self._judge = judge
        self._process = subprocess.Popen(
            argv,
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # a process group of its own, to be killed as a whole
        )
        assert self._process.stdin is not None
        self._input = self._process.stdin.fileno()
        os.set_blocking(self._input, False)
        self._lock = threading.Lock()  # of the next three
        self._next_id = 0
        self._waiting: dict[int, queue.SimpleQueue[Any]] = {}
        self.fault: str | None = None
        self._writing = threading.Lock()
        self._ending = threading.Lock()
        self._is_killed = False
        self._is_held = False  # its output, by something that it started
        self._log = bytearray()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()

    def ask(self, request: Mapping[str, Any], limit_s: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """The request as sent, with its id, and the reply. `AdapterDiedError` where none comes in time."""
        __tracebackhide__ = True
        answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            sent = {"id": self._next_id, **request}
            self._next_id += 1
            if self.fault is None:
                self._waiting[sent["id"]] = answers
        deadline = time.monotonic() + limit_s
        if self.fault is None:
            self._write(values.dumps(sent), deadline, request["op"])
        while self.fault is None:
            try:
                reply = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self._fail(f"gave no answer to {request['op']} within {limit_s:g} s")
                continue
            if reply is not _DEAD:
                return sent, reply
        self._end()  # by whoever began it: its log is whole, and nothing of it is left
        raise AdapterDiedError(f"the adapter {self.fault}")

    def log(self) -> str:
        """The last that it wrote to stderr."""
        return bytes(self._log).decode("utf-8", "replace")

    def close(self, limit_s: float) -> None:
        """Closes its input and gives it time to end; then ends the whole group."""
        with self._lock:
            self.fault = self.fault or "was closed"
        self._close_input()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(limit_s)
        self._end()

    def _write(self, line: bytes, deadline: float, operation: str) -> None:
        with self._writing:
            left = self._written(line, deadline)
        if left is None:  # it has closed its input: has it ended, or does it only not listen?
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_S)
                self._threads[0].join()
            self._fail("closed its input")
        elif left:
            self._fail(f"does not read its input: {left} bytes of the request {operation} are left")

    def _written(self, line: bytes, deadline: float) -> int | None:
        left = memoryview(line)
        room = select.poll()
        room.register(self._input, select.POLLOUT)
        while left and self.fault is None:
            remaining = deadline - time.monotonic()
            if not room.poll(max(0.0, min(0.25, remaining)) * 1000):
                if remaining <= 0:
                    return len(left)
                continue
            try:
                left = left[os.write(self._input, left) :]
            except BlockingIOError:
                continue
            except OSError:
                return None
        return 0

    def _read(self) -> None:
        parts: list[bytes] = []  # of the line that has not ended
        size = 0
        with contextlib.closing(self._chunks(self._process.stdout)) as chunks:
            for chunk in chunks:
                *lines, rest = chunk.split(b"\n")
                for line in lines:
                    self._take(b"".join([*parts, line]))
                    parts, size = [], 0
                parts.append(rest)
                size += len(rest)
                if size > LINE_BYTES:
                    self._fail(f"wrote a line of more than {LINE_BYTES >> 20} MiB: {_shown(b''.join(parts))}")
                if self.fault is not None:
                    return
        unfinished = b"".join(parts)
        half = f" in the middle of a line: {_shown(unfinished)}" if unfinished.strip() else ""
        self._fail(f"{self._how_it_ended()}{half}")

    def _read_log(self) -> None:
        stop_at_s = math.inf
        for chunk in self._chunks(self._process.stderr):
            self._log += chunk
            del self._log[:-LOG_BYTES]
            if self._is_killed:  # and what it started, in a group of its own, goes on writing
                stop_at_s = min(stop_at_s, time.monotonic() + _GRACE_S)
            if time.monotonic() >= stop_at_s:
                return

    def _chunks(self, pipe: IO[bytes] | None) -> Generator[bytes, None, None]:
        """What comes through a pipe, until its end or the process's: a child of it may hold the pipe for ever."""
        assert pipe is not None
        with pipe:
            something = select.poll()
            something.register(pipe, select.POLLIN)
            while True:
                if not something.poll(_LOOK_S * 1000):
                    if self._process.poll() is None:
                        continue
                    if not something.poll(0):  # what it wrote last would be there
                        self._is_held |= pipe is self._process.stdout
                        return
                chunk = os.read(pipe.fileno(), 1 << 16)
                if not chunk:
                    return
                yield chunk

    def _how_it_ended(self) -> str:
        try:
            status = self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            return "closed its output"
        names = {one.value: one.name for one in signal.Signals}
        how = (
            f"ended with exit status {status}"
            if status >= 0
            else f"was ended by {names.get(-status, f'signal {-status}')}"
        )
        return f"{how}, and something that it started holds its output open" if self._is_held else how

    def _take(self, line: bytes) -> None:
        if not line.strip() or self.fault is not None:
            return
        try:
            reply = values.loads(line)
        except ValueError as error:
            hint = "stdout is for messages, logs belong on stderr"
            self._fail(f"wrote a line that is no message: {_shown(line)} ({error}; {hint})")
            return
        wrong = self._judge(reply)
        if wrong is not None:
            self._fail(f"wrote a message that is against the wire's schema: {_shown(line)} ({wrong})")
            return
        with self._lock:
            answers = self._waiting.pop(reply["id"], None)
            asked = reply["id"] < self._next_id
        if answers is None:
            reason = "was answered already" if asked else "was never asked"
            self._fail(f"answered request {reply['id']}, which {reason}: {_shown(line)}")
            return
        answers.put(reply)

    def _fail(self, reason: str) -> None:
        with self._lock:
            self.fault = self.fault or reason
            waiting, self._waiting = self._waiting, {}
        self._end()
        for answers in waiting.values():
            answers.put(_DEAD)

    def _end(self) -> None:
        """Kills what is left, and comes back when nothing is. Several threads may call it, one after the other too."""
        with self._ending:
            if not self._is_killed:  # once: later its number may be another process's
                self._is_killed = True
                # The group outlives its first process where that has started others.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._close_input()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()

    def _close_input(self) -> None:
        with self._writing:
            assert self._process.stdin is not None
            self._process.stdin.close()


def _shown(line: bytes) -> str:
    text = line[: 4 * _SHOWN].decode("utf-8", "replace")
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
