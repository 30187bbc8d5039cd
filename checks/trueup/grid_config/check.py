"""The check `grid-config`: finds the grids of a repository by their fields, and judges each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.config.model import GridPair
from trueup.findings import CheckSummary, Finding, Note
from trueup.grid_config.fields import STRATEGIES
from trueup.grid_config.file import File
from trueup.grid_config.forms import compare
from trueup.grid_config.picker import PLUGIN
from trueup.meta_rules import unreadable
from trueup.repo import Unreadable, View
from trueup.repo.view import SUBMODULE, SYMLINK

ENDINGS = (".json", ".yaml", ".yml")
# What a file with a grid holds somewhere.
SIGNS = (*sorted(STRATEGIES), PLUGIN)
LARGEST_FILE_BYTES = 4 << 20


def start(view: View, config: Config, options: Options) -> Callable[[], Outcome]:
    """Starts the search for files with grids; the answer finishes the check."""
    named = set(options.paths) & view.entries.keys() | view.named.keys()
    listing = view.start_search(SIGNS, ENDINGS)

    def finish() -> Outcome:
        excluded = PathMatcher([*config.grid_config.exclude])
        found = [path for path in listing() if not excluded.matches(path)]
        chosen = dict.fromkeys([*(path for path in found if options.asks_for(path)), *_named(view, named)])
        return _outcome(view, list(chosen), found, named, config.grid_config.pairs)

    return finish


def _named(view: View, named: set[str]) -> Iterator[str]:
    """Files named on the command line are grids whatever they hold: an empty one, one with a misspelt field."""
    for path in sorted(named):
        entry = view.entry(path)
        if path.lower().endswith(".json") and entry is not None and entry.mode not in (SYMLINK, SUBMODULE):
            yield path


def _outcome(view: View, chosen: list[str], found: list[str], named: set[str], pairs: list[GridPair]) -> Outcome:
    files: dict[str, File] = {}
    findings: list[Finding] = []
    notes: list[Note] = []
    for path in dict.fromkeys([*chosen, *found]):
        try:
            files[path] = File(path, view.read(path, LARGEST_FILE_BYTES), is_grid=path in named)
        except Unreadable as error:
            if path in chosen and not view.is_gone(path):
                findings.append(unreadable(path, error))
    # All files of the repository take part in the comparison; the findings of those asked for are told.
    for file, fault in compare(list(files.values()), pairs):
        file.add(fault)
    for path in chosen:
        if path in files:
            findings += files[path].findings
            notes += [Note("grid-config", note, path) for note in files[path].notes]
    grids = sum(len(files[path].grids) for path in chosen if path in files)
    summary = CheckSummary("grid-config", {"grids": grids})
    return Outcome(findings, {}, {}, notes, summary)
