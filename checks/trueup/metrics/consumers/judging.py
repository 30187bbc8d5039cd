"""Reads and judges the files that use metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.findings import CheckSummary, Note
from trueup.metrics.consumers.code import spelt_out
from trueup.metrics.consumers.judge import Fault, Judge
from trueup.metrics.consumers.model import Expression
from trueup.metrics.consumers.own_names import Own, own_names
from trueup.metrics.consumers.search import Search
from trueup.metrics.consumers.sources import Source, Sources
from trueup.metrics.consumers.telling import Teller
from trueup.metrics.docs_drift.judge import DocsJudge
from trueup.metrics.policy import PolicySet
from trueup.repo import View
from trueup.suppression import IgnoreComment, parse

# What a metric of the repository's own can be taken for.
_OF_NAMES = frozenset(
    {"unknown-metric", "deprecated-metric", "wrong-prefix", "impossible-series", "documented-but-gone"}
)
_MOST_NOTES = 200


class _Told(NamedTuple):
    """What is wrong in one source: faults of expressions, and of the document as a whole (`None`)."""

    source: Source
    faults: list[tuple[Expression | None, Fault]]


class _OwnNames(NamedTuple):
    """What the repository makes itself, and what its constants spell out."""

    own: Own
    spelt: frozenset[str]

    def excuses(self, fault: Fault, path: str) -> bool:
        if fault.rule not in _OF_NAMES:
            return False
        if fault.target in self.own.made or fault.target in self.spelt:
            return True
        return fault.rule == "documented-but-gone" and self.own.is_described(fault.target, path)


def judged(view: View, config: Config, options: Options, policies: PolicySet, search: Search) -> Outcome:
    """Everything that is wrong in the files that a search finds."""
    return _Part(view, config, policies).outcome(Sources(view, config, options, search))


class _Part:
    def __init__(self, view: View, config: Config, policies: PolicySet) -> None:
        self._view = view
        self._metrics = config.metrics
        self._engine = config.links.engine
        self._stored = policies.stored_by(config.metrics.scraper)
        self._policies = policies
        self._notes: list[Note] = []

    def outcome(self, sources: Sources) -> Outcome:
        """Everything that is wrong in the sources."""
        read = list(sources.read())
        defined = [name for one in read for name in one.contents.defined]
        judge = Judge(self._stored, defined, extra_labels=self._metrics.extra_labels, scraper=self._metrics.scraper)
        docs = DocsJudge(self._stored, judge.is_defined)
        told = [_Told(one, list(self._judged(one, judge))) for one in read if one.is_wanted]
        mentioned: set[str] = set()
        reference = PathMatcher(self._metrics.reference_docs)
        references: list[str] = []
        for source, faults in told:
            if source.kind != "docs":
                continue
            document = docs.read(source.text.text)
            faults += [(None, fault) for fault in document.faults]
            if reference.matches(source.path):
                mentioned |= document.mentioned
                references.append(source.path)
        own = self._own(read, told)
        findings = list(sources.findings)
        for source, faults in told:
            teller = Teller(source.path, source.text)
            for trouble in source.contents.troubles:
                teller.trouble(trouble)
            for expression, fault in faults:
                if not own.excuses(fault, source.path):
                    teller.fault(expression, fault)
            if source.path in references[:1]:
                for name in docs.missing(mentioned):
                    teller.whole("undocumented-metric", name, f"no reference document names `{name}`")
            findings += teller.findings
        counts = {
            "expressions": sum(len(one.source.contents.expressions) for one in told),
            "documents": sum(1 for one in told if one.source.kind == "docs"),
        }
        comments = {one.source.path: found for one in told if (found := self._comments(one.source))}
        return Outcome(findings, comments, {}, self._notes[:_MOST_NOTES], CheckSummary("metrics", counts))

    def _comments(self, source: Source) -> list[IgnoreComment]:
        """The ignore comments of a document; what is wrong with one, the link check tells."""
        if source.kind != "docs" or "trueup:" not in source.text.text:
            return []
        from trueup.links.document import Dialect
        from trueup.links.engines import chosen, load
        from trueup.links.sources import decode

        text = decode(source.text.text.encode("utf-8", "surrogatepass")).text
        engine = load(chosen(self._engine))
        return parse(text, engine.locate(text, Dialect.GFM).comments)[0]

    def _judged(self, source: Source, judge: Judge) -> Iterator[tuple[Expression | None, Fault]]:
        self._notes += [Note("metrics", note, source.path) for note in source.contents.notes]
        for expression in source.contents.expressions:
            judgement = judge.judge(expression)
            if judgement.excuse is not None:
                where = f"{expression.where}: " if expression.where else ""
                self._notes.append(Note("metrics", f"{where}not parsed: {judgement.excuse}", source.path))
            for fault in judgement.faults:
                yield expression, fault

    def _own(self, read: list[Source], told: list[_Told]) -> _OwnNames:
        """The names found wrong that the repository's own source makes, or spells out in files named as code."""
        wrong = {fault.target for one in told for _, fault in one.faults if fault.rule in _OF_NAMES}
        words = {word for one in read for word in one.words}
        constants = {
            fault.target
            for one in told
            if one.source.kind == "code"
            for _, fault in one.faults
            if fault.rule in _OF_NAMES
        }
        # A constant does not prove itself.
        spelt = spelt_out(wrong - constants, words, self._stored)
        return _OwnNames(own_names(self._view, wrong, self._stored), spelt)
