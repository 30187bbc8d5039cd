"""The kit's own server of replays, whose every answer a test writes: in both forms, in parts, or wrongly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import zmq

from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import END, number
from trueup_contracts.event_transport.peers import ANYWHERE

LOOK_MS = 5
TOPIC = "kv@10.0.0.1:5557@org/model"


class Answering:
    """One request and whom to answer. It is used in the server's thread."""

    def __init__(self, router: Any, identity: bytes, request: Sequence[bytes], is_over: threading.Event) -> None:
        self._router, self._identity, self._is_over = router, identity, is_over
        self.request = list(request)  # from the delimiter on

    @property
    def start(self) -> int | None:
        """The number that is asked for; nothing where the request is none."""
        is_one = len(self.request) == 2 and not self.request[0] and len(self.request[1]) == 8
        return int.from_bytes(self.request[1], "big") if is_one else None

    def reply(self, *frames: bytes) -> None:
        """A message of these frames."""
        self._router.send_multipart([self._identity, *frames])

    def first(self, *numbers: int) -> None:
        """Batches in the first form: delimiter, number, payload."""
        for one in numbers:
            self.reply(b"", number(one), payload(one))

    def second(self, *numbers: int, topic: str = TOPIC) -> None:
        """Batches in the second form, with the topic."""
        for one in numbers:
            self.reply(b"", topic.encode(), number(one), payload(one))

    def end(self, *, topic: str | None = None) -> None:
        """The end marker, with or without a topic frame."""
        self.reply(b"", *([] if topic is None else [topic.encode()]), END, b"")

    def pause(self, seconds: float) -> bool:
        """Whether the server goes on after this."""
        return not self._is_over.wait(seconds)


class Server:
    """A ROUTER in a thread of its own, which calls `answer` for each request."""

    def __init__(self, answer: Callable[[Answering], None]) -> None:
        self.requests: list[list[bytes]] = []
        self.error: BaseException | None = None
        self._answer = answer
        self._is_over, self._is_bound = threading.Event(), threading.Event()
        self.endpoint = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._is_bound.wait(Budgets().signal_s), "the kit's server of replays has not started"

    def end(self) -> None:
        """Closes its socket; nobody answers there any more."""
        self._is_over.set()
        self._thread.join()

    def __enter__(self) -> Self:
        """It is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed, whatever happened."""
        self.end()

    def _run(self) -> None:
        context: Any = zmq.Context()
        try:
            router = context.socket(zmq.ROUTER)
            router.set(zmq.SNDHWM, 0)
            router.bind(ANYWHERE)
            self.endpoint = str(router.get_string(zmq.LAST_ENDPOINT))
            self._is_bound.set()
            while not self._is_over.is_set():
                if router.poll(LOOK_MS):
                    identity, *request = router.recv_multipart()
                    self.requests.append(request)
                    self._answer(Answering(router, identity, request, self._is_over))
        finally:
            context.destroy(linger=0)


def payload(sequence: int) -> bytes:
    """The payload of the batch of this number: bytes of every kind."""
    return b"batch \x00\xff " + number(sequence)


def nowhere() -> str:
    """An endpoint where nobody is."""
    with Server(lambda _: None) as server:
        return server.endpoint
