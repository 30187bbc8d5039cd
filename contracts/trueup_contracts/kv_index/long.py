"""Chains of hundreds of blocks, as prompts have: KX-037. Structures that pack blocks go wrong where a pack ends."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from trueup_contracts import requirement
from trueup_contracts.kv_index import recipe
from trueup_contracts.kv_index.calls import Trial
from trueup_contracts.kv_index.model import Path, Worker
from trueup_contracts.kv_index.naming import CALLED
from trueup_contracts.kv_index.shortening import FAILURES, fails, shortest
from trueup_contracts.kv_index.steps import Clear, Remove, Step, Store
from trueup_contracts.profile import Profile
from trueup_contracts.subject import Subject

ROUNDS = {"quick": 3, "default": 12, "thorough": 100}
_STEPS = 12  # of a round
_LENGTH = 560
_WORKERS: list[Worker] = [(1, 0), (2, 0), (3, 0)]
_TRUNK: Path = tuple(recipe.next_hash(17, number) for number in range(_LENGTH))
_BRANCH: Path = tuple(recipe.next_hash(18, number) for number in range(90))
CALLED |= {one: f"t{number}" for number, one in enumerate(_TRUNK, 1)}
CALLED |= {one: f"b{number}" for number, one in enumerate(_BRANCH, 1)}
_PACKS = (16, 32, 64, 128, 256, 512)


@requirement("KX-037")
def test_long_chains_are_matched_as_short_ones(trueup_subject: Subject, trueup_profile: Profile) -> None:
    def run(steps: Sequence[Step]) -> None:
        __tracebackhide__ = True
        trial = Trial(trueup_subject, is_own="opaque_hashes" in trueup_subject.capabilities)
        for number, step in enumerate(steps):
            trial.take(step)
            # Blocks that come one by one are looked at together.
            if number + 1 == len(steps) or not _goes_on(step, steps[number + 1]):
                trial.agrees(is_counted=True)

    for turn in range(ROUNDS[trueup_profile.name]):
        steps = list(_steps(random.Random(trueup_profile.seed * 1_000 + turn)))
        try:
            run(steps)
        except FAILURES as found:
            error = found
        else:
            continue
        if fails(steps, run):
            run(shortest(steps, run))
        raise error


def _goes_on(step: Step, following: Step) -> bool:
    return (
        isinstance(step, Store)
        and isinstance(following, Store)
        and step.worker == following.worker
        and following.below == len(step.path)
    )


def _edge(choices: random.Random) -> int:
    """A length, most often one at which a pack of blocks may end."""
    if choices.random() < 0.3:
        return choices.randint(1, _LENGTH)
    return min(_LENGTH, max(1, choices.choice(_PACKS) + choices.randint(-2, 2)))


def _steps(choices: random.Random) -> Iterator[Step]:
    """Steps after which every worker's blocks are reachable."""
    for _ in range(_STEPS):
        worker, length, what = choices.choice(_WORKERS), _edge(choices), choices.random()
        if what < 0.3:
            yield Store(worker, _TRUNK[:length])
        elif what < 0.5:  # as decoding does: one block after the other
            start = max(1, length - choices.randint(1, 40))
            yield Store(worker, _TRUNK[:start])
            for end in range(start, length):
                yield Store(worker, _TRUNK[: end + 1], end)
        elif what < 0.7:
            yield Store(worker, _TRUNK[:length])
            yield Store(worker, (*_TRUNK[:length], *_BRANCH[: choices.randint(1, len(_BRANCH))]), length)
        elif what < 0.95:
            yield from _removals(worker, length, choices)
        else:
            yield Clear(worker)


def _removals(worker: Worker, length: int, choices: random.Random) -> Iterator[Step]:
    """The whole trunk, and then its tail away again, in one event or in several."""
    yield Clear(worker)
    yield Store(worker, _TRUNK)
    ends = range(_LENGTH, length, -1)
    size = max(1, len(ends) // choices.choice([1, 3, 8]))
    for first in range(0, len(ends), size):
        yield Remove(worker, tuple(_TRUNK[:end] for end in ends[first : first + size]))
