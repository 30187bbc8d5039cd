"""Finds every place where a metric is named, and what to write there.

In a query every name counts. In docs and as a constant of a source file, only a name that is known to be a metric's: to
the policies, under its old or its new name, or because some query of the repository asks for it. `sglang_router` in
backticks may be a module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trueup.checks import Options
from trueup.config import Config
from trueup.findings import Edit, Finding, Note, Severity
from trueup.metrics.consumers.judge import Judge
from trueup.metrics.consumers.model import Expression
from trueup.metrics.consumers.search import Search
from trueup.metrics.consumers.sources import Source, Sources
from trueup.metrics.docs_drift.markdown import Fence, parts_of
from trueup.metrics.docs_drift.mentions import finder, mentions_in
from trueup.metrics.migrate.plan import Plan
from trueup.metrics.policy import Policy, PolicySet, PrefixRule
from trueup.metrics.promql import parse, uses_of
from trueup.repo import View


class Migration(NamedTuple):
    """What would be written: edits as findings (for the patch), the series renamed in queries, and what is left."""

    edits: list[Finding]
    renamed: dict[str, str]
    notes: list[Note]


class _Spot(NamedTuple):
    """A name at `[start, end)` of a file's text."""

    name: str
    start: int
    end: int


def migration(view: View, config: Config, options: Options, policies: PolicySet, plan: Plan) -> Migration:
    """Reads the repository; writes nothing."""
    words = PolicySet([Policy(name="migration", prefixes=[PrefixRule(prefix=one.old) for one in plan.renames])])
    read = list(Sources(view, config, options, Search(view, config, options, words)).read())
    judge = Judge(policies, [name for one in read for name in one.contents.defined])
    found = Migration([], {}, [])
    wanted = [one for one in read if one.is_wanted]
    spots = {one.path: list(_in_queries(one, plan, judge, found)) for one in wanted}
    asked = {spot.name for some in spots.values() for spot in some}

    def is_metric(name: str) -> bool:
        new = plan.new_name(name)
        if judge.is_defined(name):
            return False
        known = any(name + ending in asked for ending in ("", "_bucket", "_sum", "_count", "_total"))
        return known or _is_known(name, policies) or (new is not None and _is_known(new, policies))

    for source in wanted:
        named = [*spots[source.path], *(spot for spot in _named(source, plan) if is_metric(spot.name))]
        found.edits.extend(_edits(source, named, plan, found))
    return found


def _is_known(name: str, policies: PolicySet) -> bool:
    if name.endswith("*"):
        return True  # exactly the pattern that is renamed
    return policies.series(name) is not None or policies.family(name) is not None


def _in_queries(source: Source, plan: Plan, judge: Judge, found: Migration) -> Iterator[_Spot]:
    for expression in source.contents.expressions:
        if expression.form in ("name", "constant"):
            continue
        parsed = parse(expression.text)
        if parsed.error is not None and expression.form == "promql":
            where = f"{expression.where}: " if expression.where else ""
            found.notes.append(Note("metrics", f"{where}not rewritten: not PromQL: {parsed.error}", source.path))
            continue
        for use in uses_of(parsed):
            for named in use.names:
                new = plan.new_name(named.text)
                if new is None or judge.is_defined(named.text):
                    continue
                if not named.is_pattern:
                    found.renamed[named.text] = new
                start = expression.place(named.start)
                yield _Spot(named.text, start, start + named.end - named.start)


def _named(source: Source, plan: Plan) -> Iterator[_Spot]:
    """Names that stand alone: in a document's code, and as whole strings of a source file."""
    if source.kind == "code":
        for expression in source.contents.expressions:
            if expression.form == "constant":
                yield from _constant(expression)
        return
    names = finder(one.old for one in plan.renames)
    if source.kind != "docs" or names is None:
        return
    stars = frozenset(one.old for one in plan.renames if one.is_prefix)
    for part in parts_of(source.text.text):
        pieces = [(part.text, part.start)] if isinstance(part, Fence) else [(one.text, one.start) for one in part.codes]
        for text, start in pieces:
            for mention in mentions_in(text, start, names, stars):
                if "*" not in mention.name or mention.name.removesuffix("*") in stars:
                    yield _Spot(mention.name, mention.start, mention.end)


def _constant(expression: Expression) -> Iterator[_Spot]:
    name = expression.text.strip()
    start = expression.place(expression.text.index(name)) if name else 0
    yield _Spot(name, start, start + len(name))


def _edits(source: Source, spots: list[_Spot], plan: Plan, found: Migration) -> Iterator[Finding]:
    """The edits of one file: the part of each name that changes, once."""
    text = source.text
    done: set[int] = set()
    for spot in sorted(spots, key=lambda one: one.start):
        rename = plan.of_name(spot.name)
        if rename is None or spot.start in done:
            continue
        done.add(spot.start)
        end = spot.start + len(rename.old)
        line, column = text.place(spot.start)
        if text.text[spot.start : end] != rename.old:
            found.notes.append(
                Note("metrics", f"line {line}: not rewritten: `{spot.name}` is written with escapes", source.path)
            )
            continue
        first, last = text.byte(spot.start), text.byte(end)
        yield Finding(
            rule="metrics/wrong-prefix",
            severity=Severity.WARNING,
            path=source.path,
            message=f"`{spot.name}` becomes `{rename.new}{spot.name[len(rename.old) :]}`",
            reason="",
            target=spot.name,
            line=line,
            column=column,
            edit=Edit(first, last, rename.old.encode(), rename.new.encode()),
        )
