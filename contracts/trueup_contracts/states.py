"""In which state each requirement ended: exactly one, so that nothing is lost without a word."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from trueup_contracts.registry import SuiteInfo


class State(enum.StrEnum):
    """The states, worst first: of several outcomes of one requirement the first in this order counts."""

    ERROR = "error"
    FAIL = "fail"
    UNEXPECTED_PASS = "unexpected-pass"
    KNOWN = "known"
    NOT_RUN = "not-run"
    PASS = "pass"
    NOT_CLAIMED = "not-claimed"
    UNTESTABLE = "untestable"
    DESELECTED = "deselected"


_ORDER = list(State)


@dataclass
class Ledger:
    """What became of one implementation. Plain data: it crosses from xdist's workers to the controller."""

    suite: str
    label: str
    target: str
    capabilities: list[str]
    collected: list[str] = field(default_factory=list)  # requirement ids that tests were made for
    outcomes: dict[str, list[str]] = field(default_factory=dict)  # requirement id to states
    messages: dict[str, str] = field(default_factory=dict)  # requirement id to the first line of its failure
    not_run_because: str = ""  # why no test was made at all
    about: dict[str, str | int | None] = field(default_factory=dict)  # name, version, language, wire

    @property
    def name(self) -> str:
        """`router@label`."""
        return f"{self.suite}@{self.label}"

    def add(self, requirement_id: str, state: State, message: str = "") -> None:
        """Adds one outcome of a test."""
        self.outcomes.setdefault(requirement_id, []).append(state.value)
        if message:
            self.messages.setdefault(requirement_id, message)


def fold(ledger: Ledger, suite: SuiteInfo) -> dict[str, State]:
    """The state of every requirement of the registry. Raises `HoleError` where one has none, or is unknown."""
    states: dict[str, State] = {}
    for requirement in suite.requirements.values():
        outcomes = [State(name) for name in ledger.outcomes.get(requirement.id, [])]
        if outcomes:
            states[requirement.id] = min(outcomes, key=_ORDER.index)
        elif requirement.untestable:
            states[requirement.id] = State.UNTESTABLE
        elif not requirement.needs <= set(ledger.capabilities):
            states[requirement.id] = State.NOT_CLAIMED
        elif requirement.id in ledger.collected or ledger.not_run_because:
            states[requirement.id] = State.NOT_RUN
        else:
            raise HoleError(f"{ledger.name}: no test stands for {requirement.id}")
    unknown = set(ledger.outcomes) - suite.requirements.keys()
    if unknown:
        raise HoleError(f"{ledger.name}: tests name requirements that do not exist: {', '.join(sorted(unknown))}")
    return states


class HoleError(Exception):
    """A requirement was lost: a fault of the kit, never a pass."""


def counts(states: Mapping[str, State], ids: Iterable[str]) -> Counter[State]:
    """How many of these requirements ended in each state."""
    return Counter(states[one] for one in ids)
