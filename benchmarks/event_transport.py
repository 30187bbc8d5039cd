"""The reference's event transport beside bare pyzmq with the same frames, in turn, in one run. Figures only.

    python benchmarks/event_transport.py [--messages N] [--rounds N] [--paced N] [--idle-s S] [--replayed N]

One process publishes, another subscribes, over TCP on loopback. *Bare* pyzmq is what one writes down: `send_multipart`
and `recv_multipart`; *frames* sends and receives frame by frame, the fastest that pyzmq can do, with neither checks nor
counts. ZMQ's own queues are without bound here, so that nobody drops.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import zmq

from event_transport_peers import ENDPOINT, RECEIVERS, SENDERS, TOPIC, Sends
from measure import spread, table
from trueup_reference.event_transport import Publisher, ReplayClient, Subscriber

PAYLOAD_BYTES = 1024
PACE_S = 0.001
QUIET_S = 30.0
FRAMES = bytes(PAYLOAD_BYTES - 8)


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


def delays(kinds: Sequence[str], count: int) -> dict[str, list[float]]:
    """Microseconds from the call of `send` to the payload in hand, but for the first tenth.

    All kinds at once, in turn, each a message every two milliseconds: what else the machine does hits them alike.
    """
    with ExitStack() as stack:
        senders = {kind: SENDERS[kind]() for kind in kinds}
        for sender in senders.values():
            stack.callback(sender.close)
        answers = [stack.enter_context(subscribed(senders[kind], kind, count, is_timed=True)) for kind in kinds]
        due_s = time.perf_counter()
        for _ in range(count):
            for sender in senders.values():
                due_s += PACE_S
                time.sleep(max(0.0, due_s - time.perf_counter()))
                sender.send(time.perf_counter_ns().to_bytes(8, "big") + FRAMES)
        received: list[Received] = [one.recv() for one in answers]
    return {kind: sorted(one.delays_us[count // 10 :]) for kind, one in zip(kinds, received, strict=True)}


def idle(seconds: float, answers: Connection) -> None:
    """Runs in a process of its own: the part of a core that a subscriber takes which nothing reaches."""
    with (
        Subscriber("tcp://127.0.0.1:9", TOPIC, 100) as nobody_there,
        Publisher(ENDPOINT, TOPIC) as silent,
        Subscriber(silent.endpoint, TOPIC, 100) as connected,
    ):
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
    kinds = "bare frames reference"
    pairs = [(kind, kind) for kind in kinds.split()] + [("reference", "bare"), ("bare", "reference")]
    rates: dict[tuple[str, str], list[float]] = {pair: [] for pair in pairs}
    for _ in range(rounds):
        for pair in pairs:
            rates[pair].append(throughput(*pair, count))
    rows = []
    for pair in pairs:
        ratios = [rate / bare for rate, bare in zip(rates[pair], rates["bare", "bare"], strict=True)]
        rows.append([*pair, *spread(rates[pair], 0), *spread(ratios, 2)])
    print(f"Throughput, {PAYLOAD_BYTES:,} bytes, {count:,} messages; ratio to bare in the same round (aim: 0.80)\n")
    table(["publisher", "subscriber", "messages/s", "range", "ratio", "range"], rows)


def show_delays(count: int, rounds: int) -> None:
    kinds = ["bare", "frames", "reference"]
    found = [delays(kinds, count) for _ in range(rounds)]
    rows = [
        [kind, *(text for share in (0.5, 0.99) for text in spread([at(one[kind], share) for one in found], 0))]
        for kind in kinds
    ]
    print(f"Delay in µs, a message a millisecond in turn, {count:,} messages of each a round\n")
    table(["both sides", "p50", "range", "p99", "range"], rows)
    for share, aim in ((0.5, ""), (0.99, "; aim: 50")):
        added = [at(one["reference"], share) - at(one["bare"], share) for one in found]
        verdict = "" if not aim else ", reached" if max(added) <= 50 else ", not reached in every round"
        print(f"added p{share * 100:.0f}: {spread(added, 0)[0]} µs ({spread(added, 0)[1]}{aim}{verdict})")
    print(flush=True)


def show_idle(seconds: float) -> None:
    spawning = multiprocessing.get_context("spawn")
    ours, theirs = spawning.Pipe()
    process = spawning.Process(target=idle, args=(seconds, theirs), daemon=True)
    process.start()
    found = ours.recv()
    process.join(QUIET_S)
    print(f"A subscriber with a timeout of 100 ms that receives nothing, {seconds:g} s each (aim: 0.5 % of a core)\n")
    names = ["is not there", "is silent"]
    rows = [[name, f"{cpu:.2%}", str(calls)] for name, (cpu, calls) in zip(names, found, strict=True)]
    table(["its publisher", "of a core", "timeouts"], rows)


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
    main()
