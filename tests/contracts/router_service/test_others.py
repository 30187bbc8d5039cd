"""Correct routers of other constructions fail nothing; a toy is told its flaws, each of them and no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.router_service import toy_report
from contracts.router_service.running import ALL, SHARED_NOTHING, SOON, command, reference, verdicts
from contracts.suite_runs import each_test
from fix_etcd import served
from trueup_contracts.profile import Profile
from trueup_contracts.router_service import SUITE

# The whole suite takes a minute: `make test-slow` asks all of it, and here it is a few that nearly everything is in.
FEW = ("RS-010", "RS-026", "RS-052", "RS-060", "RS-066", "RS-093")
# What processes learn one after the other, or name by themselves.
OF_EACH_PROCESS = ("RS-031", "RS-106", "RS-111", "RS-118")
# The toy waits for nothing in these, so that they are quick.
SOME = ("RS-021", "RS-027", "RS-050", "RS-055", "RS-062", "RS-104")
SEEDS = [1, 2, 3]


@pytest.fixture(scope="module")
def etcd_address() -> Iterator[str]:
    for server in served():
        yield server.address


@pytest.mark.parametrize("requirement", FEW)
def test_the_second_router_passes(requirement: str) -> None:
    assert verdicts(command("plain.py"), requirement) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_second_router_fails_nothing(seed: int) -> None:
    assert verdicts(command("plain.py"), profile=Profile("quick", seed)) == {}


@pytest.mark.parametrize("requirement", OF_EACH_PROCESS)
def test_processes_that_share_nothing_pass(requirement: str) -> None:
    assert verdicts(command("prefork.py"), requirement, claims=SHARED_NOTHING) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_processes_that_share_nothing_fail_nothing() -> None:
    assert verdicts(command("prefork.py"), claims=SHARED_NOTHING) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_fails_nothing(seed: int) -> None:
    assert verdicts(reference(), profile=Profile("quick", seed)) == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_reference_with_etcd_fails_nothing(etcd_address: str) -> None:
    assert verdicts(command("over_etcd.py", "--etcd", etcd_address)) == {}


def test_every_requirement_has_a_test_and_every_test_a_requirement() -> None:
    named = [identity for identity, _ in each_test(SUITE)]
    assert sorted(named) == sorted(one.id for one in SUITE.requirements.values() if not one.untestable)


def told_of_the_toy(only: str | None = None) -> set[str]:
    return set(verdicts(command("toy.py"), only, claims=toy_report.CLAIMS, scale=SOON))


FLAWS = set().union(*toy_report.FLAWS.values())


@pytest.mark.parametrize("requirement", SOME)
def test_the_toy_is_told_its_flaws(requirement: str) -> None:
    assert told_of_the_toy(requirement) == {requirement} & FLAWS


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_toy_is_told_all_of_its_flaws_and_no_other() -> None:
    told = told_of_the_toy()
    assert told == FLAWS


def test_the_toy_is_judged_by_what_it_claims() -> None:
    asked = {one.id for one in SUITE.requirements.values() if one.needs <= toy_report.CLAIMS}
    assert asked >= FLAWS
    assert len(asked) < len(SUITE.requirements), ALL
