"""What an expression selects, where, and under which functions."""

from __future__ import annotations

import pytest

from trueup.metrics.promql import lost_le, parse, uses_of

# Expression; then for each selector: its names, the functions around it from the innermost, whether it is a range.
USES: list[tuple[str, list[tuple[list[str], list[str], bool]]]] = [
    ("up", [(["up"], [], False)]),
    ("sglang:num_running_reqs", [(["sglang:num_running_reqs"], [], False)]),
    ('rate(a:x{m="$m"}[$__rate_interval])', [(["a:x"], ["rate"], True)]),
    ("sum by (le) (rate(x_bucket[5m]))", [(["x_bucket"], ["rate", "sum"], True)]),
    ("sum(rate(x[[[interval]]])) by (le, $g)", [(["x"], ["rate", "sum"], True)]),
    ("rate(x[$__range:$__interval])", [(["x"], ["[:]", "rate"], False)]),
    ("increase(x[${__range_s}s] offset $o)", [(["x"], ["increase"], True)]),
    ("topk($k, x)", [(["x"], ["topk"], False)]),
    ("histogram_quantile($q, x)", [(["x"], ["histogram_quantile"], False)]),
    ("x * $scale", [(["x"], [], False)]),
    ("x / on (a) group_left (b) y", [(["x"], [], False), (["y"], [], False)]),
    ("x and on (le) y unless z", [(["x"], [], False), (["y"], [], False), (["z"], [], False)]),
    ('{__name__="x"}', [(["x"], [], False)]),
    ('{__name__=~"a|b:.*"}', [(["a", "b:*"], [], False)]),
    ('{__name__=~"^(?:a|b)$"}', [(["a", "b"], [], False)]),
    ('{__name__=~"a[bc]"}', [([], [], False)]),
    ('{__name__!="x", job="y"}', [([], [], False)]),
    ('{"x", job="y"}', [(["x"], [], False)]),
    ("a:${kind}_total", [(["a:*_total"], [], False)]),
    ("a:[[kind]]_total", [(["a:*_total"], [], False)]),
    ("x{$filters}", [(["x"], [], False)]),
    ('x{a="b", $filters}', [(["x"], [], False)]),
    ('x{$label="v"}', [(["x"], [], False)]),
    ("rate(<<.Series>>{<<.LabelMatchers>>}[5m])", [(["*"], ["rate"], True)]),
    ('x{a="{{ $labels.a }}"}', [(["x"], [], False)]),
    ("x @ start() + y @ 5", [(["x"], [], False), (["y"], [], False)]),
    ("x offset 5m", [(["x"], [], False)]),
    ("-x + NaN - Inf", [(["x"], [], False)]),
    ("x # y\n+ z", [(["x"], [], False), (["z"], [], False)]),
    ('label_replace(x, "a", "$1", "b", "(.*)")', [(["x"], ["label_replace"], False)]),
    ("sum(x) by (sum)", [(["x"], ["sum"], False)]),
    ("absent(x{job=`a\\d`})", [(["x"], ["absent"], False)]),
    ("vector(1)", []),
    ('("a string")', []),
]


@pytest.mark.parametrize(("text", "expected"), USES, ids=[text for text, _ in USES])
def test_uses(text: str, expected: list[tuple[list[str], list[str], bool]]) -> None:
    parsed = parse(text)
    assert (parsed.error, parsed.excuse) == (None, None)
    uses = uses_of(parsed)
    found = [([name.text for name in use.names], list(use.calls), use.is_range) for use in uses]
    assert found == expected
    for use in uses:
        for named in use.names:
            if not named.is_pattern:
                assert text[named.start : named.end] == named.text


ERRORS = [
    ("sum(", "unclosed left parenthesis"),
    ("rate(x)", "expected type matrix in call to function 'rate', got vector"),
    ("sum(x[5m])", "expected type vector in aggregation expression, got matrix"),
    ("rat(x[5m])", "unknown function with name 'rat'"),
    ('x{a=~"b(?!c)"}', "illegal regex for b(?!c)"),
    ("x[5m", "unexpected end of input inside brackets"),
    ('sum(rate(x{a="$a"}[$__rate_interval])', "unclosed left parenthesis"),
]


@pytest.mark.parametrize(("text", "error"), ERRORS, ids=[text for text, _ in ERRORS])
def test_what_is_certainly_wrong(text: str, error: str) -> None:
    assert parse(text).error == error


# What nobody can tell: a variable decides, or the parser is older than Prometheus.
EXCUSED = [
    "sum(x) $op 5",
    "$a $b",
    "x[5m] smoothed",
    "rate(x[5m + 1m])",
    "rate(x[step()])",
    "x + fill(0) y",
    "holt_winters(x[5m], 0.5, 0.5)",
    'x{a=~"b{"}',
    "(" * 101 + "x" + ")" * 101,
    "x" + "+x" * 501,
    "x" * 65_537,
]


@pytest.mark.parametrize("text", EXCUSED, ids=[text[:30] for text in EXCUSED])
def test_what_nobody_can_tell(text: str) -> None:
    parsed = parse(text)
    assert parsed.error is None
    assert parsed.tree is not None or parsed.excuse is not None


# Expression, and the aggregation that drops `le`, if one does.
QUANTILES = [
    ("histogram_quantile(0.9, sum by (le) (rate(x_bucket[5m])))", None),
    ("histogram_quantile(0.9, sum(rate(x_bucket[5m])) by (job, le))", None),
    ("histogram_quantile(0.9, rate(x_bucket[5m]))", None),
    ("histogram_quantile(0.9, sum without (job) (x_bucket))", None),
    ("histogram_quantile(0.9, topk(3, sum by (le, a) (x_bucket)))", None),
    ("histogram_quantile(0.9, sum(rate(x[5m])))", None),  # a native histogram
    ("histogram_quantile(0.9, sum by ($g) (x_bucket))", None),
    ("histogram_quantile(0.9, $agg by (job) (x_bucket))", None),
    ("histogram_quantile(0.9, sum by (job) (rate(x_bucket[5m])))", "sum"),
    ("histogram_quantile(0.9, sum(rate(x_bucket[5m])))", "sum"),
    ("histogram_quantile(0.9, max without (le) (x_bucket))", "max"),
    ("histogram_quantile(0.9, sum by (le) (avg by (job) (x_bucket)))", "avg"),
    ("1 + histogram_quantile(0.9, ((sum by (job) (x_bucket))))", "sum"),
]


@pytest.mark.parametrize(("text", "robber"), QUANTILES, ids=[text for text, _ in QUANTILES])
def test_buckets_that_lost_le(text: str, robber: str | None) -> None:
    found = lost_le(parse(text))
    assert [one.aggregation for one in found] == ([] if robber is None else [robber])
    assert all(text[one.start : one.end] == "histogram_quantile" for one in found)
