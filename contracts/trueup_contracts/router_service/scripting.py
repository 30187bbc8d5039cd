"""Scripts that several workers share, so that it makes no difference which of them a router chooses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from trueup_contracts.router_service.steps import Script, Step, complete
from trueup_contracts.router_service.workers import Asked, Worker


class Once:
    """The first attempt of each request and phase does as these steps say, whoever gets it; others answer whole."""

    def __init__(self, *steps: Step, times: int = 1) -> None:
        """`times`: so many attempts."""
        self._steps, self._times = steps, times
        self._seen: Counter[tuple[str, str]] = Counter()

    def __call__(self, asked: Asked) -> Sequence[Step]:
        """The steps of this attempt."""
        place = (asked.request_id, asked.phase)
        self._seen[place] += 1
        return self._steps if self._seen[place] <= self._times else complete(asked)


class Victim:
    """Of several workers the one that is asked first does as these steps say; the others answer whole."""

    def __init__(self, workers: Sequence[Worker], *steps: Step, others: Script = complete) -> None:
        """`others`: what they do instead."""
        self._workers, self._steps, self._others = workers, steps, others
        self._worker_id: str | None = None
        give(workers, self)

    def __call__(self, asked: Asked) -> Sequence[Step]:
        """The steps of this one."""
        if self._worker_id is None:
            self._worker_id = asked.worker_id
        return self._steps if asked.worker_id == self._worker_id else self._others(asked)

    @property
    def worker(self) -> Worker:
        """It, once it was asked."""
        return next(one for one in self._workers if one.id == self._worker_id)

    @property
    def others(self) -> list[Worker]:
        """All but it."""
        return [one for one in self._workers if one.id != self._worker_id]

    def does(self, *steps: Step) -> None:
        """Other steps from now on."""
        self._steps = steps


def give(workers: Sequence[Worker], script: Script) -> None:
    """One script to all of them, in place of what they did."""
    for worker in workers:
        worker.script_by(script)
