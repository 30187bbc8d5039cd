"""A subscriber written by hand whose every decision is a method, so that a fault is a line."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import zmq
from zmq.utils.monitor import recv_monitor_message

from contracts.event_transport.subscriber.parts import Envelope, MalformedMessage, Message, Recovery, Source, Stream
from trueup_contracts import Closed

CLAIMS = "format_b match replay bounds gap_reports default_timeout curve"
END = b"\xff" * 8
RECOVERY_S = 1.0
SEEN = 10_000


class Hooked:
    """Correct as it stands."""

    capabilities = frozenset(CLAIMS.split())
    timeout_env = "HOOKED_RECV_TIMEOUT_MS"
    watched = int(zmq.EVENT_DISCONNECTED)

    def __init__(
        self,
        endpoints: Sequence[str],
        topic: str,
        format: str,
        recv_timeout_ms: int | None = None,
        match: str = "exact",
        replay_endpoints: Sequence[str] = (),
        max_message_bytes: int | None = None,
        server_key: str | None = None,
        client_secret_key: str | None = None,
    ) -> None:
        self.timeout_ms = self.checked(self.default() if recv_timeout_ms is None else recv_timeout_ms)
        self.topic, self.format, self.match, self.bound = topic, format, match, max_message_bytes
        self.keys = (server_key, client_secret_key)
        self.context = self.make_context()
        self.counts: Counter[str] = Counter()
        self.streams: dict[tuple[Any, ...], Stream] = {}
        self.ready: deque[Message] = deque()
        self.woken, self.waker = socket.socketpair()
        self.is_closed = threading.Event()
        self.lock = threading.Lock()  # held by recv
        replays = dict(zip(endpoints, replay_endpoints, strict=False))
        self.sources = [self.source(endpoint, replays.get(endpoint)) for endpoint in endpoints]

    # Settings.

    def default(self) -> Any:
        text = os.environ.get(self.timeout_env)
        return 100 if text is None else self.from_text(text)

    def from_text(self, text: str) -> int:
        return int(text)

    def checked(self, timeout_ms: Any) -> int:
        if type(timeout_ms) is not int or not 0 <= timeout_ms < 2**31:
            raise ValueError(f"recv_timeout_ms {timeout_ms!r}: a whole number from 0 to 2^31-1 is due")
        return timeout_ms

    # Sockets.

    def make_context(self) -> zmq.Context[zmq.Socket[bytes]]:
        return zmq.Context()

    def source(self, endpoint: str, replay_endpoint: str | None) -> Source:
        made = self.context.socket(zmq.SUB)
        self.set_up(made)
        self.encrypt(made)
        monitor = made.get_monitor_socket(self.watched)
        made.subscribe(self.subscription())
        made.connect(endpoint)
        return Source(endpoint, replay_endpoint, made, monitor)

    def set_up(self, made: zmq.Socket[bytes]) -> None:
        made.set(zmq.LINGER, 0)
        made.set(zmq.RCVHWM, 100_000)

    def encrypt(self, made: zmq.Socket[bytes]) -> None:
        server_key, secret_key = self.keys
        if server_key is not None and secret_key is not None:
            made.set(zmq.CURVE_SERVERKEY, server_key.encode())
            made.set(zmq.CURVE_SECRETKEY, secret_key.encode())
            made.set(zmq.CURVE_PUBLICKEY, zmq.curve_public(secret_key.encode()))

    def subscription(self) -> bytes:
        return b"" if self.match == "all" else self.topic.encode()

    # The calls.

    def recv(self) -> Message | None:
        deadline = time.monotonic() + self.timeout_ms / 1_000
        with self.lock:
            if self.is_closed.is_set():
                return self.after_close()
            while True:
                self.look()
                if self.ready:
                    return self.handed_out(self.ready.popleft())
                if self.is_closed.is_set():
                    return None
                left_ms = (deadline - time.monotonic()) * 1_000
                if left_ms <= 0:
                    return self.timed_out()
                self.wait(left_ms)

    def after_close(self) -> Message | None:
        raise Closed("it is closed")

    def timed_out(self) -> Message | None:
        return None

    def handed_out(self, message: Message) -> Message:
        self.counts["received"] += 1
        return message

    def stats(self) -> dict[str, int]:
        names = ("received", "malformed", "gaps", "restarts", "duplicates", "uncertain", "out_of_order")
        return {name: self.counts[name] for name in names}

    def close(self) -> None:
        if self.is_closed.is_set():
            return
        self.is_closed.set()
        self.wake()
        with self.lock:
            self.end()

    def wake(self) -> None:
        self.waker.send(b"x")

    def end(self) -> None:
        for source in self.sources:
            source.socket.disable_monitor()
            source.monitor.close(linger=0)
            source.socket.close(linger=0)
            self.end_recovery(source)
        self.context.term()
        self.woken.close()
        self.waker.close()

    def end_recovery(self, source: Source) -> None:
        if source.recovery is not None:
            source.recovery.socket.close(linger=0)

    # Waiting.

    def wait(self, left_ms: float) -> None:
        poller = zmq.Poller()
        poller.register(self.woken, zmq.POLLIN)
        for source in self.sources:
            poller.register(source.socket, zmq.POLLIN)
            poller.register(source.monitor, zmq.POLLIN)
            if source.recovery is not None:
                poller.register(source.recovery.socket, zmq.POLLIN)
                left_ms = min(left_ms, max(0.0, source.recovery.until_s - time.monotonic()) * 1_000)
        poller.poll(int(left_ms) + 1)

    def look(self) -> None:
        """Takes what is there."""
        for source in self.sources:
            while source.monitor.poll(0):
                recv_monitor_message(source.monitor)
                source.is_uncertain = source.last is not None
            while (frames := self.taken(source.socket)) is not None:
                self.take(source, frames)
            if source.recovery is not None:
                self.recover(source, source.recovery)

    def taken(self, made: zmq.Socket[bytes]) -> list[bytes] | None:
        try:
            return made.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def take(self, source: Source, frames: list[bytes]) -> None:
        try:
            message = self.parsed(source.endpoint, frames)
        except MalformedMessage:
            self.count_malformed()
            return
        if message is None:
            return
        if self.format == "B":
            self.deliver_b(message)
        elif self.is_joined(source, message):
            self.counts["duplicates"] += 1
        elif source.recovery is not None:
            source.recovery.held.append(message)
        else:
            self.deliver_a(source, message)

    def is_joined(self, source: Source, message: Message) -> bool:
        """Whether a replay was faster than the message itself. What is not newer than the last one is a restart."""
        newest, source.live = source.live, message.sequence
        if newest is None or message.sequence <= newest:
            source.joined = -1
        return message.sequence <= source.joined

    def count_malformed(self) -> None:
        self.counts["malformed"] += 1

    # Messages.

    def parsed(self, endpoint: str, frames: list[bytes]) -> Message | None:
        try:
            topic = frames[0].decode()
        except UnicodeDecodeError:
            self.no_text()
            return None
        if not self.is_wanted(topic):
            return None
        if self.bound is not None and self.size(frames) > self.bound:
            raise MalformedMessage
        return self.parsed_b(endpoint, topic, frames) if self.format == "B" else self.parsed_a(endpoint, topic, frames)

    def no_text(self) -> None:
        raise MalformedMessage

    def size(self, frames: list[bytes]) -> int:
        return sum(len(frame) for frame in frames)

    def is_wanted(self, topic: str) -> bool:
        if self.match == "all":
            return True
        return topic.startswith(self.topic) if self.match == "prefix" else topic == self.topic

    def parsed_a(self, endpoint: str, topic: str, frames: list[bytes]) -> Message | None:
        if len(frames) != 3 or len(frames[1]) != 8:
            raise MalformedMessage
        return Message(endpoint, topic, self.number(frames[1]), None, frames[2])

    def number(self, frame: bytes) -> int:
        return int.from_bytes(frame, "big")

    def parsed_b(self, endpoint: str, topic: str, frames: list[bytes]) -> Message | None:
        if len(frames) != 4 or len(frames[1]) != 8 or len(frames[2]) != 8:
            raise MalformedMessage
        envelope = self.envelope(self.body(frames[3]))
        return Message(endpoint, topic, self.number(frames[2]), self.number(frames[1]), envelope.payload)

    def body(self, frame: bytes) -> bytes:
        if len(frame) < 5 or frame[0] != 1 or int.from_bytes(frame[1:5], "big") != len(frame) - 5:
            raise MalformedMessage
        return frame[5:]

    def envelope(self, body: bytes) -> Envelope:
        try:
            return msgspec.msgpack.decode(body, type=Envelope)
        except (msgspec.DecodeError, RecursionError) as error:
            raise MalformedMessage from error

    # The laws of numbers.

    def deliver_a(self, source: Source, message: Message) -> None:
        before = self.before(source, message)
        if before is not None and before["kind"] == "gap" and source.replay_endpoint is not None:
            self.ask(source, message)
            return
        source.last, source.is_uncertain = message.sequence, False
        if before is not None:
            self.counts[{"gap": "gaps", "restart": "restarts"}.get(before["kind"], before["kind"])] += 1
        self.ready.append(replace(message, before=before))

    def before(self, source: Source, message: Message) -> dict[str, Any] | None:
        last = source.last
        if last is None or message.sequence == last + 1:
            return None
        if message.sequence <= last:
            return {"kind": "restart", "missed": None}
        missed = message.sequence - last - 1
        return {"kind": "uncertain", "missed": None} if source.is_uncertain else {"kind": "gap", "missed": missed}

    def deliver_b(self, message: Message) -> None:
        key = self.key(message)
        before = None
        stream = self.streams.get(key)
        if stream is None:
            stream = self.streams[key] = Stream(message.sequence)
        elif message.sequence > stream.last:
            if message.sequence > stream.last + 1:
                self.counts["gaps"] += 1
                before = {"kind": "gap", "missed": message.sequence - stream.last - 1}
            stream.last = message.sequence
        elif self.is_seen(stream, message):
            self.counts["duplicates"] += 1
            return
        else:
            self.counts["out_of_order"] += 1
        self.see(stream, message.sequence)
        self.ready.append(replace(message, before=before))

    def key(self, message: Message) -> tuple[Any, ...]:
        return (message.publisher_id, message.topic)

    def is_seen(self, stream: Stream, message: Message) -> bool:
        return message.sequence in stream.seen

    def see(self, stream: Stream, sequence: int) -> None:
        stream.seen.add(sequence)
        stream.in_order.append(sequence)
        if len(stream.in_order) > SEEN:
            stream.seen.discard(stream.in_order.popleft())

    # Replays.

    def ask(self, source: Source, message: Message) -> None:
        assert source.last is not None
        assert source.replay_endpoint is not None
        made = self.context.socket(self.asking())
        made.set(zmq.LINGER, 0)
        made.connect(source.replay_endpoint)
        made.send_multipart(self.request(source.last + 1))
        source.recovery = Recovery(made, source.last + 1, time.monotonic() + RECOVERY_S, [message])

    def asking(self) -> int:
        return zmq.DEALER

    def request(self, start: int) -> list[bytes]:
        return [b"", start.to_bytes(8, "big")]

    def recover(self, source: Source, recovery: Recovery) -> None:
        while (frames := self.taken(recovery.socket)) is not None:
            reply = self.reply(frames)
            if reply is None:
                continue
            sequence, payload = reply
            if sequence == END:
                return self.finish(source, recovery)
            self.replayed(source, recovery, self.number(sequence), payload)
        if time.monotonic() >= recovery.until_s:
            self.finish(source, recovery)
        return None

    def reply(self, frames: list[bytes]) -> tuple[bytes, bytes] | None:
        if len(frames) not in (3, 4) or frames[0] or len(frames[-2]) != 8:
            return None
        return frames[-2], frames[-1]

    def replayed(self, source: Source, recovery: Recovery, sequence: int, payload: bytes) -> None:
        if sequence < recovery.next:
            return
        before = None
        if sequence > recovery.next:
            before = {"kind": "gap", "missed": sequence - recovery.next}
            self.counts["gaps"] += 1
        recovery.next = sequence + 1
        self.ready.append(Message(source.endpoint, self.topic, sequence, None, payload, before, replayed=True))

    def finish(self, source: Source, recovery: Recovery) -> None:
        recovery.socket.close(linger=0)
        source.recovery = None
        source.last = source.joined = recovery.next - 1
        asks, source.replay_endpoint = source.replay_endpoint, None  # what is missing now is gone
        is_joined, newest = False, -1
        for message in recovery.held:
            is_joined = is_joined or message.sequence >= recovery.next or message.sequence <= newest
            newest = message.sequence
            if is_joined:
                self.deliver_a(source, message)
        source.replay_endpoint = asks
