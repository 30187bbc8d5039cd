"""What a document says of metrics, against the policies.

A name is judged where somebody plainly speaks of a metric: its prefix has a colon, or the document names another metric
of the same prefix that exists. What tells of the past (deprecated, renamed, …) may name what is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trueup.config.globs import text_pattern
from trueup.metrics.consumers.judge import Fault
from trueup.metrics.consumers.nearest import NearestNames, told
from trueup.metrics.docs_drift.context import Context
from trueup.metrics.docs_drift.markdown import Fence, Line, parts_of
from trueup.metrics.docs_drift.mentions import Mention, finder, mentions_in
from trueup.metrics.policy import Match, PolicySet

_TYPES = re.compile(r"[\s`*(]*(counter|gauge|histogram|summary)[\s`*)]*", re.IGNORECASE)
_TYPE_BEHIND = re.compile(r"`?\*{0,2}\s{0,3}\((counter|gauge|histogram|summary)\b", re.IGNORECASE)
_EXPOSED_TYPE = re.compile(r"#[ \t]+TYPE[ \t]+(\S+)[ \t]+(\w+)[ \t]*$")
_WORD = re.compile(r"`([A-Za-z_]\w*)`")


class Document(NamedTuple):
    """What a document says: every name in it, and what is wrong. Places are offsets in its text."""

    mentioned: set[str]
    faults: list[Fault]


class DocsJudge:
    """Judges documents against one set of policies."""

    def __init__(self, policies: PolicySet, is_defined: Callable[[str], bool]) -> None:
        """`policies`: with names as they are stored. `is_defined`: whether the repository makes a name itself."""
        self._policies = policies
        self._is_defined = is_defined
        self._nearest = NearestNames(policies)
        rules = policies.prefixes
        self._prefixes = frozenset([*(one.prefix for one in rules), *(bad for one in rules for bad in one.instead_of)])
        self._names = finder(self._prefixes)

    def read(self, text: str) -> Document:
        """What a Markdown text says of metrics."""
        document = Document(set(), [])
        if self._names is None:
            return document
        header: list[str] = []
        found: list[tuple[Mention, str]] = []
        exposed: set[str] = set()
        for part in parts_of(text):
            if isinstance(part, Fence):
                document.faults.extend(self._exposition(part, exposed, found))
                header = []
                continue
            mentions = [
                one for code in part.codes for one in mentions_in(code.text, code.start, self._names, self._prefixes)
            ]
            found += [(one, part.text) for one in mentions]
            cells = [text[start:end] for start, end in part.cells]
            if not cells:
                header = []
            elif not header and not mentions:
                header = [cell.strip().lower() for cell in cells]
            if mentions:
                document.faults.extend(self._types(part, mentions, text))
                document.faults.extend(self._labels(part, mentions, header, text))
        document.mentioned.update(one.name for one, _ in found)
        spoken = {self._prefix_of(name) for name in document.mentioned if self._is_known(name)}
        context = Context(text)
        for mention, line in found:
            document.faults.extend(self._name(mention, line, spoken, context))
        document.faults.sort(key=lambda fault: fault.start)
        return document

    def missing(self, mentioned: set[str]) -> Iterator[str]:
        """Families of closed prefixes that nothing mentions; what is deprecated need not be documented."""
        known = {match.name for name in mentioned if (match := self._match(name)) is not None}
        starred = [name for name in mentioned if "*" in name and name not in self._starred_prefixes]
        pattern = text_pattern(starred) if starred else None
        for name, (family, _) in self._policies.families.items():
            rule = self._policies.prefix(name)
            if rule is None or not rule.closed or family.deprecated_since or family.removed_in:
                continue
            if name not in known and (pattern is None or pattern.match(name) is None):
                yield name

    @property
    def _starred_prefixes(self) -> set[str]:
        """`sglang:*` says nothing of any one metric."""
        return {f"{prefix}*" for prefix in self._prefixes}

    def _match(self, name: str) -> Match | None:
        return self._policies.series(name) or self._policies.family(name)

    def _is_known(self, name: str) -> bool:
        return "*" not in name and self._match(name) is not None

    def _prefix_of(self, name: str) -> str | None:
        rule = self._policies.prefix(name)
        return None if rule is None else rule.prefix

    def _name(self, mention: Mention, line: str, spoken: set[str | None], context: Context) -> Iterator[Fault]:
        name = mention.name
        if "*" in name or self._is_defined(name):
            return
        wrong = self._policies.wrong_prefix(name)
        if wrong is not None:
            if (
                self._match(wrong.right) is not None
                and wrong.right not in line
                and not context.tells_of_the_past(mention.start)
            ):
                message = f"`{name}` should begin with `{wrong.rule.prefix}`: it is stored as `{wrong.right}`"
                yield _fault("wrong-prefix", mention, message, wrong.right)
            return
        match = self._match(name)
        if match is None:
            prefix = self._prefix_of(name)
            certain = self._policies.is_closed(name) and (prefix in spoken or (prefix or "").endswith(":"))
            if certain and not context.tells_of_the_past(mention.start):
                near = self._nearest.of(name, families=True)
                yield _fault(
                    "documented-but-gone",
                    mention,
                    f"there is no metric `{name}`{told(near)}",
                    near[0] if near else None,
                )
            return
        if not match.is_series and match.suffix:
            kind = match.family.type or "metric without that series"
            yield _fault(
                "documented-but-gone", mention, f"`{match.name}` is a {kind}: it has no `{match.suffix}`", None
            )
            return
        removed = match.family.removed_in
        successors = match.family.renamed_to
        if (
            removed is not None
            and not context.tells_of_the_past(mention.start)
            and not any(one in line for one in successors)
        ):
            use = f"; use {' or '.join(f'`{one}`' for one in successors)}" if successors else ""
            message = f"`{match.name}` is gone ({match.policy.name}: removed in {removed}){use}"
            yield _fault("documented-but-gone", mention, message, successors[0] if len(successors) == 1 else None)

    def _types(self, line: Line, mentions: list[Mention], text: str) -> Iterator[Fault]:
        """`| name | Gauge |` and `` `name` (Gauge) ``, against the policy."""
        said: list[tuple[Mention, str]] = []
        cells = [(text[start:end], start, end) for start, end in line.cells]
        if cells:
            kinds = [found[1].lower() for cell, _, _ in cells if (found := _TYPES.fullmatch(cell)) is not None]
            first = [one for one in mentions if any(start <= one.start < end for _, start, end in cells[:2])]
            if len(kinds) == 1:
                said = [(one, kinds[0]) for one in first]
        else:
            for mention in mentions:
                behind = _TYPE_BEHIND.match(text, mention.end)
                if behind is not None:
                    said.append((mention, behind[1].lower()))
        for mention, kind in said:
            yield from self._type(mention, kind)

    def _type(self, mention: Mention, kind: str) -> Iterator[Fault]:
        match = self._match(mention.name) if "*" not in mention.name else None
        if match is None or match.family.type in (None, "unknown", kind) or (match.suffix and kind != "histogram"):
            return
        yield _fault(
            "documented-type", mention, f"`{match.name}` is a {match.family.type}, not a {kind}", match.family.type
        )

    def _labels(self, line: Line, mentions: list[Mention], header: list[str], text: str) -> Iterator[Fault]:
        """A table's column of labels, against the policy."""
        column = next((at for at, title in enumerate(header) if title.strip("*` ") in ("label", "labels")), None)
        if column is None or column >= len(line.cells):
            return
        start, end = line.cells[column]
        matches = [self._match(one.name) for one in mentions if not start <= one.start < end and "*" not in one.name]
        if len(matches) != 1 or matches[0] is None:
            return
        family = matches[0].family
        known = {*family.labels, *(family.allowed_labels or ())}
        for word in _WORD.finditer(text, start, end):
            if word[1] in known or (family.allowed_labels is None and word[1] not in family.forbidden_labels):
                continue
            place = Mention(word[1], word.start(1), word.end(1))
            message = f"`{matches[0].name}` has no label `{word[1]}`"
            yield _fault("documented-label", place, message, None)._replace(target=f"{matches[0].name}{{{word[1]}}}")

    def _exposition(self, fence: Fence, exposed: set[str], found: list[tuple[Mention, str]]) -> Iterator[Fault]:
        """An exposition shown in a block: its TYPE lines, each name once in a document."""
        position = fence.start
        for line in fence.text.split("\n"):
            shown = _EXPOSED_TYPE.match(line.strip()) if line.lstrip().startswith("#") else None
            if shown is not None and shown[1] not in exposed and len(line) < 1000:
                name = shown[1]
                exposed.add(name)
                start = position + line.index(name)
                mention = Mention(name, start, start + len(name))
                if self._policies.prefix(name) is not None or self._policies.wrong_prefix(name) is not None:
                    found.append((mention, ""))
                    yield from self._type(mention, shown[2])
            position += len(line) + 1


def _fault(rule: str, mention: Mention, message: str, suggestion: str | None) -> Fault:
    return Fault(rule, mention.start, mention.end, mention.name, message, suggestion)
