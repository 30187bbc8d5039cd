"""What every check is to a run: something that is started, and then finished with findings.

A check is a function `start(view, config, options)` that may let other programs begin to work and
answers with a function that finishes the check. Checks are imported when they are run, not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from mmap import mmap
from typing import NamedTuple, cast

from trueup.config import Config
from trueup.findings import CheckSummary, Finding, Note
from trueup.repo import View
from trueup.suppression import IgnoreComment


class Input(NamedTuple):
    """Bytes from outside the repository: a file anywhere, standard input, an answer to a scrape."""

    name: str  # as findings name it
    open: Callable[[], AbstractContextManager[bytes | mmap]]
    openmetrics: bool | None = None  # what a Content-Type said


class Options(NamedTuple):
    """What the command line adds to the configuration."""

    paths: tuple[str, ...] = ()  # folders and files from the root; empty: everything
    use_cache: bool = True
    history: bool = False
    inputs: tuple[Input, ...] = ()  # expositions that lie in no repository; then nothing else is looked at
    policies: tuple[str, ...] = ()  # policies of metric names besides the configuration's
    parts: tuple[str, ...] = ()  # of the check `metrics`, the parts to run alone; empty: all
    since: str | None = None  # judge what changed since this commit, for checks that can
    progress: Callable[[int, Iterator[str]], Iterator[str]] | None = None

    def asks_for(self, path: str) -> bool:
        """Whether nothing was named, or the file or a folder around it was."""
        return not self.paths or any(name in (path, "") or path.startswith(name + "/") for name in self.paths)


class Outcome(NamedTuple):
    """What a check hands to the run: findings with their default severities, and the ignore comments met."""

    findings: list[Finding]
    comments: dict[str, list[IgnoreComment]]
    same_file: dict[str, str]  # symlinked sources, and the file whose bytes each shows
    notes: list[Note]
    summary: CheckSummary


Start = Callable[[View, Config, Options], Callable[[], Outcome]]

_MODULES = {
    "links": "trueup.links.check",
    "grid-config": "trueup.grid_config.check",
    "metrics": "trueup.metrics.check",
    "locks": "trueup.locks.check",
    "versions": "trueup.versions.check",
}


def load(name: str) -> Start:
    """The check of this name."""
    return cast("Start", importlib.import_module(_MODULES[name]).start)
