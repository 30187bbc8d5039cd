"""Questions to the policies of a run: which family a name means, which are near it, whose prefix it has.

This is the interface for whatever consumes names: dashboards, rules, docs, the contract suite.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from trueup.metrics.policy.model import Family, Policy, PrefixRule, ScraperName
from trueup.metrics.policy.names import Split, splits, suffixes_of

# Scrapers that ask for OpenMetrics and have names escaped: prometheus-client >= 0.23 gives them `_` for `:`.
ESCAPING_SCRAPERS: frozenset[str] = frozenset({"prometheus-2", "prometheus-3-legacy"})


class Match(NamedTuple):
    """A family that a name means."""

    name: str  # the family's name, or the pattern that matched
    family: Family
    suffix: str  # what the series adds to the family's name: "", "_bucket", "_sum", ...
    policy: Policy

    @property
    def is_series(self) -> bool:
        """Whether the family's type has a series with this suffix: a gauge has no `_bucket`."""
        return self.suffix in suffixes_of(self.family.type)


class WrongPrefix(NamedTuple):
    """A name with a spelling of a prefix that the policy forbids."""

    rule: PrefixRule
    written: str  # the wrong prefix
    right: str  # the whole name with the right one


class PolicySet:
    """All policies of a run as one. Where two name a family, the later one holds."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies: tuple[Policy, ...] = tuple(policies)
        self.families: dict[str, tuple[Family, Policy]] = {}
        self._patterns: list[tuple[re.Pattern[str], str, Family, Policy]] = []
        for policy in self.policies:
            for name, family in policy.families.items():
                if "*" in name:
                    pattern = re.compile(fnmatch.translate(name.replace("[", "[[]").replace("?", "[?]")))
                    self._patterns.append((pattern, name, family, policy))
                else:
                    self.families[name] = (family, policy)
        self._patterns.reverse()
        self.prefixes: list[PrefixRule] = [rule for policy in self.policies for rule in policy.prefixes]
        self._prefixes = sorted(self.prefixes, key=lambda rule: -len(rule.prefix))
        self._wrong = sorted(
            ((written, rule) for rule in self.prefixes for written in rule.instead_of), key=lambda one: -len(one[0])
        )

    def __bool__(self) -> bool:
        """Whether they say anything at all."""
        return bool(self.families or self._patterns or self.prefixes)

    def family(self, name: str) -> Match | None:
        """The family of this name, as `# TYPE` gives it: an OpenMetrics counter is found without its `_total` too."""
        for written in (name, f"{name}_total"):
            if written in self.families:
                family, policy = self.families[written]
                if written == name or family.type == "counter":
                    return Match(written, family, "", policy)
        return self._by_pattern(name, "")

    def series(self, name: str) -> Match | None:
        """The family that a series' name means, also where its type has no such series (see `Match.is_series`)."""
        found: Match | None = None
        for split in splits(name):
            match = self._exact(split)
            if match is not None and match.is_series:
                return match
            found = found or match
        for split in splits(name):
            match = self._by_pattern(*split)
            if match is not None and match.is_series:
                return match
            found = found or match
        return found

    def nearest(self, name: str, count: int = 3) -> list[str]:
        """The series names that are most like this one, the nearest first; none that is too far."""
        from rapidfuzz import fuzz, process

        found = process.extract(name, self.series_names, scorer=fuzz.ratio, limit=count, score_cutoff=75)
        return [one for one, _, _ in found]

    def prefix(self, name: str) -> PrefixRule | None:
        """The rule whose prefix the name has, the longest where several fit."""
        return next((rule for rule in self._prefixes if name.startswith(rule.prefix)), None)

    def wrong_prefix(self, name: str) -> WrongPrefix | None:
        """The forbidden spelling that the name begins with; `None` where a right prefix fits at least as well."""
        right = self.prefix(name)
        for written, rule in self._wrong:
            if name.startswith(written) and (right is None or len(written) > len(right.prefix)):
                return WrongPrefix(rule, written, rule.prefix + name.removeprefix(written))
        return None

    def is_closed(self, name: str) -> bool:
        """Whether a name that no family matches is a fault: its prefix is one whose families are all known."""
        rule = self.prefix(name)
        return rule is not None and rule.closed

    @functools.cached_property
    def series_names(self) -> Sequence[str]:
        """Every series that the named families (patterns aside) have."""
        found: dict[str, None] = {}
        for name, (family, _) in self.families.items():
            for suffix in suffixes_of(family.type):
                if suffix == "_created":
                    continue
                found[name + suffix] = None
        return list(found)

    def required(self, presence: str = "required") -> dict[str, tuple[Family, Policy]]:
        """The families that must be there: in every exposition, or (`with-traffic`) once requests were served."""
        return {
            name: (family, policy) for name, (family, policy) in self.families.items() if family.presence == presence
        }

    def stored_by(self, scraper: ScraperName | None) -> PolicySet:
        """The policies with every name as this scraper's storage has it.

        `prometheus-2` stores `sglang_x` where Python's prometheus-client (0.23 or later) defines `sglang:x`.
        """
        if scraper not in ESCAPING_SCRAPERS:
            return self
        return PolicySet(_escaped(policy) for policy in self.policies)

    def _exact(self, split: Split) -> Match | None:
        entry = self.families.get(split.family)
        if entry is not None:
            return Match(split.family, entry[0], split.suffix, entry[1])
        if split.suffix == "_created":
            entry = self.families.get(f"{split.family}_total")
            if entry is not None and entry[0].type == "counter":
                return Match(f"{split.family}_total", entry[0], split.suffix, entry[1])
        return None

    def _by_pattern(self, family: str, suffix: str) -> Match | None:
        for pattern, name, rules, policy in self._patterns:
            if pattern.fullmatch(family):
                return Match(name, rules, suffix, policy)
        return None


def _escaped(policy: Policy) -> Policy:
    """A policy whose colons are underscores wherever its exporter is Python's client."""
    rewritten = [rule.prefix for rule in policy.prefixes if rule.python_client and ":" in rule.prefix]

    def name(written: str) -> str:
        return written.replace(":", "_") if written.startswith(tuple(rewritten)) else written

    if not rewritten:
        return policy
    families = {
        name(key): msgspec.structs.replace(family, renamed_to=[name(one) for one in family.renamed_to])
        for key, family in policy.families.items()
    }
    prefixes = []
    for rule in policy.prefixes:
        if rule.prefix in rewritten:
            stored = rule.prefix.replace(":", "_")
            wrong = [rule.prefix, *(one for one in rule.instead_of if one != stored)]
            rule = msgspec.structs.replace(rule, prefix=stored, instead_of=wrong)  # noqa: PLW2901
        prefixes.append(rule)
    return msgspec.structs.replace(policy, families=families, prefixes=prefixes)
