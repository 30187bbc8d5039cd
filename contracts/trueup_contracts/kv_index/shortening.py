"""A sequence of steps that fails, made as short as it can be: no step, block or tier of it can be left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from trueup_contracts.errors import AdapterError, Refusal
from trueup_contracts.kv_index.steps import Remove, Step, Store

FAILURES = (AssertionError, Refusal, AdapterError)
_MOST_RUNS = 150
Run = Callable[[Sequence[Step]], None]


def shortest(steps: Sequence[Step], run: Run) -> list[Step]:
    """The steps that are left; `run` raises one of `FAILURES` for those that fail."""
    return _Shortening(run).of(list(steps))


def fails(steps: Sequence[Step], run: Run) -> bool:
    """Whether these fail."""
    try:
        run(steps)
    except FAILURES:
        return True
    return False


class _Shortening:
    """Counts its runs: an index that fails slowly must not be asked for ever."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._left = _MOST_RUNS

    def of(self, steps: list[Step]) -> list[Step]:
        """Fewer steps, then smaller ones, until nothing helps."""
        before: list[Step] = []
        while steps != before and self._left > 0:
            before = steps
            steps = self._smaller(self._fewer(steps))
        return steps

    def _fails(self, steps: list[Step]) -> bool:
        self._left -= 1
        return self._left >= 0 and fails(steps, self._run)

    def _fewer(self, steps: list[Step]) -> list[Step]:
        """Without pieces of the sequence, from halves down to single steps, the last first."""
        size = max(1, len(steps) // 2)
        while True:
            for start in reversed(range(0, len(steps), size)):
                fewer = [*steps[:start], *steps[start + size :]]
                if self._fails(fewer):
                    steps = fewer
            if size == 1:
                return steps
            size = (size + 1) // 2

    def _smaller(self, steps: list[Step]) -> list[Step]:
        """With each step made smaller, as often as it goes."""
        for number in range(len(steps)):
            is_smaller = True
            while is_smaller:
                is_smaller = False
                for smaller in _smaller(steps[number]):
                    if self._fails([*steps[:number], smaller, *steps[number + 1 :]]):
                        steps = [*steps[:number], smaller, *steps[number + 1 :]]
                        is_smaller = True
                        break
        return steps


def _smaller(step: Step) -> Iterator[Step]:
    if isinstance(step, Store):
        own = len(step.path) - step.below
        for length in dict.fromkeys((own // 2, own - 1)):
            if 0 < length < own:
                yield dataclasses.replace(step, path=step.path[: step.below + length])
        for below in dict.fromkeys((step.below // 2, step.below - 1)):
            if 0 <= below < step.below:
                yield dataclasses.replace(step, below=below)
    if isinstance(step, Remove) and len(step.blocks) > 1:
        half = len(step.blocks) // 2
        yield dataclasses.replace(step, blocks=step.blocks[half:])
        yield dataclasses.replace(step, blocks=step.blocks[:half])
        for place in range(len(step.blocks) if half <= 4 else 0):
            yield dataclasses.replace(step, blocks=(*step.blocks[:place], *step.blocks[place + 1 :]))
            if len(step.blocks[place]) > 1:
                shorter = step.blocks[place][:-1]
                yield dataclasses.replace(step, blocks=(*step.blocks[:place], shorter, *step.blocks[place + 1 :]))
