"""Routers that tests share: who gets which, and when a new one is started. The router is the outsider's toy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import pytest

from contracts.router_service.running import command
from contracts.wire.test_hostile import descendants
from fix_repository import PROJECT
from trueup_contracts.errors import AdapterDiedError
from trueup_contracts.router_service import SUITE, grids, protocol
from trueup_contracts.router_service import fleet as fleets
from trueup_contracts.router_service.fleet import Fleet, fleet
from trueup_contracts.router_service.steps import Error
from trueup_contracts.services.command import CommandSubject
from trueup_contracts.subject import Settings


@pytest.fixture(autouse=True)
def nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TRUEUP_HOSTILE", str(os.getpid()))
    yield
    assert descendants() == set()


@pytest.fixture
def subject(nothing_is_left: None) -> Iterator[CommandSubject]:
    made = CommandSubject(SUITE, "toy", command("toy.py"), Settings(PROJECT))
    yield made
    made.end()


def pid(served: Fleet) -> int:
    return served.router.running.process.pid


def test_tests_that_want_the_same_share_a_router(subject: CommandSubject) -> None:
    grid = grids.plain(subject)
    subject.begin("one")
    with fleet(subject, grid) as served:
        first = pid(served)
        served.generate().finished()
        served.last[0].script(Error())
    subject.begin("two")
    with fleet(subject, grid) as served:
        assert pid(served) == first
        assert served.asked() == []
        served.generate().finished()  # its workers answer whole again
        assert "POST /v1/generate" in subject.log()
        assert subject.snippet().count("curl") == 1
    for changes in ({"fresh": True}, {"service": {"drain_ms": 7}}, {"workers": {"decode-0": 2}}):
        with fleet(subject, grid, **changes) as served:
            assert pid(served) != first
    with fleet(subject, grid) as served:
        assert pid(served) == first
        assert served.service == protocol.SERVICE


@pytest.mark.parametrize("deed", ["a failure", "reload", "rediscover", "terminate", "a kill", "a stream left open"])
def test_nobody_shares_what_a_test_has_changed(subject: CommandSubject, deed: str) -> None:
    grid = grids.plain(subject)
    first = 0
    try:
        with fleet(subject, grid) as served:
            first = pid(served)
            if deed == "reload":
                served.reload(grid.config)
            elif deed == "rediscover":
                served.rediscover(served.workers)
            elif deed == "terminate":
                served.terminate()
            elif deed == "a kill":
                served.router.kill()
                served.router.wait_until_ended()
            elif deed == "a failure":
                raise RuntimeError
    except RuntimeError:
        assert deed == "a failure"
    with fleet(subject, grid) as served:
        assert (pid(served) == first) is (deed == "a stream left open")


def test_a_second_router_ends_with_its_test(subject: CommandSubject) -> None:
    grid = grids.plain(subject)
    with fleet(subject, grid) as served:
        first = pid(served)
        second = served.second_router()
        second.generate(served.request()).finished()
        assert len(served.asked()) == 2
    assert second.status is not None
    with fleet(subject, grid) as served:
        assert (pid(served), len(served.routers)) == (first, 1)


def test_the_oldest_goes_but_for_the_one_that_most_want(
    subject: CommandSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleets, "MOST_KEPT", 2)
    grid = grids.plain(subject)
    seen: list[tuple[int, int]] = []
    for drain_ms in (1, 1, 2, 3, 1, 3, 2):
        with fleet(subject, grid, service={"drain_ms": drain_ms}) as served:
            seen.append((drain_ms, pid(served)))
    numbers = {one: number for number, one in reversed(list(enumerate(seen)))}
    assert [numbers[one] for one in seen] == [0, 0, 2, 3, 0, 3, 6]


def kill(served: Fleet) -> None:
    os.kill(pid(served), signal.SIGKILL)
    served.router.wait_until_ended()
    raise AssertionError("something is wrong")


def use(subject: CommandSubject, work: Callable[[Fleet], None]) -> None:
    with fleet(subject, grids.plain(subject)) as served:
        work(served)


def test_a_router_that_ends_meanwhile_is_told(subject: CommandSubject) -> None:
    with pytest.raises(AssertionError, match=r"^something is wrong; the router was ended by SIGKILL meanwhile$"):
        use(subject, kill)


def test_a_router_that_does_not_start_leaves_nothing() -> None:
    words = f"{sys.executable} -c raise(SystemExit(4)) {{config}} {{discovery}} {{service}} {{port}}"
    made = CommandSubject(SUITE, "x", words, Settings(PROJECT))
    with pytest.raises(AdapterDiedError, match="the service ended with exit status 4 before it was ready"):
        use(made, kill)
    made.end()
