"""A subscriber never waits for ever, never dies of a message, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from trueup_reference.event_transport import ClosedError, Publisher, SettingError, Subscriber
from trueup_reference.event_transport.codec_b import make_frames_b

ANY_PORT = "tcp://127.0.0.1:0"
LONG_MS = 10_000


class Sockets:
    """Bare sockets, closed after the test."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._opened: list[zmq.Socket[bytes]] = []

    def open(self, kind: int) -> zmq.Socket[bytes]:
        socket = self._context.socket(kind)
        self._opened.append(socket)
        socket.linger = 0
        socket.rcvtimeo = LONG_MS
        return socket

    def close(self) -> None:
        for socket in self._opened:
            socket.close(0)
        self._context.term()


class Bare:
    """A publisher that sends whatever frames it is told to."""

    def __init__(self, sockets: Sockets, endpoint: str = "tcp://127.0.0.1:*") -> None:
        self.socket = sockets.open(zmq.XPUB)
        self.socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self.socket.bind(endpoint)
        self.endpoint = self.socket.get_string(zmq.LAST_ENDPOINT)

    def ready(self) -> None:
        while self.socket.recv()[:1] != b"\1":
            pass  # an earlier subscriber that left

    def send(self, *frames: bytes) -> None:
        self.socket.send_multipart(frames)

    def send_a(self, number: int, topic: bytes = b"kv", payload: bytes = b"x") -> None:
        self.send(topic, number.to_bytes(8, "big"), payload)


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets()
    yield made
    made.close()


def received(subscriber: Subscriber, count: int) -> list[Any]:
    found = [subscriber.recv() for _ in range(count)]
    assert None not in found
    return found


def test_what_is_no_message_is_counted_and_the_next_one_comes(sockets: Sockets) -> None:
    peer = Bare(sockets)
    with Subscriber(peer.endpoint, "kv", LONG_MS, max_message_bytes=100) as subscriber:
        peer.ready()
        wrong = [
            (b"kv",),
            (b"kv", bytes(8)),
            (b"kv", bytes(7), b"x"),
            (b"kv", bytes(8), b"x", b"y"),
            (b"kv", b"\xff" * 8, b"x"),
            (b"kv", bytes(8), bytes(91)),
            (b"kv\xff", bytes(8), b"x"),
            (b"kv" + b"." * 5000, bytes(8), b"x"),
            (b"kv", *[bytes(8)] * 1000),
        ]
        for number, frames in enumerate(wrong):
            peer.send(*frames)
            peer.send_a(number)
        assert [one.sequence for one in received(subscriber, len(wrong))] == list(range(len(wrong)))
        assert subscriber.stats()["malformed"] == len(wrong)


def test_what_is_skipped_does_not_hold_a_recv_up_beyond_its_timeout(sockets: Sockets) -> None:
    peer, other = Bare(sockets), Bare(sockets)
    with Subscriber([peer.endpoint, other.endpoint], "kv", 0) as subscriber:
        peer.ready()
        other.ready()
        for _ in range(5_000):
            peer.send(b"kv-of-another-kind", bytes(8), b"x")
        peer.send_a(7)
        other.send_a(8)
        skipped, most = 0.0, 0.0
        found: list[int] = []
        deadline = time.monotonic() + LONG_MS / 1000
        while len(found) < 2:
            assert time.monotonic() < deadline
            message = subscriber.recv()
            before, skipped = skipped, subscriber.numbers()["other_topic"]
            most = max(most, skipped - before)
            found += [] if message is None else [message.sequence]
        assert sorted(found) == [7, 8]
        # A poll of 0 ms looks at the clock at least once for so many: first what is there, then what came meanwhile.
        assert most <= 2 * 256


def test_replies_that_are_none_give_a_replay_no_more_time(sockets: Sockets) -> None:
    peer, router = Bare(sockets), sockets.open(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")
    found = threading.Event()
    in_time: list[bool] = []

    def answer() -> None:
        client = router.recv_multipart()[0]
        deadline = time.monotonic() + LONG_MS / 1000
        while not found.is_set() and time.monotonic() < deadline:
            try:
                router.send_multipart([client, b"", b"no reply"], zmq.NOBLOCK)
            except zmq.Again:
                found.wait(0.001)
        in_time.append(found.is_set())

    replay = router.get_string(zmq.LAST_ENDPOINT)
    thread = threading.Thread(target=answer)
    with Subscriber(peer.endpoint, "kv", 100, replay_endpoints=[replay], replay_timeout_ms=200) as subscriber:
        peer.ready()
        thread.start()
        peer.send_a(0)
        peer.send_a(3)
        seen: list[Any] = []
        while len(seen) < 2 and thread.is_alive():
            message = subscriber.recv()
            seen += [] if message is None else [message]
        found.set()
        thread.join()
    assert [(one.sequence, one.before) for one in seen] == [(0, None), (3, {"kind": "gap", "missed": 2})]
    assert in_time == [True]


def test_whole_topics_are_compared(sockets: Sockets) -> None:
    peer = Bare(sockets)
    found = {}
    for match, topic in (("exact", "kv"), ("prefix", "kv"), ("all", "ignored"), ("exact", "")):
        with Subscriber(peer.endpoint, topic, LONG_MS, match=match) as subscriber:  # type: ignore[arg-type]
            peer.ready()
            for name in (b"kv-metrics", b"kv", b"other", b""):
                peer.send_a(0, name)
            peer.send_a(1, b"kv" if topic != "" else b"")
            topics: list[tuple[str, int]] = []
            while not topics or topics[-1][1] != 1:
                [one] = received(subscriber, 1)
                topics.append((one.topic, one.sequence))
            found[match, topic] = [name for name, number in topics if number == 0]
    assert found == {
        ("exact", "kv"): ["kv"],
        ("prefix", "kv"): ["kv-metrics", "kv"],
        ("all", "ignored"): ["kv-metrics", "kv", "other", ""],
        ("exact", ""): [""],
    }


def test_two_endpoints_have_a_state_each_and_both_get_their_turn() -> None:
    with (
        Publisher(ANY_PORT, "kv") as one,
        Publisher(ANY_PORT, "kv") as other,
        Subscriber([one.endpoint, other.endpoint], "kv", LONG_MS) as subscriber,
    ):
        assert one.wait_for_subscribers()
        assert other.wait_for_subscribers()
        for _ in range(500):
            one.publish(b"x")
            other.publish(b"y")
        messages = received(subscriber, 1_000)
        assert all(message.before is None for message in messages)
        for publisher in (one, other):
            numbers = [message.sequence for message in messages if message.endpoint == publisher.endpoint]
            assert numbers == list(range(500))
        assert subscriber.connected == {one.endpoint: True, other.endpoint: True}


def test_format_b_drops_what_another_broker_brought(sockets: Sockets) -> None:
    left, right = Bare(sockets), Bare(sockets)
    with Subscriber([left.endpoint, right.endpoint], "kv", LONG_MS, "B") as subscriber:
        left.ready()
        right.ready()
        plan = [(left, 7, 0), (right, 7, 0), (right, 7, 1), (left, 7, 3), (right, 7, 2), (left, 7, 2), (left, 8, 9)]
        for peer, publisher, number in plan:
            peer.send(*make_frames_b("kv", publisher, number, b"p", 1))
            if (peer, publisher, number) in (plan[1], plan[5]):  # these are duplicates: nothing comes
                continue
            [one] = received(subscriber, 1)
            assert (one.publisher_id, one.sequence, one.payload) == (publisher, number, b"p")
            gap = {"kind": "gap", "missed": 1} if number == 3 else None
            assert one.before == gap
        found = subscriber.stats()
        assert (found["gaps"], found["out_of_order"]) == (1, 1)
        assert found["duplicates"] in (1, 2)  # the last one may not have come yet


def test_a_cut_and_a_restart_are_told(sockets: Sockets) -> None:
    peer = Bare(sockets)
    with Subscriber(peer.endpoint, "kv", 50) as subscriber:
        peer.ready()
        peer.send_a(0)
        peer.send_a(1)
        while subscriber.stats()["received"] < 2:
            subscriber.recv()
        peer.socket.close(0)
        while subscriber.connected[peer.endpoint]:
            assert subscriber.recv() is None
        again = Bare(sockets, peer.endpoint)
        while not again.socket.poll(0):
            assert subscriber.recv() is None
        again.ready()
        again.send_a(7)
        again.send_a(0)
        messages: list[Any] = []
        while len(messages) < 2:
            message = subscriber.recv()
            messages += [] if message is None else [message]
        assert [one.before for one in messages] == [
            {"kind": "uncertain", "missed": None},
            {"kind": "restart", "missed": 0},
        ]


def test_a_gap_is_filled_by_a_replay(sockets: Sockets) -> None:
    peer = Bare(sockets)
    router = sockets.open(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")
    replay = router.get_string(zmq.LAST_ENDPOINT)
    with Subscriber(peer.endpoint, "kv", 50, replay_endpoints=[replay], replay_timeout_ms=200) as subscriber:
        peer.ready()
        for number in (0, 4, 5):
            peer.send_a(number)
        messages: list[Any] = []

        def receive(count: int) -> list[Any]:
            while len(messages) < count:
                message = subscriber.recv()
                messages.extend([] if message is None else [message])
            return [(one.sequence, one.before, one.replayed) for one in messages]

        receive(1)
        while not router.poll(0):
            assert subscriber.recv() is None
        client, empty, start = router.recv_multipart()
        assert (empty, int.from_bytes(start, "big")) == (b"", 1)
        for frames in ([b"kv", (1).to_bytes(8, "big"), b"x"], [(3).to_bytes(8, "big"), b"x"], [b"\xff" * 8, b""]):
            router.send_multipart([client, b"", *frames])
        assert receive(5) == [
            (0, None, False),
            (1, None, True),
            (3, {"kind": "gap", "missed": 1}, True),
            (4, None, False),
            (5, None, False),
        ]
        peer.send_a(8)  # this time nobody answers
        assert receive(6)[-1] == (8, {"kind": "gap", "missed": 2}, False)
        assert subscriber.stats()["replays_failed"] == 1
        assert subscriber.stats()["missed"] == 3


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell of descriptors")
def test_nothing_is_left_behind() -> None:
    def once() -> None:
        with (
            Publisher(ANY_PORT, "kv", replay_endpoint=ANY_PORT) as publisher,
            Subscriber(publisher.endpoint, "kv", 0, replay_endpoints=[str(publisher.replay_endpoint)]) as subscriber,
        ):
            subscriber.recv()

    once()
    before = (descriptors(), threading.active_count())
    for _ in range(30):
        once()
    assert (descriptors(), threading.active_count()) == before


PROGRAM = """
import signal, sys
from trueup_reference.event_transport import ClosedError, Publisher, Subscriber
subscriber = Subscriber("tcp://127.0.0.1:9", "kv", 60_000)
publisher = Publisher("tcp://127.0.0.1:0", "kv", replay_endpoint="tcp://127.0.0.1:0")
how = sys.argv[1]
if how == "handler":
    signal.signal(signal.SIGTERM, lambda *_: subscriber.close())
try:
    print("ready", flush=True)
    if how == "exit":
        raise SystemExit(0)
    print("received", subscriber.recv())
except ClosedError:  # the signal came before the call
    print("received None")
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize(
    ("how", "number", "said"),
    [("exit", None, ""), ("interrupt", signal.SIGINT, "interrupted\n"), ("handler", signal.SIGTERM, "received None\n")],
)
def test_a_program_ends_with_everything_open(how: str, number: signal.Signals | None, said: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            if number is not None:
                process.send_signal(number)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:  # pyzmq drops an interrupt that comes while it frees a frame
                assert number is not None
                process.send_signal(number)
            out, errors = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (out, process.returncode) == (said, 0)
    assert not errors or "Exception ignored in: 'zmq." in errors


def test_forever_ends_with_close() -> None:
    with Publisher(ANY_PORT, "kv") as publisher, Subscriber(publisher.endpoint, "kv", 5) as subscriber:
        assert publisher.wait_for_subscribers()
        publisher.publish(b"x")
        found = []
        for message in subscriber.forever():
            found.append(message.payload)
            subscriber.close()
        assert found == [b"x"]
        with pytest.raises(ClosedError):
            subscriber.recv()


@pytest.mark.parametrize("given", ["", " 7 "])
def test_the_timeout_comes_from_the_environment(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(Subscriber.timeout_env, given)
    with Subscriber("tcp://127.0.0.1:9") as subscriber:
        started_s = time.monotonic()
        assert subscriber.recv() is None
        waited_s = time.monotonic() - started_s
    assert waited_s >= (0.1 if not given else 0.007)


@pytest.mark.parametrize("given", ["-1", "1.5", "soon", "999999999", "9" * 40])
def test_an_environment_that_makes_no_sense_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(Subscriber.timeout_env, given)
    with pytest.raises(SettingError, match=Subscriber.timeout_env):
        Subscriber("tcp://127.0.0.1:9")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"recv_timeout_ms": -1}, "recv_timeout_ms is -1: a whole number from 0 to 86,400,000 (a day) is due; 0 polls"),
        ({"recv_timeout_ms": 1.5}, "recv_timeout_ms is 1.5"),
        ({"recv_timeout_ms": True}, "recv_timeout_ms is True"),
        ({"endpoints": []}, "endpoints is empty"),
        ({"endpoints": ["tcp://a:1", "tcp://a:1"]}, "endpoints has 'tcp://a:1' twice"),
        ({"match": "regex"}, "match is 'regex': one of exact, prefix, all is due"),
        ({"replay_endpoints": ["tcp://a:1", "tcp://b:1"]}, "2 replay_endpoints for 1 endpoints: one for each is due"),
        ({"replay_from": 3}, "replay_from needs replay_endpoints"),
        ({"format": "B", "replay_endpoints": ["tcp://a:1"]}, "replay_endpoints: format B has no replay"),
        ({"server_key": "x" * 40}, "server_key and client_secret_key are given together"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingError) as told:
        Subscriber(**{"endpoints": "tcp://127.0.0.1:9", **settings})
    assert str(told.value).startswith(said)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system does not tell of descriptors")
def test_what_nobody_holds_any_more_ends() -> None:
    def forget() -> None:
        publisher = Publisher(ANY_PORT, "kv")
        subscriber = Subscriber(publisher.endpoint, "kv", 0)
        subscriber.recv()
        publisher.publish(b"x")

    forget()
    before = (descriptors(), threading.active_count())
    for _ in range(5):
        forget()
    assert (descriptors(), threading.active_count()) == before
