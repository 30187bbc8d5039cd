"""A sequence of steps that fails, made as short as it can be: no step, block or tier of it can be left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.kv_index.steps import Remove, Step, Store

_MOST_RUNS = 400
FAILURES = (AssertionError, Refusal, AdapterError)
Run = Callable[[Sequence[Step]], None]


def shortest(steps: Sequence[Step], run: Run) -> list[Step]:
    """The steps that are left; `run` raises one of `FAILURES` for those that fail."""
    left = list(steps)
    runs = 0
    is_shorter = True
    while is_shorter and runs < _MOST_RUNS:
        is_shorter = False
        for fewer in _fewer(left):
            runs += 1
            if fails(fewer, run):
                left, is_shorter = fewer, True
                break
    return left


def fails(steps: Sequence[Step], run: Run) -> bool:
    """Whether these fail."""
    try:
        run(steps)
    except FAILURES:
        return True
    return False


def _fewer(steps: list[Step]) -> Iterator[list[Step]]:
    """One step less, then one of them smaller."""
    for number in reversed(range(len(steps))):
        yield [*steps[:number], *steps[number + 1 :]]
    for number, step in enumerate(steps):
        for smaller in _smaller(step):
            yield [*steps[:number], smaller, *steps[number + 1 :]]


def _smaller(step: Step) -> Iterator[Step]:
    if isinstance(step, Store):
        if len(step.path) - step.below > 1:
            yield dataclasses.replace(step, path=step.path[:-1])
        if step.below:
            yield dataclasses.replace(step, below=step.below - 1)
    if isinstance(step, Remove) and len(step.blocks) > 1:
        for place in range(len(step.blocks)):
            yield dataclasses.replace(step, blocks=(*step.blocks[:place], *step.blocks[place + 1 :]))
