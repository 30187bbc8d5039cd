"""URLs into the repository under check: `https://github.com/OWNER/NAME/blob/REF/path#fragment`."""

from __future__ import annotations

import functools
import json
import os
import re
from typing import NamedTuple
from urllib.parse import unquote

from trueup.repo import View

_REMOTE = re.compile(r"(?:https?://(?:[^@/]*@)?|ssh://git@|git://|git@)github\.com[:/]([^/\s]+)/([^/\s]+?)(?:\.git)?/?")
_PAGE = re.compile(
    r"https?://(?:www\.)?github\.com/([^/?#]+)/([^/?#]+)/(blob|tree|raw|edit|blame)/([^?#]+)(?:\?([^#]*))?(?:#(.*))?",
    re.IGNORECASE | re.DOTALL,
)
_RAW = re.compile(
    r"https?://raw\.githubusercontent\.com/([^/?#]+)/([^/?#]+)/(?:refs/heads/)?([^?#]+)(?:\?([^#]*))?(?:#(.*))?",
    re.IGNORECASE | re.DOTALL,
)
# Pages of a repository that are not files of it.
REPOSITORY_PAGES = frozenset(
    "actions activity branches commit commits compare contributors discussions forks graphs issues labels milestones "
    "network packages projects pull pulls pulse releases security settings stargazers tags wiki".split()
)


class OwnUrl(NamedTuple):
    """A URL into this repository: `rest` is REF and path together (a ref may hold slashes)."""

    rest: str
    query: str
    fragment: str | None


class OwnRepository:
    """Who this repository is on GitHub; asked of Git only when a link could lead there."""

    def __init__(self, view: View, name: str | None, default_branch: str | None) -> None:
        self._view = view
        self._name = name
        self._default_branch = default_branch
        self._refs: dict[str, str | None] = {}

    @functools.cached_property
    def name(self) -> str | None:
        """`owner/name` in lower case."""
        if self._name:
            return self._name.lower()
        if os.environ.get("GITHUB_ACTIONS") == "true" and (given := os.environ.get("GITHUB_REPOSITORY")):
            return given.lower()
        if self._view.git is None:
            return None
        url = self._view.git.run("config", "--get", "remote.origin.url").out.decode("utf-8", "replace").strip()
        found = _REMOTE.fullmatch(url)
        return f"{found[1]}/{found[2]}".lower() if found else None

    @functools.cached_property
    def default_branch(self) -> str | None:
        """From the setting, the event of a GitHub job, the clone, or the branch checked out."""
        if self._default_branch:
            return self._default_branch
        event = os.environ.get("GITHUB_EVENT_PATH")
        if os.environ.get("GITHUB_ACTIONS") == "true" and event:
            try:
                with open(event, encoding="utf-8") as file:
                    return str(json.load(file)["repository"]["default_branch"])
            except (OSError, ValueError, KeyError, TypeError):
                pass  # an event without a repository (or none at all): ask the clone
        if self._view.git is None:
            return None
        for ref, prefix in (("refs/remotes/origin/HEAD", "origin/"), ("HEAD", "")):
            answer = self._view.git.run("symbolic-ref", "--quiet", "--short", ref)
            if answer.code == 0:
                return answer.out.decode("utf-8", "replace").strip().removeprefix(prefix)
        return None

    def parse(self, url: str) -> OwnUrl | None:
        """The URL taken apart when it leads to a file or folder of this repository, else `None`."""
        found = _PAGE.fullmatch(url)
        if found is not None:
            owner, name, rest, query, fragment = found[1], found[2], found[4], found[5], found[6]
        else:
            found = _RAW.fullmatch(url)
            if found is None:
                return None
            owner, name, rest, query, fragment = found.groups()
        if self.name != f"{owner}/{name}".lower():
            return None
        return OwnUrl(
            unquote(rest, errors="surrogateescape"),
            query or "",
            unquote(fragment, errors="surrogateescape") if fragment is not None else None,
        )

    def path_at_default(self, rest: str) -> str | None:
        """The path of a URL whose ref is the default branch, else `None`."""
        for branch in (self.default_branch, "HEAD"):
            if branch and (rest == branch or rest.startswith(branch + "/")):
                return rest[len(branch) :].strip("/")
        return None

    def exists_elsewhere(self, rest: str) -> bool | None:
        """Whether a path exists at another ref: `None` when the clone does not hold that ref."""
        git = self._view.git
        if git is None or "\n" in rest or "\0" in rest:
            return None
        segments = rest.strip("/").split("/")
        for length in range(1, min(len(segments), 4) + 1):
            commit = self._commit("/".join(segments[:length]))
            if commit is not None:
                path = "/".join(segments[length:])
                return git.run("cat-file", "-e", f"{commit}:{path}" if path else commit).code == 0
        return None

    def _commit(self, ref: str) -> str | None:
        if ref not in self._refs:
            self._refs[ref] = None
            assert self._view.git is not None
            candidates = [f"refs/remotes/origin/{ref}", f"refs/heads/{ref}", f"refs/tags/{ref}"]
            if re.fullmatch(r"[0-9a-f]{7,64}", ref):
                candidates.append(ref)
            for candidate in candidates:
                answer = self._view.git.run(
                    "rev-parse", "--verify", "--quiet", "--end-of-options", candidate + "^{commit}"
                )
                if answer.code == 0:
                    self._refs[ref] = answer.out.decode().strip()
                    break
        return self._refs[ref]
