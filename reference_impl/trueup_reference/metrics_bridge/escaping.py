"""Names that were no legal names before UTF-8 names came, as a scraper asked for them.

The rules are those of https://prometheus.io/docs/instrumenting/escaping_schemes/. A name that was always legal, such
as `sglang:num_running_reqs`, is left alone under every scheme, as Prometheus' own Go client does: prometheus-client
0.23 to 0.26 rewrites its colon in samples (client_python #1177).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from trueup_reference.metrics_bridge.renaming import renamed

SCHEMES = ("allow-utf-8", "underscores", "dots", "values")
DEFAULT = "underscores"
_LEGAL = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LEGAL_LETTER = re.compile(r"[a-zA-Z0-9_:]")


def escaped_families(families: Iterable[Metric], scheme: str) -> Iterator[Metric]:
    """The families with every name escaped that needs it."""
    for family in families:
        labels = {key for sample in family.samples for key in sample.labels}
        if scheme == "allow-utf-8" or all(map(_LEGAL.fullmatch, (family.name, *labels))):
            yield family
        else:
            yield renamed(family, escaped(family.name, scheme), lambda label: escaped(label, scheme))


def escaped(name: str, scheme: str) -> str:
    """A name under a scheme."""
    if scheme == "allow-utf-8" or _LEGAL.fullmatch(name):
        return name
    if scheme == "underscores":
        return "".join(letter if _is_legal(letter, place) else "_" for place, letter in enumerate(name))
    if scheme == "dots":
        return "".join(_with_dots(letter, place) for place, letter in enumerate(name))
    return "U__" + "".join(_by_value(letter, place) for place, letter in enumerate(name))


def _with_dots(letter: str, place: int) -> str:
    if letter in "_.":
        return "__" if letter == "_" else "_dot_"
    return letter if _is_legal(letter, place) else "__"


def _by_value(letter: str, place: int) -> str:
    if letter == "_":
        return "__"
    return letter if _is_legal(letter, place) else f"_{ord(letter):x}_"


def _is_legal(letter: str, place: int) -> bool:
    return _LEGAL_LETTER.match(letter) is not None and not (place == 0 and letter.isdigit())
