"""The check `versions`: the state of the repository, or with `--since` what a change leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.errors import UsageError
from trueup.findings import CheckSummary, Finding, Note
from trueup.repo import Origin, Unreadable, View
from trueup.versions import change, state
from trueup.versions.bumps import Search, bumps_of
from trueup.versions.diffing import changed_files, unlike_index
from trueup.versions.grading import summed_up
from trueup.versions.readers import SEARCHED, kind_of
from trueup.versions.since import base_of
from trueup.versions.source import LARGEST_BYTES, Sources
from trueup.versions.telling import Teller, listed

if TYPE_CHECKING:
    from trueup.versions.facts import Missing


def start(view: View, config: Config, options: Options) -> Callable[[], Outcome]:
    """Nothing can begin before the change is known."""
    return lambda: _Run(view, config, options).outcome()


class _Run:
    def __init__(self, view: View, config: Config, options: Options) -> None:
        self.view = view
        self.config = config
        self.options = options
        self.sources = Sources(view)
        self.teller = Teller()
        self.notes: list[Note] = []
        pins = config.version_pins
        self._excluded = PathMatcher([*pins.exclude, *pins.extend_exclude])

    def wanted(self, path: str) -> bool:
        """Whether a file's versions are looked at; that it lies in a folder asked for comes later."""
        return kind_of(path) is not None and not self._excluded.matches(path)

    def outcome(self) -> Outcome:
        counts = {"versions": 0}
        findings = list(self._change(self.options.since)) if self.options.since is not None else list(self._state())
        findings += self._declared()
        for path in self.sources.read_paths:
            source = self.sources.get(path)
            counts["versions"] += len(source.pins) if source is not None else 0
        findings += self._faults()
        findings = [one for one in findings if self.options.asks_for(one.path)]
        return Outcome(findings, {}, {}, self.notes, CheckSummary("versions", counts))

    def _change(self, since: str) -> Iterator[Finding]:
        if self.view.git is None:
            raise UsageError("--since needs a Git repository: there is no earlier state here")
        base = base_of(self.view.git, since, self.view.commit)
        if base is None:
            self.notes.append(Note("versions", "there is no commit yet that the change could be compared with"))
            return
        changed = changed_files(self.view, self.view.git, base, self.wanted)
        moves = change.moves_of(self.view, self.sources, changed)
        if len(moves) > change.MOST_MOVES:
            self.notes.append(
                Note("versions", f"{len(moves)} things move: only the first {change.MOST_MOVES} are followed")
            )
            moves = moves[: change.MOST_MOVES]
        for move in moves:
            self.notes.append(Note("versions", f"{move.thing} {move.old} -> {move.new} in {listed(move.places)}"))
        bumps = bumps_of(moves)
        words = Search(bumps).words
        if not words:
            return
        behind, lines = summed_up(change.left_behind(self.sources, bumps, self._holding(words), self.wanted))
        self.notes += [Note("versions", line) for line in lines]
        for one in behind:
            yield self.teller.behind(one)

    def _holding(self, words: Iterable[str]) -> list[str]:
        """The files that hold one of these words."""
        if self.view.origin is not Origin.INDEX or self.view.git is None:
            return sorted(self.view.start_search(words, SEARCHED)())
        # The work tree is searched faster than the index; in a hook the two are alike but for a few files.
        found = self.view.start_search(words, SEARCHED, on_disk=True)
        unlike = unlike_index(self.view, self.view.git, self.wanted)
        return sorted({*found(), *unlike})

    def _state(self) -> Iterator[Finding]:
        paths = [path for path in (*self.view.entries, *self.view.named) if self.wanted(path)]
        sources = [source for path in paths if (source := self.sources.get(path)) is not None]
        locks = (path for path in self.view.entries if not self._excluded.matches(path))
        for one in state.differing(state.rows([*sources, *state.locks_of(self.view, sources, locks)])):
            yield self.teller.differing(one)
        for other in state.outside(sources):
            yield self.teller.outside(other)

    def _declared(self) -> Iterator[Finding]:
        if not self.config.versions:
            return
        from trueup.versions.facts import Facts, Wrong

        facts = Facts(self.view, self.config.versions)
        for one in facts.judge():
            if isinstance(one, Wrong):
                yield self.teller.wrong(one)
            else:
                yield self.teller.missing(one, *self._declaration(one))
        known = {fault.path for fault in self.sources.faults}
        self.sources.faults += [fault for fault in facts.faults if fault.path not in known]

    def _declaration(self, missing: Missing) -> tuple[str, int | None]:
        """Where in the configuration a place is declared."""
        from trueup.config.locate import lines_of, nearest_line

        path, table = (
            ("trueup.toml", ()) if "trueup.toml" in self.view.entries else ("pyproject.toml", ("tool", "trueup"))
        )
        key = ("source",) if missing.place is None else ("appears", missing.place)
        try:
            text = self.view.read(path, LARGEST_BYTES).decode("utf-8-sig", "replace") if self.view.entry(path) else ""
        except Unreadable:
            text = ""
        return path, nearest_line(lines_of(text), (*table, "versions", missing.fact, *key))

    def _faults(self) -> Iterator[Finding]:
        for fault in self.sources.faults:
            # A large manifest of Kubernetes or a large document is nobody's list of versions.
            if self.options.since is None and not (fault.too_large and kind_of(fault.path) in ("yaml", "markdown")):
                yield self.teller.fault(fault, self.sources.get(fault.path))
            else:
                self.notes.append(Note("versions", f"its versions were not checked: {fault.message}", fault.path))
