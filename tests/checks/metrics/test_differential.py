"""Beside prometheus-client's two parsers and promtool: what they refuse is an error here, their lints are warnings."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, note, settings
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from checks.metrics.generating import damaged, lawful
from trueup.findings import Severity
from trueup.metrics.exposition.exposition import Exposition, read_exposition
from trueup.metrics.policy import PolicySet
from trueup.rules import registry

PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool (Debian: prometheus) is not installed")

# What trueup calls an error and the others let pass, by format: the table of docs/metrics.md.
STRICTER_THAN_TEXT = {
    "after-eof", "bad-escape", "bad-exemplar", "bad-le", "bad-line", "bad-name", "bad-quantile", "bad-timestamp",
    "bad-value", "carriage-return", "clashing-name", "count-mismatch", "duplicate-label", "duplicate-series",
    "incomplete-histogram", "late-metadata", "missing-eof", "missing-inf-bucket", "missing-le", "missing-newline",
    "nan-counter", "negative-bucket-sum", "negative-counter", "no-samples", "not-cumulative", "repeated-metadata",
    "split-family", "stray-sample", "unknown-type", "unordered-buckets",
}  # fmt: skip
STRICTER_THAN_OPENMETRICS = {
    "bad-escape", "bad-exemplar", "bad-le", "bad-line", "bad-name", "bad-timestamp", "bad-value", "carriage-return",
    "clashing-name", "count-mismatch", "duplicate-series", "incomplete-histogram", "late-metadata",
    "missing-inf-bucket", "missing-le", "negative-bucket-sum", "no-samples", "not-cumulative", "repeated-metadata",
    "rewritten-name", "split-family", "stray-sample", "unknown-type", "unordered-buckets",
}  # fmt: skip

LINTS = {
    "no help text": "no-help",
    'counter metrics should have "_total" suffix': "counter-suffix",
    'non-counter metrics should not have "_total" suffix': "reserved-suffix",
    'non-histogram metrics should not have "_bucket" suffix': "reserved-suffix",
    'non-histogram and non-summary metrics should not have "_count" suffix': "reserved-suffix",
    'non-histogram and non-summary metrics should not have "_sum" suffix': "reserved-suffix",
    'non-histogram metrics should not have "le" label': "reserved-label",
    'non-summary metrics should not have "quantile" label': "reserved-label",
    "metric names should not contain ':'": "colon",
    "metric names should be written in 'snake_case' not 'camelCase'": "camel-case",
    "label names should be written in 'snake_case' not 'camelCase'": "camel-case",
    "metric names should not contain abbreviated units": "abbreviated-unit",
}


def errors_of(found: Exposition) -> set[str]:
    return {one.rule for one in found.faults if registry()[f"metrics/{one.rule}"].severity is Severity.ERROR}


def judged(text: str, *, openmetrics: bool) -> Exposition:
    return read_exposition(text.encode(), PolicySet([]), openmetrics=openmetrics)


def refusal(parse: object, text: str) -> str | None:
    try:
        list(parse(text))  # type: ignore[operator]
    except Exception as error:  # noqa: BLE001 - its parsers raise whatever they trip over
        return f"{type(error).__name__}: {error}"
    return None


def promtool(text: str) -> tuple[str | None, set[tuple[str, str]]]:
    """What it refuses the whole for; its lints as name and rule."""
    assert PROMTOOL is not None
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    if "error while linting" in said:
        return said, set()
    lints = set()
    for line in said.splitlines():
        name, _, problem = line.partition(" ")
        rule = LINTS.get(problem)
        if rule is None and re.match(r"metric name should not include type", problem):
            rule = "type-in-name"
        if rule is None and problem.startswith("use base unit"):
            rule = "other-unit"
        assert rule is not None, f"promtool says what no rule is for: {line}"
        lints.add((name, rule))
    return None, lints


@settings(max_examples=200, deadline=None)
@given(damaged(openmetrics=True))
def test_what_the_openmetrics_parser_refuses_is_an_error(text: str) -> None:
    refused = refusal(parse_openmetrics, text)
    errors = errors_of(judged(text, openmetrics=True))
    note(f"{refused!r} {errors}")
    assert bool(errors) >= bool(refused)
    if not refused:
        assert errors <= STRICTER_THAN_OPENMETRICS


@settings(max_examples=200, deadline=None)
@given(damaged(openmetrics=False))
def test_what_the_text_parser_refuses_is_an_error(text: str) -> None:
    refused = refusal(parse_text, text)
    errors = errors_of(judged(text, openmetrics=False))
    note(f"{refused!r} {errors}")
    assert bool(errors) >= bool(refused)
    if not refused:
        assert errors <= STRICTER_THAN_TEXT


def _beside_promtool(text: str) -> None:
    refused, lints = promtool(text)
    found = judged(text, openmetrics=False)
    errors = errors_of(found)
    note(f"{refused!r} {lints} {errors}")
    assert bool(errors) >= bool(refused)
    if not refused and not errors:
        # promtool has no rule about types that are missing, and sees no family without samples.
        ours = {
            (one.target, one.rule)
            for one in found.faults
            if one.rule not in ("no-type", "no-samples") and found.families[one.target].samples
        }
        assert ours == lints


@needs_promtool
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged(openmetrics=False))
def test_what_promtool_refuses_is_an_error(text: str) -> None:
    _beside_promtool(text)


@needs_promtool
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lawful(openmetrics=False))
def test_promtools_lints_are_the_warnings(text: str) -> None:
    _beside_promtool(text)


@needs_promtool
@pytest.mark.slow
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged(openmetrics=False))
def test_what_promtool_refuses_is_an_error_in_depth(text: str) -> None:
    _beside_promtool(text)


@pytest.mark.parametrize("openmetrics", [True, False])
@settings(max_examples=150, deadline=None)
@given(texts=lawful(openmetrics=True).flatmap(lambda one: lawful(openmetrics=False).map(lambda two: (one, two))))
def test_what_is_lawful_has_no_error(openmetrics: bool, texts: tuple[str, str]) -> None:
    text = texts[0] if openmetrics else texts[1]
    errors = errors_of(judged(text, openmetrics=openmetrics))
    if not any(line for line in text.splitlines() if not line.startswith("#")):
        errors -= {"no-samples"}
    parse = parse_openmetrics if openmetrics else parse_text
    assert bool(errors) == bool(refusal(parse, text)) or errors <= {"clashing-name", "split-family", "duplicate-series"}
