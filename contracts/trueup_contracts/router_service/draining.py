"""What becomes of a service after SIGTERM: RS-100 to RS-105, and RS-125."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from trueup_contracts import requirement
from trueup_contracts.errors import NotRunError
from trueup_contracts.processes import ending
from trueup_contracts.router_service import grids, protocol
from trueup_contracts.router_service.clocks import in_time, scaled
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.retrying import RETRY, whole_of
from trueup_contracts.router_service.scripting import give
from trueup_contracts.router_service.steps import Cut, Finish, Gate, Hang, Hold, Item, Step, always, complete
from trueup_contracts.router_service.workers import Asked
from trueup_contracts.subject import Subject

# Milliseconds, before they are scaled.
SHORT_NOTICE, NOTICE, SHORT_DRAIN, DRAIN = 100, 1_000, 600, 30_000


@contextmanager
def _draining(subject: Subject, notice_ms: int, drain_ms: int) -> Iterator[Fleet]:
    grid = grids.bare(subject)
    settings = {**RETRY, **scaled(subject, drain_notice_ms=notice_ms, drain_ms=drain_ms)}
    with fleet(subject, grid, workers=dict.fromkeys(grid.last, 2), service=settings, fresh=True) as served:
        yield served


def _is_closed(served: Fleet) -> bool:
    try:
        socket.create_connection(served.router.address, 1.0).close()
    except OSError:
        return True
    return False


def _is_ready(served: Fleet) -> bool:
    found = served.router.look(protocol.READY)
    return found.has_status and found.status == 200


def _terminate(served: Fleet) -> float:
    """Until the service is not ready any more; when it was told."""
    __tracebackhide__ = True
    told_s = time.monotonic()
    served.terminate()
    served.budgets.until(lambda: not _is_ready(served), "after SIGTERM: /readyz answers no more 200")
    return told_s


def _until_closed(served: Fleet, told_s: float) -> None:
    """Until the port is closed; at most until it should be, since only RS-101 asks for that."""
    end = told_s + served.service["drain_notice_ms"] / 1_000 + served.budgets.silence_s
    served.budgets.until(lambda: _is_closed(served) or time.monotonic() >= end, "the end of the notice")


def _ends_well(served: Fleet) -> None:
    __tracebackhide__ = True
    status = served.router.wait_until_ended()
    assert status == 0, f"after SIGTERM it {ending(status)}; exit status 0 is due"


@requirement("RS-100")
def test_it_is_not_ready_after_sigterm(trueup_subject: Subject) -> None:
    gate = Gate()
    with _draining(trueup_subject, SHORT_NOTICE, DRAIN) as served:
        give(served.last, always(Item(), Hold(gate), Finish()))
        stream = served.generate()
        stream.until("item")
        served.terminate()
        what = "after SIGTERM: /readyz answers 503, or the port is closed"
        served.budgets.until(lambda: not _is_ready(served), what)
        served.budgets.never(lambda: _is_ready(served), "after SIGTERM it became ready again")
        gate.open()
        stream.finished()


@requirement("RS-101")
def test_new_work_is_told_that_it_drains(trueup_subject: Subject) -> None:
    gate = Gate()
    with _draining(trueup_subject, NOTICE, DRAIN) as served:
        give(served.last, always(Item(), Hold(gate), Finish()))
        stream = served.generate()
        stream.until("item")
        told_s = _terminate(served)
        late = served.generate().wait()
        if time.monotonic() - told_s > served.service["drain_notice_ms"] / 1_000:
            raise NotRunError("this machine was too slow to ask anything within the notice")
        code = late.refused(503).get("code")
        assert code == "draining", f"new work after SIGTERM gets 503 with the code {code!r}"
        served.budgets.until(lambda: _is_closed(served), "the port is closed after the notice")
        gate.open()
        stream.finished()


@requirement("RS-102")
def test_what_was_accepted_finishes(trueup_subject: Subject) -> None:
    gate = Gate()
    with _draining(trueup_subject, SHORT_NOTICE, DRAIN) as served:

        def script(asked: Asked) -> list[Step]:
            steps = list(complete(asked))
            return [Hold(gate), *steps] if asked.max_tokens == 2 else [steps[0], Hold(gate), *steps[1:]]

        give(served.last, script)
        streams = [served.generate(max_tokens=2), served.generate(max_tokens=3)]
        streams[0].until("accepted")
        streams[1].until("item")
        served.until(lambda: gate.reached == 2, "two requests at workers")
        _until_closed(served, _terminate(served))
        gate.open()
        for count, stream in enumerate(streams, 2):
            stream.finished()
            assert len(stream.tokens) == count, f"{count} items are due: {stream.told}"
        _ends_well(served)


@requirement("RS-103")
def test_what_does_not_finish_is_told(trueup_subject: Subject) -> None:
    with _draining(trueup_subject, SHORT_NOTICE, SHORT_DRAIN) as served:
        give(served.last, always(Item(), Hang()))
        stream = served.generate()
        stream.until("item")
        told_s = _terminate(served)
        code = stream.failed().get("error", "code")
        assert code == "draining", f"the time to drain is over, and the code is {code!r}"
        drain_ms, notice_ms = (served.service[name] for name in ("drain_ms", "drain_notice_ms"))
        in_time(served, "the error draining", drain_ms, told_s, told_s + notice_ms / 1_000, stream.ended_at_s)
        _ends_well(served)


@requirement("RS-104")
def test_an_idle_service_ends_soon(trueup_subject: Subject) -> None:
    with _draining(trueup_subject, SHORT_NOTICE, DRAIN) as served, closing(_idle_connection(served)):
        served.generate().finished()
        served.terminate()
        told_s = time.monotonic()
        _ends_well(served)
        took_s = time.monotonic() - told_s
        limit_s = served.service["drain_notice_ms"] / 1_000 + 2 * served.budgets.margin_s
        assert took_s <= limit_s, f"nothing was under way, and it took {took_s:.1f} s to end"


def _idle_connection(served: Fleet) -> socket.socket:
    """One that was used and stays open, as load balancers keep them."""
    one = socket.create_connection(served.router.address, served.budgets.signal_s)
    one.sendall(f"GET {protocol.HEALTH} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    assert one.recv(1 << 16), "GET /healthz: no answer"
    return one


@requirement("RS-105")
def test_what_was_accepted_is_tried_again_while_draining(trueup_subject: Subject) -> None:
    gate = Gate()
    seen: list[Asked] = []
    with _draining(trueup_subject, SHORT_NOTICE, DRAIN) as served:

        def script(asked: Asked) -> list[Step]:
            seen.append(asked)
            return [Hold(gate), Cut()] if len(seen) == 1 else list(complete(asked))

        give(served.last, script)
        stream = served.generate()
        served.until(lambda: gate.reached or None, "a request at a worker")
        _until_closed(served, _terminate(served))
        gate.open()
        whole_of(stream.finished(), seen[-1])
        _ends_well(served)


@requirement("RS-125")
def test_what_waits_is_answered(trueup_subject: Subject) -> None:
    gate = Gate()
    settings = {
        "admission": {"max_in_flight": 1, "max_queued": 1, **scaled(trueup_subject, max_wait_ms=DRAIN)},
        **scaled(trueup_subject, drain_notice_ms=SHORT_NOTICE, drain_ms=DRAIN),
    }
    with fleet(trueup_subject, grids.bare(trueup_subject), service=settings, fresh=True) as served:
        give(served.first, lambda asked: [Hold(gate), *complete(asked)])
        held = served.generate()
        served.until(lambda: gate.reached or None, "a request at a worker")
        pair = [served.generate(), served.generate()]
        served.until(lambda: any(one.is_ended for one in pair), "an answer to one of two, where one may wait")
        waiting = next(one for one in pair if not one.is_ended)
        _until_closed(served, _terminate(served))
        gate.open()
        held.finished()
        if waiting.status == 200:
            waiting.finished()
        else:
            code = waiting.refused(503).get("code")
            assert code == "draining", f"what waited got 503 with the code {code!r}"
        _ends_well(served)
