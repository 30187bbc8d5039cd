"""What is wrong with an expression, against the policies of a run.

Precision first: a name that no policy's prefix covers is another exporter's and is not judged; a name that a recording
rule or a relabelling of the repository makes is right by definition; an expression that asks for both spellings of a
name, or for a metric and its successor, is meant for two releases.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from trueup.config.globs import text_pattern
from trueup.metrics.consumers.constants import spelt_out
from trueup.metrics.consumers.labels import label_faults
from trueup.metrics.consumers.model import Expression, Form
from trueup.metrics.consumers.nearest import NearestNames, told
from trueup.metrics.policy import Match, PolicySet, PrefixRule, ScraperName
from trueup.metrics.promql import Budget, Named, Parsed, Use, lost_le, parse, uses_of

_RATES = frozenset({"rate", "irate", "increase"})
_NEAR = 85


class Fault(NamedTuple):
    """A rule's last part, the place in the expression, the name it is about, and what to say."""

    rule: str
    start: int
    end: int
    target: str
    message: str
    suggestion: str | None = None


class Judgement(NamedTuple):
    """What is wrong with an expression, and why it could not be parsed where nobody can tell."""

    faults: list[Fault]
    excuse: str | None


class Judge:
    """Judges expressions; what it learnt of one serves for all that read the same."""

    def __init__(
        self,
        policies: PolicySet,
        defined: Iterable[str] = (),
        *,
        extra_labels: Iterable[str] = (),
        scraper: ScraperName | None = None,
    ) -> None:
        """`policies`: with names as they are stored. `defined`: patterns of names that the repository makes itself."""
        self._scraper = scraper
        self._policies = policies
        patterns = list(dict.fromkeys(defined))
        self._defined = frozenset(one for one in patterns if "*" not in one)
        starred = [one for one in patterns if "*" in one]
        self._defined_patterns = text_pattern(starred) if starred else None
        self._extra_labels = frozenset(extra_labels)
        self._budget = Budget()
        self._known: dict[tuple[str, str], Judgement] = {}
        self._nearest = NearestNames(policies)

    def judge(self, expression: Expression) -> Judgement:
        """The faults of one expression, in its order."""
        if expression.form == "name":
            return Judgement(list(self._bare_name(expression.text)), None)
        key = (expression.text, expression.form) if not expression.variables else None
        if key is not None and key in self._known:
            return self._known[key]
        parsed = parse(expression.text, self._budget)
        judgement = Judgement(list(self._faults(parsed, expression)), parsed.excuse)
        if key is not None:
            self._known[key] = judgement
        return judgement

    def _faults(self, parsed: Parsed, expression: Expression) -> Iterator[Fault]:
        if parsed.error is not None and expression.form == "promql":
            text = parsed.text
            lead = len(text) - len(text.lstrip())
            yield Fault("unparseable-expression", lead, len(text.rstrip()), _short(text), f"not PromQL: {parsed.error}")
            return
        uses = uses_of(parsed)
        together = {named.text for use in uses for named in use.names}
        for use in uses:
            for named in use.names:
                yield from self._name(named, use, together, expression)
        for lost in lost_le(parsed):
            yield Fault(
                "quantile-without-le",
                lost.start,
                lost.end,
                "histogram_quantile",
                f"`{lost.aggregation}` drops `le` before histogram_quantile reads it",
                f"{lost.aggregation} by (le, …) (…)",
            )

    def _name(self, named: Named, use: Use, together: set[str], expression: Expression) -> Iterator[Fault]:
        if named.is_pattern:
            yield from self._pattern(named, together, expression)
            return
        if not self.is_defined(named.text):
            yield from self._literal(named, use, together, expression.form)

    def is_defined(self, name: str) -> bool:
        """Whether the repository makes this name itself."""
        if name in self._defined:
            return True
        return self._defined_patterns is not None and self._defined_patterns.match(name) is not None

    def _literal(self, named: Named, use: Use, together: set[str], form: Form) -> Iterator[Fault]:
        name = named.text
        wrong = self._policies.wrong_prefix(name)
        if wrong is not None:
            if wrong.right not in together:
                yield from self._wrong_prefix(named, wrong.right, wrong.rule)
            return
        match = self._policies.series(name) or (self._policies.family(name) if form == "constant" else None)
        if match is None:
            if self._policies.is_closed(name):
                near = self._nearest.of(name)
                if form == "constant" and not near:
                    return
                message = f"there is no metric `{name}`{told(near)}"
                yield self._at(named, "unknown-metric", message, near[0] if near else None)
            return
        if not match.is_series and (match.suffix or form != "constant"):
            yield from self._impossible(named, match, use)
            return
        yield from self._old(named, match, together)
        if match.family.type == "gauge" and use.is_range and use.calls and use.calls[0] in _RATES:
            yield self._at(named, "rate-of-gauge", f"{use.calls[0]}() of `{name}`, which is a gauge")
        for label, start, end, message, suggestion in label_faults(match, use, self._extra_labels):
            yield Fault("unknown-label", start, end, f"{name}{{{label}}}", message, suggestion)

    def _wrong_prefix(self, named: Named, right: str, rule: PrefixRule) -> Iterator[Fault]:
        """Only where the right name exists, or one that is nearly it: the wrong prefix may be somebody else's."""
        match = self._policies.series(right)
        if match is None and not named.is_pattern:
            near = self._nearest.of(right)[:1]
            if not near or not _is_near(near[0], right):
                return
            right = near[0]
        message = f"`{named.text}` should begin with `{rule.prefix}`: it is stored as `{right}`"
        if self._scraper is None and rule.python_client and named.text == right.replace(":", "_"):
            message += "; by Prometheus 2 as it stands here, so for that one: --scraper prometheus-2"
        yield self._at(named, "wrong-prefix", message, right)

    def _impossible(self, named: Named, match: Match, use: Use) -> Iterator[Fault]:
        kind = match.family.type or "unknown"
        if kind in ("histogram", "gaugehistogram") and not match.suffix:
            if any(call.startswith("histogram_") for call in use.calls):
                return  # a native histogram, as it seems
            series = [f"`{match.name}{suffix}`" for suffix in ("_bucket", "_sum", "_count")]
            message = f"`{match.name}` is a histogram: its series are {', '.join(series)}"
            yield self._at(named, "impossible-series", message)
            return
        article = "an" if kind[0] in "aeiou" else "a"
        near = self._nearest.of(named.text)
        message = f"`{match.name}` is {article} {kind}: it has no `{match.suffix}`{told(near)}"
        yield self._at(named, "impossible-series", message, near[0] if near else match.name)

    def _old(self, named: Named, match: Match, together: set[str]) -> Iterator[Fault]:
        family = match.family
        if family.deprecated_since is None and family.removed_in is None and not family.renamed_to:
            return
        successors = [
            one + match.suffix if self._policies.series(one + match.suffix) else one for one in family.renamed_to
        ]
        if together & set(successors):
            return
        message = f"`{match.name}` is gone ({match.policy.name}: removed in {family.removed_in})"
        if family.removed_in is None:
            message = f"`{match.name}` is deprecated"
            if family.deprecated_since is not None:
                message += f" since {match.policy.name} {family.deprecated_since}"
        if successors:
            message += f"; use {' or '.join(f'`{one}`' for one in successors)}"
        yield self._at(named, "deprecated-metric", message, successors[0] if len(successors) == 1 else None)

    def _pattern(self, named: Named, together: set[str], expression: Expression) -> Iterator[Fault]:
        """A name with `*`: with a constant's values it is several names, else it has to match some name."""
        text = named.text
        wrong = self._policies.wrong_prefix(text.partition("*")[0])
        if wrong is not None:
            right = wrong.rule.prefix + text.removeprefix(wrong.written)
            if not any(one.startswith(wrong.rule.prefix) for one in together) and self._some_match(right):
                yield from self._wrong_prefix(named, right, wrong.rule)
            return
        rule = self._policies.prefix(text.partition("*")[0])
        if rule is None or not rule.closed or self._is_defined_pattern(text):
            return
        spelt = spelt_out(expression.text[named.start : named.end], expression.variables)
        if any(self._policies.series(one) for one in spelt) if spelt else self._some_match(text):
            return
        yield self._at(named, "unknown-metric", f"no metric matches `{text}`")

    def _some_match(self, pattern: str) -> bool:
        found = text_pattern([pattern])
        return any(found.match(name) for name in self._policies.series_names)

    def _is_defined_pattern(self, pattern: str) -> bool:
        found = text_pattern([pattern])
        return self._defined_patterns is not None or any(found.match(name) for name in self._defined)

    def _bare_name(self, name: str) -> Iterator[Fault]:
        """An autoscaler's metric: an adapter may have renamed it, so `:` and `_` are one, and endings are free."""
        if self.is_defined(name):
            return
        plain = name.replace(":", "_")
        prefix = self._owned_plainly(plain)
        if prefix is None or any(plain.startswith(one) for one in self._plain_families):
            return
        near = self._nearest.of(prefix + plain[len(prefix) :])
        yield Fault("unknown-metric", 0, len(name), name, f"there is no metric like `{name}`{told(near)}", None)

    def _owned_plainly(self, plain: str) -> str | None:
        return next(
            (
                one.prefix
                for one in self._policies.prefixes
                if one.closed and plain.startswith(one.prefix.replace(":", "_"))
            ),
            None,
        )

    @functools.cached_property
    def _plain_families(self) -> list[str]:
        return [name.replace(":", "_").removesuffix("_total").partition("*")[0] for name in self._policies.families]

    def _at(self, named: Named, rule: str, message: str, suggestion: str | None = None) -> Fault:
        return Fault(rule, named.start, named.end, named.text, message, suggestion)


def _is_near(name: str, other: str) -> bool:
    from rapidfuzz import fuzz

    return bool(fuzz.ratio(name, other) >= _NEAR)


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= 80 else plain[:79] + "…"
