"""`trueup versions list`, `discover` and `bump`: the things that a repository names versions of."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.errors import UsageError

if TYPE_CHECKING:
    from trueup.config import Config
    from trueup.repo import View
    from trueup.versions.source import Sources
    from trueup.versions.state import Place

_SHOWN_PLACES = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of the command that was typed."""
    parser.add_argument("-C", dest="folder", metavar="FOLDER", help="the repository (default: the one around here)")
    parser.add_argument("--config", metavar="FILE", help="configuration file")
    verb = parser.get_default("verb")
    if verb == "bump":
        parser.add_argument("name", metavar="NAME", help="a thing of `trueup versions list`, or a declared version")
        parser.add_argument("version", metavar="VERSION", help="the new version")
        parser.add_argument("--write", action="store_true", help="write it (default: print the patch)")
    elif verb == "list":
        parser.add_argument("names", nargs="*", metavar="NAME", help="only these things, with every place")
        parser.add_argument("--all", action="store_true", help="also what stands in one place only")
        parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace) -> int:
    """Prints what was asked for."""
    from trueup.config import PathMatcher, load
    from trueup.repo import open_view
    from trueup.versions.readers import kind_of
    from trueup.versions.source import Sources

    view = open_view(args.folder or ".", named=args.folder is not None)
    try:
        config = load(Path(view.root), Path(args.config) if args.config else None).config
        excluded = PathMatcher([*config.version_pins.exclude, *config.version_pins.extend_exclude])
        paths = [path for path in view.entries if kind_of(path) is not None and not excluded.matches(path)]
        verbs = {"list": _list, "discover": _discover, "bump": _bump}
        return verbs[args.verb](args, view, config, Sources(view), paths)
    finally:
        view.close()


def _list(args: argparse.Namespace, view: View, config: Config, sources: Sources, paths: list[str]) -> int:
    rows = _rows(view, sources, paths)
    unknown = [name for name in args.names if name not in rows]
    if unknown:
        raise UsageError(f"there is no thing {unknown[0]!r} here", hint=_hint(unknown[0], sorted(rows)))
    chosen = args.names or [name for name in sorted(rows) if args.all or len(rows[name]) > 1]
    if args.json:
        print(json.dumps([_as_json(name, rows[name]) for name in chosen], indent=2))
        return 0
    lines = [("THING", "VERSION", "PLACES")]
    for name in chosen:
        for index, (version, places) in enumerate(_versions(rows[name])):
            lines.append((name if index == 0 else "", version, _listed(places, every=bool(args.names))))
    _print_table(lines)
    if not args.names:
        alone = len(rows) - len(chosen)
        more = f"; {alone} stand in one place only (--all)" if alone else ""
        things = "1 thing" if len(chosen) == 1 else f"{len(chosen)} things"
        print(f"\n{things}" if args.all else f"\n{things} in more than one place{more}")
    return 0


def _rows(view: View, sources: Sources, paths: list[str]) -> dict[str, list[Place]]:
    """The rows under names that can be typed; a package's own version is that of its folder."""
    from trueup.versions import state

    files = [source for path in paths if (source := sources.get(path)) is not None]
    found = state.rows([*files, *state.locks_of(view, files, view.entries)])
    return {name.strip(): places for name, places in found.items()}


def _versions(places: list[Place]) -> list[tuple[str, list[Place]]]:
    """The places by version, the newest first."""
    from trueup.versions import numbers

    groups: dict[str, list[Place]] = {}
    for place in places:
        groups.setdefault(place.version, []).append(place)
    return sorted(groups.items(), key=lambda group: numbers.order(group[0]), reverse=True)


def _listed(places: list[Place], *, every: bool) -> str:
    names = list(dict.fromkeys(place.located.place for place in places))
    shown = names if every else names[:_SHOWN_PLACES]
    return ", ".join(shown) + (f", and {len(names) - len(shown)} more" if len(names) > len(shown) else "")


def _as_json(name: str, places: list[Place]) -> dict[str, object]:
    return {
        "thing": name,
        "places": [
            {"path": one.source.path, "line": one.source.line(one.pin), "version": one.pin.version, "as": one.pin.thing}
            for one in places
        ],
    }


def _print_table(lines: list[tuple[str, str, str]]) -> None:
    from trueup.reports.escape import visible

    widths = [min(48, max(len(line[column]) for line in lines)) for column in (0, 1)]
    for thing, version, places in lines:
        print(visible(f"{thing:<{widths[0]}}  {version:<{widths[1]}}  {places}".rstrip()))


def _discover(args: argparse.Namespace, view: View, config: Config, sources: Sources, paths: list[str]) -> int:
    """The stanza for what agrees today in more than one file."""
    declared = {fact.name for fact in config.versions}
    table = "versions" if "trueup.toml" in view.entries else "tool.trueup.versions"
    stanzas = []
    for name, places in sorted(_rows(view, sources, paths).items()):
        from trueup.versions import numbers

        once = {(place.source.path, place.pin.start): place for place in sorted(places, key=_rank, reverse=True)}
        selectors = list(dict.fromkeys(_selector(place) for place in sorted(once.values(), key=_rank)))
        agree = all(numbers.same(place.version, places[0].version) for place in places)
        if name in declared or len({place.source.path for place in places}) < 2 or not agree or len(selectors) < 2:
            continue
        source, *rest = selectors
        appears = "".join(f"  {_toml(one)},\n" for one in rest)
        stanzas.append(f"[[{table}]]\nname = {_toml(name)}\nsource = {_toml(source)}\nappears = [\n{appears}]\n")
    if not stanzas:
        print("trueup: no thing agrees in more than one file, beside what is declared", file=sys.stderr)
    sys.stdout.write("\n".join(stanzas))
    return 0


def _toml(text: str) -> str:
    # JSON's strings are TOML's, but for what no encoding has.
    return json.dumps(text)


def _rank(place: Place) -> tuple[int, str, int]:
    """Manifests state a version; documents repeat it."""
    name = place.source.path.rpartition("/")[2].lower()
    manifests = ("pyproject.toml", "cargo.toml", "package.json", "go.mod", ".python-version", ".tool-versions")
    kind = 0 if name in manifests else 1 if "dockerfile" in name else 3 if name.endswith((".md", ".mdx")) else 2
    return (kind, place.source.path, place.pin.start)


def _selector(place: Place) -> str:
    return f"pin:{place.source.path}#{place.pin.thing}"


def _bump(args: argparse.Namespace, view: View, config: Config, sources: Sources, paths: list[str]) -> int:
    from trueup import mending
    from trueup.reports.escape import log_line
    from trueup.versions import numbers
    from trueup.versions.bumping import plan

    if numbers.parse(args.version) is None:
        raise UsageError(f"{args.version!r} is no version", hint="for example 0.14.1, v0.14.1, or a commit's id")
    planned = plan(view, config, sources, paths, args.name, args.version)
    if not planned.known:
        known = [*_rows(view, sources, paths), *(fact.name for fact in config.versions)]
        raise UsageError(f"nothing here names a version of {args.name!r}", hint=_hint(args.name, known))
    for line in planned.left:
        print(log_line(f"trueup: left as it is: {line}"), file=sys.stderr)
    if not args.write:
        from trueup.commands.check import print_patch

        print_patch(mending.diff(view, planned.edits))
        told = f"{_places(len(planned.edits))} to write: add --write" if planned.edits else "nothing to write"
        print(f"trueup: {told}{_ready(planned.ready)}", file=sys.stderr)
        return 0
    written = mending.write(view, planned.edits)
    for path, message in written.failed:
        print(log_line(f"trueup: {path}: not written: {message}"), file=sys.stderr)
    for edit in written.done:
        print(log_line(f"{edit.path}:{edit.line}: {edit.message}"))
    print(f"trueup: {_places(len(written.done))} written{_ready(planned.ready)}", file=sys.stderr)
    return 1 if written.failed else 0


def _hint(name: str, known: list[str]) -> str | None:
    from trueup.rules import nearest_hint

    return nearest_hint(name, known)[:500] if known else None


def _places(count: int) -> str:
    return f"{count} place" if count == 1 else f"{count} places"


def _ready(ready: list[str]) -> str:
    return f"; {_places(len(ready))} had it already" if ready else ""
