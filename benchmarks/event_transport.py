"""The reference's event transport beside bare pyzmq with the same frames, in turn, in one run. Figures only.

    python benchmarks/event_transport.py [--messages N] [--rounds N] [--paced N] [--idle-s S] [--replayed N]

One process publishes, another subscribes, over TCP on loopback. Bare pyzmq is what one writes down: `send_multipart` and
`recv_multipart`; *frame by frame* is the fastest that pyzmq can do, with neither checks nor counts. ZMQ's own queues are
without bound here, so that nobody drops.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, Protocol

import zmq

from measure import median, spread, table
from trueup_reference.event_transport import Publisher, ReplayClient, Subscriber

PAYLOAD_BYTES = 1024
QUEUE = 10_000
PACE_S = 0.001
QUIET_S = 30.0
TOPIC = "kv"
FRAMES = bytes(PAYLOAD_BYTES - 8)
ENDPOINT = "tcp://127.0.0.1:0"


class Sends(Protocol):
    endpoint: str

    def ready(self) -> None: ...
    def send(self, payload: bytes) -> None: ...
    def close(self) -> None: ...


class Bare:
    """XPUB, so that it can be seen when the subscriber is there."""

    def __init__(self, *, by_frame: bool = False) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.sndhwm = 0
        self._socket.bind("tcp://127.0.0.1:*")
        self.endpoint = str(self._socket.get_string(zmq.LAST_ENDPOINT))
        self._next = 0
        if by_frame:
            self.send = self._send_by_frame  # type: ignore[method-assign]

    def ready(self) -> None:
        self._socket.recv()

    def send(self, payload: bytes) -> None:
        self._socket.send_multipart([b"kv", self._next.to_bytes(8, "big"), payload], zmq.NOBLOCK)
        self._next += 1

    def _send_by_frame(self, payload: bytes) -> None:
        send = self._socket.send
        send(b"kv", zmq.SNDMORE | zmq.NOBLOCK)
        send(self._next.to_bytes(8, "big"), zmq.SNDMORE | zmq.NOBLOCK)
        send(payload, zmq.NOBLOCK)
        self._next += 1

    def close(self) -> None:
        self._socket.close(10_000)
        self._context.term()


class Reference:
    def __init__(self) -> None:
        settings: Any = {"full_policy": "block", "block_timeout_ms": 30_000, "queue_batches": QUEUE, "send_hwm": 0}
        self._publisher = Publisher(ENDPOINT, TOPIC, **settings)
        self.endpoint = self._publisher.endpoint

    def ready(self) -> None:
        assert self._publisher.wait_for_subscribers(timeout_ms=60_000)

    def send(self, payload: bytes) -> None:
        self._publisher.publish(payload)

    def close(self) -> None:
        self._publisher.close(60_000)


def bare_receiver(endpoint: str, *, by_frame: bool = False) -> tuple[Callable[[], bytes | None], Callable[[], None]]:
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.rcvhwm = 0
    socket.rcvtimeo = 100
    socket.subscribe(b"kv")
    socket.connect(endpoint)

    def receive() -> bytes | None:
        try:
            return socket.recv_multipart()[2]
        except zmq.Again:
            return None

    def receive_by_frame() -> bytes | None:
        try:
            socket.recv()
        except zmq.Again:
            return None
        socket.recv()
        return socket.recv()

    return receive_by_frame if by_frame else receive, lambda: context.destroy(0)


def reference_receiver(endpoint: str) -> tuple[Callable[[], bytes | None], Callable[[], None]]:
    subscriber = Subscriber(endpoint, TOPIC, 100, recv_hwm=0)

    def receive() -> bytes | None:
        message = subscriber.recv()
        return None if message is None else message.payload

    return receive, subscriber.close


SENDERS: dict[str, Callable[[], Sends]] = {
    "bare": Bare,
    "frames": lambda: Bare(by_frame=True),
    "reference": Reference,
}
RECEIVERS: dict[str, Callable[[str], tuple[Callable[[], bytes | None], Callable[[], None]]]] = {
    "bare": bare_receiver,
    "frames": lambda endpoint: bare_receiver(endpoint, by_frame=True),
    "reference": reference_receiver,
}


class Received(NamedTuple):
    """What the subscriber's process saw."""

    messages: int
    seconds: float  # from the first to the last
    delays_us: list[float]


def subscribe(kind: str, endpoint: str, count: int, answers: Connection, *, is_timed: bool) -> None:
    """Runs in a process of its own."""
    receive, close = RECEIVERS[kind](endpoint)
    delays: list[float] = []
    seen, first_s, last_s = 0, 0.0, time.perf_counter()
    while seen < count and time.perf_counter() - last_s < QUIET_S:
        payload = receive()
        if payload is None:
            continue
        if is_timed:
            delays.append((time.perf_counter_ns() - int.from_bytes(payload[:8], "big")) / 1000)
        last_s = time.perf_counter() if is_timed or seen in (0, count - 1) else last_s
        first_s = first_s or last_s
        seen += 1
    close()
    answers.send(Received(seen, last_s - first_s, delays))


@contextmanager
def subscribed(sender: Sends, kind: str, count: int, *, is_timed: bool) -> Iterator[Connection]:
    """A subscriber's process, whose subscription has arrived."""
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(
        target=subscribe, args=(kind, sender.endpoint, count, theirs), kwargs={"is_timed": is_timed}, daemon=True
    )
    process.start()
    try:
        sender.ready()
        yield ours
    finally:
        process.join(QUIET_S)
        process.kill()


def throughput(sends: str, receives: str, count: int) -> float:
    """Messages a second, as the subscriber sees them."""
    sender = SENDERS[sends]()
    try:
        with subscribed(sender, receives, count, is_timed=False) as answers:
            send = sender.send
            for _ in range(count):
                send(FRAMES)
            received: Received = answers.recv()
    finally:
        sender.close()
    if received.messages < count:
        print(f"{sends} to {receives}: {count - received.messages} of {count} messages were lost")
    return (received.messages - 1) / received.seconds


def delays(kind: str, count: int) -> list[float]:
    """Microseconds from the call of `send` to the payload in hand, one message a millisecond; the first tenth is left out."""
    sender = SENDERS[kind]()
    try:
        with subscribed(sender, kind, count, is_timed=True) as answers:
            due_s = time.perf_counter()
            for _ in range(count):
                due_s += PACE_S
                time.sleep(max(0.0, due_s - time.perf_counter()))
                sender.send(time.perf_counter_ns().to_bytes(8, "big") + FRAMES)
            received: Received = answers.recv()
    finally:
        sender.close()
    return sorted(received.delays_us[count // 10 :])


def idle(seconds: float, answers: Connection) -> None:
    """Runs in a process of its own: the part of a core that a subscriber takes which nothing reaches."""
    with Subscriber("tcp://127.0.0.1:9", TOPIC, 100) as nobody_there, Publisher(ENDPOINT, TOPIC) as silent:
        with Subscriber(silent.endpoint, TOPIC, 100) as connected:
            found = []
            for subscriber in (nobody_there, connected):
                subscriber.recv()
                started_s, cpu_s, calls = time.perf_counter(), time.process_time(), 0
                while time.perf_counter() - started_s < seconds:
                    subscriber.recv()
                    calls += 1
                found.append(((time.process_time() - cpu_s) / (time.perf_counter() - started_s), calls))
    answers.send(found)


def replays(count: int) -> dict[str, float]:
    """Seconds to get `count` batches again: bare pyzmq, the reference's client, and a late subscriber."""
    found: dict[str, float] = {}
    settings: Any = {"replay_endpoint": ENDPOINT, "replay_batches": count, "full_policy": "block"}
    with Publisher(ENDPOINT, TOPIC, block_timeout_ms=30_000, **settings) as publisher:
        for _ in range(count):
            publisher.publish(FRAMES)
        assert publisher.flush(60_000)
        replay = publisher.replay_endpoint or ""
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.connect(replay)
            started_s = time.perf_counter()
            socket.send_multipart([b"", bytes(8)])
            seen = 0
            while socket.recv_multipart()[-1]:
                seen += 1
            found["bare DEALER"] = time.perf_counter() - started_s
            assert seen == count
        with ReplayClient() as client:
            started_s = time.perf_counter()
            assert len(client.replay(replay, 0, 60_000)) == count
            found["ReplayClient"] = time.perf_counter() - started_s
        started_s = time.perf_counter()
        with Subscriber(publisher.endpoint, TOPIC, 60_000, replay_endpoints=[replay], replay_from=0) as late:
            for number in range(count):
                message = late.recv()
                assert message is not None
                assert (message.sequence, message.before) == (number, None)
            found["late Subscriber"] = time.perf_counter() - started_s
    return found


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def show_throughput(count: int, rounds: int) -> None:
    pairs = [("bare", "bare"), ("frames", "frames"), ("reference", "bare"), ("bare", "reference"), ("reference", "reference")]
    rates: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for _ in range(rounds):
        for pair in pairs:
            rates[pair].append(throughput(*pair, count))
    rows = []
    for pair in pairs:
        ratios = [rate / bare for rate, bare in zip(rates[pair], rates["bare", "bare"], strict=True)]
        rows.append([*pair, *spread(rates[pair], 0), *spread(ratios, 2)])
    print(f"Throughput, {PAYLOAD_BYTES:,} bytes, {count:,} messages; ratio to bare pyzmq in the same round (aim: 0.80)\n")
    table(["publisher", "subscriber", "messages/s", "range", "ratio", "range"], rows)


def show_delays(count: int, rounds: int) -> None:
    kinds = ["bare", "reference"]
    found: dict[str, list[list[float]]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            found[kind].append(delays(kind, count))
    added = [at(ours, 0.99) - at(bare, 0.99) for ours, bare in zip(found["reference"], found["bare"], strict=True)]
    rows = [
        [kind, *(text for share in (0.5, 0.99) for text in spread([at(one, share) for one in found[kind]], 0))]
        for kind in kinds
    ]
    print(f"Delay in µs, one message a millisecond, {count:,} messages a round\n")
    table(["both sides", "p50", "range", "p99", "range"], rows)
    verdict = "reached" if median(added) <= 50 else "not reached"
    print(f"added p99: {spread(added, 0)[0]} µs, range {spread(added, 0)[1]} (aim: 50, {verdict})\n", flush=True)


def show_idle(seconds: float) -> None:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=idle, args=(seconds, theirs), daemon=True)
    process.start()
    found = ours.recv()
    process.join(QUIET_S)
    print(f"A subscriber with a timeout of 100 ms that receives nothing, {seconds:g} s each (aim: 0.5 % of a core)\n")
    names = ["nobody there", "connected to a silent publisher"]
    rows = [[name, f"{cpu:.2%}", str(calls)] for name, (cpu, calls) in zip(names, found, strict=True)]
    table(["", "of a core", "timeouts"], rows)


def show_replays(count: int, rounds: int) -> None:
    found = [replays(count) for _ in range(rounds)]
    rows = []
    for name in found[0]:
        values = [one[name] * 1000 for one in found]
        ratios = [one[name] / one["bare DEALER"] for one in found]
        rows.append([name, *spread(values, 0), *spread(ratios, 2)])
    print(f"Replay of {count:,} batches of {PAYLOAD_BYTES:,} bytes by the reference's publisher\n")
    table(["asked by", "ms", "range", "ratio", "range"], rows)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000, metavar="N", help="of a round of throughput")
    parser.add_argument("--paced", type=int, default=5_000, metavar="N", help="messages of a round of delays")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    parser.add_argument("--idle-s", type=float, default=10.0, metavar="S")
    parser.add_argument("--replayed", type=int, default=10_000, metavar="N")
    options = parser.parse_args()
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"Python {platform.python_version()}, libzmq {zmq.zmq_version()}, {os.cpu_count()} cores{load}\n", flush=True)
    show_throughput(options.messages, options.rounds)
    show_delays(options.paced, options.rounds)
    show_idle(options.idle_s)
    show_replays(options.replayed, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
