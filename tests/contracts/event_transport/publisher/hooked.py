"""A publisher written by hand whose every decision is a method, so that a fault is a line."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import zmq
from zmq.utils import z85

from contracts.event_transport.publisher.written import written
from trueup_contracts.errors import Closed

END = b"\xff" * 8
MOST_U64 = (1 << 64) - 1


class Hooked:
    """Correct as it stands: pyzmq, and a thread of its own that owns the sockets."""

    capabilities = frozenset(
        "format_b queue policy_block policy_drop_newest policy_drop_oldest hold readiness replay broker curve".split()
    )
    daemon = True
    kind = zmq.XPUB

    def __init__(
        self,
        endpoint: str,
        topic: str,
        format: str,
        *,
        queue_batches: int = 100_000,
        full_policy: str = "drop_newest",
        block_timeout_ms: int = 100,
        replay_endpoint: str | None = None,
        replay_batches: int = 10_000,
        broker: bool = False,
        server_secret_key: str | None = None,
        allowed_client_keys: Sequence[str] = (),
        publisher_id: int | None = None,
    ) -> None:
        self.check(endpoint, format, queue_batches, full_policy, block_timeout_ms)
        self.topic, self.format, self.broker = topic, format, broker
        self.most, self.policy, self.block_s = queue_batches, full_policy, block_timeout_ms / 1000
        self.publisher_id = self.identity(publisher_id)
        self.keys = (server_secret_key, [self.key(one) for one in allowed_client_keys])
        if server_secret_key is not None:
            self.key(server_secret_key)
        self.changed = threading.Condition()
        self.queue: deque[tuple[int, bytes]] = deque()
        self.buffer: deque[tuple[int, bytes]] = self.kept(replay_batches)
        self.numbers = 0
        self.counts = dict.fromkeys(("accepted", "refused", "dropped", "queued", "sent"), 0)
        self.subscribers = 0
        self.held = self.closed = self.gone = False
        self.end_s = 0.0
        self.linger_ms = 0
        self.context: Any = self.make_context()
        self.wake_out, self.wake_in = socket.socketpair()
        self.wake_in.setblocking(False)
        self.wake_out.setblocking(False)
        try:
            self.open(endpoint, replay_endpoint)
        except BaseException:
            self.shut()
            raise
        self.thread = threading.Thread(target=self.run, name="hooked publisher", daemon=self.daemon)
        self.thread.start()

    def check(self, endpoint: str, format: str, most: int, policy: str, block_ms: int) -> None:
        if "://" not in endpoint or format not in ("A", "B"):
            raise ValueError("no such endpoint or format")
        if most < 1 or policy not in ("block", "drop_newest", "drop_oldest") or block_ms < 0:
            raise ValueError("no such queue")

    def key(self, text: str) -> bytes:
        try:
            zmq.curve_public(text.encode())
        except zmq.ZMQError as error:
            raise ValueError("no key") from error
        return text.encode()

    def identity(self, given: int | None) -> int:
        return secrets.randbits(64) if given is None else given

    def kept(self, most: int) -> deque[tuple[int, bytes]]:
        return deque(maxlen=most)

    # Sockets.

    def make_context(self) -> Any:
        return zmq.Context()

    def open(self, endpoint: str, replay_endpoint: str | None) -> None:
        self.pub = self.context.socket(self.kind)
        self.set_up(self.pub)
        self.replies: Any = None
        self.zap: Any = None
        if self.keys[0] is not None:
            self.zap = self.context.socket(zmq.REP)
            self.zap.bind("inproc://zeromq.zap.01")
            self.encrypt(self.pub)
        if self.broker:
            self.connect(endpoint)
            self.endpoint = endpoint
        else:
            self.endpoint = self.bind(self.pub, endpoint)
        if replay_endpoint is not None:
            self.replies = self.context.socket(zmq.ROUTER)
            self.replies.set(zmq.SNDHWM, self.replies_hwm())
            self.replay_endpoint = self.bind(self.replies, replay_endpoint)

    def set_up(self, pub: Any) -> None:
        pub.set(zmq.SNDHWM, 100_000)
        if self.kind == zmq.XPUB:
            pub.set(zmq.XPUB_VERBOSER, 1)

    def replies_hwm(self) -> int:
        return 0

    def connect(self, endpoint: str) -> None:
        self.pub.connect(endpoint)

    def encrypt(self, pub: Any) -> None:
        pub.set(zmq.CURVE_SERVER, 1)
        pub.set(zmq.CURVE_SECRETKEY, str(self.keys[0]).encode())

    def bind(self, one: Any, endpoint: str) -> str:
        one.bind(endpoint)
        return str(one.get_string(zmq.LAST_ENDPOINT))

    # The caller's side.

    def publish(self, batch: Mapping[str, Any]) -> int | None:
        with self.changed:
            if self.closed:
                raise Closed("closed")
            number = self.take_number()
            try:
                payload = self.encode(batch, number)
            except Exception:
                self.cannot_encode(number)
                raise
            if len(self.queue) >= self.most and not self.make_room():
                return self.refuse(number)
            self.queue.append((number, payload))
            self.counts["accepted"] += 1
        self.wake()
        return self.answer(number)

    def answer(self, number: int) -> int | None:
        return number

    def take_number(self) -> int:
        self.numbers += 1
        return self.numbers - 1

    def cannot_encode(self, number: int) -> None:
        self.counts["refused"] += 1

    def refuse(self, number: int) -> int | None:
        self.counts["refused"] += 1
        return None

    def make_room(self) -> bool:
        if self.policy == "drop_newest":
            return False
        if self.policy == "drop_oldest":
            self.give_up_oldest()
            return True
        self.changed.wait_for(lambda: self.closed or len(self.queue) < self.most, self.block_s)
        return not self.closed and len(self.queue) < self.most

    def give_up_oldest(self) -> None:
        self.queue.popleft()
        self.counts["dropped"] += 1

    def encode(self, batch: Mapping[str, Any], number: int) -> bytes:
        if self.format == "A":
            return written(batch, self.dialect(number))
        return msgspec.msgpack.encode(self.envelope(batch, number))

    def dialect(self, number: int) -> str:
        return "map"

    def envelope(self, batch: Mapping[str, Any], number: int) -> Any:
        return {
            "publisher_id": self.publisher_id,
            "sequence": number,
            "published_at": batch["published_at_ms"],
            "topic": self.topic,
            "payload": batch["payload"],
        }

    def wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake, or gone
            self.wake_out.send(b"x")

    def hold(self) -> None:
        with self.changed:
            self.held = True

    def release(self) -> None:
        with self.changed:
            self.held = False
        self.wake()

    def flush(self, timeout_ms: int) -> bool:
        with self.changed:
            if self.closed:
                raise Closed("closed")
            return self.changed.wait_for(self.is_empty, timeout_ms / 1000)

    def is_empty(self) -> bool:
        return self.unsent() == 0

    def unsent(self) -> int:
        return self.counts["accepted"] - self.counts["sent"] - self.counts["dropped"]

    def wait_for_subscribers(self, count: int, timeout_ms: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.subscribers >= count, timeout_ms / 1000)

    def stats(self) -> Mapping[str, int]:
        with self.changed:
            return {**self.counts, "queued": self.unsent()}

    def close(self, linger_ms: int = 1_000) -> None:
        if linger_ms < 0:
            raise ValueError("a negative linger")
        with self.changed:
            if self.closed:
                return
            self.closed = True
            self.end_s = time.monotonic() + linger_ms / 1000
            self.changed.notify_all()
        self.stop(linger_ms)

    def stop(self, linger_ms: int) -> None:
        self.wake()
        self.thread.join()

    # The thread.

    def run(self) -> None:
        try:
            while self.turn():
                pass
        finally:
            self.linger_ms = max(0, round(1000 * (self.end_s - time.monotonic())))
            self.shut()

    def turn(self) -> bool:
        """Whether there is another one."""
        poller = zmq.Poller()
        for one in self.polled():
            poller.register(one, zmq.POLLIN)
        ready = dict(poller.poll(self.pause_ms()))
        for one, work in ((self.pub, self.notice), (self.replies, self.serve), (self.zap, self.judge)):
            if one is not None and one in ready:
                work()
        with contextlib.suppress(BlockingIOError):
            self.wake_in.recv(4096)
        self.send_all()
        with self.changed:
            return not self.gone and (
                not self.closed or (bool(self.queue) and not self.held and time.monotonic() < self.end_s)
            )

    def polled(self) -> list[Any]:
        reads = [self.pub] if self.kind == zmq.XPUB else []
        return [self.wake_in.fileno(), *reads, *(one for one in (self.replies, self.zap) if one is not None)]

    def pause_ms(self) -> int | None:
        return None

    def send_all(self) -> None:
        for _ in range(64):
            with self.changed:
                if not self.queue or self.held:
                    return
                number, payload = self.next()
                self.changed.notify_all()
            self.send(number, payload)
            with self.changed:
                self.counts["sent"] += 1
                self.changed.notify_all()
        self.wake()

    def next(self) -> tuple[int, bytes]:
        return self.queue.popleft()

    def send(self, number: int, payload: bytes) -> None:
        self.buffer.append((number, payload))
        self.pub.send_multipart(self.frames(number, payload))

    def frames(self, number: int, payload: bytes) -> list[bytes]:
        if self.format == "A":
            return [self.first(), self.number(number), payload]
        header = b"\x01" + len(payload).to_bytes(4, "big")
        return [self.first(), self.publisher_id.to_bytes(8, "big"), self.number(number), header + payload]

    def first(self) -> bytes:
        return self.topic.encode()

    def number(self, number: int) -> bytes:
        return number.to_bytes(8, "big")

    def notice(self) -> None:
        told = self.pub.recv()
        change = self.change(told)
        with self.changed:
            self.subscribers += change
            self.changed.notify_all()

    def change(self, told: bytes) -> int:
        if told[:1] not in (b"\0", b"\1") or not self.topic.encode().startswith(told[1:]):
            return 0
        return 1 if told[0] else -1

    def judge(self) -> None:
        version, request, _, _, _, mechanism, key = self.zap.recv_multipart()[:7]
        allowed = mechanism == b"CURVE" and self.is_allowed(z85.encode(key))
        self.zap.send_multipart([version, request, b"200" if allowed else b"400", b"", b"", b""])

    def is_allowed(self, key: bytes) -> bool:
        return key in self.keys[1]

    def serve(self) -> None:
        identity, *request = self.replies.recv_multipart()
        start = self.start(request)
        if start is None:
            return
        for number, payload in self.range(start):
            self.reply(identity, self.reply_frames(number, payload))
        self.reply(identity, self.end())

    def start(self, request: list[bytes]) -> int | None:
        well_formed = len(request) == 2 and request[0] == b"" and len(request[1]) == 8
        return int.from_bytes(request[1], "big") if well_formed else None

    def range(self, start: int) -> list[tuple[int, bytes]]:
        return [one for one in self.buffer if one[0] >= start]

    def reply_frames(self, number: int, payload: bytes) -> list[bytes]:
        return [b"", self.topic.encode(), self.number(number), payload]

    def end(self) -> list[bytes]:
        return [b"", self.topic.encode(), END, b""]

    def reply(self, identity: bytes, frames: list[bytes]) -> None:
        self.replies.send_multipart([identity, *frames])

    # The end.

    def shut(self) -> None:
        for one in (getattr(self, "pub", None), getattr(self, "replies", None), getattr(self, "zap", None)):
            if one is not None:
                one.close(self.linger_ms)
        self.finish()
        self.wake_in.close()
        self.wake_out.close()

    def finish(self) -> None:
        self.context.term()


Factory = Callable[..., Any]
