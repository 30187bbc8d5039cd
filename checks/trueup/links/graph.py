"""`trueup links --graph`: which file links to which, before one is moved or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trueup.checks import Options
from trueup.config import Config
from trueup.links.check import LinkCheck
from trueup.links.flavours import Site, readings
from trueup.links.paths import join
from trueup.links.symlinks import State
from trueup.links.targets import has_scheme, split
from trueup.repo import View
from trueup.reports.escape import visible


class Edge(NamedTuple):
    """One link from a source to a tracked path. `line` and `column` are those of the target as written."""

    source: str
    line: int
    column: int
    path: str
    written: str


def print_graph(view: View, config: Config, options: Options, to: str | None) -> int:
    """Prints the edges (all, or those to `to` and what lies below it) and how many there are."""
    check = LinkCheck(view, config, options)
    found = 0
    for edge in edges(check, to):
        found += 1
        print(f"{visible(edge.source)}:{edge.line}:{edge.column}: {visible(edge.written)} -> {visible(edge.path)}")
    check.cache.save()
    where = f" to {visible(to) if to else 'the root'}" if to is not None else ""
    print(f"trueup: {found} link{'' if found == 1 else 's'}{where}")
    return 0


def edges(check: LinkCheck, to: str | None) -> Iterator[Edge]:
    """Links by source, then place; a link through symlinks leads to the file that it shows in the end."""
    sources = check.sources()
    for _ in check.library.load(sources):
        pass
    for path in sources:
        site = check.flavours.of(path)
        record = check.library.record(path, site)
        if record is None:
            continue
        reached = {target: end for target in record.targets if (end := _reached(check, path, site, target)) is not None}
        wanted = {target: record.targets[target] for target, end in reached.items() if _is_below(end, to)}
        if wanted:
            yield from sorted(_placed(check, path, site, wanted, reached), key=lambda edge: (edge.line, edge.column))


def _placed(check: LinkCheck, path: str, site: Site, wanted: dict[str, int], reached: dict[str, str]) -> Iterator[Edge]:
    for target, spots in check.library.spots(path, site, wanted).items():
        if target in wanted:
            for spot in spots:
                yield Edge(path, spot.line, spot.column, reached[target], spot.written.decode("utf-8", "replace"))


def _is_below(path: str, to: str | None) -> bool:
    return to is None or not to or path == to or path.startswith(to + "/")


def _reached(check: LinkCheck, source: str, site: Site, target: str) -> str | None:
    """The tracked file or folder to which a target leads."""
    view = check.view
    if has_scheme(target):
        url = check.resolver.own.parse(target)
        path = check.resolver.own.path_at_default(url.rest) if url is not None else None
        return path if path is not None and (path in view.entries or path in view.folders) else None
    path = split(target).path
    if not path:
        return None
    candidate, above = join("" if path.startswith("/") else source.rpartition("/")[0], path)
    candidates = [] if above else [candidate]
    if site.flavour != "github":
        candidates.extend(readings(site, source, path))
    for candidate in candidates:
        if candidate in view.entries:
            return check.library.content_path(candidate) or candidate
        if candidate in view.folders:
            return candidate
        end = check.symlinks.through(candidate)
        if end is not None and end.state in (State.FILE, State.FOLDER):
            return end.path
    return None
