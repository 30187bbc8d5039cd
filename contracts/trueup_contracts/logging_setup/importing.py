"""What an import may do to the logging of the process: LG-001 to LG-015."""

from __future__ import annotations

import os
import re

from trueup.reports.escape import visible
from trueup_contracts import requirement
from trueup_contracts.logging_setup.judging import HANDLERS, captured, own, untouched
from trueup_contracts.logging_setup.subject import asked
from trueup_contracts.logging_setup.telling import blame, on, some
from trueup_contracts.subject import Subject

_PLACES = re.compile(r"\S*/(?:site|dist)-packages/")
_STREAMS = {"output": "sys.stdout", "error": "sys.stderr"}


@requirement("LG-001")
def test_an_import_adds_no_handler_to_the_root_logger(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    subject.repeat("print(logging.root.handlers)")
    handlers = report["after"][""]["handlers"]
    assert not handlers, (
        f"import {subject.module} gives the root logger {', '.join(handlers)}"
        f"{blame(report['events'], on('', *HANDLERS))}"
    )


@requirement("LG-002")
def test_an_import_leaves_the_root_loggers_level(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    subject.repeat("print(logging.root)")
    for report, key in ((subject.ran("import").report, "after"), (subject.ran("import_configured").report, "now")):
        was, level = report["before"][""]["level"], report[key][""]["level"]
        assert level == was, (
            f"import {subject.module} sets the root logger's level to {level}; it was {was}"
            f"{blame(report['events'], on('', 'level'))}"
        )


@requirement("LG-003")
def test_own_loggers_have_no_handlers(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    for name, told in own(subject, report).items():
        subject.repeat(f"print(logging.getLogger({name!r}).handlers)")
        found = [text for text, null in zip(told["handlers"], told["null"], strict=True) if not null]
        assert not found, (
            f"import {subject.module} gives the logger {name!r} {', '.join(found)}"
            f"{blame(report['events'], on(name, *HANDLERS))}"
        )


@requirement("LG-004")
def test_own_loggers_propagate(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    for name, told in own(subject, report).items():
        subject.repeat(f"one = logging.getLogger({name!r})", "print(one.propagate, one.disabled)")
        wrong = [] if told["propagate"] else ["propagate = False"]
        wrong += ["disabled = True"] if told["disabled"] else []
        assert not wrong, (
            f"after import {subject.module} the logger {name!r} has {' and '.join(wrong)}"
            f"{blame(report['events'], on(name, 'propagate', 'disabled'))}"
        )


@requirement("LG-005")
def test_an_import_writes_nothing(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = subject.ran("import")
    for stream, phases in (("output", run.out), ("error", run.err)):
        subject.repeat()
        written = [line for line in phases.get("import", "").splitlines() if line.strip()]
        first = _PLACES.sub("", written[0][:300].replace(f"{subject.root}{os.sep}", "")) if written else ""
        written_by = blame(run.report["events"], lambda event: event["what"] == _STREAMS[stream])  # noqa: B023
        assert not written, (
            f"import {subject.module} writes to the standard {stream} {visible(first)[:80]!r}{written_by}"
        )


@requirement("LG-006")
def test_an_import_leaves_loggers_that_were_there(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import_configured").report
    subject.repeat(
        "print(app, app.handlers, app.disabled, logging.root.handlers)",
        before="logging.basicConfig(); app = logging.getLogger('app'); app.addHandler(logging.StreamHandler())",
    )
    untouched(subject, report, f"import {subject.module}", skip_root_level=True)
    assert not report["app"], f"after import {subject.module} {report['app']}"


@requirement("LG-007")
def test_warnings_are_shown_as_they_were(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = subject.ran("import")
    subject.repeat("import warnings", "warnings.warn('shown?')")
    shown = "warning token" in run.err.get("warning", "")
    elsewhere = run.report["warnings"]
    is_right = shown and not elsewhere
    assert is_right, (
        f"after import {subject.module} a warning {'goes to ' + elsewhere if elsewhere else 'is not shown'}"
        f"{blame(run.report['events'], lambda event: event['what'] == 'logging.captureWarnings')}"
    )


@requirement("LG-008")
def test_an_import_changes_no_switch_of_the_process(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    subject.repeat("print(logging.getLoggerClass(), logging.root.manager.disable, logging.lastResort)")
    assert not report["switches"], (
        f"import {subject.module} changes, for the whole process, {'; '.join(report['switches'])}"
        f"{blame(report['events'], lambda event: not event['logger'] and event['what'] != 'logging.captureWarnings')}"
    )


@requirement("LG-009")
def test_an_import_changes_no_class_of_logging(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    changed = report["classes"]
    shown = [line.partition(":")[0] for line in changed]
    subject.repeat(f"print(repr({shown[0]}))" if shown else "", before=f"print(repr({shown[0]}))" if shown else "")
    assert not changed, f"import {subject.module} changes the classes of logging, for everybody{some(changed)}"


@requirement("LG-010")
def test_basic_config_after_the_import_takes_effect(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = subject.ran("import")
    subject.repeat(
        "logging.basicConfig(level='INFO', format='USER %(levelname)s %(name)s %(message)s')",
        "logging.getLogger('trueup_app').info('app token')",
    )
    written = [line for line in (run.out["after"] + run.err["after"]).splitlines() if "app token" in line]
    is_right = written == ["USER INFO trueup_app app token"]
    assert is_right, (
        f"after import {subject.module} and logging.basicConfig(level=INFO, format='USER …') the application's INFO "
        f"{_seen(written)}{blame(run.report['events'], on('', *HANDLERS, 'level'))}"
    )


def _seen(written: list[str]) -> str:
    """What became of a record that the application's format was due for."""
    return "is written as " + " and as ".join(map(repr, written[:3])) if written else "is not written"


@requirement("LG-011")
def test_own_records_reach_the_applications_handler_once(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = subject.ran("import")
    name = subject.package
    subject.repeat(
        "logging.basicConfig(format='USER %(levelname)s %(name)s %(message)s')",
        f"logging.getLogger({name!r}).error('own token')",
    )
    blamed = blame(run.report["events"], lambda event: event["logger"] in (name, "root"))
    written = [line for line in (run.out["after"] + run.err["after"]).splitlines() if "own token" in line]
    is_right = written == [f"USER ERROR {name} own token"]
    assert is_right, (
        f"after import {subject.module} and logging.basicConfig(format='USER …') a record of {name!r} "
        f"{_seen(written)}{blamed}"
    )
    report = subject.ran("import_configured").report
    assert report["own"] == 1, (
        f"a handler that was on the root logger before import {subject.module} got a record of {name!r} "
        f"{report['own']} times{blamed}"
    )


@requirement("LG-012")
def test_caplog_works_with_the_import(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    captured(subject, "test_import")


@requirement("LG-013")
def test_an_import_sets_no_level(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("import").report
    for name, told in own(subject, report).items():
        subject.repeat(f"print(logging.getLogger({name!r}))")
        assert told["level"] == "NOTSET", (
            f"import {subject.module} sets the level of the logger {name!r} to {told['level']}"
            f"{blame(report['events'], on(name, 'level'))}"
        )


@requirement("LG-014")
def test_an_import_does_not_log_to_the_root_logger(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    records = subject.ran("import_configured").report["records"]
    subject.repeat(before="logging.basicConfig(level='DEBUG')")
    found = [f"{place}: {message}" for name, message, place in records if name == "root"]
    assert not found, f"import {subject.module} logs to the root logger{some(found)}"


@requirement("LG-015")
def test_secrets_of_the_environment_are_not_logged(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    probes = ["import_configured", *(["configured"] if subject.function else [])]
    for probe in probes:
        run = subject.ran(probe)
        subject.repeat(before="logging.basicConfig(level='DEBUG')", environment="HF_TOKEN=hf_secret")
        told = [f"{place}: {message}" for _, message, place in run.report["records"]] + run.text.splitlines()
        for variable, secret in subject.secrets.items():
            found = [line.replace(secret, f"<{variable}>") for line in told if secret in line]
            assert not found, f"the value of {variable} is logged{some(found)}"
