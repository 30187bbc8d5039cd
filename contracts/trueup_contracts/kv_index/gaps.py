"""Ids of events, and what an index knows of what it has missed: KX-100 to KX-105."""

from __future__ import annotations

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.kv_index.calls import Trial
from trueup_contracts.kv_index.codec import Sent
from trueup_contracts.kv_index.model import Worker
from trueup_contracts.kv_index.naming import path
from trueup_contracts.kv_index.steps import Clear, Remove, Step, Store, shown
from trueup_contracts.subject import Subject

ONE, TWO = (1, 0), (2, 0)


class Followed(Trial):
    """An index that follows ids; what is sent goes to the model only where a test says so."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject, follow_ids=True)

    def send(self, step: Store | Remove | Clear, event_id: int) -> None:
        """An event with its id, for the index alone."""
        self.steps.append(step)
        self.apply(step.event(self.naming, event_id))

    def replay(self, steps: list[Store | Remove | Clear], first_id: int) -> None:
        """A replay of these, the first of which has this id."""
        told = [step.event(self.naming, first_id + number) for number, step in enumerate(steps)]
        self.handle.call("replay", events=Sent("events", told))

    def expect(self, worker: Worker, *states: str) -> None:
        """The state must be one of these."""
        found = self.handle.call("state", worker_id=Sent("worker_id", worker[0]), dp_rank=worker[1])
        assert found in states, (
            f"the state of {shown(worker)} is {found!r}, expected {' or '.join(map(repr, states))}; "
            f"before: {'; '.join(map(str, self.steps)) or 'nothing'}"
        )

    def holds(self, steps: list[Step]) -> None:
        """The matches must be those of these steps in their order."""
        for step in steps:
            step.apply(self.model)
            self.seen |= dict.fromkeys(step.paths())
        self.agrees(is_counted=True)


def _life(worker: Worker) -> list[Store | Remove | Clear]:
    """Ten events, whose order matters."""
    return [
        Store(worker, path("abc")),
        Store(worker, path("abcd"), 3),
        Remove(worker, (path("abcd"),)),
        Store(worker, path("xy")),
        Remove(worker, (path("abc"), path("ab"))),
        Store(worker, path("abz"), 1),
        Remove(worker, (path("xy"), path("x"))),
        Store(worker, path("xyz")),
        Remove(worker, (path("xyz"),)),
        Store(worker, path("xyq"), 2),
    ]


@requirement("KX-100")
def test_a_gap_makes_the_state_degraded(trueup_subject: Subject) -> None:
    index = Followed(trueup_subject)
    index.expect(ONE, "unknown")
    life = _life(ONE)
    for number in range(3):
        index.send(life[number], number)
        index.expect(ONE, "exact")
    index.send(Store((1, 1), path("abc")), 0)
    index.send(Store(TWO, path("abc")), 0)
    index.send(life[5], 5)
    index.expect(ONE, "degraded")
    index.expect((1, 1), "exact")
    index.expect(TWO, "exact")
    index.expect((2, 1), "unknown")
    index.send(life[6], 6)  # what follows the gap does not close it
    index.expect(ONE, "degraded")
    index.send(Store(TWO, path("x")), 1)
    index.expect(TWO, "exact")


@requirement("KX-101")
def test_who_is_first_heard_of_in_the_middle_is_not_exact(trueup_subject: Subject) -> None:
    index = Followed(trueup_subject)
    index.send(Store(ONE, path("abc")), 7)
    index.expect(ONE, "degraded", "unknown")
    index.send(Store(ONE, path("xy")), 8)
    index.expect(ONE, "degraded", "unknown")


@requirement("KX-102")
def test_a_replay_of_what_was_missed_makes_it_exact(trueup_subject: Subject) -> None:
    for known, first in ((3, 3), (3, 1), (3, 0), (1, 1), (5, 4), (0, 0)):
        index = Followed(trueup_subject)
        life = _life(ONE)
        for number in range(known):
            index.send(life[number], number)
        for number in (8, 9):  # the first of them comes behind a gap
            _try_send(index, life[number], number)
        index.expect(ONE, "degraded", "unknown")
        index.replay(life[first:], first)
        index.expect(ONE, "exact")
        index.holds([*life])
        index.send(Store(ONE, path("after")), len(life))
        index.expect(ONE, "exact")
        index.holds([Store(ONE, path("after"))])


def _try_send(index: Followed, step: Store | Remove | Clear, event_id: int) -> None:
    """An event behind a gap: its parent may be among what was missed, and it be refused for that."""
    try:
        index.send(step, event_id)
    except Refusal as refusal:
        assert refusal.code == "invalid", f"{step} was refused as {refusal.code!r}"


@requirement("KX-103")
def test_a_replay_that_leaves_a_gap_leaves_it_degraded(trueup_subject: Subject) -> None:
    life = _life(ONE)
    index = Followed(trueup_subject)
    for number in range(3):
        index.send(life[number], number)
    _try_send(index, life[9], 9)
    index.expect(ONE, "degraded")
    index.replay([Store(ONE, path("k")), Store(ONE, path("l"))], 5)  # 3 and 4 are lost
    index.expect(ONE, "degraded")
    index.replay(life[3:6], 3)  # ends before the newest
    index.expect(ONE, "degraded")
    index.replay([], 3)
    index.expect(ONE, "degraded")


@requirement("KX-104")
def test_an_event_that_was_applied_is_not_applied_again(trueup_subject: Subject) -> None:
    index = Followed(trueup_subject)
    life = _life(ONE)[:5]
    for number, step in enumerate(life):
        index.send(step, number)
    index.holds([*life])
    for number, step in enumerate(life):
        _try_send(index, step, number)
        index.expect(ONE, "exact")
        index.agrees(is_counted=True)
    _try_send(index, Clear(ONE), 2)
    index.agrees(is_counted=True)
    index.replay(life, 0)
    index.expect(ONE, "exact")
    index.agrees(is_counted=True)


@requirement("KX-105")
def test_cleared_makes_it_exact(trueup_subject: Subject) -> None:
    index = Followed(trueup_subject)
    index.send(Store(ONE, path("abc")), 0)
    index.send(Store(ONE, path("xy")), 4)
    index.expect(ONE, "degraded")
    index.send(Clear(ONE), 9)
    index.expect(ONE, "exact")
    index.holds([])
    index.send(Store(ONE, path("ab")), 10)
    index.expect(ONE, "exact")
    index.holds([Store(ONE, path("ab"))])
    index.send(Store(ONE, path("x")), 12)
    index.expect(ONE, "degraded")
