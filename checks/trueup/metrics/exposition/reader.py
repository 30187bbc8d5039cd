"""Reads an exposition line by line: families, and every line that is not as the format has it.

The slow and exact way. `fast.py` answers for what it can prove faultless at a glance; the two agree on that.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from trueup.metrics.exposition.family import Family, Place, kinds, suffixes
from trueup.metrics.exposition.faults import Fault, Refused
from trueup.metrics.exposition.sample import NAME, Sample, parse_sample

_METADATA = re.compile(r"([ \t]*)#([ \t]*)(HELP|TYPE|UNIT)(?=[ \t]|$)([ \t]*)")
_QUOTED_NAME = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BAD_HELP_ESCAPE = re.compile(r"\\(?![\\n])")
_ESCAPED = re.compile(r"\\(.)")


class Reader:
    """Reads blocks of whole lines. Every family is handed to `done` when its lines end, with its faults in `faults`."""

    def __init__(
        self, *, openmetrics: bool, known: Callable[[str], Family | None], done: Callable[[Family], None]
    ) -> None:
        """`known` answers with a family of an earlier block; `done` takes each family in the order of the file."""
        self.openmetrics = openmetrics
        self.faults: list[Fault] = []
        self._known = known
        self._done = done
        self._current: Family | None = None
        self._reopened: set[str] = set()
        self._ended_at: int | None = None

    def block(self, text: str, first_line: int, *, more: bool = False) -> None:
        """Reads whole lines, each with its newline (the last of the exposition may lack it).

        `more`: the next call goes on with the family that is open at the end.
        """
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        for number, line in enumerate(lines, first_line):
            self._line(line, number)
        if not more:
            self._switch(None)

    def _switch(self, family: Family | None) -> None:
        """The lines of the current family end here."""
        current, self._current = self._current, family
        if current is not None and current is not family:
            self._done(current)

    def _line(self, text: str, number: int) -> None:
        if text.endswith("\r"):
            self._fault("carriage-return", "", number, len(text) - 1, len(text), "the line ends in a carriage return")
            text = text[:-1]
        if self._ended_at is not None:
            self._fault("after-eof", "", number, 0, len(text), f"# EOF stands in line {self._ended_at} already")
        if text == "# EOF" and self.openmetrics:
            self._ended_at = self._ended_at or number
            return
        try:
            if text.lstrip(" \t").startswith("#"):
                self._comment(text, number)
            elif text.strip(" \t"):
                self._sample(parse_sample(text, number, openmetrics=self.openmetrics))
            elif self.openmetrics:
                raise Refused("bad-line", 0, len(text), "OpenMetrics has no blank lines")
        except Refused as error:
            self._fault(error.rule, "", number, error.start, error.end, error.message, error.suggestion)

    def _comment(self, text: str, number: int) -> None:
        found = _METADATA.match(text)
        if found is None or (found[3] == "UNIT" and not self.openmetrics):
            if self.openmetrics:
                raise Refused("bad-line", 0, len(text), "OpenMetrics has no comments but HELP, TYPE, UNIT and EOF")
            return
        indent, gap, word, space = found.groups()
        if not gap or (self.openmetrics and (indent or gap != " " or space != " ")):
            raise Refused("bad-line", 0, found.end(), f"write `# {word} ` with one space behind each", f"# {word} ")
        start = found.end()
        name, end, quoted = self._name(text, start, word)
        rest = text[end:].lstrip(" \t") if not self.openmetrics else text[end + 1 :]
        rest_start = len(text) - len(rest)
        if self.openmetrics and not text.startswith(" ", end):
            raise Refused("bad-line", 0, len(text), f"the {word} line has no text behind the name (not even a space)")
        family = self._for_metadata(name, number, start, end, word)
        if quoted and not NAME.fullmatch(name):
            self._fault("quoted-name", name, number, start, end, f"only Prometheus 3 reads the name {text[start:end]}")
        family.has_metadata = True
        if word == "HELP":
            self._help(family, rest, number, rest_start, len(text))
        elif word == "TYPE":
            self._type(family, rest, number, rest_start, len(text))
        elif family.unit is not None:
            self._fault("repeated-metadata", name, number, start, end, f"a second UNIT line of {name}")
        else:
            family.unit = rest
            if rest and not name.endswith("_" + rest):
                message = f"{name} does not end in its unit, _{rest}"
                self._fault("unit-mismatch", name, number, rest_start, len(text), message)
            elif rest and family.kind in ("info", "stateset"):
                self._fault("unit-mismatch", name, number, rest_start, len(text), f"an {family.kind} has no unit")

    def _name(self, text: str, start: int, word: str) -> tuple[str, int, bool]:
        quoted = _QUOTED_NAME.match(text, start)
        found = NAME.match(text, start)
        if quoted:
            return _ESCAPED.sub(r"\1", quoted[1]), quoted.end(), True
        if found is None or text[found.end() : found.end() + 1] not in ("", " ", "\t"):
            end = start + len(text[start:].split(" ", 1)[0].split("\t", 1)[0])
            shown = text[start:end] or "nothing"
            raise Refused("bad-name", start, max(end, start + 1), f"{shown!r} behind {word} is no metric name")
        return found[0], found.end(), False

    def _for_metadata(self, name: str, number: int, start: int, end: int, word: str) -> Family:
        if self._current is not None and self._current.name == name:
            if self._current.samples:
                message = f"this {word} line of {name} stands behind its samples"
                self._fault("late-metadata", name, number, start, end, message)
            return self._current
        earlier = self._known(name)
        if earlier is None:
            family = Family(name, self.openmetrics, place=Place(number, start + 1, end + 1))
            self._switch(family)
            return family
        self._reopen(earlier, number, start, end)
        if earlier.samples:
            message = f"this {word} line of {name} stands behind its samples"
            self._fault("late-metadata", name, number, start, end, message)
        return earlier

    def _reopen(self, family: Family, number: int, start: int, end: int) -> None:
        self._switch(family)
        loose = not (self.openmetrics or family.has_metadata)
        if not loose and family.name not in self._reopened:
            self._reopened.add(family.name)
            message = f"{family.name} began in line {family.place.line}, and other families stand between"
            self._fault("split-family", family.name, number, start, end, message)

    def _help(self, family: Family, rest: str, number: int, start: int, end: int) -> None:
        if family.help is not None:
            self._fault("repeated-metadata", family.name, number, start, end, f"a second HELP line of {family.name}")
            return
        bad = None if self.openmetrics else _BAD_HELP_ESCAPE.search(rest.replace("\\\\", "__"))
        if bad:
            at = start + bad.start()
            message = f"{rest[bad.start() : bad.start() + 2]} is no escape: in HELP only \\\\ and \\n are"
            self._fault("bad-escape", family.name, number, at, at + 2, message)
        family.help = rest

    def _type(self, family: Family, rest: str, number: int, start: int, end: int) -> None:
        if family.kind is not None:
            self._fault("repeated-metadata", family.name, number, start, end, f"a second TYPE line of {family.name}")
            return
        known = kinds(openmetrics=self.openmetrics)
        if rest not in known:
            shown = repr(rest) if rest else "nothing"
            message = f"{shown} is no type of {'OpenMetrics' if self.openmetrics else 'the text format'}"
            self._fault("unknown-type", family.name, number, start, end, message, _likely_type(rest, known))
            family.kind = "unknown" if self.openmetrics else "untyped"
            return
        family.kind = rest
        if family.unit and rest in ("info", "stateset"):
            self._fault("unit-mismatch", family.name, number, start, end, f"an {rest} has no unit")

    def _sample(self, sample: Sample) -> None:
        family = self._family_of(sample)
        family.samples += 1
        family.read.append(sample)
        if sample.is_quoted and not NAME.fullmatch(sample.name):
            message = f"only Prometheus 3 reads the name {sample.name!r}"
            self._fault("quoted-name", sample.name, sample.line, sample.start, sample.name_end, message)
        for label in sample.labels:
            if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", label.name):
                message = f"only Prometheus 3 reads the label name {label.name!r}"
                self._fault("quoted-name", sample.name, sample.line, label.start, label.end, message)

    def _family_of(self, sample: Sample) -> Family:
        current = self._current
        if current is not None and self._belongs(sample.name, current):
            return current
        for suffix in ("", "_bucket", "_sum", "_count", "_total", "_created", "_gsum", "_gcount", "_info"):
            if sample.name.endswith(suffix):
                base = sample.name.removesuffix(suffix)
                earlier = self._known(base)
                if earlier is not None and self._belongs(sample.name, earlier):
                    self._reopen(earlier, sample.line, sample.start, sample.name_end)
                    return earlier
        place = Place(sample.line, sample.start + 1, sample.name_end + 1)
        family = Family(sample.name, self.openmetrics, place=place)
        self._switch(family)
        return family

    def _belongs(self, name: str, family: Family) -> bool:
        """Also the bare name of a histogram: no series of it, but of nothing else either."""
        if name == family.name:
            return True
        return any(name == family.name + suffix for suffix in suffixes(family.kind, openmetrics=self.openmetrics))

    def _fault(
        self, rule: str, target: str, line: int, start: int, end: int, message: str, suggestion: str | None = None
    ) -> None:
        self.faults.append(Fault(rule, target, line, start + 1, max(end, start) + 1, message, suggestion))


def _likely_type(written: str, known: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches

    other = {"untyped": "unknown", "unknown": "untyped", "info": "gauge", "stateset": "gauge"}
    word = written.strip().lower()
    for guess in (word, other.get(word, "")):
        if guess in known:
            return guess
    close = get_close_matches(word[:40], known, n=1)
    return close[0] if close else None
