"""A family judged at a glance: whole columns at a time, never a line at a time.

An engine's exposition is the same few shapes of line thousands of times over. One regular expression cuts all lines of
a family; what its labels come to is remembered by their text, since they recur in every family; and the laws are asked
of whole columns. Whatever is not plainly faultless gets the answer `None` and is read by `reader.py`, which has the
last word: this module never reports a fault, it only spares the search for one.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable
from operator import itemgetter, ne
from typing import NamedTuple

from trueup.metrics.exposition.family import Family, Place, suffixes

_HEAD = re.compile(
    r"(?:# HELP (?P<help_of>[a-zA-Z_:][\w:]*) (?P<help>(?:[^\n\\\r]|\\[\\n])*)\n)?"
    r"# TYPE (?P<name>[a-zA-Z_:][\w:]*) (?P<kind>[a-z]+)\n",
    re.ASCII,
)
# A sample in the one form in which clients write it.
_SAMPLE = r"^(([a-zA-Z_:][\w:]*)(?:\{([^}\n]*)\})?) (-?[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|[+-]Inf|NaN)"
_STRINGS = re.compile(r'"(?:[^"\\\n]|\\["\\n])*"')
_SHAPE = re.compile(r"(?:[a-zA-Z_]\w*=(?:,(?=.)|\Z))*", re.ASCII)
_OWN = {
    "le": re.compile(r'(?:^|,)le="([^"]*)"|le="([^"]*)",'),
    "quantile": re.compile(r'(?:^|,)quantile="([^"]*)"|quantile="([^"]*)",'),
}
_BOUND = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*(?:e[-+]?[0-9]+)?|Inf)")
_KINDS = frozenset({"counter", "gauge", "histogram", "summary", "untyped", "unknown"})
_MOST_REMEMBERED = 50_000
_zero = (0.0).__le__


@functools.cache
def _line(*, openmetrics: bool) -> re.Pattern[str]:
    """A sample's line; the text format's may have a timestamp."""
    return re.compile(_SAMPLE + ("$" if openmetrics else r"(?: -?[0-9]{1,18})?$"), re.MULTILINE | re.ASCII)


class _Known(NamedTuple):
    """What the text between two braces comes to."""

    shape: tuple[str, ...]  # sorted label names, `own` left out
    order: str  # the names as written
    rest: str  # the text without `own`
    own: float  # the bound; NaN where there is none


class Glance:
    """Looks at blocks. One object for an exposition: it remembers what it has seen of labels."""

    def __init__(self, *, openmetrics: bool) -> None:
        self.openmetrics = openmetrics
        self._memory: dict[str, dict[str, _Known]] = {"": {}, "le": {}, "quantile": {}}

    def family(self, text: str, first_line: int) -> Family | None:
        """The only family of a block of whole lines, if nothing in it can be wrong."""
        head = _HEAD.match(text)
        if head is None or text[-1] != "\n" or "\r" in text:
            return None
        name, kind = head["name"], head["kind"]
        if kind not in _KINDS or (kind == "untyped" if self.openmetrics else kind == "unknown"):
            return None
        if head["help"] is not None and (head["help_of"] != name or head["help"][:1] in (" ", "\t")):
            return None
        lines = 2 if head["help"] is not None else 1
        family = Family(
            name,
            self.openmetrics,
            kind=kind,
            help=head["help"],
            place=Place(first_line, 8, 8 + len(name)),
            has_metadata=True,
        )
        body = text[head.end() :]
        if not body:
            return family
        rows = _line(openmetrics=self.openmetrics).findall(body)
        if len(rows) != body.count("\n"):
            return None
        return family if self._judge(family, rows, first_line + lines) else None

    def _judge(self, family: Family, rows: list[tuple[str, str, str, str]], first_line: int) -> bool:
        keys, names, labels, written = zip(*rows, strict=True)
        ending_of = {family.name + one: one for one in suffixes(family.kind, openmetrics=self.openmetrics)}
        if len(set(keys)) != len(keys) or not set(names) <= ending_of.keys():
            return False
        endings: tuple[str, ...] = itemgetter(*names, names[0])(ending_of)[:-1]  # of one name alone it makes no tuple
        values = list(map(float, written))
        if not all(map(math.isfinite, values)) and (family.kind != "gauge" or "1e" in "".join(written)):
            return False  # a number that is too large, or a NaN or infinity that means something
        family.samples = len(rows)
        if self.openmetrics and not _stand_together(family, labels):
            return False
        created: set[str] = set()
        if "_created" in endings:
            created = {label for label, ending in zip(labels, endings, strict=True) if ending == "_created"}
            kept = [at for at, ending in enumerate(endings) if ending != "_created"]
            if not kept:
                return False
            take = itemgetter(*kept, kept[0])
            endings, labels, values = take(endings)[:-1], take(labels)[:-1], list(take(values)[:-1])
        own = family.own_label or ""
        known = self._grouped(family, endings, labels, values, own) if own else self._plain(family, labels, values)
        if known is None or not _is_canonical(known):
            return False
        # Only series that are there in full have a time of creation.
        if not created <= ({one.rest for one in known} if own else set(labels)):
            return False
        return self._take_shapes(family, rows, {one.shape for one in known}, first_line)

    def _take_shapes(
        self, family: Family, rows: list[tuple[str, str, str, str]], wanted: set[tuple[str, ...]], first_line: int
    ) -> bool:
        """The line of the first series of each shape; whether all were found."""
        own = family.own_label or ""
        part = "_bucket" if own == "le" else ""
        for at, (_, name, text, _) in enumerate(rows):
            ending = name[len(family.name) :]
            memory = self._memory[own if own and ending == part else ""]
            shape = memory[text].shape if text in memory else None
            if shape in wanted:
                wanted.remove(shape)
                family.shapes[shape] = Place(first_line + at, 1, 1 + len(family.name) + len(ending))
                if not wanted:
                    break
        return not wanted

    def _plain(self, family: Family, labels: tuple[str, ...], values: list[float]) -> list[_Known] | None:
        """The laws of a counter or gauge."""
        known = self._labels(labels, "")
        if known is None or (family.kind == "counter" and not all(map(_zero, values))):
            return None
        family.series = len(labels)
        return known

    def _labels(self, labels: tuple[str, ...], own: str) -> list[_Known] | None:
        """What each text between braces comes to; `None` where one is unusual."""
        memory = self._memory[own]
        found = list(map(memory.get, labels))
        if None in found:
            if len(memory) > _MOST_REMEMBERED:
                memory.clear()
            for text in set(labels).difference(memory):
                known = _read(text, own)
                if known is None:
                    return None
                memory[text] = known
            found = list(map(memory.get, labels))
        return found  # type: ignore[return-value]  # every one is there now

    def _grouped(
        self,
        family: Family,
        endings: tuple[str, ...],
        labels: tuple[str, ...],
        values: list[float],
        own: str,
    ) -> list[_Known] | None:
        """The laws of a histogram or summary; what its labels come to if all of them hold."""
        part = "_bucket" if own == "le" else ""
        is_part = list(map(part.__eq__, endings))
        known_all: list[_Known] = []
        sums: dict[str, float] = {}
        counts: dict[str, float] = {}
        for suffix, into in (("_sum", sums), ("_count", counts)):
            texts = tuple(label for label, ending in zip(labels, endings, strict=True) if ending == suffix)
            numbers = [value for value, ending in zip(values, endings, strict=True) if ending == suffix]
            known = self._labels(texts, "")
            if known is None:
                return None
            into.update(zip((one.rest for one in known), numbers, strict=True))
            known_all += known
        texts = tuple(label for label, mine in zip(labels, is_part, strict=True) if mine)
        parts = self._labels(texts, own)
        if parts is None:
            return None
        numbers = [value for value, mine in zip(values, is_part, strict=True) if mine]
        holds = _buckets_hold if own == "le" else _quantiles_hold
        if not holds(parts, numbers, counts, self.openmetrics) or sums.keys() != counts.keys():
            return None
        if not all(map(_zero, counts.values())) or (self.openmetrics and not all(map(_zero, sums.values()))):
            return None
        if self.openmetrics and not _are_integers(counts.values()):
            return None
        family.series = len(counts)
        return [*parts, *known_all]


def _read(text: str, own: str) -> _Known | None:
    shape = _STRINGS.sub("", text)
    if not _SHAPE.fullmatch(shape) or shape.endswith(","):
        return None
    names = [one for one in shape.replace(",", "").split("=") if one]
    if len(set(names)) != len(names) or any(one.startswith("__") or not one.isascii() for one in names):
        return None
    if not own:
        return _Known(tuple(sorted(names)), shape, text, math.nan)
    found = _OWN[own].search(text)
    if found is None or own not in names:
        return None
    bound = found[1] if found[1] is not None else found[2]
    if not _BOUND.fullmatch(bound) or bound == "Inf":
        return None
    names.remove(own)
    rest = text[: found.start()] + text[found.end() :]
    if found.start() == 0 and rest.startswith(","):
        rest = rest[1:]
    return _Known(tuple(sorted(names)), shape, rest, float(bound))


def _buckets_hold(parts: list[_Known], values: list[float], counts: dict[str, float], openmetrics: bool) -> bool:
    """Every group's buckets stand together, ascend from zero or more to +Inf, are cumulative, and end in the count."""
    totals: dict[str, float] = {}
    group: str | None = None
    bound, value = math.inf, 0.0
    for (_, _, rest, own), current in zip(parts, values, strict=True):
        if rest != group:
            if bound != math.inf or rest in totals or own < 0:
                return False
            if group is not None:
                totals[group] = value
            group = rest
            value = 0.0
        elif own <= bound:
            return False
        if current < value:
            return False
        bound, value = own, current
    if group is not None:
        totals[group] = value
    return bound == math.inf and totals == counts and (not openmetrics or _are_integers(values))


def _quantiles_hold(parts: list[_Known], values: list[float], counts: dict[str, float], openmetrics: bool) -> bool:
    if openmetrics and not all(map(_zero, values)):
        return False
    return all(0 <= part.own <= 1 and part.rest in counts for part in parts)


def _are_integers(values: Iterable[float]) -> bool:
    whole: bool = all(map(float.is_integer, values))
    return whole


def _stand_together(family: Family, labels: tuple[str, ...]) -> bool:
    """OpenMetrics: the lines of a group are not interrupted by another's."""
    own = _OWN[family.own_label or "le"]
    rests = [own.sub("", label).strip(",") for label in labels]
    changes: int = 1 + sum(map(ne, rests, rests[1:]))
    return changes == len(set(rests))


def _is_canonical(known: list[_Known]) -> bool:
    """Whether equal labels are equal texts: the same names always stand in the same order."""
    orders = {one.order for one in known}
    if len(orders) == 1:
        return True
    plain: dict[tuple[str, ...], str] = {}
    for one in known:
        order = one.order.replace("le=,", "").replace("quantile=,", "") if one.own == one.own else one.order
        order = order.removesuffix("le=").removesuffix("quantile=").strip(",")
        if plain.setdefault(one.shape, order) != order:
            return False
    return True
