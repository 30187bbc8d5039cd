"""Reports: a `RunResult` as text for people, or in a format that other tools read.

Each format lives in a module of its own, imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from trueup.reports.request import FORMATS, ReportRequest, parse_request, refuse_clashes

if TYPE_CHECKING:
    from trueup.findings import RunResult

__all__ = ["FORMATS", "ReportRequest", "parse_request", "refuse_clashes", "render", "write", "write_job_summary"]


def render(
    format: str,
    result: RunResult,
    *,
    color: bool = False,
    verbose: bool = False,
    repository: str | None = None,
    ref: str | None = None,
) -> str:
    """One report as text that ends in a newline (or is empty) and can always be written as UTF-8.

    `color` and `verbose` concern the text report. `repository` (OWNER/NAME) and `ref`, where both
    are known, let the HTML report lead to the lines on GitHub.
    """
    match parse_request(format).format:
        case "text":
            from trueup.reports import text

            content = text.render(result, color=color, verbose=verbose)
        case "github":
            from trueup.reports import github

            content = github.render(result)
        case "json":
            from trueup.reports import jsonreport

            content = jsonreport.render(result)
        case "sarif":
            from trueup.reports import sarif

            content = sarif.render(result)
        case "junit":
            from trueup.reports import junit

            content = junit.render(result)
        case _:
            from trueup.reports import htmlpage

            content = htmlpage.render(result, repository=repository, ref=ref)
    return content


def write(
    requests: Sequence[ReportRequest],
    result: RunResult,
    *,
    stdout: TextIO,
    color: bool = False,
    verbose: bool = False,
    repository: str | None = None,
    ref: str | None = None,
) -> None:
    """Writes every report that was asked for; a `UsageError` where one cannot be written."""
    from trueup.reports import output

    refuse_clashes(requests)
    for request in requests:
        to_screen = request.file is None
        content = render(
            request.format, result, color=color and to_screen, verbose=verbose, repository=repository, ref=ref
        )
        if request.file is None:
            output.to_stream(stdout, content, text=request.format == "text")
        else:
            output.to_file(request.file, content, root=result.root)


def write_job_summary(path: str, result: RunResult, *, repository: str | None = None, ref: str | None = None) -> None:
    """Appends a table to the job summary of GitHub Actions, whose file is `path` (`$GITHUB_STEP_SUMMARY`)."""
    from trueup.reports import summary

    summary.write(path, result, repository=repository, ref=ref)
