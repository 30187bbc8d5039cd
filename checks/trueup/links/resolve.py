"""Whether a target leads somewhere: the heart of the link check.

The rules are those of github.com for a rendered file; docs/links.md lists them with their sources.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from trueup.links import flavours
from trueup.links.anchors import Anchors
from trueup.links.flavours import Site
from trueup.links.fragments import anchor_problem, clean, is_lines, lines_problem
from trueup.links.malformed import malformed, nested, with_answer
from trueup.links.own_urls import REPOSITORY_PAGES, OwnRepository, OwnUrl
from trueup.links.paths import encode, join, relative_to
from trueup.links.problems import Problem
from trueup.links.suggest import ONLY_OF_NAME, Suggestions
from trueup.links.symlinks import State, Symlinks
from trueup.links.targets import has_scheme, split
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK

# Templates that a generator fills in: {{ … }}, {% … %}, <% … %>, ${ … }, also percent-encoded.
_TEMPLATE = re.compile(r"\{\{|\{%|<%|\$\{|%7B%7B|%7B%25|%7B%|%3C%25|%3C%|\$%7B", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HOST = re.compile(r"(?:www\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|io|net|dev|edu|gov)(?:/|$)", re.IGNORECASE)


class Sight(NamedTuple):
    """What the resolver needs to know of other files' contents."""

    anchors_of: Callable[[str], Anchors | None]  # of a tracked path; None: not a rendered page
    line_count_of: Callable[[str], int | None]  # of a tracked path; None: not text


class Resolver:
    """Resolves targets against one view. `skipped` counts what could not be judged, by reason."""

    def __init__(
        self, view: View, symlinks: Symlinks, own: OwnRepository, suggestions: Suggestions, sight: Sight
    ) -> None:
        self._view = view
        self._entries = view.entries
        self._symlinks = symlinks
        self.own = own
        self._suggest = suggestions
        self._sight = sight
        self._gone: dict[str, bool] = {}
        self.skipped: dict[str, int] = {}

    def problem(self, source: str, site: Site, target: str) -> Problem | None:
        """What is wrong with `target` (in normal form) where it stands in `source`."""
        if has_scheme(target):
            return self._absolute(source, target)
        if not target:
            if source.rpartition("/")[2] == "SUMMARY.md":
                return None  # a draft chapter of an mdBook
            return Problem(
                rule="links/empty-target",
                message="the link has no target",
                reason="It leads back to the page on which it stands.",
            )
        path, query, fragment = split(target)
        if not path:
            return self.fragment(source, source, site, query, fragment)
        folder = source.rpartition("/")[0]
        if path.startswith("/"):
            found, above = join("", path)
        else:
            found, above = join(folder, path)
        if not above:
            entry = self._entries.get(found)
            plain = entry is not None and entry.mode != SYMLINK and entry.mode != SUBMODULE and path[-1] != "/"
            if plain and not self._is_gone(found):
                return self.fragment(source, found, site, query, fragment) if fragment else None
        return self._unusual(source, site, target, found, above)

    def fragment(self, source: str, path: str, site: Site, query: str, fragment: str | None) -> Problem | None:
        """What is wrong with a fragment of an existing path."""
        name = clean(fragment)
        if not name:
            return None
        where = "this file" if path == source else path
        if is_lines(name):
            anchors = self._sight.anchors_of(path)
            if anchors is not None and name in anchors.names:
                return None
            return lines_problem(name, self._sight.line_count_of(path), path)
        if query == "plain=1" or query.startswith("plain=1&"):
            return Problem(
                rule="links/missing-fragment",
                message=f"the plain view of {path} has no anchor #{name}, only lines (#L12)",
                reason="?plain=1 shows the source, in which headings are no anchors.",
                suggestion="drop ?plain=1, or link to a line",
            )
        anchors = self._sight.anchors_of(path)
        problem = None if anchors is None else anchor_problem(name, anchors, where)
        if problem is not None and path == source and "/" in name:
            meant = join(source.rpartition("/")[0], name)
            if not meant[1] and meant[0] in self._entries:
                return msgspec.structs.replace(
                    problem, suggestion=f"{name} (without #)", replacement=None, certain=False
                )
        return problem

    def _is_gone(self, path: str) -> bool:
        gone = self._gone.get(path)
        if gone is None:
            gone = self._gone[path] = self._view.is_gone(path)
        return gone

    def _unusual(self, source: str, site: Site, target: str, found: str, above: int) -> Problem | None:
        """Everything but a plain path to a regular tracked file."""
        path, query, fragment = split(target)
        if _TEMPLATE.search(target):
            return self._skip("targets that a template fills in")
        wrong = malformed(target, path)
        if wrong is not None:
            if "\\" in path and self._exists(join(source.rpartition("/")[0], path.replace("\\", "/"))[0]):
                return with_answer(wrong, encode(path.replace("\\", "/")))
            if not self._exists(join(source.rpartition("/")[0], path)[0]):
                return wrong
        if above and site.flavour == "github":
            return self._above(source, found, above, query, fragment)
        if not above:
            good, problem = self._tracked(source, site, path, found, query, fragment)
            if good:
                return problem
        if site.flavour != "github":
            return self._on_site(source, site, target, found, above)
        if any(self._is_page_of(other, source, path, found) for other in site.beside):
            return self._skip("pages of a site, linked from outside it")
        return self._missing(source, path, found, target, sure=not site.beside)

    def _is_page_of(self, site: Site, source: str, path: str, found: str) -> bool:
        """Whether what GitHub does not find is, or may well be, an address on a site that the repository publishes."""
        if site.flavour == "mdbook" and path.endswith(".html") and not found.startswith(site.pages + "/"):
            return True
        return path.startswith("/") and any(
            reading in self._entries for reading in flavours.readings(site, source, path)
        )

    def _exists(self, path: str) -> bool:
        return path in self._entries or path in self._view.folders

    def _tracked(
        self, source: str, site: Site, path: str, found: str, query: str, fragment: str | None
    ) -> tuple[bool, Problem | None]:
        """Whether something tracked stands at `found` (or above it), and what is wrong with the link then."""
        entry = self._entries.get(found)
        slash = path.endswith("/")
        if entry is None:
            if found in self._view.folders:
                if site.flavour != "github":
                    return (not fragment), None  # the page may be made of the folder, or stand beside it
                return True, self._folder_fragment(source, found, site, query, fragment)
            return self._through(source, site, found, query, fragment)
        if entry.mode == SUBMODULE:
            return True, None
        if self._is_gone(found):
            return False, None
        if entry.mode == SYMLINK:
            end = self._symlinks.follow(found)
            if end.state is State.FILE and not slash:
                return True, self.fragment(source, found, site, query, fragment) if fragment else None
            return True, None  # a symlink that leads nowhere has a finding of its own
        if slash and site.flavour == "github":
            name = encode(path.rstrip("/")) + (f"#{fragment}" if fragment else "")
            return True, Problem(
                rule="links/file-with-slash",
                message=f"{path} is a file, but the link ends in a slash",
                reason="A path with a slash at its end is a directory; browsers then resolve it wrongly.",
                suggestion=name,
                replacement=name,
                certain=True,
            )
        return True, self.fragment(source, found, site, query, fragment) if fragment else None

    def _folder_fragment(
        self, source: str, folder: str, site: Site, query: str, fragment: str | None
    ) -> Problem | None:
        name = clean(fragment)
        if not name or is_lines(name):
            return None
        places = [folder] if folder else [".github", "", "docs"]
        for place in places:
            readme = self._suggest.readme_of(place)
            if readme is not None:
                return self.fragment(source, readme, site, query, fragment)
        return Problem(
            rule="links/missing-fragment",
            message=f"the directory {folder or '/'} shows no README, so there is no #{name}",
            reason="A fragment of a directory means a heading of the README rendered there.",
        )

    def _through(
        self, source: str, site: Site, found: str, query: str, fragment: str | None
    ) -> tuple[bool, Problem | None]:
        """A path that leads through a submodule or a symlinked directory."""
        for submodule in self._view.submodules:
            if found.startswith(submodule + "/"):
                return True, self._skip("links into submodules")
        end = self._symlinks.through(found)
        if end is None or end.state not in (State.FILE, State.FOLDER):
            if end is not None and end.state is State.SUBMODULE:
                return True, self._skip("links into submodules")
            return False, None
        if site.flavour != "github":
            return True, self.fragment(source, end.path, site, query, fragment) if fragment else None
        real = encode(relative_to(end.path, source.rpartition("/")[0]))
        tail = f"#{fragment}" if fragment else ""
        return True, Problem(
            rule="links/through-symlinked-directory",
            message=f"{found} leads through a symlinked directory to {end.path}",
            reason="It works in a checkout; github.com does not follow a symlink inside a path and answers 404.",
            suggestion=real + tail,
            replacement=real + tail,
            certain=True,
        )

    def _missing(self, source: str, path: str, found: str, target: str, *, sure: bool) -> Problem:
        """`sure`: nothing but GitHub shows the file, so that the one file of a name is the one that was meant."""
        folder = source.rpartition("/")[0]
        tail = target[len(target.partition("#")[0].partition("?")[0]) :]

        def written(answer: str) -> str:
            return ("/" + encode(answer) if path.startswith("/") else encode(relative_to(answer, folder))) + tail

        other_case = self._suggest.case_of(found)
        if other_case is not None and not self._is_gone(other_case):
            return Problem(
                rule="links/case-mismatch",
                message=f"{found} is tracked as {other_case}",
                reason="It works on a disk that ignores case, and gives a 404 on GitHub and on Linux.",
                suggestion=written(other_case),
                replacement=written(other_case),
                certain=True,
            )
        gone = found in self._entries
        if not gone and self._view.lies_here(found):
            return Problem(
                rule="links/untracked-target",
                message=f"{found} lies here, but Git does not track it",
                reason="Nobody else has that file: for every other reader the link is dead.",
                suggestion=f"git add {found}, if it is not ignored on purpose",
            )
        state = "was deleted from the work tree" if gone else "is not in the repository"
        if _EMAIL.fullmatch(path):
            return _missing_file(found, state, f"mailto:{path}", f"mailto:{path} (an e-mail address)", certain=True)
        if _HOST.match(path):
            certain = path.startswith("www.")
            return _missing_file(
                found, state, f"https://{target}", f"https://{target} (a host's name)", certain=certain
            )
        from_root = join("", path)[0]
        if "/" in from_root and from_root != found and self._exists(from_root):
            answer = encode(relative_to(from_root, folder)) + tail
            return _missing_file(found, state, answer, f"{answer} (seen from the root)", certain=False)
        guess = self._suggest.file_for(found)
        if guess is None:
            return _missing_file(found, state, None, None, certain=False)
        answer = written(guess.answer)
        certain = guess.certain and (sure or guess.why != ONLY_OF_NAME)
        return _missing_file(found, state, answer, f"{answer} ({guess.why})", certain=certain)

    def _on_site(self, source: str, site: Site, target: str, found: str, above: int) -> Problem | None:
        path, query, fragment = split(target)
        is_folder = False
        for reading in flavours.readings(site, source, path):
            entry = self._entries.get(reading)
            if entry is not None and not self._is_gone(reading):
                return self.fragment(source, reading, site, query, fragment) if fragment else None
            is_folder = is_folder or (reading in self._view.folders and reading not in ("", *site.statics))
        if is_folder:
            return None
        if site.redirects and not above and found.removeprefix(site.pages + "/") in site.redirects:
            return None
        if not flavours.is_knowable(site, source, path):
            return self._skip(f"targets whose address only {site.flavour} knows")
        if above:
            return _outside(target)
        return self._missing(source, path, found, target, sure=False)

    def _above(self, source: str, found: str, above: int, query: str, fragment: str | None) -> Problem | None:
        """A relative link that climbs out of the tree, seen from the page /OWNER/NAME/blob/REF/DIR/FILE."""
        # What lies above the root, innermost first: REF, blob, NAME, OWNER.
        rest = found.split("/")
        if above == 2:
            if rest[0] in REPOSITORY_PAGES:
                return None
            if rest[0] in ("blob", "tree", "raw", "edit", "blame") and len(rest) > 1:
                return self._own_url(source, OwnUrl("/".join(rest[1:]), query, fragment), "../" * above + found)
        return _outside(found)

    def _absolute(self, source: str, target: str) -> Problem | None:
        if target.startswith("http") and (wrong := nested(target)) is not None:
            return wrong
        lower = target.lower()
        if "github" not in lower or not lower.startswith(("http://", "https://")):
            return None
        url = self.own.parse(target)
        return None if url is None else self._own_url(source, url, target)

    def _own_url(self, source: str, url: OwnUrl, target: str) -> Problem | None:
        path = self.own.path_at_default(url.rest)
        if path is None:
            known = self.own.exists_elsewhere(url.rest)
            if known is None:
                return self._skip("URLs into this repository at a ref that this clone does not hold")
            return None if known else _not_at(url.rest)
        path = path.rstrip("/")
        entry = self._entries.get(path)
        if entry is None and path not in self._view.folders:
            if any(path.startswith(submodule + "/") for submodule in self._view.submodules):
                return self._skip("links into submodules")
            answer = self._suggest.case_of(path)
            certain = answer is not None
            if answer is None:
                guess = self._suggest.file_for(path)
                answer, certain = (guess.answer, guess.certain) if guess else (None, False)
            return _own_missing(target, path, answer, certain=certain)
        if not url.fragment:
            return None
        if entry is None:
            return self._folder_fragment(source, path, flavours.GITHUB, url.query, url.fragment)
        return self.fragment(source, path, flavours.GITHUB, url.query, url.fragment)

    def _skip(self, why: str) -> Problem | None:
        """Counts what cannot be judged; no problem is known of it."""
        self.skipped[why] = self.skipped.get(why, 0) + 1
        return None


def _missing_file(found: str, state: str, replacement: str | None, suggestion: str | None, *, certain: bool) -> Problem:
    return Problem(
        rule="links/missing-file",
        message=f"{found} {state}",
        reason="Readers who follow it get a 404.",
        suggestion=suggestion,
        replacement=replacement,
        certain=certain,
    )


def _outside(target: str) -> Problem:
    return Problem(
        rule="links/outside-repository",
        message=f"the link climbs out of the repository to {target}",
        reason="What lies beside a checkout is not on GitHub.",
    )


def _not_at(rest: str) -> Problem:
    ref, _, path = rest.partition("/")
    return Problem(
        rule="links/own-repository-url",
        message=f"{path or '/'} does not exist at {ref[:12] if len(ref) >= 40 else ref}",
        reason="Readers who follow it get a 404.",
    )


def _own_missing(target: str, path: str, answer: str | None, *, certain: bool = False) -> Problem:
    replacement = target.replace(encode(path), encode(answer)) if answer and encode(path) in target else None
    return Problem(
        rule="links/own-repository-url",
        message=f"{path} is not in this repository",
        reason="Readers who follow it get a 404.",
        suggestion=replacement or answer,
        replacement=replacement,
        certain=certain and replacement is not None,
    )
