"""What became of the implementations: a table for the terminal, JSON, and a matrix in Markdown."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from trueup_contracts.errors import TargetError
from trueup_contracts.registry import Requirement, SuiteInfo, suite
from trueup_contracts.states import Ledger, State, counts

FORMATS = ("json", "markdown")
SCHEMA_VERSION = 1
# In the order of the columns; the states that a requirement of a level can be in besides passing.
_OTHERS = (State.NOT_CLAIMED, State.KNOWN, State.UNEXPECTED_PASS, State.NOT_RUN, State.UNTESTABLE, State.DESELECTED)
_BAD = (State.ERROR, State.FAIL, State.UNEXPECTED_PASS)


@dataclass(frozen=True)
class Run:
    """How the run was made."""

    seed: int
    profile: str
    level: str


@dataclass(frozen=True)
class Result:
    """One implementation, and the state of every requirement of its suite."""

    ledger: Ledger
    states: dict[str, State]

    @property
    def suite(self) -> SuiteInfo:
        """The suite's registry."""
        return suite(self.ledger.suite)

    def asked(self, level: str) -> list[Requirement]:
        """The requirements of a level that were judged: neither provisional nor left out."""
        return [
            one
            for one in self.suite.requirements.values()
            if one.level == level and not one.provisional and self.states[one.id] not in _OTHERS
        ]


def parse_request(text: str) -> tuple[str, str]:
    """`FORMAT=FILE`; a `TargetError` for anything else."""
    form, sign, path = text.partition("=")
    if form not in FORMATS or not sign or not path:
        raise TargetError(f"--contracts-report {text!r}", f"write FORMAT=FILE; formats are {' and '.join(FORMATS)}")
    return form, path


def table(results: Sequence[Result]) -> str:
    """A row per implementation, then every requirement that it does not meet."""
    head = ["", "MUST", "SHOULD", *(state.value.replace("-", " ") for state in _OTHERS)]
    rows = [head]
    for result in results:
        total = counts(result.states, result.states)
        rows.append(
            [
                result.ledger.name,
                _share(result, "MUST"),
                _share(result, "SHOULD"),
                *(str(total[state]) if total[state] else "-" for state in _OTHERS),
            ]
        )
    used = [n for n in range(len(head)) if n < 3 or any(row[n] != "-" for row in rows[1:])]
    widths = {n: max(len(row[n]) for row in rows) for n in used}
    lines = ["  ".join(row[n].ljust(widths[n]) for n in used).rstrip() for row in rows]
    return "\n".join([*lines, *(line for result in results for line in _misses(result))])


def _share(result: Result, level: str) -> str:
    asked = result.asked(level)
    passed = sum(result.states[one.id] is State.PASS for one in asked)
    return f"{passed}/{len(asked)} pass" if asked else "none asked"


def _misses(result: Result) -> list[str]:
    lines = []
    for one in result.suite.requirements.values():
        state = result.states[one.id]
        if state in _BAD:
            lines.append(f"  {one.id} {one.level:<6}  {state.value.upper():<5}  {one.statement}")
            lines.append(f"         why: {one.why}")
    return [f"{result.ledger.name}:", *lines] if lines else []


def render(form: str, results: Sequence[Result], run: Run) -> str:
    """A report as text."""
    return as_json(results, run) if form == "json" else as_markdown(results)


def as_json(results: Sequence[Result], run: Run) -> str:
    """Everything, for programs."""
    document = {
        "version": SCHEMA_VERSION,
        "seed": run.seed,
        "profile": run.profile,
        "level": run.level,
        "tools": {
            "trueup": version("trueup"),
            "pytest": version("pytest"),
            "hypothesis": version("hypothesis"),
            "python": platform.python_version(),
        },
        "implementations": [
            {
                "suite": result.ledger.suite,
                "edition": result.suite.edition,
                "label": result.ledger.label,
                "target": result.ledger.target,
                "capabilities": result.ledger.capabilities,
                "requirements": {
                    one.id: {
                        "level": one.level,
                        "provisional": one.provisional,
                        "state": result.states[one.id].value,
                        "message": result.ledger.messages.get(one.id),
                    }
                    for one in result.suite.requirements.values()
                },
            }
            for result in results
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_markdown(results: Sequence[Result]) -> str:
    """A matrix for each suite: requirements by implementations."""
    parts = []
    for name in dict.fromkeys(result.ledger.suite for result in results):
        chosen = [result for result in results if result.ledger.suite == name]
        labels = " | ".join(_cell(result.ledger.label) for result in chosen)
        parts.append(f"## {name} {chosen[0].suite.edition}\n\n| | level | statement | {labels} |")
        parts.append("| --- " * (3 + len(chosen)) + "|")
        for one in chosen[0].suite.requirements.values():
            states = " | ".join(result.states[one.id].value for result in chosen)
            parts.append(f"| {one.id} | {one.level} | {_cell(one.statement)} | {states} |")
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
