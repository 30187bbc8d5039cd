"""What the tests of imports and of set-ups judge alike."""

from __future__ import annotations

from typing import Any

from trueup_contracts.logging_setup.interpreter import Run
from trueup_contracts.logging_setup.subject import LoggingSubject
from trueup_contracts.logging_setup.telling import blame, differences, on, some

HANDLERS = ("addHandler", "removeHandler", "handlers")


def own(subject: LoggingSubject, report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The package's own loggers after the import: by their names, and those that a line of it has set up."""
    by_lines = {event["logger"] for event in report["events"] if event["own"]} - {"", "root"}
    return {
        name: told
        for name, told in report["after"].items()
        if name == subject.package or name.startswith(f"{subject.package}.") or name in by_lines
    }


def untouched(subject: LoggingSubject, report: dict[str, Any], cause: str, *, skip_root_level: bool) -> None:
    """Loggers that were there are as they were, and enabled; the root's level is another requirement's."""
    __tracebackhide__ = True
    for name, was in report["before"].items():
        now = report["now"].get(name)
        shown = f"the logger {name!r}" if name else "the root logger"
        assert now is not None, f"{cause} removes {shown}"
        expected = {**was, "level": now["level"]} if skip_root_level and not name else was
        found = differences(expected, now)
        assert not found, (
            f"after {cause} {shown}, which was there before, {' and '.join(found)}"
            f"{blame(report['events'], on(name, *HANDLERS, 'level', 'propagate'))}"
        )
        assert was["disabled"] or not now["disabled"], (
            f"{cause} disables {shown}, which was there before{blame(report['events'], on(name, 'disabled'))}"
        )


def captured(subject: LoggingSubject, name: str) -> None:
    """A test of a user's that reads `caplog` has passed."""
    __tracebackhide__ = True
    found = subject.ran("captured").report["told"]
    assert name in found, f"pytest did not run a test that imports {subject.module}: {found}"
    subject.repeat_test(twice=name == "test_setup" and bool(subject.function))
    told = found[name].removeprefix("AssertionError: ")
    assert not told, f"in a test that calls {subject.called}, {told}"


def written_once(subject: LoggingSubject, run: Run, token: str, when: str) -> None:
    """The record with `token` stands somewhere, and on neither stream twice."""
    __tracebackhide__ = True
    counts = {
        stream: sum(text.count(f"token {token}.") for text in phases.values())
        for stream, phases in (("output", run.out), ("error", run.err))
    }
    shown = subject.logger or "root"
    assert any(counts.values()), (
        f"{when} a record of the logger {shown!r} is not written to the standard output or error"
    )
    for stream, count in counts.items():
        added = blame(run.report.get("events", []), lambda event: event["what"] in HANDLERS)
        assert count <= 1, (
            f"{when} a record of the logger {shown!r} is written {count} times to the standard {stream}"
            f"{some(run.lines(f'{token}.'))}\n  handlers{added}"
        )
