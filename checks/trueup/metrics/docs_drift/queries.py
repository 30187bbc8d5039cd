"""The queries in a document's PromQL blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trueup.metrics.consumers.model import Expression
from trueup.metrics.docs_drift.markdown import Fence, parts_of
from trueup.metrics.promql import parse

_LANGUAGES = frozenset({"promql", "metricsql"})
_ELLIPSIS = re.compile(r"\.\.\.|…|<[A-Za-z][\w -]*>")
# Names that the YAML in a document makes: recording rules, an adapter's names.
_MADE = re.compile(r"\b(?:record|as|replacement)[\"']?[ \t]{0,9}:[ \t]{0,9}[\"']?([A-Za-z_:][\w:]{2,299})")
_CHUNK = re.compile(r"^(?:[^\S\n]*+\S[^\n]*+(?:\n|\Z))++", re.MULTILINE)


def queries_of(text: str) -> Iterator[Expression]:
    """Every query in a PromQL block: one to a paragraph, or one to a line where that parses better."""
    for part in parts_of(text):
        if isinstance(part, Fence) and part.language in _LANGUAGES:
            for chunk in _CHUNK.finditer(part.text):
                yield from _queries_in(chunk[0], part.start + chunk.start(), part.language)


def made_in(text: str) -> list[str]:
    """Names that are made in what a document shows."""
    return _MADE.findall(text)


def _queries_in(chunk: str, start: int, language: str) -> Iterator[Expression]:
    if not any(line.strip() and not line.lstrip().startswith("#") for line in chunk.split("\n")):
        return
    if parse(chunk).error is None:
        yield _expression(chunk, start, language)
        return
    offset = 0
    lines: list[Expression] = []
    for line in chunk.split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            lines.append(_expression(line, start + offset, language))
        offset += len(line) + 1
    if len(lines) > 1 and any(parse(one.text).error is None for one in lines):
        yield from lines
    else:
        yield _expression(chunk, start, language)


def _expression(text: str, start: int, language: str) -> Expression:
    # Docs leave things out: then it is a template.
    is_plain = language != "metricsql" and not _ELLIPSIS.search(text)
    return Expression(text, "", "", lambda offset: start + offset, "promql" if is_plain else "template")
