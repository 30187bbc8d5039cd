"""A whole exposition: its format, its blocks, its families, and every fault."""

from __future__ import annotations

import dataclasses
import mmap
import re
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trueup.metrics.exposition.conformance import missing_faults, policy_faults
from trueup.metrics.exposition.family import Family, suffixes
from trueup.metrics.exposition.fast import Glance
from trueup.metrics.exposition.faults import Fault
from trueup.metrics.exposition.lint import lint_faults
from trueup.metrics.policy import PolicySet, splits

if TYPE_CHECKING:
    # What reads line by line is loaded when something is not plain.
    from trueup.metrics.exposition.reader import Reader

Data = bytes | mmap.mmap

MOST_FAULTS = 10_000
_SLICE = 1 << 20
_PAGE = mmap.PAGESIZE
_METADATA = re.compile(rb"# (?:HELP|TYPE|UNIT) ([^ \n]+)")
_ONLY_OPENMETRICS = re.compile(
    rb"\n# (?:UNIT |TYPE [^ \n]+ (?:unknown|info|stateset|gaugehistogram)\n)"
    rb"|\n# TYPE ([^ \n]+) counter\n(?:# [^\n]*\n)*+\1_total[ {]"
)


@dataclasses.dataclass(slots=True)
class Exposition:
    """What was read. `families` are in the order of the file and hold no samples."""

    openmetrics: bool
    families: dict[str, Family] = dataclasses.field(default_factory=dict)
    faults: list[Fault] = dataclasses.field(default_factory=list)
    samples: int = 0
    lines: int = 0
    is_cut: bool = False  # there were more faults than are kept


def is_openmetrics(data: Data) -> bool:
    """The format, by content: `# EOF` at the end, or what only OpenMetrics has."""
    tail = bytes(data[max(0, len(data) - 64) :]).rstrip(b"\n")
    if tail == b"# EOF" or tail.endswith(b"\n# EOF") or find(data, b"\n# EOF\n", 0) >= 0:
        return True
    # Without a line before it, the first line would not be found.
    head = b"\n" + bytes(data[:_SLICE])
    return _ONLY_OPENMETRICS.search(head) is not None


def read_exposition(
    data: Data, policies: PolicySet, *, openmetrics: bool | None = None, lint: bool = True
) -> Exposition:
    """Reads and judges; `openmetrics` where the Content-Type has told the format."""
    found = Exposition(is_openmetrics(data) if openmetrics is None else openmetrics)
    _Reading(data, policies, found, lint=lint).run()
    found.faults.sort(key=lambda fault: (fault.line, fault.column, fault.rule))
    return found


class _Reading:
    """One pass over the blocks."""

    def __init__(self, data: Data, policies: PolicySet, found: Exposition, *, lint: bool) -> None:
        self.data = data
        self.policies = policies
        self.found = found
        self.lint = lint
        self._glance = Glance(openmetrics=found.openmetrics)
        self._reader: Reader | None = None
        self._owners: dict[str, str] = {}
        self._spans: dict[str, tuple[int, int, int]] = {}
        self._hashes: dict[str, array[int]] = {}  # of every series of a family that was read line by line
        self._lines: dict[str, array[int]] = {}  # of the families that were never declared
        self._keys: dict[str, set[int]] = {}
        self._empty: dict[str, Family] = {}  # families with metadata, a colon and no sample, by the name with `_`

    def run(self) -> None:
        """Fills `found`."""
        data = self.data
        line, forgotten = 1, 0
        for start, end in blocks(data):
            text = self._decoded(start, end, line)
            if self.found.is_cut:
                return
            family = self._glance.family(text, line) if data[start : start + 1] == b"#" else None
            if family is not None and family.name not in self.found.families:
                self._spans[family.name] = (start, end, line)
                self._judge(family)
                self.found.families[family.name] = family
            else:
                self._slowly(text, line)
            line += text.count("\n")
            if isinstance(data, mmap.mmap) and end - forgotten >= _SLICE:
                forgotten = _forget(data, forgotten, end)
        self._end(line)

    def _slowly(self, text: str, line: int) -> None:
        from trueup.metrics.exposition.reader import Reader

        if self._reader is None:
            found = self.found
            self._reader = Reader(openmetrics=found.openmetrics, known=found.families.get, done=self._done)
        at = 0
        while at < len(text):
            cut = text.rfind("\n", at, at + _SLICE) + 1 or text.find("\n", at) + 1 or len(text)
            self._reader.block(text[at:cut], line, more=cut < len(text))
            line += text.count("\n", at, cut)
            at = cut
            self._take(self._reader.faults)
            self._reader.faults.clear()
            if self.found.is_cut:
                return

    def _decoded(self, start: int, end: int, line: int) -> str:
        raw = bytes(self.data[start:end])
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw.rfind(b"\n", 0, error.start) + 1
            column = len(raw[before : error.start].decode("utf-8")) + 1
            number = line + raw.count(b"\n", 0, error.start)
            message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
            self._take([Fault("not-an-exposition", "", number, column, column + 1, message)])
            return raw.decode("utf-8", "replace")

    def _done(self, family: Family) -> None:
        """A family that was read line by line; one that was reopened comes again, with the samples of this part."""
        from trueup.metrics.exposition.laws import family_faults

        earlier = self.found.families.get(family.name)
        hashes = self._hashes.setdefault(family.name, array("q"))
        hashes.extend(hash(sample.key) for sample in family.read)
        if family.name in self._lines or not (self.found.openmetrics or family.has_metadata):
            self._undeclared(family)
        elif earlier is None:
            self._take(list(family_faults(family)))
            self._judge(family)
        else:
            self._take(list(self._again(family)))
        self.found.families[family.name] = family
        family.read = []

    def _undeclared(self, family: Family) -> None:
        """Samples without HELP and TYPE are no family to be kept together: their series are counted at the end."""
        from trueup.metrics.exposition.laws import take_shapes

        self._lines.setdefault(family.name, array("q")).extend(sample.line for sample in family.read)
        take_shapes(family)

    def _again(self, family: Family) -> Iterator[Fault]:
        from trueup.metrics.exposition.laws import at_name

        keys = self._keys.get(family.name)
        if keys is None:
            keys = self._keys[family.name] = self._keys_of_first(family)
        for sample in family.read:
            key = hash(sample.key)
            if key in keys and not (family.openmetrics and sample.timestamp is not None):
                yield at_name(sample, "duplicate-series", "an earlier part of this family has this series already")
            keys.add(key)
        self.found.samples += len(family.read)

    def _keys_of_first(self, family: Family) -> set[int]:
        """The series of the part that came first; if it was plain, its block, of this family alone, is read again."""
        from trueup.metrics.exposition.reader import Reader

        span = self._spans.get(family.name)
        if span is None:
            return set(self._hashes[family.name][: -len(family.read) or None])
        start, end, line = span
        keys: set[int] = set()
        reader = Reader(
            openmetrics=self.found.openmetrics,
            known=lambda _: None,
            done=lambda one: keys.update(hash(sample.key) for sample in one.read),
        )
        reader.block(bytes(self.data[start:end]).decode("utf-8", "replace"), line)
        return keys

    def _judge(self, family: Family) -> None:
        self.found.samples += family.samples
        if family.has_metadata and not family.samples and ":" in family.name and self.found.openmetrics:
            self._empty[family.name.replace(":", "_")] = family
            return
        defined = self._rewritten(family)
        if defined is not None:
            place = family.place
            message = f"the sample is {family.name}, its HELP and TYPE lines say {defined.name}"
            self._take([Fault("rewritten-name", family.name, place.line, place.column, place.end_column, message)])
            return
        self._name_and_policy(family)

    def _rewritten(self, family: Family) -> Family | None:
        """The family whose metadata came without samples, if these are its samples with `_` for the colon."""
        if family.has_metadata or not self._empty:
            return None
        return next((self._empty[one.family] for one in splits(family.name) if one.family in self._empty), None)

    def _name_and_policy(self, family: Family) -> None:
        policies = self.policies
        if policies:
            self._take(list(policy_faults(family, policies)))
        if self.lint:
            self._take(list(lint_faults(family, named=self._is_named(family.policy_name))))
        for suffix in suffixes(family.kind, openmetrics=family.openmetrics):
            owner = self._owners.setdefault(family.name + suffix, family.name)
            if owner != family.name and (family.openmetrics or suffix != "_created"):
                place = family.place
                message = f"the series {family.name}{suffix} belongs to the family {owner} already"
                self._take([Fault("clashing-name", family.name, place.line, place.column, place.end_column, message)])

    def _is_named(self, name: str) -> bool:
        """Whether a policy has the name, or has said already that it is wrong."""
        if not self.policies:
            return False
        match = self.policies.family(name) or self.policies.series(name)
        return match is not None or self.policies.wrong_prefix(name) is not None

    def _end(self, line: int) -> None:
        data, found = self.data, self.found
        found.lines = line - 1
        for name, lines in self._lines.items():
            self._take(_repeated_lines(name, self._hashes[name], lines))
            found.families[name].series = len(set(self._hashes[name]))
            self._judge(found.families[name])
        if not any(fault.rule == "rewritten-name" for fault in found.faults):
            for family in self._empty.values():
                self._name_and_policy(family)
        last = bytes(data[max(0, len(data) - 64) :])
        if not found.samples and not any(fault.rule.startswith(("bad-", "not-an-")) for fault in found.faults):
            self._take([Fault("no-samples", "", 1, 1, 1, "it holds no sample")])
        if found.openmetrics:
            if not (last.rstrip(b"\n").endswith(b"# EOF") or find(data, b"\n# EOF\n", 0) >= 0):
                self._take([Fault("missing-eof", "", max(1, line - 1), 1, 1, "the last line is not # EOF")])
        elif len(data) and not last.endswith(b"\n"):
            self._take([Fault("missing-newline", "", line, 1, 1, "the last line does not end in a newline")])
        if self.policies and found.samples:
            self._take(list(missing_faults({one.policy_name for one in found.families.values()}, self.policies, 1)))

    def _take(self, faults: list[Fault]) -> None:
        room = MOST_FAULTS - len(self.found.faults)
        self.found.faults += faults[:room]
        if len(faults) > room:
            self.found.is_cut = True


def blocks(data: Data) -> Iterator[tuple[int, int]]:
    """Byte ranges of whole lines, each from the metadata of one family to that of the next."""
    start, name = 0, None
    found = _METADATA.match(data)
    if found:
        name = found[1]
    at = find(data, b"\n# ", 0)
    while at >= 0:
        found = _METADATA.match(data, at + 1)
        if found and found[1] != name:
            if at + 1 > start:
                yield start, at + 1
            start, name = at + 1, found[1]
        elif data[at + 1 : at + 6] == b"# EOF":
            # Its own block: the family before it stays plain.
            if at + 1 > start:
                yield start, at + 1
            start, name = at + 1, None
        at = find(data, b"\n# ", at + 1)
    if start < len(data):
        yield start, len(data)


def _repeated_lines(name: str, hashes: array[int], lines: array[int]) -> list[Fault]:
    """Series of an undeclared family that stand there twice."""
    if len(set(hashes)) == len(hashes):
        return []
    first: dict[int, int] = {}
    faults = []
    for key, line in zip(hashes, lines, strict=True):
        before = first.setdefault(key, line)
        if before != line:
            message = f"line {before} has this series already"
            faults.append(Fault("duplicate-series", name, line, 1, 1 + len(name), message))
    return faults


def find(data: Data, sought: bytes, start: int) -> int:
    """Like `bytes.find`, but what was searched of a file is not kept in memory."""
    if not isinstance(data, mmap.mmap):
        return data.find(sought, start)
    while start < len(data):
        end = start + _SLICE
        at = data.find(sought, start, end + len(sought) - 1)
        if at >= 0 or end >= len(data):
            return at
        data.madvise(mmap.MADV_DONTNEED, start // _PAGE * _PAGE, _SLICE)
        start = end
    return -1


def _forget(data: mmap.mmap, start: int, end: int) -> int:
    """Gives read pages back, so that a large file takes the memory of its largest family; where the rest begins."""
    last = end // _PAGE * _PAGE
    data.madvise(mmap.MADV_DONTNEED, start, last - start)
    return last
