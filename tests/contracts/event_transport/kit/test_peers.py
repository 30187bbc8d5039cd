"""What the event suites drive: publishers in this process and in others, and a relay between."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import zmq

from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import batch, frames_a, frames_b, told
from trueup_contracts.event_transport.peers import Peer, PeerProcess
from trueup_contracts.event_transport.relay import Relay
from trueup_contracts.event_transport.replays import MIXED, SECOND, Form, ReplayServer

BUDGETS = Budgets()


class _Sub:
    """A plain SUB socket."""

    def __init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.subscribe(b"kv")

    def connect(self, endpoint: str) -> None:
        self._socket.connect(endpoint)

    def turn(self) -> None:
        """libzmq sends subscriptions after a reconnection only when the socket is used."""
        assert not self._socket.poll(5)

    def get(self, within_ms: int = 10_000) -> list[bytes] | None:
        return self._socket.recv_multipart() if self._socket.poll(within_ms) else None

    def close(self) -> None:
        self._context.destroy(linger=0)


@pytest.fixture
def sub() -> Iterator[_Sub]:
    made = _Sub()
    yield made
    made.close()


def test_every_subscription_is_told(sub: _Sub) -> None:
    another = _Sub()
    with Peer(BUDGETS) as peer:
        sub.connect(peer.endpoint)
        assert peer.wait() == [b"kv"]
        another.connect(peer.endpoint)  # without XPUB_VERBOSE the second one would not be told
        assert peer.wait() == [b"kv"]
    another.close()


def test_a_process_can_be_stopped_and_killed_and_another_takes_its_place(sub: _Sub) -> None:
    with PeerProcess(BUDGETS) as peer:
        sub.connect(peer.endpoint)
        assert peer.wait(1, sub.turn) == [b"kv"]
        peer.send([b"kv", b"", b"\0"])
        assert sub.get() == [b"kv", b"", b"\0"]
        peer.stop()
        assert sub.get(50) is None
        peer.go_on()
        peer.send(frames_a(1))
        assert sub.get() == frames_a(1)
        peer.kill()
        with Peer(BUDGETS, peer.endpoint) as again:
            again.wait(1, sub.turn)
            again.send(frames_a(2))
            assert sub.get() == frames_a(2)


def test_a_relay_stalls_drops_and_cuts(sub: _Sub) -> None:
    with Peer(BUDGETS) as peer, Relay(peer.endpoint) as relay:
        sub.connect(relay.endpoint)
        peer.wait(1, sub.turn)
        relay.stall()
        peer.send(frames_a(0))
        assert sub.get(100) is None
        relay.mend()
        assert sub.get() == frames_a(0)
        relay.drop()
        sub.turn()
        relay.mend()
        peer.wait(1, sub.turn)
        peer.send(frames_a(1))
        assert sub.get() == frames_a(1)
        relay.cut_after(5_000)
        peer.send(frames_a(2, batch(2, 10_000)))
        peer.wait(1, sub.turn)
        peer.send(frames_a(3))
        assert sub.get() == frames_a(3)
        assert (relay.cuts, relay.connections >= 3) == (1, True)


def test_a_relay_passes_everything_on_and_delays_it(sub: _Sub) -> None:
    large = frames_a(0, batch(0, 3_000_000))
    with Peer(BUDGETS) as peer, Relay(peer.endpoint) as relay:
        sub.connect(relay.endpoint)
        peer.wait(1, sub.turn)
        peer.send(large, frames_a(1))
        assert sub.get() == large
        assert sub.get() == frames_a(1)
        relay.delay(0.3)
        peer.send(frames_a(2))
        assert sub.get(100) is None
        assert sub.get() == frames_a(2)


def test_a_relay_to_nobody_refuses() -> None:
    import socket

    with Relay("tcp://127.0.0.1:9") as relay:
        host, _, port = relay.endpoint.removeprefix("tcp://").rpartition(":")
        # The reset may come before the connection is known to be there.
        with pytest.raises(ConnectionResetError), socket.create_connection((host, int(port)), timeout=10) as one:
            one.recv(1)


@pytest.mark.parametrize("form", [Form(), SECOND, MIXED])
def test_replays(form: Form) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with ReplayServer(form, between=[[b"odd"]]) as server:
        server.batches |= {3: b"three", 4: b"four", 5: b"five"}
        dealer = context.socket(zmq.DEALER)
        dealer.connect(server.endpoint)
        dealer.send_multipart([b"no request"])
        dealer.send_multipart([b"", (4).to_bytes(8, "big")])
        found: list[list[bytes]] = []
        while not found or found[-1][-2:-1] != [b"\xff" * 8]:
            assert dealer.poll(10_000)
            found.append(dealer.recv_multipart())
    context.destroy(linger=0)
    topic = [b"kv"] if form.has_topic else []
    end_topic = [b"kv"] if form.end_has_topic else []
    assert found == [
        [b"odd"],
        [b"", *topic, (4).to_bytes(8, "big"), b"four"],
        [b"", *topic, (5).to_bytes(8, "big"), b"five"],
        [b"", *end_topic, b"\xff" * 8, b""],
    ]
    assert server.requests == [[b"no request"], [b"", (4).to_bytes(8, "big")]]


def test_no_thread_and_no_process_is_left() -> None:
    before = threading.active_count()
    with PeerProcess(BUDGETS) as process, Peer(BUDGETS) as peer, Relay(peer.endpoint), ReplayServer():
        pass
    assert threading.active_count() == before
    assert process._process.poll() is not None


def test_frames_are_what_the_formats_say() -> None:
    assert [one.hex() for one in frames_a(258, b"x")] == ["6b76", "0000000000000102", "78"]
    topic, publisher_id, sequence, frame = frames_b(1, 258, b"x")
    assert (topic, publisher_id.hex(), sequence.hex()) == (b"kv", "0000000000000001", "0000000000000102")
    assert (frame[0], int.from_bytes(frame[1:5], "big")) == (1, len(frame) - 5)
    assert told([b"kv", b"\0" * 30]) == f"[6b76, {'00' * 24}… (30 bytes)]"
