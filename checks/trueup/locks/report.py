"""What the judges of the formats tell: faults with their places, and what cannot be decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trueup.findings import Finding, Note, Severity

MOST_UNHASHED = 10  # more packages without checksum in one lock than that have one cause


class Undecidable(Exception):
    """A lock can be judged no further; the text says what cannot be decided."""


class Place(NamedTuple):
    """A place in a file; lines and columns from 1, `None` where only the file is known."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """As messages name it: `uv.lock:12`."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class Unhashed(NamedTuple):
    """A package without checksum. The place is looked up only when it is told."""

    name: str
    target: str
    place: Callable[[], Place]
    mend: str


class Report:
    """Collects the findings and notes of a run, each fault once."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.notes: list[Note] = []
        self._ordinals: dict[tuple[str, str, str], int] = {}
        self._told: set[tuple[str, Place, str]] = set()

    def fault(
        self,
        rule: str,
        place: Place,
        target: str,
        message: str,
        mend: str | None = None,
        severity: Severity | None = None,
        reason: str | None = None,
    ) -> None:
        """Adds a finding. `rule` is without `locks/`, `target` what it is about, `mend` the command that mends it."""
        from trueup.rules import registry

        known = registry()[f"locks/{rule}" if "/" not in rule else rule]
        if (known.id, place, message) in self._told:
            return
        self._told.add((known.id, place, message))
        key = (known.id, place.path, target)
        self._ordinals[key] = ordinal = self._ordinals.get(key, 0) + 1
        self.findings.append(
            Finding(
                rule=known.id,
                severity=severity or known.severity,
                path=place.path,
                message=message,
                reason=reason or known.reason,
                target=target,
                ordinal=ordinal,
                line=place.line,
                column=place.column if place.line is not None else None,
                suggestion=mend,
            )
        )

    def missing_checksums(self, found: list[Unhashed], what: str) -> None:
        """Tells packages without checksum, each by itself or, where there are many, the first and their number."""
        if len(found) <= MOST_UNHASHED:
            for one in found:
                self.fault("missing-checksum", one.place(), one.target, f"{one.name}: {what}", one.mend)
        else:
            first = found[0]
            message = f"{len(found):,} packages: {what}; the first is {first.name}"
            self.fault("missing-checksum", first.place(), "*", message, first.mend)

    def undecided(self, path: str, what: str) -> None:
        """Notes what cannot be decided from the two files."""
        note = Note("locks", f"cannot be decided offline: {what}", path)
        if note not in self.notes:
            self.notes.append(note)
