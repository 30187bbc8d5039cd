"""How often a set-up may be called, and what it leaves alone: LG-030 to LG-043."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.logging_setup.interpreter import Run
from trueup_contracts.logging_setup.judging import HANDLERS, captured, untouched, written_once
from trueup_contracts.logging_setup.subject import LoggingSubject, asked, needs_fork
from trueup_contracts.logging_setup.telling import blame, on, some
from trueup_contracts.subject import Subject

RECORDS, LAST = 40, 400  # of each process; the last ones before the end


def _again(subject: LoggingSubject) -> Run:
    __tracebackhide__ = True
    needs_fork()
    return subject.ran("again")


def _shown(subject: LoggingSubject) -> str:
    return f"logging.getLogger({subject.logger!r})" if subject.logger else "logging"


def _no_more(subject: LoggingSubject, report: dict[str, Any], step: str, when: str) -> None:
    __tracebackhide__ = True
    before, now = report["handlers"]["once"], report["handlers"][step]
    assert len(now) <= len(before), (
        f"{when} a record meets {len(now)} handlers, not {len(before)}{some(now)}\n  added"
        f"{blame(report['events'], lambda event: event['what'] in HANDLERS)}"
    )


@requirement("LG-030")
def test_a_record_is_written_once(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(f"{subject.function}()", f"{_shown(subject)}.error('once')", setup=True)
    written_once(subject, run, "once", f"after {subject.called}")


@requirement("LG-031")
def test_a_second_set_up_adds_no_handler(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(*[f"{subject.function}()"] * 2, f"{_shown(subject)}.error('once')", setup=True)
    when = f"after {subject.called} twice"
    _no_more(subject, run.report, "twice", when)
    written_once(subject, run, "twice", when)


@requirement("LG-032")
def test_threads_that_set_up_at_once_add_the_handlers_of_one(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = subject.ran("threads")
    subject.repeat(
        "from concurrent.futures import ThreadPoolExecutor",
        "with ThreadPoolExecutor(2) as pool:",
        f"    [pool.submit({subject.function}) for _ in range(2)]",
        f"{_shown(subject)}.error('once')",
        setup=True,
    )
    when = f"after {subject.called} in two threads at once"
    once, now = _again(subject).report["handlers"]["once"], run.report["handlers"]
    assert len(now) <= len(once), (
        f"{when} a record meets {len(now)} handlers, not {len(once)}{some(now)}\n  added"
        f"{blame(run.report['events'], lambda event: event['what'] in HANDLERS)}"
    )
    written_once(subject, run, "threads", when)


@requirement("LG-033")
def test_a_set_up_after_a_reload_adds_no_handler(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(
        f"{subject.function}()",
        "import importlib, sys",
        f"importlib.reload(sys.modules[{subject.module!r}]).{subject.function}()",
        f"{_shown(subject)}.error('once')",
        setup=True,
    )
    when = f"after {subject.called}, a reload of {subject.module} and {subject.called} again"
    _no_more(subject, run.report, "reloaded", when)
    written_once(subject, run, "reloaded", when)


@requirement("LG-034")
def test_a_set_up_in_a_forked_process_adds_no_handler(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(
        f"{subject.function}()",
        "import os",
        "if os.fork() == 0:",
        f"    {subject.function}(); {_shown(subject)}.error('once')",
        setup=True,
    )
    wrong = run.report["forks"]["set up again in a fork"]
    when = f"after {subject.called}, a fork and {subject.called} again"
    assert not wrong, f"{when} the forked process {wrong}"
    written_once(subject, run, "refork", when)
    found = re.search(r"handlers=(\d+)", run.text)
    count, once = int(found[1]) if found else 0, len(run.report["handlers"]["once"])
    assert count <= once, f"{when} a record meets {count} handlers, not {once}"


@requirement("LG-035")
def test_a_set_up_leaves_what_the_application_has_set(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = dict(subject.ran("configured").report)
    subject.repeat(
        f"{subject.function}()",
        "print(logging.root.handlers, logging.root)",
        before="logging.basicConfig(level='DEBUG', format='USER %(message)s')",
        setup=True,
    )
    if not subject.logger:  # it may add to the root, and take nothing away
        was, now = report["before"][""], report["now"][""]
        lost = [one for one, number in zip(was["handlers"], was["ids"], strict=False) if number not in now["ids"]]
        assert not lost, (
            f"{subject.called} takes {', '.join(lost)} from the root logger{blame(report['events'], on('', *HANDLERS))}"
        )
        report["before"] = {name: one for name, one in report["before"].items() if name}
    enabled = {name: {**told, "disabled": False} for name, told in report["now"].items()}
    untouched(subject, {**report, "now": enabled}, subject.called, skip_root_level=False)


@requirement("LG-036")
def test_loggers_that_were_there_stay_enabled(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("configured").report
    subject.repeat(
        f"{subject.function}()",
        "print(app.disabled)",
        before="app = logging.getLogger('app')",
        setup=True,
    )
    found = [name for name, now in report["now"].items() if now["disabled"] and not report["before"][name]["disabled"]]
    assert not found, (
        f"{subject.called} disables {', '.join(map(repr, found))}, which were there before (dictConfig and fileConfig "
        f"do unless disable_existing_loggers is False){blame(report['events'], on(found[0], 'disabled'))}"
    )
    assert not report["app"], f"after {subject.called} {report['app']}"


@requirement("LG-037")
def test_records_still_reach_the_applications_handler(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    report = subject.ran("configured").report
    subject.repeat(
        f"{subject.function}()",
        f"{_shown(subject)}.error('once, as USER')",
        before="logging.basicConfig(format='USER %(message)s')",
        setup=True,
    )
    why = "" if report["propagate"] else blame(report["events"], lambda event: event["what"] == "propagate")
    assert report["own"] == 1, (
        f"after {subject.called} the application's handler at the root gets a record of {subject.logger or 'root'!r} "
        f"{report['own']} times{' (propagate is off' + why + ')' if why else ''}"
    )


@requirement("LG-038")
def test_caplog_works_with_the_set_up(trueup_subject: Subject) -> None:
    captured(asked(trueup_subject), "test_setup")


@requirement("LG-040")
def test_forked_processes_write(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(
        f"{subject.function}()",
        "import os",
        "if os.fork() == 0:",
        f"    {_shown(subject)}.error('once')",
        setup=True,
    )
    wrong = run.report["forks"]["fork"]
    assert not wrong, f"after {subject.called} and a fork the forked process {wrong}"
    written_once(subject, run, "forked", f"after {subject.called}, in a forked process,")


def _of_processes(subject: LoggingSubject) -> tuple[Run, Counter[str]]:
    __tracebackhide__ = True
    needs_fork()
    run = subject.ran("processes")
    text = b"".join(run.packets).decode("utf-8", "replace")
    wrong = [status for status in run.report["statuses"] if status]
    assert not wrong, f"after {subject.called} processes ended with the statuses {wrong}"
    return run, Counter(re.findall(r"token ((?:parent|forked\d|spawned\d)-\d+)\.", text))


@requirement("LG-041")
def test_spawned_processes_write(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    subject.repeat(f"{subject.function}()", f"{_shown(subject)}.error('once')", setup=True)
    _, counts = _of_processes(subject)
    wrong = {
        name: counts[name]
        for name in (f"spawned{who}-{number}" for who in range(2) for number in range(RECORDS))
        if counts[name] != 1
    }
    assert not wrong, f"of {2 * RECORDS} records of spawned processes {len(wrong)} are not written once: {_few(wrong)}"


@requirement("LG-042")
def test_a_record_is_written_by_one_write(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    subject.repeat(f"{subject.function}()", f"{_shown(subject)}.error('x' * 1500)", setup=True)
    run, _ = _of_processes(subject)
    halves = [one for one in run.packets if not one.endswith(b"\n")]
    shown = [f"…{one[-60:].decode('utf-8', 'replace')!a}" for one in halves]
    assert not halves, (
        f"{len(halves)} of {len(run.packets)} writes do not end where a line does, so that the line of another process "
        f"comes between{some(shown)}"
    )


@requirement("LG-043")
def test_the_last_records_are_written(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _again(subject)
    subject.repeat(
        f"{subject.function}()",
        f"for number in range({LAST}): {_shown(subject)}.error('%d', number)",
        setup=True,
    )
    counts = Counter(re.findall(r"token (last-\d+)\.", run.text))
    wrong = {f"last-{number}": counts[f"last-{number}"] for number in range(LAST) if not counts[f"last-{number}"]}
    assert not wrong, f"of the last {LAST} records before the process ended {len(wrong)} are not written: {_few(wrong)}"


def _few(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count} times" for name, count in [*counts.items()][:4])
