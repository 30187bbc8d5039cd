from __future__ import annotations

import pytest

from trueup.errors import UsageError
from trueup.findings import RunResult
from trueup.reports import FORMATS, ReportRequest, parse_request, refuse_clashes, render


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("text", ReportRequest("text", None)),
        ("sarif=out.sarif", ReportRequest("sarif", "out.sarif")),
        ("html=a=b.html", ReportRequest("html", "a=b.html")),
        ("json=-", ReportRequest("json", None)),
    ],
)
def test_parse_request(text: str, request_: ReportRequest) -> None:
    assert parse_request(text) == request_


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("sarfi=x", "there is no report format 'sarfi'", "did you mean 'sarif'?"),
        ("JSON", "there is no report format 'JSON'", "known are: text, github, json, sarif, junit, html"),
        ("", "there is no report format ''", "known are: text, github, json, sarif, junit, html"),
        ("json=", "--report json= names no file", "write json=FILE, or json alone for the standard output"),
    ],
)
def test_what_is_no_request_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_request(text)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("requests", "message"),
    [
        (["text", "github", "json=a", "html=b"], None),
        (["json"], None),
        (["json=a", "html=./a"], "two reports go to the same file"),
        (["text", "json"], "the json report shares the standard output with another one"),
        (["sarif", "sarif"], "the sarif report shares the standard output with another one"),
    ],
)
def test_reports_that_would_spoil_each_other_are_refused(requests: list[str], message: str | None) -> None:
    parsed = [parse_request(text) for text in requests]
    if message is None:
        refuse_clashes(parsed)
    else:
        with pytest.raises(UsageError, match=message):
            refuse_clashes(parsed)


def test_every_format_renders_an_empty_run(clean: RunResult) -> None:
    reports = {name: render(name, clean) for name in FORMATS}
    assert [name for name, report in reports.items() if not report.endswith("\n")] == ["github"]


def test_an_unknown_format_is_refused(clean: RunResult) -> None:
    with pytest.raises(UsageError, match="there is no report format 'xml'"):
        render("xml", clean)
