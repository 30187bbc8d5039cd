"""What `promtool check metrics` lints, each as a rule of its own; a name that a policy has is not argued with.

The word lists are those of client_golang's promlint (`prometheus/testutil/promlint/validations`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trueup.metrics.exposition.family import Family
from trueup.metrics.exposition.faults import Fault

_OTHER_UNITS = {
    "minutes": "seconds",
    "hours": "seconds",
    "days": "seconds",
    "weeks": "seconds",
    "kelvins": "kelvin",
    "fahrenheit": "celsius",
    "rankine": "celsius",
    "inches": "meters",
    "yards": "meters",
    "miles": "meters",
    "bits": "bytes",
    "calories": "joules",
    "pounds": "grams",
    "ounces": "grams",
}
_BASE_UNITS = (
    "amperes",
    "bytes",
    "celsius",
    "grams",
    "joules",
    "kelvin",
    "meters",
    "metres",
    "moles",
    "seconds",
    "volts",
)
_PREFIXES = (
    "pico nano micro milli centi deci deca hecto kilo kibi mega mibi giga gibi tera tebi peta pebi".split()  # sic
)
_UNITS = {unit: unit for unit in _BASE_UNITS} | _OTHER_UNITS
_UNITS |= {prefix + unit: base for unit, base in dict(_UNITS).items() for prefix in _PREFIXES}
_ABBREVIATED = re.compile(r"_(?:s|ms|us|ns|sec|b|kb|mb|gb|tb|pb|m|h|d)(?:_|$)")
_TYPE_IN_NAME = re.compile(r"_(counter|gauge|summary|histogram|gauge_histogram)(?:_|$)")
_CAMEL = re.compile(r"[a-z][A-Z]")


def lint_faults(family: Family, *, named: bool) -> Iterator[Fault]:
    """`named`: a policy has this name, so nothing is said about it."""
    name = family.name
    if family.help is None and (family.samples or family.has_metadata):
        yield _fault(family, "no-help", f"{name} has no HELP text")
    if family.kind is None:
        yield _fault(family, "no-type", f"{name} has no TYPE line")
    yield from _labels(family)
    if named:
        return
    if ":" in name:
        yield _fault(family, "colon", f"{name} has a colon")
    if _CAMEL.search(name):
        yield _fault(family, "camel-case", f"{name} is written in camelCase")
    found = _TYPE_IN_NAME.search(name.lower())
    if found:
        yield _fault(family, "type-in-name", f"{name} says that it is a {found[1]}")
    if _ABBREVIATED.search(name.lower()):
        yield _fault(family, "abbreviated-unit", f"{name} has an abbreviated unit")
    for word in name.split("_"):
        if word in _UNITS and _UNITS[word] != word:
            yield _fault(family, "other-unit", f"{name} is in {word}, the base unit is {_UNITS[word]}")
            break
    yield from _suffix(family)


def _suffix(family: Family) -> Iterator[Fault]:
    name, kind = family.name, family.kind
    if family.openmetrics:
        if kind == "counter" and name.endswith("_total"):
            message = f"in OpenMetrics the family is {name.removesuffix('_total')}, and {name} its sample"
            yield _fault(family, "reserved-suffix", message)
        return
    if kind == "counter" and not name.endswith("_total"):
        yield _fault(family, "counter-suffix", f"the counter {name} does not end in _total", name + "_total")
    elif kind in ("gauge", "histogram", "summary") and name.endswith("_total"):
        yield _fault(family, "reserved-suffix", f"the {kind} {name} ends in _total like a counter")
    if kind in (None, "untyped"):
        return
    if kind != "histogram" and name.endswith("_bucket"):
        yield _fault(family, "reserved-suffix", f"the {kind} {name} ends in _bucket like a part of a histogram")
    elif kind not in ("histogram", "summary") and name.endswith(("_count", "_sum")):
        suffix = name[name.rindex("_") :]
        yield _fault(family, "reserved-suffix", f"the {kind} {name} ends in {suffix} like a part of a histogram")


def _labels(family: Family) -> Iterator[Fault]:
    told: set[str] = set()
    for names, place in family.shapes.items():
        for name in names:
            rule = None
            if name == "le" and family.kind not in (None, "untyped", "unknown"):
                rule, message = "reserved-label", f"{family.name} is a {family.kind} and has the label le"
            elif name == "quantile" and family.kind not in (None, "untyped", "unknown"):
                rule, message = "reserved-label", f"{family.name} is a {family.kind} and has the label quantile"
            elif _CAMEL.search(name):
                rule, message = "camel-case", f"the label {name} of {family.name} is written in camelCase"
            if rule is not None and name not in told:
                told.add(name)
                yield Fault(rule, family.name, place.line, place.column, place.end_column, message)


def _fault(family: Family, rule: str, message: str, suggestion: str | None = None) -> Fault:
    place = family.place
    return Fault(rule, family.name, place.line, place.column, place.end_column, message, suggestion)
