"""The job summary of GitHub Actions: a table in Markdown, appended to `$GITHUB_STEP_SUMMARY`.

GitHub refuses the whole summary of a step above 1 MiB, so the table ends in time: the most severe
findings first, then how many more there are.
"""

from __future__ import annotations

import os

from trueup.errors import UsageError
from trueup.findings import Finding, RunResult
from trueup.reports import common
from trueup.reports.escape import markdown
from trueup.reports.places import github_url

LIMIT_BYTES = 1024 * 1024
# Room for what later commands of the same step append.
_MARGIN_BYTES = 64 * 1024

_SIGNS = {"error": "❌", "warning": "⚠️"}


def write(path: str, result: RunResult, *, repository: str | None = None, ref: str | None = None) -> None:
    """Appends the summary, in the room that is left in the file."""
    try:
        used_bytes = os.path.getsize(path) if os.path.exists(path) else 0
        text = render(result, limit_bytes=LIMIT_BYTES - _MARGIN_BYTES - used_bytes, repository=repository, ref=ref)
        with open(path, "ab") as file:
            file.write(("\n" if used_bytes and text else "").encode() + text.encode())
    except (OSError, ValueError) as error:
        raise UsageError(f"the job summary {path!r} cannot be written: {error}") from error


def render(result: RunResult, *, limit_bytes: int, repository: str | None = None, ref: str | None = None) -> str:
    """The summary in at most `limit_bytes` of UTF-8; empty where not even its head fits."""
    sign = "✅" if not result.findings else _SIGNS[common.most_severe_first(result.findings)[0].severity]
    head = f"### {sign} trueup: {markdown(common.verdict(result))}\n\n"
    head += f"{markdown(common.looked_at(result))} checked in {common.duration(result.seconds)}"
    asides = ((result.suppressed, "suppressed"), (result.notes, "notes"))
    head += "".join(f", {common.counted(len(items), noun)}" for items, noun in asides if items) + ".\n"
    if result.findings:
        head += "\n| | Where | What is wrong | Rule |\n| --- | --- | --- | --- |\n"
    tail = "\n" + _reasons(result) if result.findings else ""
    more = "\n{} more.\n"
    room = limit_bytes - len((head + tail + more).encode()) - 20
    if room < 0:
        return ""
    rows: list[str] = []
    for finding in common.most_severe_first(result.findings):
        row = _row(finding, repository, ref)
        room -= len(row.encode())
        if room < 0:
            break
        rows.append(row)
    left = len(result.findings) - len(rows)
    return head + "".join(rows) + (more.format(f"{left:,}") if left else "") + tail


def _row(finding: Finding, repository: str | None, ref: str | None) -> str:
    where = f"<code>{markdown(common.place(finding))}</code>"
    url = github_url(finding, repository, ref)
    if url is not None:
        where = f'<a href="{url}">{where}</a>'
    what = markdown(finding.message)
    reason = common.own_reason(finding)
    if reason is not None:
        what += f"<br>{markdown(reason)}"
    if finding.suggestion is not None:
        what += f"<br>→ {markdown(finding.suggestion)}"
    return f"| {_SIGNS[finding.severity]} | {where} | {what} | {markdown(finding.rule)} |\n"


def _reasons(result: RunResult) -> str:
    rules = common.rule_counts(result.findings)
    return "".join(
        f"- {markdown(rule.id)} ({rule.number:,}): {markdown(rule.reason)}\n" for rule in rules if rule.reason
    )
