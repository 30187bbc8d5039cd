"""Subscribers whose calls are coroutines: ES-090 and ES-091."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.budgets import Budgets
from trueup_contracts.event_transport.frames import frames_a
from trueup_contracts.event_transport.looping import InLoop
from trueup_contracts.event_transport.peers import Peer
from trueup_contracts.event_transport.subscriber.calls import Subscriber, subscribed
from trueup_contracts.event_transport.values import told
from trueup_contracts.subject import Subject

COUNT = 150


def _loop_of(subscriber: Subscriber) -> InLoop:
    made: Any = getattr(subscriber.handle, "object", None)
    assert isinstance(made, InLoop), "asyncio is claimed, and recv is no coroutine function"
    return made


@requirement("ES-090")
def test_a_cancelled_recv_loses_no_message(trueup_subject: Subject) -> None:
    budgets = Budgets(trueup_subject.scale)
    with Peer(budgets) as peer, subscribed(trueup_subject, peer, recv_timeout_ms=100) as subscriber:
        loop = _loop_of(subscriber)
        found: list[int] = []

        async def cancelled_again_and_again() -> None:
            deadline = time.monotonic() + budgets.signal_s
            for sequence in range(COUNT):
                receiving = asyncio.ensure_future(loop.object.recv())
                # A few turns, other ones each time: it is cancelled before, at and after the message's arrival.
                for _ in range(sequence % 5):
                    await asyncio.sleep(0)
                peer.send(frames_a(sequence))
                for _ in range(sequence % 7):
                    await asyncio.sleep(0.0001 if sequence % 2 else 0)
                receiving.cancel()
                try:
                    answer = await receiving
                except asyncio.CancelledError:
                    continue
                found.extend([] if answer is None else [told(answer)["sequence"]])
            while time.monotonic() < deadline and (not found or found[-1] < COUNT - 1):
                answer = await loop.object.recv()
                found.extend([] if answer is None else [told(answer)["sequence"]])

        loop.run(cancelled_again_and_again())
        lost = sorted(set(range(COUNT)) - set(found))
        assert not lost, f"{COUNT} messages were sent while recv() was cancelled again and again: {len(lost)} are lost"
        assert found == list(range(COUNT)), "recv() was cancelled again and again: the order of messages has changed"


@requirement("ES-091")
def test_waiting_does_not_hold_the_loop(trueup_subject: Subject) -> None:
    with (
        Peer(Budgets(trueup_subject.scale)) as peer,
        subscribed(trueup_subject, peer, recv_timeout_ms=300) as subscriber,
    ):
        loop = _loop_of(subscriber)

        async def beside() -> int:
            receiving = asyncio.ensure_future(loop.object.recv())
            turns = 0
            while not receiving.done():
                await asyncio.sleep(0.01)
                turns += 1
            return turns

        turns = loop.run(beside())
        assert turns >= 3, f"while recv() waited for 300 ms, another coroutine had {turns} turns: the loop is held"
