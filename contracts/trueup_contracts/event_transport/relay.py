"""A TCP relay between a subscriber and a publisher that can stall, delay, cut and mend the way between them."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

_CHUNK = 1 << 16
_MOST_HELD = 16 << 20  # bytes that wait in one direction; then no more are read
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with 0 s: closing sends a reset


class _Held(NamedTuple):
    due_s: float
    data: bytes


class _Pipe:
    """One direction of a connection: what was read and has not been written."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.held: deque[_Held] = deque()
        self.size = 0
        self.passed = 0
        self.cut_at: int | None = None  # bytes of this direction that are passed on, and no more


class Relay:
    """Listens on a port of its own and passes on to one endpoint. Its thread ends with `close`."""

    def __init__(self, target: str) -> None:
        """`target`: `tcp://HOST:PORT`. What the subscriber is given is `endpoint`."""
        host, _, port = target.removeprefix("tcp://").rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._lock = threading.Condition()
        self._commands = self._obeyed = 0
        self._is_stalled = self._is_down = self._is_closed = False
        self._delay_s = 0.0
        self._cut_after: int | None = None
        self.connections = 0  # made through it so far
        self.cuts = 0  # in the middle of what was sent
        self._pipes: list[_Pipe] = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stall(self) -> None:
        """Connections stay, and nothing passes in either direction, until `mend`."""
        with self._told():
            self._is_stalled = True

    def delay(self, seconds: float) -> None:
        """Everything takes so long."""
        with self._told():
            self._delay_s = seconds

    def drop(self) -> None:
        """Resets all connections, and new ones at once, until `mend`."""
        with self._told():
            self._is_down = True

    def cut_after(self, size: int) -> None:
        """So many bytes more of what the publisher sends pass; then the connection is reset. New ones are whole."""
        with self._told():
            self._cut_after = size

    def mend(self) -> None:
        """Everything passes again, what was held too."""
        with self._told():
            self._is_stalled = self._is_down = False
            self._delay_s = 0.0

    def close(self) -> None:
        """Ends every connection."""
        with self._told():
            self._is_closed = True
        self._thread.join()

    def __enter__(self) -> Relay:
        """Closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Ends every connection."""
        self.close()

    def _run(self) -> None:
        try:
            while True:
                with self._lock:
                    if self._is_closed:
                        return
                    if self._is_down:
                        self._reset_all()
                    if self._cut_after is not None and self._pipes:
                        downwards = self._pipes[-1]
                        downwards.cut_at, self._cut_after = downwards.passed + self._cut_after, None
                    is_stalled, delay_s = self._is_stalled, self._delay_s
                    self._obey()
                self._step(is_stalled, delay_s)
        finally:
            self._reset_all()
            self._listener.close()
            with self._lock:
                self._obeyed = sys.maxsize  # nobody waits for a relay that is gone
                self._lock.notify_all()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """A command is obeyed when it comes back: nothing that is sent afterwards meets the relay as it was."""
        with self._lock:
            yield
            self._commands += 1
            number = self._commands
            self._lock.wait_for(lambda: self._obeyed >= number)

    def _obey(self) -> None:
        self._obeyed = self._commands
        self._lock.notify_all()

    def _step(self, is_stalled: bool, delay_s: float) -> None:
        now = time.monotonic()
        with selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            if not is_stalled:
                for one in {pipe.source for pipe in self._pipes}:
                    self._register(ready, one, now)
            events: dict[object, int] = {key.fileobj: mask for key, mask in ready.select(0.005)}
        if self._listener in events:
            self._accept()
        for pipe in list(self._pipes):
            if pipe in self._pipes:
                self._move(pipe, events, delay_s)

    def _register(self, ready: selectors.BaseSelector, one: socket.socket, now: float) -> None:
        reads = any(pipe.source is one and pipe.size < _MOST_HELD for pipe in self._pipes)
        writes = any(pipe.sink is one and pipe.held and pipe.held[0].due_s <= now for pipe in self._pipes)
        mask = (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if writes else 0)
        if mask:
            ready.register(one, mask)

    def _move(self, pipe: _Pipe, events: dict[object, int], delay_s: float) -> None:
        try:
            if events.get(pipe.source, 0) & selectors.EVENT_READ:
                data = pipe.source.recv(_CHUNK)
                if not data:
                    self._end(pipe)
                    return
                pipe.held.append(_Held(time.monotonic() + delay_s, data))
                pipe.size += len(data)
            if events.get(pipe.sink, 0) & selectors.EVENT_WRITE and pipe.held:
                self._write(pipe)
        except BlockingIOError:
            return
        except OSError:
            self._end(pipe)

    def _write(self, pipe: _Pipe) -> None:
        due_s, data = pipe.held.popleft()
        room = len(data) if pipe.cut_at is None else min(len(data), pipe.cut_at - pipe.passed)
        sent = pipe.sink.send(data[:room])
        pipe.passed += sent
        pipe.size -= sent
        if sent < len(data):
            pipe.held.appendleft(_Held(due_s, data[sent:]))
        if pipe.cut_at is not None and pipe.passed >= pipe.cut_at:
            self.cuts += 1
            self._end(pipe)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            below, _ = self._listener.accept()
            if self._is_down:
                _reset(below)
                return
            try:
                above = socket.create_connection(self._target, timeout=1)
            except OSError:
                _reset(below)
                return
            for one in (below, above):
                one.setblocking(False)
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            self._pipes += [_Pipe(below, above), _Pipe(above, below)]

    def _end(self, pipe: _Pipe) -> None:
        for one in (pipe.source, pipe.sink):
            _reset(one)
        self._pipes = [one for one in self._pipes if one.source not in (pipe.source, pipe.sink)]

    def _reset_all(self) -> None:
        while self._pipes:
            self._end(self._pipes[0])


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    one.close()
