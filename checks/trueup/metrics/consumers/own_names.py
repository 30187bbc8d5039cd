"""Metrics that the checked repository exports itself, found where its source makes them.

A router that sits before an engine may well export metrics under the engine's prefix: the policy does not know them,
and nobody is blinded. Only names that were found unknown are looked for, and only where a metric is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from trueup.metrics.policy import PolicySet, splits
from trueup.repo import Unreadable, View

ENDINGS = (".py", ".rs", ".go", ".ts", ".js", ".mjs", ".java", ".kt", ".cc", ".cpp", ".h", ".hpp", ".cs")
_MOST_NAMES = 300
_MOST_FILES = 300
_LARGEST_FILE_BYTES = 4 << 20
# `Gauge("x", …)`, `register_counter!("x")`, `new client.Histogram({ name: 'x' })`, Go's `Name: "x"`, `.Name("x")`.
_MAKING = re.compile(
    r"(?:(?i:gauge|counter|histogram|summary|info|enum)\w{0,40}!?\s{0,20}\(\s{0,200}(?:\{\s{0,200})?(?:\w{1,40}\s{0,9}[=:]\s{0,9})?"
    r"|\b[nN]ame\s{0,9}[:=(]\s{0,20}"
    r"|\.Name\()[rbfu]?[\"'`]([A-Za-z_:][\w:]{0,299})[\"'`]"
)


class Own(NamedTuple):
    """Names whose metric the repository's source makes; and the source files that plainly name one, by its name.

    A stand-in for an engine often writes its exposition by hand, or adds the prefix to a table of names. That makes a
    document beside it right, which describes the stand-in, but no dashboard.
    """

    made: frozenset[str]
    named_in: Mapping[str, frozenset[str]]

    def is_described(self, name: str, document: str) -> bool:
        """Whether a source file in the document's folder, or below it, names the metric."""
        folder, slash, _ = document.rpartition("/")
        return any(path.startswith(folder + slash) for path in self.named_in.get(name, ())) if folder else False


def own_names(view: View, names: Iterable[str], policies: PolicySet) -> Own:
    """Which of the series' names are the repository's own."""
    wanted = sorted(set(names))[:_MOST_NAMES]
    families = {name: {split.family for split in splits(name)} for name in wanted}
    signs = {name: _signs(name, families[name], policies) for name in wanted}
    words = sorted(
        {*(one for found in families.values() for one in found), *(one for found in signs.values() for one in found)}
    )
    if not words:
        return Own(frozenset(), {})
    made: set[str] = set()
    named_in: dict[str, set[str]] = {}
    for path in view.start_search(words, ENDINGS)()[:_MOST_FILES]:
        try:
            text = view.read(path, _LARGEST_FILE_BYTES).decode("utf-8", "replace")
        except Unreadable:
            continue
        made.update(_MAKING.findall(text))
        for name, ones in signs.items():
            if any(one in text for one in ones):
                named_in.setdefault(name, set()).add(path)
    return Own(
        frozenset(name for name, found in families.items() if found & made),
        {name: frozenset(paths) for name, paths in named_in.items()},
    )


def _signs(name: str, families: Iterable[str], policies: PolicySet) -> list[str]:
    """How a source file names a metric plainly: on a TYPE line, or in quotes with or without its prefix."""
    rule = policies.prefix(name)
    signs = []
    for family in families:
        short = family.removeprefix(rule.prefix) if rule is not None else family
        signs += [f"# TYPE {family} ", *(f"{quote}{one}{quote}" for one in {family, short} if one for quote in "\"'")]
    return signs
