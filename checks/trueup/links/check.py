"""The link check as a whole: sources, records, verdicts, places, findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trueup.checks import Options, Outcome
from trueup.config import Config, PathMatcher
from trueup.findings import CheckSummary, Finding, Note
from trueup.links import engines, symlinks
from trueup.links.cache import Cache, place
from trueup.links.flavours import Flavours, Site
from trueup.links.library import Library
from trueup.links.own_urls import OwnRepository
from trueup.links.problems import Problem
from trueup.links.records import Record
from trueup.links.resolve import Resolver, Sight
from trueup.links.suggest import Suggestions
from trueup.links.targets import split
from trueup.links.telling import bad_byte, bad_comments, finding, undefined_references, wrong_targets
from trueup.repo import View
from trueup.repo.view import SUBMODULE, SYMLINK, TooLarge
from trueup.suppression import IgnoreComment


def start(view: View, config: Config, options: Options) -> Callable[[], Outcome]:
    """Checks every source of a view, once it is asked to finish."""
    return lambda: LinkCheck(view, config, options).run()


class LinkCheck:
    """One run; the parts are shared with `--graph`."""

    def __init__(self, view: View, config: Config, options: Options) -> None:
        settings = config.links
        self.view = view
        self.options = options
        engine = engines.chosen(settings.engine)
        self.symlinks = symlinks.Symlinks(view)
        self.flavours = Flavours(view, settings)
        self.cache = Cache(place(view) if options.use_cache else None, engine)
        self.library = Library(view, self.symlinks, self.flavours, engine, self.cache, settings.max_file_bytes)
        self._skip_targets = PathMatcher(settings.skip_targets) if settings.skip_targets else None
        self._sources = PathMatcher(settings.sources)
        self._excluded = PathMatcher([*settings.exclude, *settings.extend_exclude])
        self.resolver = Resolver(
            view,
            self.symlinks,
            OwnRepository(view, config.repository, config.default_branch),
            Suggestions(view, history=options.history),
            Sight(self.library.anchors_of, self.library.line_count_of),
        )

    def sources(self) -> list[str]:
        """The Markdown files to check, each at every place where it stands: tracked, or named by the caller."""
        chosen: list[str] = []
        for path, entry in (*self.view.entries.items(), *self.view.named.items()):
            if entry.mode == SUBMODULE or not self._sources.matches(path) or self._excluded.matches(path):
                continue
            if not self.options.asks_for(path):
                continue
            if entry.mode == SYMLINK and self.library.content_path(path) is None:
                continue  # a symlink to a folder, or to nothing
            chosen.append(path)
        return chosen

    def run(self) -> Outcome:
        """Everything in order."""
        sources = self.sources()
        loading = self.library.load(sources)
        if self.options.progress is not None:
            loading = self.options.progress(len(sources), loading)
        for _ in loading:
            pass
        findings = list(self._symlink_findings())
        comments: dict[str, list[IgnoreComment]] = {}
        link_count = 0
        judged: list[tuple[str, Site, Record, list[tuple[str, Problem]]]] = []
        for path in sources:
            site = self.flavours.of(path)
            record = self.library.record(path, site)
            if record is None:
                findings.extend(self._unreadable(path))
                continue
            link_count += record.link_count
            if record.comments:
                comments[path] = record.comments
            judged.append((path, site, record, self.verdicts(path, site, record)))
        self.library.place_ahead(
            {path: (site, _counts(record, wrong)) for path, site, record, wrong in judged if wrong}
        )
        for path, site, record, wrong in judged:
            findings.extend(self._findings(path, site, record, wrong))
        self.cache.save()
        skipped = [Note("links", f"not checked: {count} {why}") for why, count in sorted(self.resolver.skipped.items())]
        counts = {"files": len(sources), "links": link_count, "symlinks": len(self.view.links)}
        return Outcome(
            findings,
            comments,
            self._same_file(sources),
            [*self.flavours.notes, *skipped],
            CheckSummary("links", counts),
        )

    def _same_file(self, sources: list[str]) -> dict[str, str]:
        return {
            path: content
            for path in sources
            if (entry := self.view.entry(path)) is not None
            and entry.mode == SYMLINK
            and (content := self.library.content_path(path)) is not None
        }

    def verdicts(self, path: str, site: Site, record: Record) -> list[tuple[str, Problem]]:
        """The targets of a source that are wrong."""
        wrong: list[tuple[str, Problem]] = []
        judge = self.resolver.problem
        for target in record.targets:
            problem = judge(path, site, target)
            if problem is not None and not self._is_skipped(path, target):
                wrong.append((target, problem))
        return wrong

    def _is_skipped(self, path: str, target: str) -> bool:
        if self._skip_targets is None:
            return False
        from trueup.links.paths import join

        found, above = join(path.rpartition("/")[0] if not target.startswith("/") else "", split(target).path)
        return not above and bool(found) and self._skip_targets.matches(found)

    def _findings(self, path: str, site: Site, record: Record, wrong: list[tuple[str, Problem]]) -> Iterator[Finding]:
        if wrong:
            yield from wrong_targets(
                path, dict(wrong), self.library.spots(path, site, _counts(record, wrong)), self.view
            )
        if record.undefined:
            yield from undefined_references(path, record.undefined)
        yield from bad_comments(path, record.bad_comments)
        if record.bad_byte is not None:
            yield bad_byte(path, record.bad_byte)

    def _unreadable(self, path: str) -> Iterator[Finding]:
        content = self.library.content_path(path) or path
        error = self.library.unreadable.get(content)
        if error is None or self.view.is_gone(content):
            return  # deleted from the work tree: nothing to check there
        too_large = isinstance(error, TooLarge)
        yield finding(
            "trueup/file-too-large" if too_large else "trueup/unreadable-file",
            path,
            f"this file was not checked: {error}",
            suggestion="raise links.max-file-bytes, or exclude the file" if too_large else None,
        )

    def _symlink_findings(self) -> Iterator[Finding]:
        for path, problem in symlinks.check(self.view, self.symlinks).items():
            if self._excluded.matches(path) or not self.options.asks_for(path):
                continue
            yield finding(
                problem.rule,
                path,
                problem.message,
                reason=problem.reason,
                suggestion=problem.suggestion,
                target=self.symlinks.target(path) or "",
            )


def _counts(record: Record, wrong: list[tuple[str, Problem]]) -> dict[str, int]:
    return {target: record.targets[target] for target, _ in wrong}
