"""Workers that fail again and again are left out for a while: RS-085 to RS-088."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trueup_contracts import requirement
from trueup_contracts.router_service import grids
from trueup_contracts.router_service.clocks import scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.retrying import RETRY
from trueup_contracts.router_service.scripting import Victim
from trueup_contracts.router_service.steps import Finish, Gate, Hold, Item, Status, complete
from trueup_contracts.router_service.workers import Worker
from trueup_contracts.subject import Subject

FAILURES, REQUESTS = 2, 12
BACKOFF_MS, LONG_MS = 200, 60_000  # before they are scaled
PROBES = 4
AT_ONCE = 6


@contextmanager
def _two_instances(subject: Subject, failures: int, backoff_ms: int) -> Iterator[Fleet]:
    """Not shared: what a router has ejected is ejected for the next test too."""
    grid = grids.bare(subject)
    ejection = {"failures": failures, **scaled(subject, backoff_ms=backoff_ms, max_backoff_ms=LONG_MS)}
    settings = {**RETRY, "ejection": ejection}
    with fleet(subject, grid, workers=dict.fromkeys(grid.last, 2), service=settings, fresh=True) as served:
        yield served


def _keep_busy(served: Fleet, worker: Worker) -> Gate:
    """One request stays under way at this worker: who has the least is then another one."""
    gate = Gate()
    worker.script(Item(), Hold(gate), Finish(), times=1)
    served.generate()
    served.until(lambda: gate.reached or None, f"a request at {worker.id}")
    return gate


def _until_asked_again(served: Fleet, worker: Worker, count: int) -> None:
    """One request after the other, until this worker has got so many."""
    __tracebackhide__ = True

    def look() -> bool:
        served.generate().finished()
        return len(worker.asked) >= count

    served.budgets.until(look, f"request {count} at {worker.id}, whose back-off is over")


@requirement("RS-085")
def test_a_worker_that_fails_is_left_out(trueup_subject: Subject) -> None:
    with _two_instances(trueup_subject, FAILURES, LONG_MS) as served:
        victim = Victim(served.last, Status(503))
        for _ in range(REQUESTS):
            served.generate().finished()
        asked = len(victim.worker.asked)
        assert asked <= FAILURES, (
            f"{victim.worker.id} failed {asked} of {REQUESTS} requests; it is to be left out after {FAILURES} failures"
        )


@requirement("RS-086")
def test_a_worker_that_is_well_again_is_used(trueup_subject: Subject) -> None:
    with _two_instances(trueup_subject, 1, BACKOFF_MS) as served:
        victim = Victim(served.last, Status(503))
        served.generate().finished()
        victim.does(*[Item()] * 3, Finish())
        gate = _keep_busy(served, victim.others[0])
        _until_asked_again(served, victim.worker, 3)
        gate.open()


@requirement("RS-087")
def test_the_back_off_grows(trueup_subject: Subject) -> None:
    with _two_instances(trueup_subject, 1, BACKOFF_MS) as served:
        victim = Victim(served.last, Status(503))
        served.generate().finished()
        gate = _keep_busy(served, victim.others[0])
        _until_asked_again(served, victim.worker, PROBES)
        gate.open()
        times_s = [one.at_s for one in victim.worker.asked[:PROBES]]
        took_s = times_s[-1] - times_s[0]
        constant_s = (PROBES - 1) * BACKOFF_MS * trueup_subject.scale / 1_000
        assert took_s > 1.25 * constant_s, (
            f"{victim.worker.id} failed at each of {PROBES} probes within {took_s:.3f} s: the back-off of "
            f"{BACKOFF_MS * trueup_subject.scale:g} ms has not grown"
        )


@requirement("RS-088")
def test_one_request_probes(trueup_subject: Subject) -> None:
    gates = [Gate(), Gate()]  # of the probe, and of everything else
    with _two_instances(trueup_subject, 1, BACKOFF_MS) as served:
        victim = Victim(served.last, Status(503))
        served.generate().finished()
        victim.does(Hold(gates[0]), *[Item()] * 3, Finish())
        probed, other = victim.worker, victim.others[0]
        other.script_by(lambda asked: [Hold(gates[1]), *complete(asked)])
        streams = []

        def look() -> bool:
            streams.append(served.generate())
            served.until_asked(probed, other, count=2 + len(streams))
            return len(probed.asked) >= 2

        served.budgets.until(look, f"a probe of {probed.id}, whose back-off is over")
        for _ in range(AT_ONCE):
            streams.append(served.generate())
        served.until_asked(probed, other, count=2 + len(streams))
        asked = len(probed.asked)
        for gate in gates:
            gate.open()
        for stream in streams:
            stream.finished()
        assert asked == 2, f"{asked - 1} requests went to {probed.id} before its probe was answered"
