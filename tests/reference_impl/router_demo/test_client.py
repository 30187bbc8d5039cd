"""The client and the ledger: what a router does to a request is called by its name, and asked again where it may be."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from trueup_reference.router_demo.client import Client
from trueup_reference.router_demo.ledger import Entry, Hop, Ledger, Try
from trueup_reference.router_demo.processes import Program

SCRIPTED = Path(__file__).with_name("scripted_router.py")
TOKENS = [7, 8, 9]


class Case(NamedTuple):
    """What the first of two routers does to its first requests, and what comes of it."""

    behaviour: str
    outcomes: list[str]
    broken: str = ""
    asks_again: bool = False
    times: int = 1
    is_alone: bool = False  # there is no second router

    @property
    def name(self) -> str:
        return f"{self.behaviour}{', again' * self.asks_again}{', alone' * self.is_alone}"


LOST = "1 requests were lost"
CASES = [
    Case("complete", ["completed"]),
    Case("failover", ["completed"]),
    Case("refuse", ["refused", "completed"]),
    Case("die", ["interrupted", "completed"]),
    Case("error", ["errored"]),
    Case("error", ["errored", "completed"], asks_again=True),
    Case("no acceptance", ["unreached", "completed"]),
    Case("cut", ["lost"], LOST),
    Case("no end", ["lost"], LOST),
    Case("no JSON", ["lost"], LOST),
    Case("no index", ["lost"], LOST),
    Case("exit", ["lost"], LOST),
    Case("hang", ["lost"], LOST),
    Case("two ends", ["completed"], "1 answers have other items than they must"),
    Case("swapped", ["lost"], LOST),
    Case("wrong token", ["completed"], "1 answers have other items than they must"),
    Case("short", ["completed"], "1 answers have other items than they must"),
    Case("cut after its end", ["completed"]),
    Case("nothing", ["completed"], "1 answers have other items than they must"),
]

TWICE = Case("error", [], asks_again=True, times=2, is_alone=True)


async def asked(case: Case, client: Client, ledger: Ledger) -> Entry:
    body = {"token_ids": [1], "max_tokens": 3, "behaviour": case.behaviour, "times": case.times}
    return await client.ask(ledger.open(case.name, "chat"), body, TOKENS)


async def played(cases: list[Case]) -> dict[str, tuple[Entry, Ledger]]:
    """Two routers for all; where the first one dies, two for this case alone."""
    programs = {
        name: Program(name, [sys.executable, str(SCRIPTED), "{port}", "good" if name == "good" else "bad"])
        for name in ("bad", "good", "die", "exit")
    }
    found: dict[str, tuple[Entry, Ledger]] = {}

    async def one(case: Case) -> None:
        ledger = Ledger()
        first = programs[case.behaviour if case.behaviour in programs else "bad"]
        routers = [first] if case.is_alone else [first, programs["good"]]
        limit_s = 3 if case.behaviour == "hang" else 60
        settings: dict[str, Any] = {"limit_s": limit_s, "patience_s": 60, "asks_again_after_errors": case.asks_again}
        found[case.name] = await asked(case, Client(session, routers, ledger, **settings), ledger), ledger

    try:
        await asyncio.gather(*(program.start() for program in programs.values()))
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
            await asyncio.gather(*(one(case) for case in cases))
    finally:
        await asyncio.gather(*(program.end() for program in programs.values()))
    return found


@pytest.fixture(scope="module")
def results() -> dict[str, tuple[Entry, Ledger]]:
    return asyncio.run(played([*CASES, TWICE]))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_router_does_is_called_by_its_name(case: Case, results: dict[str, tuple[Entry, Ledger]]) -> None:
    entry, ledger = results[case.name]
    assert [one.outcome for one in entry.tries] == case.outcomes, entry
    assert ledger.broken_promises() == ([case.broken] if case.broken else [])
    assert all(count.in_flight == 0 for count in ledger.pools.values())
    if case.behaviour == "failover":
        assert (entry.failovers, ledger.pool("one").failed) == (1, 1)


def test_a_router_is_never_asked_twice_under_one_id(results: dict[str, tuple[Entry, Ledger]]) -> None:
    """It would take it for the same work."""
    entry, _ = results[TWICE.name]
    name = TWICE.name
    assert [(one.wire_id, one.outcome) for one in entry.tries] == [
        (name, "errored"),
        (f"{name}~2", "errored"),
        (f"{name}~3", "completed"),
    ]


def test_what_was_interrupted_is_asked_again_until_it_is_completed() -> None:
    ledger = Ledger()
    entry = ledger.open("r1")
    entry.tries.append(Try("a#1", "r1", 0.0, "interrupted", is_accepted=True))
    assert ledger.broken_promises() == ["1 interrupted requests were not completed by the client's retry"]
    entry.tries.append(Try("b#1", "r1", 0.0, "errored", is_accepted=True))
    assert ledger.broken_promises() == ["1 interrupted requests were not completed by the client's retry"]
    entry.tries.append(Try("a#2", "r1", 0.0, "completed", is_accepted=True))
    assert ledger.broken_promises() == []
    counts = ledger.counts()
    wanted = {"requests": 1, "requests_completed": 1, "requests_interrupted": 1, "interrupted_then_completed": 1}
    streams = {"accepted": 3, "completed": 1, "errored": 1, "interrupted": 1, "lost": 0}
    assert {name: counts[name] for name in (*wanted, *streams)} == {**wanted, **streams}


def test_a_stream_without_an_end_is_a_broken_promise() -> None:
    ledger = Ledger()
    ledger.open("r1").tries.append(Try("a#1", "r1", 0.0, is_accepted=True))
    assert ledger.broken_promises() == ["1 were accepted, and 0 ended"]


def test_pools_count_what_is_under_way() -> None:
    ledger = Ledger()
    one = Try("a#1", "r1", 0.0)
    seen: list[dict[str, Any]] = []

    def look() -> None:
        seen.append({name: (count.in_flight, count.dispatches, count.failed) for name, count in ledger.pools.items()})

    for number, (phase, pool) in enumerate([("prefill", "p"), ("decode", "d"), ("decode", "e")]):
        ledger.hop(one, Hop(phase, pool, "w", 0), float(number))
        look()
    one.first_item_s = 2.5
    ledger.ended(one)
    look()
    assert seen == [
        {"p": (1, 1, 0)},
        {"p": (0, 1, 0), "d": (1, 1, 0)},
        {"p": (0, 1, 0), "d": (0, 1, 1), "e": (1, 1, 0)},
        {"p": (0, 1, 0), "d": (0, 1, 1), "e": (0, 1, 0)},
    ]
    assert [ledger.pool(name).took_s for name in "pde"] == [[1.0], [], [0.5]]
    with pytest.raises(ValueError, match="'r1' is in the ledger"):
        ledger.open(ledger.open("r1").request_id)
