"""The kit's own server of replays, of format A, which can answer in every form, late, not at all, or wrongly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import zmq

from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import END, TOPIC, number
from trueup_contracts.event_transport.peers import ANYWHERE

_LOOK_MS = 10


class Form(NamedTuple):
    """How replies look: with the topic frame in them, and in the end marker, or without."""

    has_topic: bool = False
    end_has_topic: bool = False

    def reply(self, sequence: bytes, payload: bytes) -> list[bytes]:
        """The frames of one reply, from the delimiter on."""
        has_topic = self.end_has_topic if sequence == END else self.has_topic
        return [b"", *([TOPIC.encode()] if has_topic else []), sequence, payload]


FIRST, SECOND, MIXED = Form(), Form(True, True), Form(True, False)


class ReplayServer:
    """A ROUTER in a thread of its own. `batches`, by number, is what it holds; it may change at any time."""

    def __init__(
        self,
        form: Form = FIRST,
        *,
        is_silent: bool = False,
        has_end: bool = True,
        between: Iterable[Sequence[bytes]] = (),
        before_reply: Callable[[], None] = lambda: None,
    ) -> None:
        """`between`: replies that are none, each sent before a good one. `before_reply` runs in the thread."""
        self.batches: dict[int, bytes] = {}
        self.requests: list[list[bytes]] = []  # from the delimiter on
        self._form, self._is_silent, self._has_end = form, is_silent, has_end
        self._between, self._before_reply = list(between), before_reply
        self._is_over = threading.Event()
        self._is_bound = threading.Event()
        self.endpoint = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._is_bound.wait(Budgets().signal_s), "the kit's replay server has not started"

    def close(self) -> None:
        """At once."""
        self._is_over.set()
        self._thread.join()

    def __enter__(self) -> ReplayServer:
        """Closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """At once."""
        self.close()

    def _run(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            router = context.socket(zmq.ROUTER)
            router.set(zmq.SNDHWM, 0)
            router.bind(ANYWHERE)
            self.endpoint = str(router.get_string(zmq.LAST_ENDPOINT)).rstrip("\0")
            self._is_bound.set()
            while not self._is_over.is_set():
                if router.poll(_LOOK_MS):
                    identity, *request = router.recv_multipart()
                    self.requests.append(request)
                    self._answer(router, identity, request)
        finally:
            context.destroy(linger=0)

    def _answer(self, router: zmq.Socket[bytes], identity: bytes, request: Sequence[bytes]) -> None:
        if self._is_silent or len(request) != 2 or request[0] or len(request[1]) != 8:
            return  # a server cannot tell what is asked for
        self._before_reply()
        start = int.from_bytes(request[1], "big")
        held = sorted((sequence, batch) for sequence, batch in self.batches.items() if sequence >= start)
        for at, (sequence, batch) in enumerate(held):
            if at < len(self._between):
                router.send_multipart([identity, *self._between[at]])
            router.send_multipart([identity, *self._form.reply(number(sequence), batch)])
        if self._has_end:
            router.send_multipart([identity, *self._form.reply(END, b"")])
