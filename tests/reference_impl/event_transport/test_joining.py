"""Live messages and replays are joined without loss or duplicate, whatever arrives when."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trueup_reference.event_transport.counting import Counts
from trueup_reference.event_transport.held import Held
from trueup_reference.event_transport.joining import Joiner
from trueup_reference.event_transport.messages import Live, Message

END = None


class Told(NamedTuple):
    life: int
    sequence: int


def payload(life: int, sequence: int) -> bytes:
    return f"{life}:{sequence}".encode()


def told(message: Message) -> Told:
    life, _, sequence = message.payload.decode().partition(":")
    assert int(sequence) == message.sequence
    return Told(int(life), message.sequence)


class World:
    """A publisher with its replay buffer, the pipes of live messages and of replies, and a joiner at their end."""

    def __init__(
        self, *, can_replay: bool, replay_from: int | None = None, buffer: int = 10_000, sent_before: int = 0
    ) -> None:
        self.counts = Counts()
        self.joiner = Joiner(
            "tcp://there:1",
            self.counts,
            Held(1_000_000, 1 << 40),
            can_replay=can_replay,
            replay_from=replay_from,
        )
        self.life = 0
        self.next = 0
        self.buffer: deque[int] = deque(maxlen=buffer)
        self.live: deque[Live] = deque()
        self.replies: deque[Live | None] = deque()
        self.sent: list[Told] = []
        self.delivered: list[Message] = []
        for _ in range(sent_before):
            self._made()

    def do(self, step: str) -> None:
        getattr(self, f"do_{step}")()
        joiner = self.joiner
        if joiner.ask is not None:
            start, joiner.ask = joiner.ask, None
            self.replies = deque(Live("kv", one, payload(self.life, one)) for one in self.buffer if one >= start)
            self.replies.append(END)
        self.delivered += joiner.out
        joiner.out.clear()

    def do_send(self) -> None:
        self.live.append(self._made())

    def do_lose(self) -> None:
        self._made()

    def do_refuse(self) -> None:
        self.next += 1

    def do_restart(self) -> None:
        self.life, self.next = self.life + 1, 0
        self.buffer.clear()
        self.replies.clear()
        self.joiner.disconnected()
        self.joiner.connected()

    def do_cut(self) -> None:
        self.joiner.disconnected()
        self.joiner.connected()

    def do_read(self) -> None:
        if not self.live:
            self.joiner.drained()
            return
        live = self.live.popleft()
        if live.sequence == self.joiner.expected:
            self.joiner.expected += 1
            self.joiner.last, self.joiner.last_payload = live.sequence, live.payload
            self.joiner.out.append(Message("tcp://there:1", "kv", live.sequence, None, live.payload))
        else:
            self.joiner.take(live)

    def do_reply(self) -> None:
        if not self.replies:
            return
        reply = self.replies.popleft()
        if reply is END:
            self.joiner.end_replay(is_complete=True)
        else:
            self.joiner.take_replayed(reply.sequence, reply.topic, reply.payload)

    def do_give_up(self) -> None:
        if self.joiner.awaits:
            self.replies.clear()
            self.joiner.end_replay(is_complete=False)

    def settle(self) -> None:
        """Everything on its way arrives; where nothing is on its way, a replay is given up."""
        for _ in range(10_000):
            if self.replies:
                self.do("reply")
            elif self.live:
                self.do("read")
            elif self.joiner.awaits:
                self.do("give_up")
            else:
                return
        raise AssertionError("it never comes to rest")

    def _made(self) -> Live:
        number = self.next
        self.next += 1
        self.buffer.append(number)
        self.sent.append(Told(self.life, number))
        return Live("kv", number, payload(self.life, number))


STEPS = ["send", "send", "lose", "refuse", "read", "read", "reply", "reply"]


def run(world: World, steps: list[str]) -> list[Told]:
    for step in steps:
        world.do(step)
    world.settle()
    world.do("send")  # what was lost last shows when something comes after it
    world.settle()
    return [told(message) for message in world.delivered]


def missed(world: World) -> int:
    return sum(message.before["missed"] or 0 for message in world.delivered if message.before)


@given(st.lists(st.sampled_from(STEPS), max_size=80))
@settings(deadline=None, max_examples=150)
def test_one_publisher_is_delivered_whole_from_the_first_message_on(steps: list[str]) -> None:
    world = World(can_replay=True)
    found = run(world, steps)
    assert found == world.sent[world.sent.index(found[0]) :]
    assert missed(world) == world.counts.missed == found[-1].sequence - found[0].sequence + 1 - len(found)
    assert world.counts.restarts == world.counts.uncertain == 0


@given(st.lists(st.sampled_from(STEPS), max_size=80), st.integers(0, 5))
@settings(deadline=None, max_examples=150)
def test_from_a_number_on_nothing_is_left_out(steps: list[str], start: int) -> None:
    world = World(can_replay=True, replay_from=start, sent_before=5)
    found = run(world, steps)
    assert found == [one for one in world.sent if one.sequence >= start]
    assert missed(world) == found[-1].sequence - start + 1 - len(found)


@given(st.lists(st.sampled_from(STEPS), max_size=80), st.integers(1, 4))
@settings(deadline=None, max_examples=150)
def test_what_a_short_buffer_no_longer_has_is_reported(steps: list[str], buffer: int) -> None:
    world = World(can_replay=True, buffer=buffer)
    found = run(world, steps)
    assert found == sorted(set(found))
    assert missed(world) == found[-1].sequence - found[0].sequence + 1 - len(found)


@given(st.lists(st.sampled_from(STEPS), max_size=80))
@settings(deadline=None, max_examples=150)
def test_without_replay_every_loss_is_reported(steps: list[str]) -> None:
    world = World(can_replay=False)
    found = run(world, steps)
    assert found == sorted(set(found))
    assert missed(world) == world.counts.missed == found[-1].sequence - found[0].sequence + 1 - len(found)
    assert world.counts.gaps == sum(1 for message in world.delivered if message.before)


@given(st.lists(st.lists(st.sampled_from([*STEPS, "cut", "give_up"]), max_size=30), min_size=1, max_size=4))
@settings(deadline=None, max_examples=400)
def test_nothing_comes_twice_or_after_what_followed_it(lives: list[list[str]]) -> None:
    """Two restarts before a replay has shown whose messages came are too much for format A: they are apart here."""
    world = World(can_replay=True)
    for steps in lives[:-1]:
        for step in steps:
            world.do(step)
        while world.live:
            world.do("read")
        if world.life or "cut" in steps:
            world.settle()
        world.do("restart")
    found = run(world, lives[-1])
    assert found == sorted(set(found))


@given(st.lists(st.sampled_from([*STEPS, "cut"]), max_size=80))
@settings(deadline=None, max_examples=150)
def test_a_cut_connection_is_mended_by_the_replay(steps: list[str]) -> None:
    world = World(can_replay=True)
    found = run(world, steps)
    assert found == world.sent[world.sent.index(found[0]) :]
    assert world.counts.restarts == 0


@pytest.mark.parametrize("first", [1, 2, 5, 8])
def test_a_restart_that_has_passed_the_last_number_is_found_by_its_payload(first: int) -> None:
    world = World(can_replay=True)
    for step in [*["send", "read"] * 3, "restart", "read", *["lose"] * first, "send"]:
        world.do(step)
    world.settle()
    assert [told(message) for message in world.delivered] == [Told(0, n) for n in range(3)] + [
        Told(1, n) for n in range(first + 1)
    ]
    assert [message.before for message in world.delivered if message.before] == [{"kind": "restart", "missed": 0}]
    assert world.counts.restarts == 1


def test_what_a_lost_connection_cost_is_asked_for_as_soon_as_it_is_back() -> None:
    world = World(can_replay=True)
    for step in [*["send", "read"] * 2, "cut", "lose", "lose", "read"]:
        world.do(step)
    world.settle()
    assert [told(message) for message in world.delivered] == [Told(0, n) for n in range(4)]
    assert [message.before for message in world.delivered] == [None] * 4
    for step in ["restart", *["lose"] * 5, "read"]:
        world.do(step)
    world.settle()
    assert [told(message) for message in world.delivered[4:]] == [Told(1, n) for n in range(5)]
    assert world.delivered[4].before == {"kind": "restart", "missed": 0}
    assert (world.counts.uncertain, world.counts.restarts, world.counts.disconnects) == (2, 1, 2)


def test_without_replay_a_restart_behind_a_cut_is_uncertain() -> None:
    world = World(can_replay=False)
    for step in [*["send", "read"] * 2, "restart", "read", *["lose"] * 4, "send", "send"]:
        world.do(step)
    world.settle()
    assert [message.before for message in world.delivered] == [None, None, {"kind": "uncertain", "missed": None}, None]
    assert (world.counts.uncertain, world.counts.restarts) == (1, 0)


def test_a_restart_is_told_with_what_was_missed_of_it() -> None:
    world = World(can_replay=False)
    for step in [*["send", "read"] * 9, "restart", "lose", "lose", "send", "send"]:
        world.do(step)
    world.settle()
    assert [message.before for message in world.delivered if message.before] == [{"kind": "restart", "missed": 2}]
    assert world.delivered[-1].sequence == 3
