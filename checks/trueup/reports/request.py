"""Which reports are wanted: `--report FORMAT` or `--report FORMAT=FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trueup.errors import UsageError

FORMATS: tuple[str, ...] = ("text", "github", "json", "sarif", "junit", "html")

# Formats of lines, which may share the standard output; each of the others is one whole document.
_LINES = ("text", "github")


class ReportRequest(NamedTuple):
    """One report: its format, and the file it goes to (`None`: the standard output)."""

    format: str
    file: str | None


def parse_request(text: str) -> ReportRequest:
    """Reads `FORMAT` or `FORMAT=FILE` (`-` is the standard output); a `UsageError` when it is neither."""
    name, equals, file = text.partition("=")
    if name not in FORMATS:
        from trueup.rules import nearest_hint

        raise UsageError(f"there is no report format {name!r}", hint=nearest_hint(name, list(FORMATS)))
    if equals and not file:
        raise UsageError(
            f"--report {name}= names no file", hint=f"write {name}=FILE, or {name} alone for the standard output"
        )
    return ReportRequest(name, file if file and file != "-" else None)


def refuse_clashes(requests: Sequence[ReportRequest]) -> None:
    """A `UsageError` when two reports would spoil each other: the same file, or a document among other output."""
    import os

    files = [os.path.abspath(request.file) for request in requests if request.file is not None]
    twice = next((file for file in files if files.count(file) > 1), None)
    if twice is not None:
        raise UsageError(f"two reports go to the same file, {twice!r}")
    here = [request.format for request in requests if request.file is None]
    document = next((name for name in here if name not in _LINES), None)
    if len(here) > 1 and document is not None:
        hint = f"give it a file: --report {document}=FILE"
        raise UsageError(f"the {document} report shares the standard output with another one", hint=hint)
