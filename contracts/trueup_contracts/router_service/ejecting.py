"""Workers that fail again and again are left out for a while: RS-085 to RS-088."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.client import Stream
from trueup_contracts.router_service.clocks import scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.retrying import RETRY
from trueup_contracts.router_service.scripting import Victim
from trueup_contracts.router_service.steps import Finish, Gate, Hold, Item, Status, Step, complete
from trueup_contracts.router_service.workers import Asked, Worker
from trueup_contracts.subject import Subject

FAILURES, REQUESTS = 2, 12
BACKOFF_MS, MOST_MS, LONG_MS = 100, 400, 60_000  # before they are scaled
GROWN, PROBES = 5, 7  # requests to a worker that always fails
LEAST_GROWTH = 1.5  # of the time until GROWN: twice as long each time it is 2.75, half as long again 2
AT_ONCE = 6


class _Pool:
    """One pool of two instances. What a router has ejected stays so: each test has a pool of its own."""

    def __init__(self, served: Fleet, number: int) -> None:
        self.served, self._number = served, number
        self.workers = served.workers_of(served.grid.last[number])

    def ask(self) -> Stream:
        """A request for it."""
        return self.served.generate(targets=grids.targets(self._number))

    def with_one_ill(self) -> tuple[Victim, Gate]:
        """The instance asked first has failed; its request stays under way at the other, until the gate opens.

        Who has the least under way is then the one that failed.
        """
        gate = Gate()
        held: list[Asked] = []

        def others(asked: Asked) -> Sequence[Step]:
            held.append(asked)
            return [Item(), Hold(gate), Finish()] if len(held) == 1 else complete(asked)

        victim = Victim(self.workers, Status(503), others=others)
        self.ask()
        self.served.until(lambda: gate.reached or None, "a request at the instance that is well")
        return victim, gate

    def until_asked(self, worker: Worker, count: int) -> None:
        """One request at once after the other, until this worker has got so many."""
        __tracebackhide__ = True
        deadline_s = time.monotonic() + self.served.budgets.signal_s
        while len(worker.asked) < count:
            self.ask().finished()
            assert time.monotonic() < deadline_s, (
                f"{worker.id} was asked {len(worker.asked)} times and not once more, though its back-off is over"
            )


@contextmanager
def _pool(
    subject: Subject, number: int, failures: int = 1, backoff_ms: tuple[int, int] = (BACKOFF_MS, MOST_MS)
) -> Iterator[_Pool]:
    grid = grids.apart(subject, 3)
    ejection = {"failures": failures, **scaled(subject, backoff_ms=backoff_ms[0], max_backoff_ms=backoff_ms[1])}
    # What keeps an instance busy must not be taken for its failure.
    settings = {**RETRY, "ejection": ejection, "timeouts_ms": scaled(subject, between_items=LONG_MS)}
    with fleet(subject, grid, workers=dict.fromkeys(grid.last, 2), service=settings) as served:
        yield _Pool(served, number)


@requirement("RS-085")
def test_a_worker_that_fails_is_left_out(trueup_subject: Subject) -> None:
    with _pool(trueup_subject, 0, FAILURES, (LONG_MS, LONG_MS)) as pool:
        victim = Victim(pool.workers, Status(503))
        for _ in range(REQUESTS):
            pool.ask().finished()
        asked = len(victim.worker.asked)
        assert asked <= FAILURES, (
            f"{victim.worker.id} failed {asked} of {REQUESTS} requests; it is to be left out after {FAILURES} failures"
        )


@requirement("RS-086")
def test_a_worker_that_is_well_again_is_used(trueup_subject: Subject) -> None:
    with _pool(trueup_subject, 0) as pool:
        victim, gate = pool.with_one_ill()
        victim.does(*[Item()] * 3, Finish())
        pool.until_asked(victim.worker, 3)
        gate.open()


@requirement("RS-087")
def test_the_back_off_grows(trueup_subject: Subject) -> None:
    with _pool(trueup_subject, 1) as pool:
        victim, gate = pool.with_one_ill()
        pool.until_asked(victim.worker, PROBES)
        gate.open()
        times_s = [one.at_s for one in victim.worker.asked[:PROBES]]
        ejection = pool.served.service["ejection"]
        backoff_s, most_s = (ejection[name] / 1_000 for name in ("backoff_ms", "max_backoff_ms"))
        took_s, constant_s = times_s[GROWN - 1] - times_s[0], (GROWN - 1) * backoff_s
        assert took_s > LEAST_GROWTH * constant_s, (
            f"{victim.worker.id} failed {GROWN} times in {took_s:.3f} s: its back-off of {backoff_s} s has not grown"
        )
        took_s, longest_s = times_s[-1] - times_s[-2], most_s + pool.served.budgets.margin_s
        assert took_s <= longest_s, f"{victim.worker.id} was left out for {took_s:.3f} s, and {most_s} s are the most"


@requirement("RS-088")
def test_one_request_probes(trueup_subject: Subject) -> None:
    gates = [Gate(), Gate()]  # of the probe, and of everything else
    with _pool(trueup_subject, 2) as pool:
        victim = Victim(pool.workers, Status(503))
        pool.ask().finished()
        victim.does(Hold(gates[0]), *[Item()] * 3, Finish())
        probed, other = victim.worker, victim.others[0]
        other.script_by(lambda asked: [Hold(gates[1]), *complete(asked)])
        streams: list[Stream] = []

        def ask() -> bool:
            """One more, which is at one of the two then; whether one has probed."""
            streams.append(pool.ask())
            pool.served.until_asked(probed, other, count=2 + len(streams))
            return len(probed.asked) >= 2

        pool.served.budgets.until(ask, f"a probe of {probed.id}, whose back-off is over")
        for _ in range(AT_ONCE):
            ask()
        asked = len(probed.asked)
        for gate in gates:
            gate.open()
        for stream in streams:
            stream.finished()
        assert asked == 2, f"{asked - 1} requests went to {probed.id} before its probe was answered"
