"""What goes wrong around a cache: memory runs out, the process forks: EC-040, EC-045 and EC-046."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.embedding_cache.calls import Cache
from trueup_contracts.embedding_cache.probes import MIB
from trueup_contracts.errors import AdapterError, NotRunError, Refusal
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject
from trueup_contracts.turns import is_theirs, traced

_BLOCK = 64 * MIB
_CHILD_S = 5  # for a few calls, which take less than a millisecond
_PAUSE_S = 0.25
_FORKS = 10


@requirement("EC-040")
def test_a_copy_that_fails_leaves_the_cache_consistent(trueup_subject: Subject) -> None:
    import torch

    # 2^50 elements of one byte of storage: its copy cannot be had on any machine.
    endless = torch.zeros(1, dtype=torch.uint8).expand(1 << 50)
    cache = Cache(trueup_subject, 1 << 60)
    for key in "ab":
        cache.set(key, cache.fill(ord(key), 40))
    for key in ("a", "new"):
        try:
            stored = cache.call("set", key=key, tensor=endless)
        except (Refusal, AdapterError):
            stored = False
        assert stored is False, "2^50 bytes were stored"
        left = [one for one in ("a", "b", "new") if cache.has(one)]
        assert "new" not in left, "the key of the copy that failed is in the cache"
        assert (len(cache), cache.current_bytes) == (len(left), 40 * len(left)), (
            f"after a copy that failed {left} of 40 bytes are there: len {len(cache)}, {cache.current_bytes} bytes"
        )
    assert cache.set("next", cache.fill(1, 40)), "after a copy that failed nothing is stored any more"


@requirement("EC-046")
def test_a_copy_that_fails_is_tried_again_after_eviction(trueup_subject: Subject) -> None:
    import torch

    # One byte that is read as a block: only the copies take memory.
    block = torch.ones(1, dtype=torch.uint8).expand(_BLOCK)
    cache = Cache(trueup_subject, 1 << 40)
    with _address_space(5 * _BLOCK):
        for number in range(8):
            try:
                stored = cache.call("set", key=f"key {number}", tensor=block)
            except (Refusal, AdapterError) as error:
                raise AssertionError(
                    f"copy {number} of 64 MiB found no memory, with {len(cache)} held: {error}"
                ) from None
            assert stored is True, f"copy {number} of 64 MiB was refused, with a capacity of 2^40 bytes"
            assert cache.has(f"key {number}")
    assert 0 < len(cache) < 8, f"{len(cache)} copies of 64 MiB are in the cache, and there was room for four"
    assert cache.current_bytes == len(cache) * _BLOCK


@contextmanager
def _address_space(more_bytes: int) -> Iterator[None]:
    """Lets this process have no more than so many bytes beside what it has."""
    if sys.platform != "linux":
        raise NotRunError(f"the address space cannot be bounded on {sys.platform}")
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + more_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@requirement("EC-045")
def test_a_forked_child_does_not_hang(trueup_subject: Subject, trueup_profile: Profile) -> None:
    if not hasattr(os, "fork"):
        raise NotRunError(f"{sys.platform} has no fork")
    choices = random.Random(trueup_profile.seed)
    instructions = _Instructions()
    first = Cache(trueup_subject, 100)
    with traced(instructions.enter):
        first.set("b", first.fill(2, 40))
    number = instructions.number
    for part in range(_FORKS):
        place = choices.randrange(number * part // _FORKS, max(1, number * (part + 1) // _FORKS))
        cache = Cache(trueup_subject, 100)
        cache.set("a", cache.fill(1, 40))
        told = _forked_at(place, cache)
        assert told is None, (
            f"a child that was forked while another thread stored, at instruction {place} of {number}: {told}"
        )
        assert cache.get("b") == cache.fill(2, 40).told(), "the parent's own entry is lost"


class _Instructions:
    """A trace function that counts the implementation's instructions, and calls `at` before that of a number."""

    def __init__(self, place: int = -1, at: Callable[[], object] = bool) -> None:
        self.number = 0
        self._place = place
        self._at = at

    def enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not is_theirs(frame):
            return None
        frame.f_trace_opcodes = True
        return self._step

    def _step(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "opcode":
            if self.number == self._place:
                self._at()
            self.number += 1
        return self._step


def _forked_at(place: int, cache: Cache) -> str | None:
    """Forks while another thread is in the middle of `set`; what is wrong with the child."""
    paused, go_on = threading.Event(), threading.Event()

    def pause() -> None:
        paused.set()
        # Bounded: who takes its locks before a fork waits for this thread.
        go_on.wait(_PAUSE_S)

    def store() -> None:
        with traced(_Instructions(place, pause).enter):
            cache.set("b", cache.fill(2, 40))
        paused.set()  # where there were not so many instructions this time

    thread = threading.Thread(target=store, daemon=True)
    thread.start()
    paused.wait()
    child = _fork(lambda: _asked_in_child(cache))
    go_on.set()
    thread.join()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return "it hangs" if number == signal.SIGALRM else f"it was ended by {signal.Signals(number).name}"
    return None if os.WEXITSTATUS(status) == 0 else "it answers another tensor"


def _fork(work: Callable[[], bool]) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which are what this is about
        child = os.fork()
    if child == 0:
        is_right = False
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_CHILD_S)
            is_right = work()
        finally:
            os._exit(0 if is_right else 1)  # nothing of the parent's is ended or written by a child
    return child


def _asked_in_child(cache: Cache) -> bool:
    """Whether every answer is right. A refusal, or an error, is an answer."""
    for _ in range(2):
        for key, seed in (("a", 1), ("b", 2)):
            try:
                if cache.get(key) not in (None, cache.fill(seed, 40).told()):
                    return False
                cache.set("c", cache.fill(3, 10))
            except (Refusal, AdapterError):
                continue
    return True
