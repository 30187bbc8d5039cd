"""A sequence of steps that fails, made as short as it can be: no step, block or tier of it can be left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.kv_index.steps import Remove, Step, Store

_MOST_ROUNDS = 12
FAILURES = (AssertionError, Refusal, AdapterError)
Run = Callable[[Sequence[Step]], None]


def shortest(steps: Sequence[Step], run: Run) -> list[Step]:
    """The steps that are left; `run` raises one of `FAILURES` for those that fail."""
    left, before = list(steps), 0
    for _ in range(_MOST_ROUNDS):
        before = len(left)
        for number in reversed(range(len(left))):
            fewer = [*left[:number], *left[number + 1 :]]
            if fails(fewer, run):
                left = fewer
        is_smaller = _shrunk(left, run)
        if not is_smaller and len(left) == before:
            break
    return left


def _shrunk(left: list[Step], run: Run) -> bool:
    """Makes each step smaller where it still fails then; whether one could be."""
    is_smaller = False
    for number in range(len(left)):
        for smaller in _smaller(left[number]):
            if fails([*left[:number], smaller, *left[number + 1 :]], run):
                left[number], is_smaller = smaller, True
                break
    return is_smaller


def fails(steps: Sequence[Step], run: Run) -> bool:
    """Whether these fail."""
    try:
        run(steps)
    except FAILURES:
        return True
    return False


def _smaller(step: Step) -> Iterator[Step]:
    if isinstance(step, Store):
        if len(step.path) - step.below > 1:
            yield dataclasses.replace(step, path=step.path[:-1])
        if step.below:
            yield dataclasses.replace(step, below=step.below - 1)
    if isinstance(step, Remove) and len(step.blocks) > 1:
        for place in range(len(step.blocks)):
            yield dataclasses.replace(step, blocks=(*step.blocks[:place], *step.blocks[place + 1 :]))
            if len(step.blocks[place]) > 1:
                shorter = step.blocks[place][:-1]
                yield dataclasses.replace(step, blocks=(*step.blocks[:place], shorter, *step.blocks[place + 1 :]))
