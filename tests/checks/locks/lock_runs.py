"""Runs the lock check in this process, and gives its findings as short lines."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from trueup.checks import Options
from trueup.config import Config
from trueup.findings import Finding
from trueup.locks.check import start
from trueup.repo import open_view


class Run(NamedTuple):
    """What the check said of a folder."""

    findings: list[Finding]
    notes: list[str]

    @property
    def lines(self) -> list[str]:
        """`PATH:LINE RULE TARGET`, sorted."""
        return sorted(
            f"{one.path}:{one.line or '-'} {one.rule.partition('/')[2]} {one.target}" for one in self.findings
        )

    @property
    def rules(self) -> set[str]:
        """The rules that were broken."""
        return {one.rule for one in self.findings}


def locks(root: Path, *paths: str) -> Run:
    """Checks the work tree of a folder, which may be no repository."""
    view = open_view(str(root), named=True)
    try:
        outcome = start(view, Config(), Options(paths=paths))()
    finally:
        view.close()
    notes = [f"{note.path}: {note.message}" if note.path else note.message for note in outcome.notes]
    return Run(outcome.findings, notes)
