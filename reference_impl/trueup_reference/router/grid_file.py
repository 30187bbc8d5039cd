"""The grid as it lies in a file: judged as `trueup grid-config` does, so that one report tells all that is wrong."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from trueup import __version__
from trueup.findings import CheckSummary, Note, RunResult, Severity
from trueup.grid_config.check import LARGEST_FILE_BYTES
from trueup.grid_config.file import File
from trueup.grid_config.parsing import InvalidConfiguration
from trueup.reports import text as report
from trueup_reference.router.plan import Plan


class GridError(ValueError):
    """A grid that is refused; the text is the report."""


def read_plan(path: Path, data: bytes, defaults: Mapping[str, float]) -> Plan:
    """The plan that the file holds. `GridError` with every finding of the check where it holds none."""
    began_s = time.monotonic()
    if len(data) > LARGEST_FILE_BYTES:
        raise GridError(f"{path}: {len(data):,} bytes; {LARGEST_FILE_BYTES:,} are the most")
    file = File(str(path), data, is_grid=True)
    if any(finding.severity is Severity.ERROR for finding in file.findings):
        raise GridError(_report(file, began_s))
    try:
        return Plan.read(data, defaults)
    except InvalidConfiguration as error:  # what is no finding: a place that was not filled in
        raise GridError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error


def warnings(path: Path, data: bytes) -> list[str]:
    """What the check has doubts about; it keeps nobody from serving."""
    return [f"line {one.line}: {one.message}" for one in File(str(path), data, is_grid=True).findings]


def _report(file: File, began_s: float) -> str:
    result = RunResult(
        findings=file.findings,
        suppressed=[],
        notes=[Note("grid-config", note, file.path) for note in file.notes],
        checks=[CheckSummary("grid-config", {"grids": max(1, len(file.grids))})],
        root="",
        version=__version__,
        seconds=time.monotonic() - began_s,
    )
    return report.render(result).rstrip("\n")
