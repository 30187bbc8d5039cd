"""Who publishes a Markdown file, and which files of the repository a target can then mean.

`github` reads a target as a path and nothing else. A site generator turns files into pages with
addresses of their own; for its files the target counts as found when any of its readings is tracked,
GitHub's own reading included. Where a generator's addresses come from settings that only it can
evaluate (routes, permalinks), a target that no reading finds is *not known*, and not reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.config import PathMatcher
from trueup.config.model import FlavourRule, Links
from trueup.findings import Note
from trueup.links.document import Dialect
from trueup.links.paths import join
from trueup.repo import Unreadable, View

_DOCUSAURUS = re.compile(r"docusaurus\.config\.(?:js|ts|mjs|cjs|mts|cts)")
_HUGO = re.compile(r"(?:hugo|config)\.(?:toml|ya?ml|json)")
_LIMIT_BYTES = 1 << 20
_ENDINGS = (".md", ".mdx", ".markdown")
_NUMBER_PREFIX = re.compile(r"(^|/)\d+[-_.]+")


class Site(NamedTuple):
    """One published tree: `pages` is the folder of its Markdown, `statics` hold files served from `/`."""

    flavour: str
    pages: str
    statics: tuple[str, ...] = ()
    redirects: frozenset[str] = frozenset()  # addresses from `pages` on that its settings send elsewhere
    beside: tuple[Site, ...] = ()  # for what is no part of a site: the sites that the repository holds

    @property
    def dialect(self) -> Dialect:
        """The Markdown that its renderer reads."""
        return Dialect.GFM if self.flavour == "github" else Dialect.GFM_ATTRIBUTES

    @property
    def exact(self) -> bool:
        """Whether fragments are compared without github.com's second try in lower case."""
        return self.flavour != "github"


GITHUB = Site("github", "")


class Flavours:
    """The site of every path: from the configuration, else from the generators' own files."""

    def __init__(self, view: View, settings: Links) -> None:
        self._configured = [(PathMatcher(rule.paths), _configured_site(rule)) for rule in settings.flavours]
        self._detected: list[tuple[str, Site]] = []
        self.notes: list[Note] = []
        if not self._configured:
            for prefix, site, because in _detect(view):
                self._detected.append((prefix, site))
                self.notes.append(Note("links", f"read as {site.flavour}: found {because}", prefix or "."))
            self._detected.sort(key=lambda item: -len(item[0]))
        self._elsewhere = GITHUB._replace(beside=tuple(dict.fromkeys(site for _, site in self._detected)))

    def of(self, path: str) -> Site:
        """The site to which a source belongs."""
        for matcher, site in reversed(self._configured):
            if matcher.matches(path):
                return site
        for prefix, site in self._detected:
            if not prefix or path.startswith(prefix + "/"):
                return site
        return self._elsewhere


def _configured_site(rule: FlavourRule) -> Site:
    pages = (rule.root or "").strip("/")
    top = pages.rpartition("/")[0]
    statics = tuple(f"{top}/{name}" if top else name for name in _STATICS.get(rule.flavour, ()))
    return Site(rule.flavour, pages, (pages, *statics))


_STATICS = {"hugo": ("static", "assets"), "docusaurus": ("static",)}


def _detect(view: View) -> Iterator[tuple[str, Site, str]]:
    for path in view.entries:
        folder, _, name = path.rpartition("/")
        at = f"{folder}/" if folder else ""
        if name == "book.toml":
            settings = _text(view, path)
            found = re.search(r'^src\s*=\s*["\']([^"\'\n]+)', settings, re.MULTILINE)
            pages = join(folder, found[1] if found else "src")[0]
            if pages in view.folders:
                yield pages, Site("mdbook", pages, (pages,), _redirects(settings)), path
        elif name in ("mkdocs.yml", "mkdocs.yaml"):
            found = re.search(r"^docs_dir:\s*[\"']?([^\s\"'#]+)", _text(view, path), re.MULTILINE)
            pages = join(folder, found[1] if found else "docs")[0]
            if pages in view.folders:
                yield pages, Site("mkdocs", pages, (pages,)), path
        elif _DOCUSAURUS.fullmatch(name):
            for part in ("docs", "blog", "versioned_docs", "i18n", "src/pages"):
                if at + part in view.folders:
                    yield at + part, Site("docusaurus", at + part, (f"{at}static",)), path
        elif _HUGO.fullmatch(name) and at + "content" in view.folders and _is_hugo(view, path, name):
            statics = (f"{at}content", f"{at}static", f"{at}assets")
            mounted = [folder for folder in _mounts(_text(view, path), folder) if folder in view.folders]
            site = Site("hugo", at + "content", tuple(dict.fromkeys((*statics, *mounted))))
            for pages in dict.fromkeys((at + "content", *mounted)):
                yield pages, site, path


def _is_hugo(view: View, path: str, name: str) -> bool:
    """Other programs have a `config.yaml` too; hugo's says where the site will stand."""
    return name.startswith("hugo.") or "baseurl" in _text(view, path).lower()


_MOUNT = re.compile(r"""source\s*[=:]\s*["']?([^"'\n]+)["']?\s*\n\s*target\s*[=:]\s*["']?content\b""")
_CONTENT_DIR = re.compile(r"""contentDir\s*[=:]\s*["']?([^"'\n]+)""", re.IGNORECASE)


def _mounts(settings: str, folder: str) -> Iterator[str]:
    """The folders whose files a Hugo site shows as pages, beside `content`: one per language, and mounted ones."""
    for found in (*_CONTENT_DIR.finditer(settings), *_MOUNT.finditer(settings)):
        path, above = join(folder, found[1].strip())
        if path and not above:
            yield path


def _redirects(settings: str) -> frozenset[str]:
    """The old addresses in book.toml's table `[output.html.redirect]`."""
    table = settings.partition("[output.html.redirect]")[2].partition("\n[")[0]
    return frozenset(re.findall(r"""^\s*["']/?([^"'\n]+)["']\s*=""", table, re.MULTILINE))


def _text(view: View, path: str) -> str:
    try:
        return view.read(path, _LIMIT_BYTES).decode("utf-8", "replace")
    except Unreadable:
        return ""


def readings(site: Site, source: str, target: str) -> Iterator[str]:
    """The repository paths that `target` can mean to a generator, likeliest first; GitHub's is not among them."""
    folder, _, name = source.rpartition("/")
    stem = name.rpartition(".")[0]
    if target.startswith("/"):
        bases = [(root, target.lstrip("/")) for root in (site.pages, *site.statics)]
    else:
        # A page with a pretty address is itself a folder: `guide.md` is served as `guide/`.
        own_folder = folder if stem.lower() in ("index", "_index", "readme") else f"{folder}/{stem}" if folder else stem
        bases = [(folder, target), (own_folder, target)]
    for base, relative in bases:
        path, above = join(base, relative)
        if above:
            continue
        yield path
        if path.endswith(".html"):
            stem_path = path.removesuffix(".html")
            yield stem_path + ".md"
            if stem_path.rpartition("/")[2] == "index":
                yield (stem_path.removesuffix("index") + "README.md").lstrip("/")
        for ending in _ENDINGS:
            yield path + ending
        for index in ("index", "_index", "README"):
            yield f"{path}/{index}.md" if path else f"{index}.md"
        yield f"{path}/index.mdx".lstrip("/")
        if site.flavour == "hugo":
            # A folder mounted among the pages links to its neighbours there.
            yield from (f"{root}/{path}".lstrip("/") for root in site.statics)


def is_knowable(site: Site, source: str, target: str) -> bool:
    """Whether a target that no reading found is surely broken on this site.

    Not knowable: addresses made of settings (hugo's permalinks and aliases, docusaurus' routes and
    ids), and what lies beside the site's own root (`../std/` of a book published next to others).
    """
    path = target.partition("?")[0]
    is_file = path.endswith((".md", ".mdx", ".markdown")) and not target.startswith("/")
    if site.flavour == "mdbook":
        inside, above = join(source.rpartition("/")[0], path)
        root = site.pages
        # A book may be served from any folder of its host.
        return (
            not target.startswith("/") and not above and (not root or inside == root or inside.startswith(root + "/"))
        )
    if site.flavour == "mkdocs":
        return is_file or not target.startswith("/")
    return is_file
