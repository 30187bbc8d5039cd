"""One requirement of PEP 508, as it stands in requirements files, manifests and commands."""

from __future__ import annotations

import re

from trueup.versions import names, numbers
from trueup.versions.model import Strength
from trueup.versions.readers.sink import Sink

_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)[ \t]*(?:\[[^\]\n]{0,200}\])?[ \t]*\(?"
    r"(?P<clauses>(?:===?|~=|!=|<=?|>=?)[ \t]*[^\s;,#()'\"]+"
    r"(?:[ \t]*,[ \t]*(?:===?|~=|!=|<=?|>=?)[ \t]*[^\s;,#()'\"]+)*)"
)
_CLAUSE = re.compile(r"(?P<sign>===?|~=|!=|<=?|>=?)[ \t]*(?P<version>[^\s;,#()]+)")


def read_requirement(sink: Sink, text: str, start: int, where: str) -> None:
    """Adds what the requirement `text`, which stands at `start`, says of its package's version."""
    found = _REQUIREMENT.match(text)
    if found is None:
        return
    # Markers choose among several lines for one package: each may be meant.
    choice = ";" in text[found.end() :][:4]
    clauses = list(_CLAUSE.finditer(found["clauses"]))
    offset = start + found.start("clauses")
    bound = re.sub(r"\s+", "", found["clauses"])
    for clause in clauses:
        begin, end = offset + clause.start("version"), offset + clause.end("version")
        if len(clauses) == 1 and clause["sign"] in ("==", "===") and not clause["version"].endswith(".*"):
            strength = Strength.EXACT
        elif clause["sign"] in ("~=", ">=") and len(clauses) == 1:
            strength = Strength.FLOOR
        else:
            strength = Strength.RANGE
        if clause["version"].endswith(".*"):
            end -= 2
        if strength is Strength.EXACT or numbers.parse(clause["version"].removesuffix(".*")) is not None:
            sink.add("pypi", names.package(found["name"]), begin, end, where, strength, choice=choice, bound=bound)
