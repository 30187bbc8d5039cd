"""Which paths a list of patterns matches, and how severe a rule is at a path."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Literal

from trueup.config import globs as glob_syntax
from trueup.config.model import Config
from trueup.findings import Severity


class PathMatcher:
    """Paths that a list of `.gitignore` patterns matches, the last pattern deciding.

    As in Git, a pattern that matches a folder matches everything in it, and nothing in it can be
    excepted again. Paths are relative to the root; a folder's ends in `/`.
    """

    def __init__(self, globs: Iterable[str]) -> None:
        """Raises `ValueError` for a pattern that makes no sense; `load` has refused those already."""
        parsed = [glob_syntax.parse(glob) for glob in globs]
        self._any: re.Pattern[str] | None = None
        self._ordered: list[tuple[glob_syntax.Glob, re.Pattern[str]]] = []
        if any(glob.negated for glob in parsed):
            self._ordered = [(glob, glob_syntax.exact_pattern(glob)) for glob in reversed(parsed)]
            self._folder = functools.lru_cache(maxsize=None)(self._matches_folder)
        elif parsed:
            self._any = glob_syntax.covering_pattern(parsed)

    def matches(self, path: str) -> bool:
        """Whether the list matches this path, or a folder above it."""
        if self._any is not None:
            return self._any.match(path) is not None
        if not self._ordered:
            return False
        if path.endswith("/"):
            return self._folder(path[:-1])
        folder = path.rpartition("/")[0]
        return (folder != "" and self._folder(folder)) or self._decide(path, is_folder=False)

    def _matches_folder(self, folder: str) -> bool:
        # Not by recursion: a path may be thousands of folders deep.
        end = folder.find("/")
        while end != -1:
            if self._decide(folder[:end], is_folder=True):
                return True
            end = folder.find("/", end + 1)
        return self._decide(folder, is_folder=True)

    def _decide(self, path: str, *, is_folder: bool) -> bool:
        for glob, pattern in self._ordered:
            if (is_folder or not glob.folders_only) and pattern.match(path) is not None:
                return not glob.negated
        return False


class Severities:
    """The severities that a configuration gives: `rules`, and the last entry of `overrides` that fits."""

    def __init__(self, config: Config) -> None:
        """Takes the severities of one configuration."""
        self._general = config.rules
        self._overrides = [(PathMatcher(entry.paths), entry.rules) for entry in reversed(config.overrides)]
        self._overridden = {rule for _, rules in self._overrides for rule in rules}

    def configured(self, rule: str, path: str) -> Severity | Literal["off"] | None:
        """The severity of a rule at a path, `"off"`, or `None` where the configuration says nothing."""
        level = self._general.get(rule)
        if rule in self._overridden:
            for matcher, rules in self._overrides:
                if rule in rules and matcher.matches(path):
                    level = rules[rule]
                    break
        return level if level is None or level == "off" else Severity(level)
