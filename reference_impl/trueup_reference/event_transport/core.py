"""What every subscriber is made of: its endpoints' sockets, looked at in turn. Not safe for threads by itself."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence

import zmq

from trueup_reference.event_transport.codec_b import ParsedB
from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.curve import client_keys
from trueup_reference.event_transport.errors import SettingError
from trueup_reference.event_transport.identities import Identities, Verdict
from trueup_reference.event_transport.limits import Limits
from trueup_reference.event_transport.messages import Format, Message
from trueup_reference.event_transport.receiving import Context, Receiving, Source
from trueup_reference.event_transport.settings import (
    checked_choice,
    checked_count,
    checked_endpoints,
    checked_ms,
)
from trueup_reference.event_transport.waking import Wakeup

_BURST = 64  # messages of one endpoint while others wait


class SubscriberCore:
    """`take` never waits; `poll` waits for something to take."""

    def __init__(
        self,
        *,
        endpoints: Sequence[str],
        topic: str,
        format: Format,
        match: str,
        replay_endpoints: Sequence[str] | None,
        replay_from: int | None,
        replay_timeout_ms: int,
        most_held: int,
        limits: Limits,
        recv_hwm: int,
        heartbeat_ms: int,
        server_key: str | None,
        client_secret_key: str | None,
    ) -> None:
        """Checks everything before a socket is made."""
        checked_choice("format", format, ("A", "B"))
        checked_choice("match", match, ("exact", "prefix", "all"))
        endpoints = checked_endpoints(endpoints)
        replays: Sequence[str | None] = [None] * len(endpoints)
        if replay_endpoints is not None:
            if format == "B":
                raise SettingError("replay_endpoints: format B has no replay")
            replays = checked_endpoints(replay_endpoints, "replay_endpoints")
            if len(replays) != len(endpoints):
                raise SettingError(
                    f"{len(replays)} replay_endpoints for {len(endpoints)} endpoints: one for each is due"
                )
        elif replay_from is not None:
            raise SettingError("replay_from needs replay_endpoints")
        receiving = Receiving(
            format=format,
            topic=topic,
            match=match,
            limits=limits._replace(message_bytes=checked_count("max_message_bytes", limits.message_bytes, 1, 1 << 40)),
            recv_hwm=checked_count("recv_hwm", recv_hwm, 0),
            heartbeat_ms=checked_ms("heartbeat_ms", heartbeat_ms),
            replay_timeout_ms=checked_ms("replay_timeout_ms", replay_timeout_ms),
            replay_from=None if replay_from is None else checked_count("replay_from", replay_from, 0, (1 << 64) - 2),
            most_held=checked_count("most_held", most_held),
            keys=client_keys(server_key, client_secret_key),
        )
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
        """The next message, if there is one now."""
        ready = self._ready
        while ready:
            message = ready[0].take()
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
        """Waits for a message, for `wake`, or for something that is due, but no longer than this."""
        now_s = time.monotonic()
        due = [wait for source in self._sources if (wait := source.wait_s(now_s)) is not None]
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
