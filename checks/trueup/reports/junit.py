"""JUnit XML, as CI servers read it.

One test suite a check; a test case for each file and rule with findings, failed where one of them is
an error. Warnings pass and are told in `system-out`. A check without findings is one passing test case.
"""

from __future__ import annotations

from itertools import groupby
from xml.etree import ElementTree as ET

from trueup.findings import Finding, RunResult, Severity
from trueup.reports import common
from trueup.reports.escape import log_line, markup, visible


def render(result: RunResult) -> str:
    """The whole document."""
    names = dict.fromkeys([*(check.name for check in result.checks), *(finding.check for finding in result.findings)])
    suites = [_suite(name, [finding for finding in result.findings if finding.check == name]) for name in names]
    root = ET.Element("testsuites", {"name": "trueup", **_totals(suites), "time": f"{result.seconds:.3f}"})
    root.extend(suites)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + markup(ET.tostring(root, encoding="unicode")) + "\n"


def _suite(name: str, findings: list[Finding]) -> ET.Element:
    suite = ET.Element("testsuite", {"name": visible(name)})
    for _, group in groupby(sorted(findings, key=_case_key), key=_case_key):
        suite.append(_case(list(group)))
    if not findings:
        ET.SubElement(suite, "testcase", {"classname": "trueup", "name": visible(name)})
    failures = sum(1 for case in suite if case.find("failure") is not None)
    suite.attrib.update(tests=str(len(suite)), failures=str(failures), errors="0", skipped="0")
    return suite


def _case(findings: list[Finding]) -> ET.Element:
    first = findings[0]
    path = visible(first.path)
    case = ET.Element("testcase", {"classname": path, "name": visible(first.rule), "file": path})
    if first.line is not None:
        case.set("line", str(first.line))
    text = "\n".join(_line(finding) for finding in findings)
    if any(finding.severity is Severity.ERROR for finding in findings):
        message = visible(first.message)
        if len(findings) > 1:
            message = f"{message} (and {len(findings) - 1:,} more)"
        failure = ET.SubElement(case, "failure", {"type": visible(first.rule), "message": message})
        failure.text = f"{text}\n{log_line(first.reason)}"
    else:
        ET.SubElement(case, "system-out").text = text
    return case


def _line(finding: Finding) -> str:
    line = f"{log_line(common.place(finding))}: {finding.severity}: {visible(finding.message)}"
    return line if finding.suggestion is None else f"{line} -> {visible(finding.suggestion)}"


def _case_key(finding: Finding) -> tuple[str, str]:
    return (finding.path, finding.rule)


def _totals(suites: list[ET.Element]) -> dict[str, str]:
    return {
        key: str(sum(int(suite.attrib[key]) for suite in suites)) for key in ("tests", "failures", "errors", "skipped")
    }
