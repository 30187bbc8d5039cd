"""Answers replays on a ROUTER socket, some messages of each at a time, so that live messages go on meanwhile."""

from __future__ import annotations

import time
from collections import deque
from typing import Literal, TypeAlias

import zmq

from trueup_reference.event_transport.batch_queue import Batch
from trueup_reference.event_transport.limits import END_SEQUENCE, SEQUENCE_BYTES
from trueup_reference.event_transport.logs import warn, warn_seldom
from trueup_reference.event_transport.replay_buffer import ReplayBuffer

_END = END_SEQUENCE.to_bytes(SEQUENCE_BYTES, "big")
_MOST_AT_ONCE = 16  # more clients wait in the socket's queue: each holds a list of batches
_STALLED_S = 10.0
_RETRY_S = 0.005

ReplayForm: TypeAlias = Literal["v1", "v2"]


class _Answer:
    """What one client still has to get."""

    def __init__(self, client: bytes, batches: list[Batch]) -> None:
        self.client = client
        self.left: deque[Batch] = deque(batches)
        self.moved_s = time.monotonic()


class ReplayServer:
    """Owned by the thread that sends. `form` v2 has the topic in each reply, as live messages have; v1 does not."""

    def __init__(self, socket: zmq.Socket[bytes], topic: bytes, buffer: ReplayBuffer, form: ReplayForm) -> None:
        socket.setsockopt(zmq.ROUTER_MANDATORY, 1)  # a full or gone client is an error, not silence
        self.socket = socket
        self._topic = [topic] if form == "v2" else []
        self._buffer = buffer
        self._answers: deque[_Answer] = deque()
        self._blocked = False
        self.counts = {"replays": 0, "replayed": 0, "malformed_requests": 0, "replays_given_up": 0}

    @property
    def accepts(self) -> bool:
        """Whether another request may be read now."""
        return len(self._answers) < _MOST_AT_ONCE

    @property
    def wait_s(self) -> float | None:
        """How long nothing can be done for those who are answered; None: nobody is."""
        return None if not self._answers else _RETRY_S if self._blocked else 0.0

    def read(self) -> None:
        """Takes the requests that came."""
        while self.accepts:
            try:
                frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            if len(frames) != 3 or frames[1] or len(frames[2]) != SEQUENCE_BYTES:
                self.counts["malformed_requests"] += 1
                sizes = [len(frame) for frame in frames[1:]][:8]
                warn_seldom("replay_request_malformed", self.counts["malformed_requests"], frame_bytes=str(sizes))
                continue
            self.counts["replays"] += 1
            self._answers.append(_Answer(frames[0], self._buffer.since(int.from_bytes(frames[2], "big"))))

    def step(self, most: int) -> None:
        """Sends up to so many messages to each client in turn."""
        self._blocked = bool(self._answers)
        for _ in range(len(self._answers)):
            answer = self._answers.popleft()
            if self._go_on(answer, most):
                self._answers.append(answer)

    def _go_on(self, answer: _Answer, most: int) -> bool:
        """Whether there is more to send to this one."""
        head = [answer.client, b"", *self._topic]
        try:
            for _ in range(most):
                if not answer.left:
                    self.socket.send_multipart([*head, _END, b""], zmq.NOBLOCK)
                    self._blocked = False
                    return False
                batch = answer.left[0]
                number = batch.sequence.to_bytes(SEQUENCE_BYTES, "big")
                self.socket.send_multipart([*head, number, batch.frames[-1]], zmq.NOBLOCK)
                answer.left.popleft()
                self.counts["replayed"] += 1
                answer.moved_s = time.monotonic()
                self._blocked = False
        except zmq.Again:
            if time.monotonic() - answer.moved_s < _STALLED_S:
                return True
            warn("replay_given_up", stalled_s=_STALLED_S)
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
        else:
            return True
        self.counts["replays_given_up"] += 1
        return False
