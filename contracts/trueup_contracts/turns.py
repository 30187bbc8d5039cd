"""Threads that take turns often, at places that a seed chooses: so that a race shows every time, not now and then."""

from __future__ import annotations

import functools
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any

from trueup_contracts.pool import Threads
from trueup_contracts.subject import Subject

THREADS = 8
TURNS = 0.03  # of the instructions
_TRACING = threading.Lock()
_KIT = str(Path(__file__).parent)


def is_theirs(frame: FrameType) -> bool:
    """Whether this is code of the implementation, or of what it calls: not of the kit."""
    return not frame.f_code.co_filename.startswith(_KIT)


@contextmanager
def often_in_turn() -> Iterator[None]:
    """A short switch interval."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def turns(choices: random.Random) -> Callable[[FrameType, str, Any], Any]:
    """A trace function that lets other threads run between two instructions of the implementation, now and then.

    The switch interval alone leaves it to luck whether a thread is interrupted between reading and writing.
    """

    def enter(frame: FrameType, event: str, argument: Any) -> Any:
        if not is_theirs(frame):
            return None
        frame.f_trace_opcodes = True
        return step

    def step(frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode" and choices.random() < TURNS:
            time.sleep(1e-6)
        return step

    return enter


@contextmanager
def traced(trace: Callable[[FrameType, str, Any], Any]) -> Iterator[None]:
    """This thread's trace function, and then the one that was there: a debugger's, or one that measures coverage.

    CPython refuses to install one while another thread installs one: "Cannot install a trace function while another
    trace function is being installed" (`_PyEval_SetTrace`, since 3.11).
    """
    before = sys.gettrace()
    with _TRACING:
        sys.settrace(trace)
    try:
        yield
    finally:
        with _TRACING:
            sys.settrace(before)


def at_once(works: Sequence[Callable[[], None]], subject: Subject, seed: int) -> None:
    """Each in a thread of its own, from a barrier on; instructions of the subject take turns at the seed's choice.

    Those of another process cannot be reached: what runs here is then the kit alone, and is left to the scheduler.
    """
    start = threading.Barrier(len(works))

    def one(number: int) -> None:
        start.wait()
        trace = turns(random.Random(f"turns of {number}, {seed}"))
        with traced(trace) if subject.in_process else nullcontext():
            works[number]()

    with often_in_turn() if subject.in_process else nullcontext(), Threads() as pool:
        for future in [pool.submit(one, number) for number in range(len(works))]:
            future.result()


def together(work: Callable[[random.Random], None], subject: Subject, seed: int) -> None:
    """The same work in all threads at once, each with random choices of its own."""
    choices = [random.Random(seed * THREADS + number) for number in range(THREADS)]
    at_once([functools.partial(work, one) for one in choices], subject, seed)
