"""Symlinks as Git tracks them: where each leads, and what is wrong with those that lead nowhere."""

from __future__ import annotations

import enum
import os
from typing import NamedTuple

from trueup.links.paths import relative_to
from trueup.links.problems import Problem
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK

LONGEST_CHAIN = 40  # what Linux follows before it says ELOOP


class State(enum.Enum):
    """How following a symlink ends."""

    FILE = "file"
    FOLDER = "folder"
    SUBMODULE = "inside a submodule"
    MISSING = "missing"
    LOOP = "loop"
    OUTSIDE = "outside the repository"
    ABSOLUTE = "absolute"
    UNTRACKED = "untracked"


class End(NamedTuple):
    """The end of a chain: the path reached (for `MISSING`, the path that is not there)."""

    state: State
    path: str


class Symlinks:
    """Follows tracked symlinks without touching anything outside the repository."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._targets: dict[str, str | None] = {}
        self._ends: dict[str, End] = {}
        self.any = bool(view.links)

    def target(self, path: str) -> str | None:
        """The text of a symlink."""
        if path not in self._targets:
            self._targets[path] = self._view.link_target(path)
        return self._targets[path]

    def follow(self, path: str) -> End:
        """Where the symlink at `path` leads in the end."""
        if path not in self._ends:
            self._ends[path] = self._walk(path)
        return self._ends[path]

    def through(self, path: str) -> End | None:
        """Where a path leads whose *folders* include a symlink; `None` when they do not."""
        if not self.any:
            return None
        end = self._walk(path)
        return None if end.path == path and end.state is State.MISSING else end

    def _walk(self, path: str) -> End:
        """Resolves each symlink among the path's segments, the last one too."""
        entries = self._view.entries
        budget = LONGEST_CHAIN
        done = ""
        target = path
        todo = path.split("/")[::-1]
        while todo:
            segment = todo.pop()
            if segment in ("", "."):
                continue
            if segment == "..":
                # The parent of what was reached, as the system has it: `link/..` is beside the link's target.
                if not done:
                    return End(State.OUTSIDE, target)
                done = done.rpartition("/")[0]
                continue
            here = f"{done}/{segment}" if done else segment
            entry = entries.get(here)
            if entry is None:
                if here in self._view.folders:
                    done = here
                    continue
                whole = "/".join([here, *todo[::-1]])
                return End(State.UNTRACKED if self._view.lies_here(here) else State.MISSING, whole)
            if entry.mode == SUBMODULE:
                return End(State.SUBMODULE, here)
            if entry.mode != SYMLINK:
                if todo:
                    return End(State.MISSING, "/".join([here, *todo[::-1]]))
                return End(State.FILE, here)
            budget -= 1
            if budget < 0:
                return End(State.LOOP, here)
            text = self.target(here)
            if text is None:
                return End(State.MISSING, here)
            if text.startswith("/") or (len(text) > 1 and text[1] == ":"):
                return End(State.ABSOLUTE, text)
            target = text
            todo.extend(text.split("/")[::-1])
        return End(State.FOLDER, done)


def check(view: View, symlinks: Symlinks) -> dict[str, Problem]:
    """A problem for each tracked symlink that does not lead to a tracked file or folder."""
    problems: dict[str, Problem] = {}
    for path in view.links:
        end = symlinks.follow(path)
        problem = _problem(view, symlinks, path, end)
        if problem is not None:
            problems[path] = problem
    return problems


def _problem(view: View, symlinks: Symlinks, path: str, end: End) -> Problem | None:
    target = symlinks.target(path)
    if target is None:
        return None  # deleted from the work tree, not from the index: nothing there to judge
    folder = path.rpartition("/")[0]
    if end.state is State.ABSOLUTE:
        inside = _inside(view, end.path)
        return Problem(
            rule="symlinks/absolute",
            message=f"the symlink's target is the absolute path {end.path}",
            reason="It names a place on one machine.",
            suggestion=None if inside is None else relative_to(inside, folder),
        )
    if end.state is State.OUTSIDE:
        return Problem(
            rule="symlinks/outside-repository",
            message=f"the symlink's target {target} lies outside the repository",
            reason="What lies beside one checkout does not lie beside another.",
        )
    if end.state is State.LOOP:
        return Problem(
            rule="symlinks/loop",
            message=f"the symlink to {target} leads back to itself, or through more than {LONGEST_CHAIN} others",
            reason="No system can open it, and tools that walk the tree can run for ever.",
        )
    if end.state is State.UNTRACKED:
        return Problem(
            rule="symlinks/untracked-target",
            message=f"the symlink's target {end.path} lies here, but Git does not track it",
            reason="Nobody else has that file: in every other clone the symlink is broken.",
            suggestion=f"git add {end.path}",
        )
    if end.state is State.MISSING:
        return Problem(
            rule="symlinks/broken",
            message=f"the symlink's target {target} is not in the repository",
            reason="In every clone it points to nothing.",
        )
    return None


def _inside(view: View, absolute: str) -> str | None:
    root = view.root.rstrip(os.sep) + "/"
    path = absolute.removeprefix(root)
    return path if path != absolute and (path in view.entries or path in view.folders) else None
