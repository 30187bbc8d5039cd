"""Ejection, against a model that keeps everything that has happened."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trueup_reference.router.ejection import Ejection
from trueup_reference.router.service import EjectionSettings

FAILURES, BACKOFF_S, MOST_S = 3, 1.0, 5.0
SETTINGS = EjectionSettings(failures=FAILURES, backoff_ms=1000 * BACKOFF_S, max_backoff_ms=1000 * MOST_S)


def test_failures_in_a_row_eject_and_the_back_off_doubles() -> None:
    ejection = Ejection(SETTINGS)
    assert [ejection.failed(0, probe=False) for _ in range(FAILURES)] == [False, False, True]
    assert not ejection.is_open(0.999)
    now, waits = 0.0, []
    for _ in range(5):
        assert ejection.until is not None
        waits.append(ejection.until - now)
        now = ejection.until
        assert ejection.is_open(now)
        assert ejection.begin(now)
        assert not ejection.is_open(now)  # one probes, and nobody else
        assert not ejection.begin(now)
        assert ejection.failed(now, probe=True)
    assert waits == [1, 2, 4, 5, 5]


def test_a_probe_that_is_answered_lets_others_in_and_one_that_completes_forgets() -> None:
    ejection = Ejection(SETTINGS)
    for _ in range(FAILURES):
        ejection.failed(0, probe=False)
    assert ejection.begin(1)
    ejection.answered(probe=True)
    assert ejection.is_open(1)
    assert ejection.failed(1, probe=False)  # it breaks off again, though it begins well
    assert ejection.until == 3
    assert ejection.begin(3)
    ejection.answered(probe=True)
    ejection.completed()
    assert [ejection.failed(3, probe=False) for _ in range(FAILURES)] == [False, False, True]
    assert ejection.until == 4


def test_a_worker_that_always_breaks_off_is_ejected() -> None:
    ejection = Ejection(SETTINGS)
    told = []
    for _ in range(FAILURES):
        ejection.answered(probe=False)
        told.append(ejection.failed(0, probe=False))
    assert told == [False, False, True]


def test_an_abandoned_probe_leaves_the_place_to_another() -> None:
    ejection = Ejection(SETTINGS)
    for _ in range(FAILURES):
        ejection.failed(0, probe=False)
    assert ejection.begin(1)
    ejection.abandoned(probe=True)
    assert ejection.begin(1)


class Model(RuleBasedStateMachine):
    """A request at a time or several; the model replays the history for each answer."""

    def __init__(self) -> None:
        super().__init__()
        self.ejection = Ejection(SETTINGS)
        self.now = 0.0
        self.running: list[bool] = []  # whether each is a probe
        self.row = 0  # failures in a row
        self.level = 0  # ejections in a row
        self.until: float | None = None

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        probes = self.ejection.begin(self.now)
        assert probes == (self.until is not None and self.now >= self.until and True not in self.running)
        self.running.append(probes)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def complete(self, data: st.DataObject) -> None:
        probe = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.ejection.answered(probe=probe)
        self.ejection.completed()
        self.until, self.row, self.level = None, 0, 0

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def break_off(self, data: st.DataObject) -> None:
        """After the first item."""
        probe = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.ejection.answered(probe=probe)
        if self.until is not None:
            self.until, self.row = None, FAILURES - 1
        assert self.ejection.failed(self.now, probe=False) == self.has_ejected()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        probe = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        told = self.ejection.failed(self.now, probe=probe)
        assert told == (self.has_ejected(always=probe) if probe or self.until is None else False)

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        self.ejection.abandoned(probe=self.running.pop(data.draw(st.integers(0, len(self.running) - 1))))

    @invariant()
    def is_open_as_the_model_has_it(self) -> None:
        assert self.ejection.until == self.until
        is_open = self.until is None or (self.now >= self.until and True not in self.running)
        assert self.ejection.is_open(self.now) == is_open

    def has_ejected(self, *, always: bool = False) -> bool:
        self.row += 1
        if self.row < FAILURES and not (always and self.until is not None):
            return False
        self.until = self.now + min(BACKOFF_S * 2**self.level, MOST_S)
        self.level += 1
        return True


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
