"""What a router needs to start, and what keeps it from starting: RS-001 to RS-009."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from trueup_contracts import requirement
from trueup_contracts.processes import ending
from trueup_contracts.profile import Profile
from trueup_contracts.router import corpus
from trueup_contracts.router.corpus import Case
from trueup_contracts.router_service import grids, protocol, wrong
from trueup_contracts.router_service.fleet import Fleet, discovery, fleet
from trueup_contracts.router_service.grids import Grid
from trueup_contracts.router_service.steps import Error
from trueup_contracts.services.command import CommandSubject, Ended
from trueup_contracts.subject import Subject

QUICK_KINDS = 4  # of faults of a grid
AT_ONCE = 4  # processes that start side by side
WORKER = "http://127.0.0.1:9"  # nobody listens there, and nobody asks: such a router must not start


@requirement("RS-001")
def test_it_becomes_alive_and_ready(trueup_subject: Subject) -> None:
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        for path in (protocol.HEALTH, protocol.READY):
            answer = served.router.get(path)
            assert answer.status == 200, f"GET {path}: {answer.told}"


@requirement("RS-002")
def test_a_grid_that_cannot_be_obeyed_ends_it(trueup_subject: Subject, trueup_profile: Profile) -> None:
    _check_grids(trueup_subject, trueup_profile, "must")


@requirement("RS-003")
def test_a_grid_with_a_typing_error_ends_it(trueup_subject: Subject, trueup_profile: Profile) -> None:
    _check_grids(trueup_subject, trueup_profile, "should")


def _check_grids(subject: Subject, profile: Profile, level: str) -> None:
    claimed = subject.capabilities if {"agg", "disagg"} & subject.capabilities else subject.capabilities | {"disagg"}
    # What a file says without these words means nothing to a router that does not know them: those files are left out.
    known = claimed | {"deprecated_names", "config_text"}
    cases = [
        one for one in corpus.cases() if one.name.startswith("invalid/") and one.level == level and one.needs <= known
    ]
    chosen = _some(cases, profile)
    for case, ended in zip(chosen, _ended(subject, [_files(one.text) for one in chosen]), strict=True):
        _check(f"the grid {case.name}", ended)


def _some(cases: Sequence[Case], profile: Profile) -> list[Case]:
    """Each start costs a process: one of each of four kinds of fault, or three of every kind, or all."""
    most = {"quick": 1, "default": 3}.get(profile.name, len(cases))
    choices = random.Random(profile.seed)
    by_rule: dict[str, list[Case]] = {}
    for case in cases:
        by_rule.setdefault(min(case.rules), []).append(case)
    groups = list(by_rule.values())
    if profile.name == "quick":
        groups = choices.sample(groups, min(QUICK_KINDS, len(groups)))
    return [case for found in groups for case in choices.sample(found, min(most, len(found)))]


@requirement("RS-004")
def test_it_names_the_field_of_the_grid_that_is_wrong(trueup_subject: Subject) -> None:
    cases = wrong.grids_and_words(grids.plain(trueup_subject))
    ended = _ended(trueup_subject, [_files(config) for _, config, _ in cases])
    for (what, _, words), one in zip(cases, ended, strict=True):
        _check(what, one)
        assert any(word in one.log for word in words), (
            f"{what}: it has not written {' or '.join(words)}, but {one.log[-500:]!r}"
        )


@requirement("RS-005")
def test_a_wrong_service_file_ends_it(trueup_subject: Subject, trueup_profile: Profile) -> None:
    chosen = _shuffled(wrong.services(), trueup_profile)
    grid = grids.plain(trueup_subject).config
    ended = _ended(trueup_subject, [_files(grid, service=value) for _, value in chosen])
    for (what, _), one in zip(chosen, ended, strict=True):
        _check(f"a service file {what}", one)


@requirement("RS-006")
def test_a_wrong_discovery_file_ends_it(trueup_subject: Subject, trueup_profile: Profile) -> None:
    grid = grids.plain(trueup_subject)
    chosen = _shuffled(wrong.discoveries(_entry(grid)), trueup_profile)
    ended = _ended(trueup_subject, [_files(grid.config, workers=value) for _, value in chosen])
    for (what, _), one in zip(chosen, ended, strict=True):
        _check(f"a discovery file {what}", one)


def _shuffled(cases: Mapping[str, Any], profile: Profile) -> list[tuple[str, Any]]:
    chosen = list(cases.items())
    random.Random(profile.seed).shuffle(chosen)
    return chosen[: 3 if profile.name == "quick" else len(chosen)]


@requirement("RS-007")
def test_workers_that_are_not_up_yet_are_no_reason_to_end(trueup_subject: Subject) -> None:
    """Requests meanwhile may fail; one is answered once the workers have come."""
    grid = grids.plain(trueup_subject)
    with fleet(trueup_subject, grid, fresh=True, ready_path=protocol.HEALTH, are_up=False) as served:
        early = served.generate(deadline_ms=2_000)
        early.wait()
        assert served.router.status is None, f"the router has ended while no worker was up: {served.router.status}"
        for worker in served.workers:
            worker.start()
        served.budgets.until(
            lambda: [one.name for one in served.generate().wait().events][-1:] == ["finish"],
            "a request that is answered after the workers have come",
        )


@requirement("RS-008")
def test_what_it_writes_holds_no_prompt_and_no_secret(trueup_subject: Subject) -> None:
    """Whether the request is answered, refused, or fails."""
    secret, token = "trueup-secret-4711", 987_654_321
    headers = {"authorization": f"Bearer {secret}", "cookie": f"session={secret}"}
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        prompt = [token, token + 1, token + 2]
        served.generate(headers, token_ids=prompt).wait()
        served.generate(headers, token_ids=[*prompt, "x"]).wait()
        served.generate(headers, token_ids=prompt, max_tokens="x").wait()
        served.first[0].script(Error())
        served.generate(headers, token_ids=prompt).wait()
        for what, text in (("a token of a prompt", str(token)), ("a client's secret", secret)):
            served.budgets.never(partial(_line_with, served, text), f"it has written {what}")


def _line_with(served: Fleet, text: str) -> str | None:
    lines = served.router.running.log().splitlines()
    return next((line[:500] for line in lines if text in line), None)


@requirement("RS-009")
def test_it_listens_where_it_was_told_to_and_nowhere_else(trueup_subject: Subject) -> None:
    """127.0.0.1 was told. On Linux all of 127/8 is this machine: who listens everywhere answers at 127.0.0.2."""
    with fleet(trueup_subject, grids.plain(trueup_subject)) as served:
        port = urlsplit(served.router.url).port
        for family, host in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
            assert not _answers(family, host, port), f"told to listen on 127.0.0.1, it listens on {host} too"


def _answers(family: int, host: str, port: int | None) -> bool:
    try:
        with socket.socket(family) as one:
            one.settimeout(1)
            return one.connect_ex((host, port)) == 0
    except OSError:  # this machine has no addresses of this family
        return False


def _entry(grid: Grid) -> list[dict[str, str]]:
    return [
        {"id": f"{namespace}-w0", "namespace": namespace, "phase": phase, "url": WORKER} for namespace, phase in grid
    ]


def _files(
    config: Mapping[str, Any] | bytes,
    service: Mapping[str, Any] | list[Any] | bytes | None = None,
    workers: Mapping[str, Any] | list[Any] | bytes | None = None,
) -> dict[str, Any]:
    return {
        "config": config,
        "service": protocol.SERVICE if service is None else service,
        "discovery": discovery([]) if workers is None else workers,
    }


def _ended(subject: Subject, wanted: Sequence[Mapping[str, Any]]) -> list[Ended]:
    assert isinstance(subject, CommandSubject)
    return [
        one for start in range(0, len(wanted), AT_ONCE) for one in subject.start_wrong(*wanted[start : start + AT_ONCE])
    ]


def _check(what: str, ended: Ended) -> None:
    wrote = f"; it wrote {ended.log[-300:]!r}"
    assert ended.status is not None, f"{what}: it runs on, and must not start{wrote}"
    assert ended.status != 0, f"{what}: it ended with exit status 0; another is due{wrote}"
    assert ended.log.strip(), f"{what}: it {ending(ended.status)}, and did not say why"
