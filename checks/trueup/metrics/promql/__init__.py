"""PromQL: parsed by a library, with places and variables by a small tokenizer of our own.

parsed = parse('rate(sglang:prompt_tokens_total{model_name="$model"}[$__rate_interval])')
[use] = uses_of(parsed)
use.names, use.start, use.end, use.calls    # ("sglang:prompt_tokens_total",), 5, 31, ("rate",)
"""

from trueup.metrics.promql.parsing import Budget, Parsed, parse
from trueup.metrics.promql.selectors import Layout, Matcher, Selector, layout_of
from trueup.metrics.promql.tokens import VARIABLE, Token, tokens_of
from trueup.metrics.promql.uses import Lost, Named, Use, lost_le, uses_of

__all__ = [
    "VARIABLE",
    "Budget",
    "Layout",
    "Lost",
    "Matcher",
    "Named",
    "Parsed",
    "Selector",
    "Token",
    "Use",
    "layout_of",
    "lost_le",
    "parse",
    "tokens_of",
    "uses_of",
]
