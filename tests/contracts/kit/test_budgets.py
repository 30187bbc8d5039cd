"""Waiting: for a signal, for silence, and for calls that never come back."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from trueup_contracts import budgets
from trueup_contracts.apart import Apart
from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import AdapterDiedError, LateError
from trueup_contracts.in_process import LocalSubject
from trueup_contracts.registry import suite
from trueup_contracts.watch import WATCH


def _subject() -> LocalSubject:
    return LocalSubject(suite("router"), "test", "tests:factory", lambda: None)


def test_a_signal_is_waited_for_no_longer_than_it_takes() -> None:
    looks = iter([None, 0, "", "there"])
    started = time.monotonic()
    assert Budgets().until(lambda: next(looks), "it") == "there"
    assert time.monotonic() - started < Budgets().signal_s / 2


def test_what_never_comes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "SIGNAL_S", 0.1)
    with pytest.raises(AssertionError, match=r"^no answer: not within 0.2 s$"):
        Budgets(2.0).until(lambda: None, "no answer")


def test_a_signal_at_the_last_moment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budgets, "SIGNAL_S", 0.0)
    assert Budgets().until(lambda: 7, "it") == 7


def test_silence() -> None:
    looked = 0

    def look() -> None:
        nonlocal looked
        looked += 1

    started = time.monotonic()
    Budgets(0.5).never(look, "something came")
    assert time.monotonic() - started >= Budgets(0.5).silence_s
    assert looked > 1
    with pytest.raises(AssertionError, match="something came: 'this'"):
        Budgets().never(lambda: "this", "something came")


def test_everything_is_stretched() -> None:
    one, three = Budgets(), Budgets(3.0)
    due = [3 * one.signal_s, 3 * one.silence_s, 3 * one.margin_s]
    assert [three.signal_s, three.silence_s, three.margin_s] == pytest.approx(due)


def test_work_is_done_in_one_thread_and_in_order() -> None:
    apart = Apart(_subject())
    threads = {apart.run(threading.get_ident, 10) for _ in range(5)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}
    done: list[int] = []
    futures = [apart.begin(lambda number=number: done.append(number)) for number in range(20)]  # type: ignore[misc]
    for future in futures:
        apart.answer(future, 10)
    assert done == list(range(20))
    apart.end()


def test_the_errors_of_work_are_its_own() -> None:
    apart = Apart(_subject())

    def fail(error: BaseException) -> None:
        raise error

    for error in (ValueError("no"), TimeoutError("theirs"), AdapterDiedError("gone")):
        with pytest.raises(type(error), match=str(error)):
            apart.run(lambda error=error: fail(error), 10)  # type: ignore[misc]
    assert not apart.is_given_up
    apart.end()


def test_what_ends_just_when_it_is_late_is_answered() -> None:
    apart = Apart(_subject())

    class Late(Future[int]):
        def result(self, timeout: float | None = None) -> int:
            if timeout is not None:
                self.set_result(7)  # between the end of the wait and the look
                raise TimeoutError
            return super().result()

    assert apart.answer(Late(), 10) == 7
    assert not apart.is_given_up
    apart.end()


def test_what_hangs_is_given_up_and_forgotten() -> None:
    subject, over = _subject(), threading.Event()
    subject.begin("a test")
    apart = Apart(subject)
    with pytest.raises(LateError, match=r"no answer within 0\.05 s"):
        apart.run(lambda: WATCH.run(over.wait, "recv", 0.1), 0.05)
    assert apart.is_given_up
    time.sleep(0.6)  # the watch has looked twice: what nobody waits for does not end the test
    apart.end()
    over.set()
    subject.end()


def test_three_tests_that_hang_are_enough() -> None:
    from trueup_contracts.errors import NotRunError

    subject, over = _subject(), threading.Event()
    for _ in range(3):
        subject.begin("a test")
        with pytest.raises(LateError):
            Apart(subject).run(over.wait, 0.01)
        subject.done()
    with pytest.raises(NotRunError, match="3 tests one after the other"):
        subject.begin("one more")
    over.set()
    subject.end()


def test_this_process_takes_something() -> None:
    import mmap
    import os

    from trueup_contracts.usage import usage

    before = usage([os.getpid()])
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    descriptor = os.open(Path(__file__), os.O_RDONLY)
    with mmap.mmap(-1, 32 << 20) as kept:  # new pages, whatever the heap has left
        kept.write(b"\1" * len(kept))
        size_bytes, after = len(kept), usage([os.getpid()])
    os.close(descriptor)
    assert after.cpu_s - before.cpu_s >= 0.05
    assert after.resident_bytes - before.resident_bytes >= size_bytes // 2
    assert after.descriptors == before.descriptors + 1
    assert after.threads >= 1


class _JustNow(Future[int]):
    """It gets its answer right after whoever waits for it has given up waiting."""

    def result(self, timeout: float | None = None) -> int:
        if self.done():
            return super().result(timeout)
        self.set_result(7)
        raise TimeoutError


def test_an_answer_that_comes_as_the_wait_ends_is_an_answer() -> None:
    apart = Apart(_subject())
    try:
        assert apart.answer(_JustNow(), 0.0) == 7
        assert not apart.is_given_up
    finally:
        apart.end()
