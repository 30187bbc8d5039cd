"""Metrics that the checked repository exports itself, found where its source makes them.

A router that sits before an engine may well export metrics under the engine's prefix: the policy does not know them,
and nobody is blinded. Only names that were found unknown are looked for, and only where a metric is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from trueup.metrics.policy import splits
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


def made_here(view: View, names: Iterable[str]) -> frozenset[str]:
    """Those of the series' names whose metric the repository's source makes."""
    wanted = sorted(set(names))[:_MOST_NAMES]
    families = {name: {split.family for split in splits(name)} for name in wanted}
    words = sorted({family for found in families.values() for family in found})
    if not words:
        return frozenset()
    made: set[str] = set()
    for path in view.start_search(words, ENDINGS)()[:_MOST_FILES]:
        try:
            text = view.read(path, _LARGEST_FILE_BYTES).decode("utf-8", "replace")
        except Unreadable:
            continue
        made.update(_MAKING.findall(text))
    return frozenset(name for name, found in families.items() if found & made)
