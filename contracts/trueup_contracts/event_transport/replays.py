"""The kit's own server of replays, of format A, which can answer in every form, late, not at all, or wrongly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from trueup_contracts.event_transport.frames import END, TOPIC, number
from trueup_contracts.event_transport.replay.servers import Answering, Server


class Form(NamedTuple):
    """How replies look: with the topic frame in them, and in the end marker, or without."""

    has_topic: bool = False
    end_has_topic: bool = False

    def reply(self, sequence: bytes, payload: bytes) -> list[bytes]:
        """The frames of one reply, from the delimiter on."""
        has_topic = self.end_has_topic if sequence == END else self.has_topic
        return [b"", *([TOPIC.encode()] if has_topic else []), sequence, payload]


FIRST, SECOND, MIXED = Form(), Form(True, True), Form(True, False)


class ReplayServer(Server):
    """`batches`, by number, is what it holds; it may change at any time."""

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
        self._form, self._is_silent, self._has_end = form, is_silent, has_end
        self._between, self._before_reply = list(between), before_reply
        super().__init__(self._send)

    def _send(self, answering: Answering) -> None:
        start = answering.start
        if self._is_silent or start is None:
            return  # a server cannot tell what is asked for
        self._before_reply()
        held = sorted((sequence, batch) for sequence, batch in self.batches.items() if sequence >= start)
        for at, (sequence, batch) in enumerate(held):
            if at < len(self._between):
                answering.reply(*self._between[at])
            answering.reply(*self._form.reply(number(sequence), batch))
        if self._has_end:
            answering.reply(*self._form.reply(END, b""))
