"""What became of the implementations: a table for the terminal, and the document that the other reports show."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trueup.reports.escape import visible
from trueup_contracts.documents import FORMATS, SCHEMA_VERSION, Document, badge, matrix
from trueup_contracts.errors import TargetError
from trueup_contracts.registry import WAYS, Requirement, SuiteInfo, suite
from trueup_contracts.states import Ledger, State, counts

# In the order of the columns; the states that a requirement of a level can be in besides passing.
_OTHERS = (State.NOT_CLAIMED, State.KNOWN, State.UNEXPECTED_PASS, State.NOT_RUN, State.UNTESTABLE, State.DESELECTED)
_MOST_SEEN = 200  # characters of what went wrong, in the terminal's table
_BAD = (State.ERROR, State.FAIL, State.UNEXPECTED_PASS)


@dataclass(frozen=True)
class Run:
    """How the run was made."""

    seed: int
    profile: str
    level: str
    edition: str | None


@dataclass(frozen=True)
class Result:
    """One implementation, and the state of every requirement of its suite."""

    ledger: Ledger
    states: dict[str, State]

    @property
    def suite(self) -> SuiteInfo:
        """The suite's registry."""
        return suite(self.ledger.suite)

    @property
    def is_partial(self) -> bool:
        """Whether something that is claimed was not run, or not asked for."""
        return bool({State.NOT_RUN, State.DESELECTED} & set(self.states.values()))

    def asked(self, level: str) -> list[Requirement]:
        """The requirements of a level that were judged: neither provisional nor left out."""
        return [
            one
            for one in self.suite.requirements.values()
            if one.level == level and not one.provisional and self.states[one.id] not in _OTHERS
        ]

    @property
    def provisional(self) -> list[Requirement]:
        """Those that were judged and bind from the next major edition on."""
        return [
            one for one in self.suite.requirements.values() if one.provisional and self.states[one.id] not in _OTHERS
        ]


def parse_request(text: str) -> tuple[str, str]:
    """`FORMAT=FILE`; a `TargetError` for anything else, and for a file that cannot be written: before, not after."""
    form, sign, path = text.partition("=")
    if form not in FORMATS or not sign or not path:
        raise TargetError(f"--contracts-report {text!r}", f"write FORMAT=FILE; formats are {', '.join(FORMATS)}")
    if Path(path).is_dir() or not Path(path).parent.is_dir():
        why = "it is a folder" if Path(path).is_dir() else f"there is no folder {Path(path).parent}"
        raise TargetError(f"{path}: the report cannot be written: {why}")
    return form, path


def table(results: Sequence[Result]) -> str:
    """A row per implementation, who each is, then every requirement that it does not meet."""
    head = ["", "MUST", "SHOULD", "provisional", *(state.value.replace("-", " ") for state in _OTHERS)]
    rows = [head]
    for result in results:
        total = counts(result.states, result.states)
        rows.append(
            [
                result.ledger.name,
                _share(result, "MUST"),
                _share(result, "SHOULD"),
                _share_of(result, result.provisional) if result.provisional else "-",
                *(str(total[state]) if total[state] else "-" for state in _OTHERS),
            ]
        )
    used = [n for n in range(len(head)) if n < 3 or any(row[n] != "-" for row in rows[1:])]
    widths = {n: max(len(row[n]) for row in rows) for n in used}
    lines = ["  ".join(row[n].ljust(widths[n]) for n in used).rstrip() for row in rows]
    lines += [_who(result) for result in results]
    return "\n".join([*lines, *(line for result in results for line in _misses(result))])


def _who(result: Result) -> str:
    about = result.ledger.about
    version = f" {about['version']}" if about.get("version") else ""
    wire = f", wire {about['wire']}" if about.get("wire") is not None else ""
    claims = ", ".join(name for name in result.ledger.capabilities if name not in WAYS) or "nothing"
    partial = f"; partial: {_why_partial(result)}" if result.is_partial else ""
    return visible(
        f"{result.ledger.name}: {about.get('name')}{version} ({about.get('language')}{wire}), claims {claims}{partial}"
    )


def _why_partial(result: Result) -> str:
    not_run = [one for one, state in result.states.items() if state is State.NOT_RUN]
    told = [result.ledger.messages[one] for one in not_run if one in result.ledger.messages]
    return result.ledger.not_run_because or (_short(told[0]) if told else "not everything was run")


def _share(result: Result, level: str) -> str:
    return _share_of(result, result.asked(level))


def _share_of(result: Result, asked: Sequence[Requirement]) -> str:
    passed = sum(result.states[one.id] is State.PASS for one in asked)
    return f"{passed}/{len(asked)} pass" if asked else "none asked"


def _misses(result: Result) -> list[str]:
    lines = []
    for one in result.suite.requirements.values():
        state = result.states[one.id]
        if state in _BAD:
            lines.append(f"  {one.id} {one.level:<6}  {state.value.upper():<5}  {one.statement}")
            lines.append(f"         why: {one.why}")
            if one.id in result.ledger.messages:
                lines.append(f"         saw: {_short(result.ledger.messages[one.id])}")
    return [f"{result.ledger.name}:", *lines] if lines else []


def _short(message: str) -> str:
    text = visible(message)
    return text if len(text) <= _MOST_SEEN else f"{text[:_MOST_SEEN]}…"


def render(form: str, results: Sequence[Result], run: Run) -> str:
    """A report as text."""
    made = document(results, run)
    if form == "json":
        return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
    return badge(made) if form == "badge" else matrix([made])


def document(results: Sequence[Result], run: Run) -> Document:
    """Everything, for programs: `report.schema.json` describes it."""
    return {
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
        "implementations": [_implementation(result, run) for result in results],
    }


def _implementation(result: Result, run: Run) -> dict[str, Any]:
    ledger = result.ledger
    return {
        "suite": ledger.suite,
        "edition": run.edition or result.suite.edition,
        "label": ledger.label,
        "target": ledger.target,
        **ledger.about,
        "capabilities": ledger.capabilities,
        "partial": result.is_partial,
        "requirements": {
            one.id: {
                "level": one.level,
                "provisional": one.provisional,
                "statement": one.statement,
                "state": result.states[one.id].value,
                "message": ledger.messages.get(one.id),
            }
            for one in result.suite.requirements.values()
        },
    }
