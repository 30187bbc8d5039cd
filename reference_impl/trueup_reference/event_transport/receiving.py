"""The sockets of a subscriber's one endpoint. Whoever calls holds the subscriber's lock."""

from __future__ import annotations

from collections.abc import Callable

import zmq
from zmq.utils.monitor import parse_monitor_message

from trueup_reference.event_transport.codec_a import parse_frames, topic_text
from trueup_reference.event_transport.codec_b import ParsedB, parse_frames_b
from trueup_reference.event_transport.connecting import Context, Receiving, subscribed_socket
from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.errors import MalformedError
from trueup_reference.event_transport.held import Held
from trueup_reference.event_transport.joining import Joiner
from trueup_reference.event_transport.limits import END_SEQUENCE, SEQUENCE_BYTES
from trueup_reference.event_transport.logs import tell, warn_seldom
from trueup_reference.event_transport.messages import Live, Message
from trueup_reference.event_transport.replay_asking import Asking

_MONITORED = zmq.EVENT_CONNECTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED
_MOST_FRAMES = 16  # of one message; the rest is read and thrown away
_BURST = 64  # messages between two looks at the monitor
_MOST_SKIPPED = 256  # messages that are not delivered, before whoever waits may look at the clock
_NOW = int(zmq.NOBLOCK)


class Source:
    """One endpoint: a SUB socket with its monitor, and a socket for replies while a replay is awaited."""

    def __init__(
        self,
        context: Context,
        endpoint: str,
        replay_endpoint: str | None,
        receiving: Receiving,
        counts: Counts,
        judge_b: Callable[[str, ParsedB], Message | None],
    ) -> None:
        self.endpoint = endpoint
        self._receiving = receiving
        self._counts = counts
        self._judge_b = judge_b
        self._topics: dict[bytes, str] = {}  # the last one, decoded
        self._until_look = _BURST
        self.has_more = False
        self._asking: Asking | None = None
        if replay_endpoint is not None:
            self._asking = Asking(
                context, replay_endpoint, receiving.keys, receiving.limits, receiving.replay_timeout_ms, counts
            )
        self.connected = False
        self.joiner = Joiner(
            endpoint,
            counts,
            Held(receiving.most_held, receiving.most_held_bytes),
            can_replay=replay_endpoint is not None,
            replay_from=receiving.replay_from,
        )
        self._socket = subscribed_socket(context, receiving)
        self._recv = self._socket.recv
        self._own_topic = receiving.topic if receiving.match == "exact" else None  # of replies without one
        self._is_a = receiving.format == "A"
        self._most_bytes = receiving.limits.message_bytes
        self._monitor = self._socket.get_monitor_socket(_MONITORED)
        self._monitor.linger = 0
        self._socket.connect(endpoint)

    def sockets(self) -> list[zmq.Socket[bytes]]:
        """Those to be polled now."""
        found = [self._monitor]
        if not self.joiner.is_full:
            found.append(self._socket)
        if self._asking is not None and self._asking.socket is not None:
            found.append(self._asking.socket)
        return found

    def wait_s(self, now_s: float) -> float | None:
        """In how long something is due though nothing comes."""
        return self._asking.wait_s(now_s) if self._asking is not None else None

    def take(self) -> Message | None:
        """The next message, if there is one now; `has_more` where others have to be read before that is known."""
        joiner = self.joiner
        skipped = 0
        self.has_more = False
        try:
            while True:
                if joiner.out:
                    return joiner.out.popleft()
                if joiner.awaits:
                    self._replay()
                    if joiner.out:
                        continue
                    if joiner.is_full:
                        return None
                self._until_look -= 1
                if self._until_look <= 0:
                    self.look()
                frame = self._recv(_NOW, False)
                frames = [frame.bytes]
                while frame.more:  # asking each frame is cheaper than asking the socket
                    frame = self._recv(_NOW, False)
                    if len(frames) < _MOST_FRAMES:
                        frames.append(frame.bytes)
                message = self._message(frames)
                if message is not None:
                    return message
                skipped += 1
                if skipped == _MOST_SKIPPED:
                    self.has_more = True
                    return None
        except zmq.Again:
            self.look()
            joiner.drained()
            if joiner.ask is not None:
                self._replay()
            return None
        except BaseException:  # interrupted amid a message: its rest must not be read as the next one
            while self._socket.get(zmq.RCVMORE):
                self._socket.recv(zmq.NOBLOCK)
            raise

    def look(self) -> None:
        """What the monitor tells: whether the connection was lost."""
        self._until_look = _BURST
        while True:
            try:
                told = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            if told["event"] == zmq.EVENT_DISCONNECTED:
                self.connected = False
                tell("disconnected", endpoint=self.endpoint)
                self.joiner.disconnected()
            elif told["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.connected = True
                tell("connected", endpoint=self.endpoint)
                self.joiner.connected()

    def close(self) -> None:
        """All sockets."""
        if self._asking is not None:
            self._asking.end()
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)

    def _message(self, frames: list[bytes]) -> Message | None:
        """The message that these are; None where they are none, or it is not to be delivered now."""
        try:
            return self._message_a(frames) if self._is_a else self._message_b(frames)
        except MalformedError as error:
            self._counts.malformed += 1
            warn_seldom("message_malformed", self._counts.malformed, why=str(error))
            return None

    def _message_a(self, frames: list[bytes]) -> Message | None:
        if len(frames) != 3 or len(frames[1]) != SEQUENCE_BYTES or sum(map(len, frames)) > self._most_bytes:
            parse_frames(frames, self._receiving.limits)  # says what is wrong
        name, number, payload = frames
        sequence = int.from_bytes(number, "big")
        if sequence == END_SEQUENCE:
            parse_frames(frames, self._receiving.limits)
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topic(name)
            if topic is None:
                return None
        joiner = self.joiner
        if sequence == joiner.expected:
            joiner.expected = sequence + 1
            joiner.last = sequence
            joiner.last_payload = payload
            return Message(self.endpoint, topic, sequence, None, payload)
        self.look()  # a lost connection explains what the numbers alone do not
        joiner.take(Live(topic, sequence, payload))
        return None

    def _message_b(self, frames: list[bytes]) -> Message | None:
        parsed = parse_frames_b(frames, self._receiving.limits)
        if not self._is_wanted(parsed.topic):
            self._counts.other_topic += 1
            return None
        return self._judge_b(self.endpoint, parsed)

    def _topic(self, name: bytes) -> str | None:
        """A topic that is wanted, remembered; ZMQ itself compares beginnings only."""
        topic = topic_text(name, self._receiving.limits)
        if not self._is_wanted(topic):
            self._counts.other_topic += 1
            return None
        if len(self._topics) > 256:
            self._topics.clear()
        self._topics[name] = topic
        return topic

    def _is_wanted(self, topic: str) -> bool:
        match self._receiving.match:
            case "exact":
                return topic == self._receiving.topic
            case "prefix":
                return topic.startswith(self._receiving.topic)
        return True

    def _replay(self) -> None:
        """Asks, and takes the replies that came; gives up after a time without any."""
        joiner, asking = self.joiner, self._asking
        assert asking is not None
        for _ in range(_MOST_SKIPPED):
            if joiner.out:
                return
            if joiner.ask is not None:
                asking.begin(joiner.ask)
                joiner.ask = None
            if not joiner.awaits:  # settled meanwhile, by a restart
                asking.end()
                return
            reply = asking.read()
            if reply is None:
                if not joiner.is_urgent:
                    asking.moved()
                elif asking.is_overdue:
                    asking.end()
                    joiner.end_replay(is_complete=False)
                    continue
                return
            if reply.is_end:
                asking.end()
                joiner.end_replay(is_complete=True)
            elif reply.topic is None or self._is_wanted(reply.topic):
                joiner.take_replayed(reply.sequence, reply.topic or self._own_topic, reply.payload)
        self.has_more = True
