"""What a set-up writes: levels, JSON, and no secrets: LG-050 to LG-070."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from trueup_contracts import requirement
from trueup_contracts.logging_setup.interpreter import Run
from trueup_contracts.logging_setup.subject import LoggingSubject, asked
from trueup_contracts.logging_setup.telling import some
from trueup_contracts.subject import Subject

_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_NO_LEVEL = "LOUD"


def _levels(subject: LoggingSubject, level: str | int | None = None, variable: str | None = None) -> Run:
    __tracebackhide__ = True
    extra = {} if variable is None else {subject.level_variable: variable}
    keywords = {} if level is None else {"level": level}
    given = [f"level={level!r}"] if level is not None else []
    subject.repeat(
        f"{subject.function}({', '.join(given)})",
        f"for level in (10, 20, 30, 40, 50): logging.getLogger({subject.logger!r}).log(level, 'at %d', level)",
        environment="" if variable is None else f"{subject.level_variable}={variable}",
        setup=True,
    )
    return subject.run("levels", key=f"{level!r} {variable!r}", keywords=keywords, extra=extra)


def _obeyed(subject: LoggingSubject, run: Run, level: int, how: str) -> None:
    __tracebackhide__ = True
    raised = run.report.get("raised")
    assert raised is None, f"{how} raised {raised[0]}: {raised[1]}"
    written = [name for name in _LEVELS if f"token {name}." in run.text]
    due = [name for name, number in _LEVELS.items() if number >= level]
    assert written == due, f"{how} writes records of {', '.join(written) or 'no level'}; due are {', '.join(due)}"


@requirement("LG-050")
def test_a_level_is_obeyed(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    for level, number in (("DEBUG", 10), ("error", 40), ("Warning", 30), (20, 20)):
        _obeyed(subject, _levels(subject, level), number, f"{subject.function}(level={level!r})")


@requirement("LG-051")
def test_a_level_that_does_not_exist_is_refused(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    run = _levels(subject, _NO_LEVEL)
    raised = run.report.get("raised")
    shown = f"{subject.function}(level={_NO_LEVEL!r})"
    assert raised is not None, f"{shown} was accepted; a ValueError or a TypeError is due"
    assert raised[2], f"{shown} raised {raised[0]}: {raised[1]}; a ValueError or a TypeError is due"
    found = run.report["handlers"]
    assert not found, f"{shown} raised {raised[0]}, and left {', '.join(found)}"


@requirement("LG-052")
def test_the_environments_level_is_obeyed(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    name = subject.level_variable
    for value, number in (("DEBUG", 10), ("error", 40)):
        _obeyed(subject, _levels(subject, None, value), number, f"{name}={value} and {subject.function}()")
    if "level" in subject.capabilities:
        how = f"{name}=DEBUG and {subject.function}(level='ERROR')"
        _obeyed(subject, _levels(subject, "ERROR", "DEBUG"), 40, how)


@requirement("LG-053")
def test_an_environments_level_that_does_not_exist_is_told(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    name = subject.level_variable
    run = _levels(subject, None, _NO_LEVEL)
    failed, raised = run.report.get("failed"), run.report.get("raised")
    assert failed is None, f"{name}={_NO_LEVEL} breaks import {subject.module}: {failed}"
    told = raised[1] if raised is not None else run.text
    how = f"{name}={_NO_LEVEL} and {subject.function}()"
    seen = f"raised {raised[0]}: {raised[1]}" if raised is not None else "wrote nothing about it"
    assert name in told, f"{how} {seen}; the name of the variable is due"


def _objects(subject: LoggingSubject, *tokens: str) -> dict[str, dict[str, Any]]:
    """The object of each token's record, each on a line of its own."""
    __tracebackhide__ = True
    run = subject.ran("structured")
    given = subject.writes_json_with
    subject.repeat(
        f"{subject.function}({given})",
        f"logging.getLogger({subject.logger!r}).error({_EXAMPLES.get(tokens[0], repr('text'))})",
        setup=True,
    )
    found = {}
    for token in tokens:
        lines, error = run.lines(f"{token}."), run.error(f"{token}.")
        shown = f"; in its place{some([error])}" if error else ""
        assert lines, f"the record {_EXAMPLES.get(token, token)} is not written{shown}"
        assert len(lines) == 1, f"the record {_EXAMPLES.get(token, token)} is {len(lines)} lines{some(lines)}"
        found[token] = _object(lines[0])
    return found


_EXTRA = "{'found': {'tokens': 7, 'seconds': 0.25, 'model': 'm-1', 'ids': [11, [12]], 'streamed': True}}"
_EXAMPLES = {
    "extra": f"'text', extra={_EXTRA}",
    "beside": f"'text', exc_info=ValueError('text'), extra={_EXTRA}",
    "newline": r"'first\nsecond\r\nthird\u2028fourth'",
    "exception": "'text', exc_info=ValueError('text')",
    "stack": "'text', stack_info=True",
    "surrogate": r"'file \udcff.txt'",
    "nan": "'text', extra={'loss': float('nan')}",
    "inf": "'text', extra={'loss': float('inf')}",
    "minus": "'text', extra={'loss': float('-inf')}",
    "object": "'text', extra={'found': object()}",
    "bytes": "'text', extra={'found': b'\\xff'}",
    "set": "'text', extra={'found': {1, 2}}",
    "cycle": "'text', extra={'found': a_list_that_holds_itself}",
    "keys": "'text', extra={'found': {(1, 2): 3}}",
}


def _object(line: str) -> dict[str, Any]:
    __tracebackhide__ = True

    def refused(text: str) -> None:
        raise ValueError(f"{text} is no JSON")

    try:
        line.encode("utf-8")
        found = json.loads(line, parse_constant=refused)
    except UnicodeEncodeError:
        raise AssertionError(f"a line is not in UTF-8: {line[:300]!a}") from None
    except ValueError as error:
        raise AssertionError(f"a line is no JSON: {error}{some([line])}") from None
    assert isinstance(found, dict), f"a line is JSON, and no object{some([line])}"
    return found


def _leaves(value: Any) -> list[Any]:
    """What stands in the members and elements, however deep."""
    if isinstance(value, dict | list):
        return [leaf for part in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(part)]
    return [value]


def _holds(found: dict[str, Any], text: str) -> None:
    __tracebackhide__ = True
    assert any(text in one for one in _leaves(found) if isinstance(one, str)), (
        f"{text!r} stands nowhere in{some([json.dumps(found)])}"
    )


@requirement("LG-060")
def test_a_record_is_one_json_object_on_a_line(trueup_subject: Subject) -> None:
    found = _objects(asked(trueup_subject), "plain", "args", "quotes")
    _holds(found["plain"], "token plain.")
    _holds(found["args"], "token args. one of 2")
    _holds(found["quotes"], 'token quotes. " \\ \t {} %s')


@requirement("LG-061")
def test_line_ends_stay_within_the_object(trueup_subject: Subject) -> None:
    found = _objects(asked(trueup_subject), "newline")
    _holds(found["newline"], "token newline.\nsecond token newline.\r\nthird token newline.")


@requirement("LG-062")
def test_an_exception_is_within_the_object(trueup_subject: Subject) -> None:
    found = _objects(asked(trueup_subject), "exception", "stack")
    _holds(found["exception"], "ValueError")
    _holds(found["exception"], "with a second line")
    _holds(found["stack"], "structured")  # the function that logged it


@requirement("LG-063")
def test_any_text_can_be_written(trueup_subject: Subject) -> None:
    found = _objects(asked(trueup_subject), "text", "surrogate")
    _holds(found["text"], "größer 中文 \N{GRINNING FACE}")


@requirement("LG-064")
def test_numbers_that_json_does_not_have_are_written(trueup_subject: Subject) -> None:
    _objects(asked(trueup_subject), "nan", "inf", "minus")


@requirement("LG-065")
def test_any_extra_can_be_written(trueup_subject: Subject) -> None:
    _objects(asked(trueup_subject), "object", "bytes", "set", "cycle", "keys")


@requirement("LG-066")
def test_an_extra_stands_in_the_object(trueup_subject: Subject) -> None:
    for token, found in _objects(asked(trueup_subject), "extra", "beside").items():
        leaves = _leaves(found)
        kept = {(type(one), one) for one in leaves}
        lost = [repr(value) for value in (7, 0.25, "m-1", 11, 12, True) if (type(value), value) not in kept]
        assert not lost, f"the record {_EXAMPLES[token]} has lost {', '.join(lost)} of its extra"


@requirement("LG-070")
def test_secrets_are_masked(trueup_subject: Subject) -> None:
    subject = asked(trueup_subject)
    made = [form.format(secrets.token_hex(20)) for form in ("hf_{}", "sk-proj-{}", "ghp_{}")]
    run = subject.ran("secrets", secrets=made)
    subject.repeat(
        f"{subject.function}()",
        f"logging.getLogger({subject.logger!r}).error('key %s', 'hf_' + 'a1' * 17)",
        setup=True,
    )
    for number, secret in enumerate(made):
        form = secret[:3]
        for kind in ("text", "inline", "raised"):
            assert run.lines(f"{kind}-{number}."), f"a record with a secret {form}… is not written"
    told = [line for line in run.text.split("\n") if any(secret in line for secret in made)]
    shown = [re.sub("|".join(map(re.escape, made)), lambda found: found[0][:3] + "…", line) for line in told]
    assert not told, f"secrets are written{some(shown)}"
