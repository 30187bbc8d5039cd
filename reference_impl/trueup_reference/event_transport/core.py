"""What every subscriber is made of: its endpoints' sockets, looked at in turn. Not safe for threads by itself."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import Literal, TypeAlias, TypedDict, Unpack

import zmq

from trueup_reference.event_transport.codec_b import ParsedB
from trueup_reference.event_transport.connecting import Context, Receiving
from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.curve import client_keys
from trueup_reference.event_transport.errors import SettingError
from trueup_reference.event_transport.identities import Identities, Verdict
from trueup_reference.event_transport.limits import DEFAULT, END_SEQUENCE
from trueup_reference.event_transport.messages import Format, Message
from trueup_reference.event_transport.receiving import Source
from trueup_reference.event_transport.settings import (
    checked_choice,
    checked_count,
    checked_endpoints,
    checked_ms,
)
from trueup_reference.event_transport.waking import Wakeup

Match: TypeAlias = Literal["exact", "prefix", "all"]
_BURST = 64  # messages of one endpoint while others wait


class SubscriberSettings(TypedDict, total=False):
    """What may be set besides endpoints, topic, timeout and format."""

    match: Match  # exact compares the whole topic, prefix its beginning, all takes everything
    replay_endpoints: Sequence[str] | None  # one for each endpoint: what was missed is asked for there
    replay_from: int | None  # everything from this number on is asked for at the start
    replay_timeout_ms: int  # 2,000: without any reply
    most_held: int  # 100,000: live messages that wait for a replay, of an endpoint; more stay with ZMQ
    most_held_bytes: int  # 256 MiB
    max_message_bytes: int  # 16 MiB: all frames together; what is larger is malformed
    recv_hwm: int  # 100,000: messages of ZMQ's own queue
    heartbeat_ms: int  # 5,000; 0: a peer that vanishes is noticed as late as the system's TCP does
    server_key: str | None
    client_secret_key: str | None


class SubscriberCore:
    """`take` never waits; `poll` waits for something to take."""

    def __init__(
        self, endpoints: str | Sequence[str], topic: str, format: Format, **settings: Unpack[SubscriberSettings]
    ) -> None:
        """Checks everything before a socket is made."""
        endpoints = checked_endpoints([endpoints] if isinstance(endpoints, str) else endpoints)
        replays: Sequence[str | None] = _replays(endpoints, format, settings)
        receiving = _receiving(topic, format, settings)
        self.counts = Counts()
        self._identities = Identities(self.counts)
        self._wakeup = Wakeup()
        self._context: Context = zmq.Context()
        self._sources: list[Source] = []
        self._is_closed = False
        try:
            for endpoint, replay in zip(endpoints, replays, strict=True):
                self._sources.append(Source(self._context, endpoint, replay, receiving, self.counts, self._judge_b))
        except BaseException:
            self.close()
            raise
        self._ready: deque[Source] = deque(self._sources)
        self._left_of_burst = _BURST
        self._poller = zmq.Poller()
        self._polled: list[zmq.Socket[bytes]] | None = None

    def take(self) -> Message | None:
        """The next message, if there is one now; None too, and `is_behind`, where too many had to be skipped."""
        ready = self._ready
        while ready:
            message = ready[0].take()
            if message is None and ready[0].has_more:
                ready.rotate(-1)
                return None
            if message is None:
                ready.popleft()
                self._left_of_burst = _BURST
                continue
            self.counts.received += 1
            self._left_of_burst -= 1
            if self._left_of_burst <= 0:
                self._left_of_burst = _BURST
                if len(self._sources) > 1:
                    self.poll(0)
                    ready.rotate(-1)
            return message
        return None

    def poll(self, seconds: float) -> None:
        """Waits for a message, for `wake`, or for something that is due, but no longer than this; not while behind."""
        seconds = 0 if self._ready else seconds
        due = self.due_s()
        sockets = self.sockets()
        if sockets != self._polled:
            self._polled = sockets
            self._poller = zmq.Poller()
            self._poller.register(self._wakeup.fileno(), zmq.POLLIN)
            for socket in sockets:
                self._poller.register(socket, zmq.POLLIN)
        # Rounded up: a wait that ends early would be one that is too short, or many short ones.
        found = self._poller.poll(max(0, math.ceil(min([seconds, *due]) * 1000)))
        if found and found[0][0] == self._wakeup.fileno():
            self._wakeup.clear()
        if found or due:
            self._ready.extend(source for source in self._sources if source not in self._ready)

    @property
    def is_behind(self) -> bool:
        """Whether the last `take` left something to be read: sockets do not tell of it again."""
        return bool(self._ready)

    def due_s(self) -> list[float]:
        """In how long something has to be done, though nothing comes."""
        now_s = time.monotonic()
        return [wait for source in self._sources if (wait := source.wait_s(now_s)) is not None]

    def sockets(self) -> list[zmq.Socket[bytes]]:
        """Those that something may come from now."""
        return [socket for source in self._sources for socket in source.sockets()]

    def wake(self) -> None:
        """Ends a `poll`; from any thread."""
        self._wakeup.wake()

    def wake_fileno(self) -> int:
        """What becomes readable by `wake`."""
        return self._wakeup.fileno()

    def connected(self) -> dict[str, bool]:
        """By endpoint."""
        return {source.endpoint: source.connected for source in self._sources}

    def numbers(self) -> dict[str, float]:
        """For the metrics."""
        return {**self.counts.mapping(), "connected": sum(self.connected().values())}

    def close(self) -> None:
        """All sockets, then their context. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for source in self._sources:
            source.close()
        self._context.term()
        self._wakeup.close()

    def _judge_b(self, endpoint: str, parsed: ParsedB) -> Message | None:
        judged = self._identities.judge(parsed.publisher_id, parsed.topic, parsed.sequence)
        if judged is Verdict.DUPLICATE:
            return None
        before = None if isinstance(judged, Verdict) else judged
        return Message(endpoint, parsed.topic, parsed.sequence, parsed.publisher_id, parsed.payload, before)


def _replays(endpoints: Sequence[str], format: Format, settings: SubscriberSettings) -> Sequence[str | None]:
    """The endpoint of replays for each endpoint."""
    given = settings.get("replay_endpoints")
    if given is None:
        if settings.get("replay_from") is not None:
            raise SettingError("replay_from needs replay_endpoints")
        return [None] * len(endpoints)
    if format == "B":
        raise SettingError("replay_endpoints: format B has no replay")
    replays = checked_endpoints(given, "replay_endpoints")
    if len(replays) != len(endpoints):
        raise SettingError(f"{len(replays)} replay_endpoints for {len(endpoints)} endpoints: one for each is due")
    return replays


def _receiving(topic: str, format: Format, settings: SubscriberSettings) -> Receiving:
    """The settings, checked."""
    checked_choice("format", format, ("A", "B"))
    replay_from = settings.get("replay_from")
    most_bytes = checked_count(
        "max_message_bytes", settings.get("max_message_bytes", DEFAULT.message_bytes), 1, 1 << 40
    )
    return Receiving(
        format=format,
        topic=topic,
        match=checked_choice("match", settings.get("match", "exact"), ("exact", "prefix", "all")),
        limits=DEFAULT._replace(message_bytes=most_bytes),
        recv_hwm=checked_count("recv_hwm", settings.get("recv_hwm", 100_000), 0),
        heartbeat_ms=checked_ms("heartbeat_ms", settings.get("heartbeat_ms", 5_000)),
        replay_timeout_ms=checked_ms("replay_timeout_ms", settings.get("replay_timeout_ms", 2_000)),
        replay_from=None if replay_from is None else checked_count("replay_from", replay_from, 0, END_SEQUENCE - 1),
        most_held=checked_count("most_held", settings.get("most_held", 100_000)),
        most_held_bytes=checked_count("most_held_bytes", settings.get("most_held_bytes", 256 << 20), 1, 1 << 40),
        keys=client_keys(settings.get("server_key"), settings.get("client_secret_key")),
    )
