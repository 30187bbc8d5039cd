"""Sequences of all events against the model: KX-026 to KX-028 and KX-053."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from trueup_contracts import requirement
from trueup_contracts.kv_index.calls import Trial
from trueup_contracts.kv_index.model import Path, Worker
from trueup_contracts.kv_index.naming import path
from trueup_contracts.kv_index.shortening import FAILURES, fails, shortest
from trueup_contracts.kv_index.steps import Clear, Leave, Remove, Step, Store, told
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

if TYPE_CHECKING:
    from hypothesis.stateful import RuleBasedStateMachine

STEPS = 18  # of one sequence, at most
# Cleared is sent to the first ones alone: systems differ in what it does to a worker's other ranks.
SINGLE: list[Worker] = [(1, 0), (2, 0), (3, 3)]
WORKERS: list[Worker] = [*SINGLE, (4, 0), (4, 1)]
_LETTERS = "abc"
_DEEPEST = 6
# Chosen from lists, simplest first: one draw each, which keeps sequences cheap to draw and to shorten.
CHAINS = [
    "a", "ab", "abc", "b", "aa", "ac", "abcab", "aba", "abb", "ba", "bb", "bab", "cab", "aaa", "aabc", "ababab", "abcb",
    "bcab", "acb", "acab",
]  # fmt: skip


@requirement("KX-026")
def test_every_sequence_of_events_is_that_of_a_dictionary(trueup_subject: Subject, trueup_profile: Profile) -> None:
    _run(trueup_subject, trueup_profile, is_strict=False, times=3)


@requirement("KX-053")
def test_every_sequence_keeps_what_no_match_reaches(trueup_subject: Subject, trueup_profile: Profile) -> None:
    _run(trueup_subject, trueup_profile, is_strict=True, times=2)


@requirement("KX-027")
def test_the_order_of_workers_does_not_matter(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def test(streams: list[list[tuple[str, int, str]]], seed: int) -> None:
        steps = {
            worker: [_step(worker, *drawn) for drawn in stream]
            for worker, stream in zip(WORKERS, streams, strict=False)
        }
        in_a_row, mixed = Trial(trueup_subject), Trial(trueup_subject)
        for stream in steps.values():
            for step in stream:
                in_a_row.take(step)
        in_a_row.agrees(is_counted=True)
        choices = random.Random(seed)
        turns = [worker for worker, stream in steps.items() for _ in stream]
        choices.shuffle(turns)
        for worker in turns:
            mixed.take(steps[worker].pop(0))
        for request in CHAINS:
            found, due = (_settled(trial, trial.matches(path(request))) for trial in (mixed, in_a_row))
            if found != due:
                mixed.fail(
                    f"a request of {'-'.join(request)} matches {told(found)} in this order, "
                    f"and {told(due)} worker by worker",
                    path(request),
                )
        mixed.agrees(is_counted=True)

    # Whole chains and their last blocks alone: what all systems agree on.
    drawn = st.tuples(
        st.sampled_from(["store", "store again below", "remove"]), st.integers(1, 5), st.sampled_from(CHAINS)
    )
    streams = st.lists(st.lists(drawn, min_size=1, max_size=5), min_size=2, max_size=len(WORKERS))
    trueup_profile.check(test, streams=streams, seed=st.integers(0, 1 << 16))


def _settled(trial: Trial, found: dict[Worker, int]) -> dict[Worker, int]:
    """The matches of workers about which systems agree."""
    return {worker: depth for worker, depth in found.items() if not trial.model.held(worker).unsure}


def _step(worker: Worker, what: str, number: int, text: str) -> Step:
    chain = path(text)
    if what == "remove":
        lengths = range(len(chain), max(0, len(chain) - number), -1)
        return Remove(worker, tuple(chain[:length] for length in lengths))
    return Store(worker, chain, min(number, len(chain) - 1) if what == "store again below" else 0)


@requirement("KX-028")
def test_event_ids_decide_nothing(trueup_subject: Subject) -> None:
    one, other = (1, 0), (2, 0)
    chain = path("abcd")
    for ids in ([9, 9, 9, 9, 9], [9, 5, 3, 2, 0], [0, 1000, 1, (1 << 64) - 1, 0]):
        trial = Trial(trueup_subject)
        steps: list[Step] = [
            Store(one, chain),
            Store(other, chain[:2]),
            Remove(one, (chain, chain[:3])),
            Store(one, (*chain[:2], *path("x")), 2),
            Remove(other, (chain[:2],)),
        ]
        for step, event_id in zip(steps, ids, strict=True):
            trial.take(step, event_id)
            trial.agrees(is_counted=True)
        for step in steps:  # a replay of everything, with the ids that they had
            trial.take(step, ids[steps.index(step)])
            trial.agrees(is_counted=True)


def _run(subject: Subject, profile: Profile, *, is_strict: bool, times: int) -> None:
    """The machine; what fails is made shorter by steps, which goes faster and further than by a machine's choices."""
    __tracebackhide__ = True
    failed: list[Step] = []

    def run(steps: Sequence[Step]) -> None:
        __tracebackhide__ = True
        trial = Trial(subject, is_own="opaque_hashes" in subject.capabilities)
        for step in steps:
            trial.take(step)
            trial.agrees(is_strict=is_strict, is_counted=True)

    try:
        profile.run_machine(_machine(subject, failed, is_strict=is_strict), steps=STEPS, times=times, shrink=False)
    except FAILURES as found:
        error = found
    else:
        return
    if fails(failed, run):
        run(shortest(failed, run))
    raise error


def _machine(subject: Subject, failed: list[Step], *, is_strict: bool) -> type[RuleBasedStateMachine]:
    """A machine whose rules are events, for the index and for the model; `failed` gets the steps of what fails."""
    from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

    workers = st.sampled_from(WORKERS)
    chains = st.sampled_from(CHAINS)
    picks = st.integers(0, 30)
    is_own = "opaque_hashes" in subject.capabilities

    def holding(least: int = 1) -> Callable[[Any], Any]:
        """Where so many blocks are held: who removes from an empty index at every turn removes nothing."""
        return precondition(lambda events: events.trial.model.count >= least)

    class Events(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.trial = Trial(subject, is_own=is_own)

        def held(self, pick: int) -> tuple[Worker, Path]:
            """One of the blocks that somebody holds."""
            blocks = list(self.trial.model.blocks())
            return blocks[pick % len(blocks)]

        def do(self, step: Step) -> None:
            try:
                self.trial.take(step)
                self.trial.agrees(is_strict=is_strict, is_counted=True)
            except FAILURES:
                failed[:] = self.trial.steps
                raise

        @rule(worker=workers, chain=chains)
        def store(self, worker: Worker, chain: str) -> None:
            self.do(Store(worker, path(chain)))

        @rule(worker=workers, chain=chains, below=st.integers(1, 4))
        def store_below(self, worker: Worker, chain: str, below: int) -> None:
            """Often the parent is unknown."""
            self.do(Store(worker, path(chain), min(below, len(chain) - 1)))

        @holding()
        @rule(pick=picks, more=st.sampled_from(["a", "b", "ab", "c", "ba"]))
        def go_on(self, pick: int, more: str) -> None:
            worker, block = self.held(pick)
            self.do(Store(worker, (*block, *path(more))[:_DEEPEST], min(len(block), _DEEPEST - 1)))

        @holding()
        @rule(pick=picks, worker=workers, more=st.sampled_from(["a", "b", "ab"]))
        def go_on_elsewhere(self, pick: int, worker: Worker, more: str) -> None:
            """Below a block that another worker holds, and often this one does not."""
            _, block = self.held(pick)
            self.do(Store(worker, (*block, *path(more))[:_DEEPEST], min(len(block), _DEEPEST - 1)))

        @rule(worker=workers, chain=chains)
        def remove_any(self, worker: Worker, chain: str) -> None:
            """Often it is not held."""
            self.do(Remove(worker, (path(chain),)))

        @holding()
        @rule(pick=picks)
        def remove(self, pick: int) -> None:
            worker, block = self.held(pick)
            self.do(Remove(worker, (block,)))

        @holding(3)
        @rule(pick=picks, others=st.lists(picks, min_size=1, max_size=2))
        def remove_some(self, pick: int, others: list[int]) -> None:
            worker, block = self.held(pick)
            blocks = list(self.trial.model.held(worker).tiers)
            self.do(Remove(worker, tuple(dict.fromkeys([block, *(blocks[other % len(blocks)] for other in others)]))))

        @holding(2)
        @rule(pick=picks, order=st.integers(0, 5), is_one_event=st.booleans())
        def remove_all_behind(self, pick: int, order: int, is_one_event: bool) -> None:
            worker, block = self.held(pick)
            held = self.trial.model.held(worker).tiers
            behind = [one for one in held if one[: len(block)] == block]
            random.Random(order).shuffle(behind)
            if order == 0:  # the engine's way: from the tail
                behind.sort(key=len, reverse=True)
            for blocks in [tuple(behind)] if is_one_event else [(one,) for one in behind]:
                self.do(Remove(worker, blocks))

        @holding(3)
        @rule(pick=picks)
        def store_all_again(self, pick: int) -> None:
            """After a removal in the middle the worker's whole rest is there again."""
            worker, _ = self.held(pick)
            for block in list(self.trial.model.held(worker).tiers):
                self.do(Store(worker, block))

        @holding(3)
        @rule(worker=st.sampled_from(SINGLE))
        def clear(self, worker: Worker) -> None:
            self.do(Clear(worker))

        @holding(3)
        @rule(worker=workers)
        def leave(self, worker: Worker) -> None:
            self.do(Leave(worker[0]))

        @holding(2)
        @rule(number=st.integers(1, 4))
        def replay(self, number: int) -> None:
            """The last events once more, in their order."""
            for step in [step for step in self.trial.steps if not isinstance(step, Leave)][-number:]:
                self.do(step)

    return Events
