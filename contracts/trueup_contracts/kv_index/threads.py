"""Many threads on one index: KX-070 to KX-072."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from trueup_contracts import requirement
from trueup_contracts.errors import Refusal
from trueup_contracts.kv_index.calls import Trial
from trueup_contracts.kv_index.model import Model, Path, Worker
from trueup_contracts.kv_index.naming import Naming, path
from trueup_contracts.kv_index.steps import Clear, Leave, Remove, Step, Store, shown
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject
from trueup_contracts.turns import at_once

WRITERS = 4
ASKS = {"quick": 60, "default": 200, "thorough": 800}  # of each of two threads
TURNS = 3  # with other choices each
ROUNDS = {"quick": 30, "default": 120, "thorough": 400}
_STILL: Worker = (999, 0)  # nothing changes it
_STILL_CHAIN = path("abcdefgh")


def _stream(worker: Worker, choices: random.Random, length: int, shared: str) -> list[Step]:
    """Events of one worker that every system takes the same way: chains stored, and removed from the tail.

    Some part from the shared chain by a letter of the worker's own, so that nodes split and are freed all the time.
    """
    letter = "pqrs"[worker[0] - 1]
    starts = [shared[:end] for end in range(len(shared) + 1)]
    chains = [path(text) for text in (*starts[1:], *(start + letter for start in starts), "x")]
    blocks = sorted({one[:n] for one in chains for n in range(1, len(one) + 1)}, key=len, reverse=True)
    steps: list[Step] = []
    for _ in range(length):
        chain, what = choices.choice(chains), choices.random()
        if what < 0.45:
            steps.append(Store(worker, chain))
        elif what < 0.7:
            top = chain[: choices.randint(1, len(chain))]  # with all that hangs below: nothing is left behind a gap
            steps.append(Remove(worker, tuple(one for one in blocks if one[: len(top)] == top)))
        elif what < 0.8:
            steps.append(Clear(worker))
        else:
            steps.append(Leave(worker[0]))
    return steps


def _forks(worker: Worker, choices: random.Random) -> Iterator[Step]:
    """Chains that part from the common one, each removed before the next, without end: every store forks anew."""
    letter = "pqrs"[worker[0] - 1]
    while True:
        chain = path("abcdefgh"[: choices.randint(0, 7)] + letter)
        yield Store(worker, chain)
        yield Remove(worker, tuple(chain[:end] for end in range(len(chain), 0, -1)))


def _send(trial: Trial, step: Step, naming: Naming) -> None:
    """A step for the index alone; a removal of what is not held may be refused."""
    if isinstance(step, Leave):
        trial.remove_worker(step.worker_id)
        return
    try:
        trial.apply(step.event(naming, 0))
    except Refusal as refusal:
        if refusal.code != "invalid" or not isinstance(step, Remove):
            raise


@requirement("KX-070")
def test_events_from_many_threads_are_as_one_by_one(trueup_subject: Subject, trueup_profile: Profile) -> None:
    rounds = 2 * ROUNDS[trueup_profile.name]
    for turn in range(2 * TURNS):
        seed = trueup_profile.seed + turn
        trial = Trial(trueup_subject)
        streams = [
            _stream((number + 1, 0), random.Random(seed * WRITERS + number), rounds, "ab") for number in range(WRITERS)
        ]

        def work(stream: list[Step], trial: Trial = trial) -> Callable[[], None]:
            def send() -> None:
                for step in stream:
                    _send(trial, step, trial.naming)

            return send

        at_once([work(stream) for stream in streams], trueup_subject, seed)
        for step in (step for stream in streams for step in stream):  # each changes its own worker alone
            step.apply(trial.model)
            trial.seen |= dict.fromkeys(step.paths())
        trial.steps = [step for stream in streams for step in stream]  # worker by worker: the order is not known
        trial.agrees(is_counted=True)
        for number in range(WRITERS):
            trial.leave(number + 1)
        trial.agrees(is_counted=True)


class _Watched:
    """A worker's truth over time: how many of its steps were begun, how many are done, and its depth after each."""

    def __init__(self, worker: Worker, steps: list[Step], request: Path) -> None:
        self.worker = worker
        self.steps = steps
        self.begun = self.done = 0
        self.is_over = False
        model = Model()
        self.depths = [0]
        for step in steps:
            step.apply(model)
            self.depths.append(model.depths(request).get(worker, 0))

    def run(self, trial: Trial) -> None:
        try:
            for step in self.steps:
                self.begun += 1
                _send(trial, step, trial.naming)
                self.done += 1
        finally:
            self.is_over = True


@requirement("KX-071")
def test_a_match_is_never_deeper_than_at_some_moment(trueup_subject: Subject, trueup_profile: Profile) -> None:
    request = path("abcdefgh")
    rounds = ROUNDS[trueup_profile.name]
    for turn in range(3 * TURNS):
        seed = trueup_profile.seed + turn
        trial = Trial(trueup_subject)
        watched = [
            _Watched(
                (number + 1, 0), _stream((number + 1, 0), random.Random(seed * 7 + number), rounds, "abcdefgh"), request
            )
            for number in range(WRITERS - 1)
        ]
        wrong: list[str] = []

        def ask(trial: Trial = trial, watched: list[_Watched] = watched, wrong: list[str] = wrong) -> None:
            while not all(one.is_over for one in watched) and not wrong:
                before = [one.done for one in watched]
                found = trial.matches(request)
                after = [one.begun for one in watched]
                for one, first, last in zip(watched, before, after, strict=True):
                    most = max(one.depths[first : last + 1])
                    depth = found.get(one.worker, 0)
                    if depth > most:
                        wrong.append(
                            f"{shown(one.worker)} had depth {depth} between its events {first} and {last}, "
                            f"and held at most {most} leading blocks at any moment of them"
                        )

        at_once([*((lambda one=one, trial=trial: one.run(trial)) for one in watched), ask], trueup_subject, seed)
        assert not wrong, wrong[0]


@requirement("KX-072")
def test_a_worker_that_nothing_changes_keeps_its_depth(trueup_subject: Subject, trueup_profile: Profile) -> None:
    asks = ASKS[trueup_profile.name]
    for turn in range(TURNS):
        seed = trueup_profile.seed + turn
        trial = Trial(trueup_subject)
        trial.store(_STILL, "abcdefgh")
        asking = [True, True]
        wrong: list[str] = []

        def write(number: int, trial: Trial = trial, asking: list[bool] = asking, seed: int = seed) -> None:
            for step in _forks((number + 1, 0), random.Random(seed * 5 + number)):
                if not any(asking):
                    return
                _send(trial, step, trial.naming)

        def ask(number: int, trial: Trial = trial, asking: list[bool] = asking, wrong: list[str] = wrong) -> None:
            try:
                for _ in range(asks):
                    depth = trial.matches(_STILL_CHAIN).get(_STILL, 0)
                    if depth != len(_STILL_CHAIN):
                        wrong.append(
                            f"{shown(_STILL)} holds {len(_STILL_CHAIN)} leading blocks and nothing changed it; while "
                            f"other workers' events shared and parted from them its depth was {depth}"
                        )
                        return
            finally:
                asking[number] = False

        writers = [lambda number=number: write(number) for number in range(WRITERS - 2)]
        askers = [lambda number=number: ask(number) for number in range(2)]
        at_once([*writers, *askers], trueup_subject, seed)
        assert not wrong, wrong[0]
        depth = trial.matches(_STILL_CHAIN).get(_STILL, 0)
        assert depth == len(_STILL_CHAIN), (
            f"{shown(_STILL)} holds {len(_STILL_CHAIN)} blocks; afterwards its depth is {depth}"
        )
