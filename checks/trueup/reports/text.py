"""The report for people.

One line a finding, which an editor or terminal makes a link, and one for what to write instead;
findings of one file stand together. A reason that belongs to the rule is given once, at the end,
with the number of its findings: hundreds of findings stay readable, and the end is what is on the screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby

from trueup.findings import Finding, RunResult, Severity
from trueup.reports import common
from trueup.reports.escape import log_line, visible

Painter = Callable[..., str]
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


def render(result: RunResult, *, color: bool = False, verbose: bool = False) -> str:
    """The whole report; a clean run is one line."""
    paint = _painter(color)
    lines: list[str] = []
    for _, group in groupby(result.findings, key=lambda finding: finding.path):
        lines += [*_file(list(group), paint), ""]
    lines += _reasons(result, paint)
    if verbose:
        lines += _verbose(result, paint)
    lines.append(_summary(result, paint, verbose=verbose))
    return "\n".join(lines) + "\n"


def _file(findings: list[Finding], paint: Painter) -> Iterator[str]:
    told: set[str] = set()
    for finding in findings:
        severity = paint(finding.severity, _COLOURS[finding.severity], attrs=["bold"])
        rule = paint(f"[{log_line(finding.rule)}]", attrs=["dark"])
        yield f"{paint(_place(finding), attrs=['bold'])}: {severity}: {log_line(finding.message)} {rule}"
        reason = common.own_reason(finding)
        if reason is not None and reason not in told:
            told.add(reason)
            yield "    " + log_line(reason)
        if finding.suggestion is not None:
            yield f"    {paint('->', 'green')} {log_line(finding.suggestion)}"


def _reasons(result: RunResult, paint: Painter) -> Iterator[str]:
    rules = common.rule_counts(result.findings)
    width = max((len(rule.id) for rule in rules), default=0)
    digits = max((len(f"{rule.number:,}") for rule in rules), default=0)
    for rule in rules:
        number = paint(f"{rule.number:>{digits},}", _COLOURS[rule.severity])
        yield f"{number} {log_line(rule.id):<{width}}  {rule.reason}".rstrip()
    if rules:
        yield ""


def _verbose(result: RunResult, paint: Painter) -> Iterator[str]:
    for item in result.suppressed:
        finding = item.finding
        why = f"{item.by}: {item.reason}" if item.reason else item.by
        head = f"{_place(finding)}: {paint('suppressed', attrs=['dark'])}"
        yield f"{head} ({log_line(why)}): {log_line(finding.message)} [{log_line(finding.rule)}]"
    for note in result.notes:
        where = f"{log_line(note.path)}: " if note.path is not None else ""
        yield f"{where}{paint('note', 'cyan')}: {log_line(note.message)} [{log_line(note.check)}]"
    if result.suppressed or result.notes:
        yield ""


def _summary(result: RunResult, paint: Painter, *, verbose: bool) -> str:
    errors = result.count(Severity.ERROR)
    colour = "red" if errors else "yellow" if result.findings else "green"
    asides = [
        common.counted(len(items), noun)
        for items, noun in ((result.suppressed, "suppressed"), (result.notes, "notes"))
        if items
    ]
    aside = f" ({', '.join(asides)}{'' if verbose else '; --verbose shows them'})" if asides else ""
    fixable = sum(1 for finding in result.findings if finding.edit is not None)
    mend = f"; --fix mends {fixable:,}" if fixable else ""
    checked = visible(common.looked_at(result))
    said = paint(common.verdict(result), colour, attrs=["bold"])
    return f"trueup: {checked} checked in {common.duration(result.seconds)}: {said}{mend}{aside}"


def _place(finding: Finding) -> str:
    return log_line(common.place(finding))


def _painter(color: bool) -> Painter:
    if not color:
        return lambda text, *_args, **_kwargs: str(text)
    from termcolor import colored

    def paint(text: str, colour: str | None = None, *, attrs: list[str] | None = None) -> str:
        return colored(str(text), colour, attrs=attrs, force_color=True)  # the caller has decided: colour it is

    return paint
