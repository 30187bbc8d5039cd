"""The adapter's process: started, asked by lines, and ended with everything that it started.

What is wrong with it is one sentence, told by every call from then on. The process is killed at once, and nobody is
told before it is gone, both threads have ended and every descriptor is closed.
"""

from __future__ import annotations

import contextlib
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.processes import GRACE_S, Log, chunks, ending, kill_group, start
from trueup_contracts.wire import values

LINE_BYTES = 8 << 20  # the longest line that is read
_SHOWN = 200  # characters of a line that is wrong

_DEAD: Any = object()


class Process:
    """One run of the adapter. `judge` says what is wrong with a reply, or nothing."""

    def __init__(self, argv: Sequence[str], root: Path, judge: Callable[[Any], str | None]) -> None:
        """Starts it in the root folder. `OSError` where it cannot be started."""
        self._judge = judge
        self._process = start(argv, root, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
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
        self._log = Log(self._process, self._process.stderr)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

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
        return self._log.text()

    @property
    def process_id(self) -> int:
        """Of the process that was started, and of its group."""
        return self._process.pid

    def give_up(self, reason: str) -> None:
        """Ends it; whoever waits for it is told why."""
        self._fail(reason)

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
                self._process.wait(GRACE_S)
                self._reader.join()
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
        with contextlib.closing(chunks(self._process, self._process.stdout, self._note_held)) as output:
            for chunk in output:
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

    def _note_held(self) -> None:
        self._is_held = True

    def _how_it_ended(self) -> str:
        try:
            how = ending(self._process.wait(GRACE_S))
        except subprocess.TimeoutExpired:
            return "closed its output"
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
            if not self._is_killed:
                self._is_killed = True
                kill_group(self._process)
            self._close_input()
        for thread in (self._reader, self._log.thread):
            if thread is not threading.current_thread():
                thread.join()

    def _close_input(self) -> None:
        with self._writing:
            assert self._process.stdin is not None
            self._process.stdin.close()


def _shown(line: bytes) -> str:
    text = line[: 4 * _SHOWN].decode("utf-8", "replace")
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")
