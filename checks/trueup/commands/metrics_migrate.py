"""`trueup metrics migrate`: renames metrics wherever the repository uses them; shows a patch first."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from trueup.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Names, paths, and what to write."""
    parser.description = (
        "Rename metrics wherever they are used: in queries, rules, docs, and the source files that `code` names. "
        "Prints the patch; --write applies it."
    )
    parser.add_argument("names", nargs="*", metavar="PATH", help="files or folders (default: the whole repository)")
    parser.add_argument("-C", dest="folder", metavar="FOLDER", help="the repository (default: the one around here)")
    parser.add_argument(
        "--from",
        dest="olds",
        action="append",
        default=[],
        metavar="NAME",
        help="old name, or 'prefix*'; may be repeated",
    )
    parser.add_argument("--to", dest="news", action="append", default=[], metavar="NAME", help="its new name")
    parser.add_argument("--write", action="store_true", help="write the files")
    parser.add_argument(
        "--recording-rules", metavar="FILE", help="write Prometheus rules that record the old names from the new ones"
    )
    parser.add_argument("--policy", action="append", default=[], metavar="builtin:NAME|FILE", help="may be repeated")
    parser.add_argument("--config", metavar="FILE", help="configuration file (default: the repository's)")


def run(args: argparse.Namespace) -> int:
    """Prints the patch, or writes it."""
    from trueup import mending
    from trueup import run as runner
    from trueup.checks import Options
    from trueup.commands.check import path_in, print_patch
    from trueup.metrics.migrate import Plan, migration
    from trueup.metrics.policy import load_policies
    from trueup.repo import open_view
    from trueup.reports.escape import log_line

    plan = Plan.of(args.olds, args.news)
    view = open_view(args.folder or ".", staged=False, ref=None, named=args.folder is not None)
    try:
        paths = tuple(path_in(view, name) for name in args.names)
        request = runner.Request(options=Options(paths=paths), config_path=Path(args.config) if args.config else None)
        config = runner.configuration(view, request).config
        policies = load_policies(config.metrics, view.root, tuple(args.policy))
        found = migration(view, config, request.options, policies, plan)
        for note in found.notes:
            print(log_line(f"trueup: {note.path}: {note.message}"), file=sys.stderr)
        patch = mending.diff(view, found.edits)
        left = mending.write(view, found.edits).failed if args.write else []
    finally:
        view.close()
    if not args.write:
        print_patch(patch)
    for path, reason in left:
        print(log_line(f"trueup: {path}: not written: {reason}"), file=sys.stderr)
    if args.recording_rules is not None:
        _write_rules(args.recording_rules, found.renamed)
    files = len({one.path for one in found.edits})
    _tell(len(found.edits), files, written=args.write)
    return 1 if left else 0


def _tell(names: int, files: int, *, written: bool) -> None:
    if not names:
        print("trueup: nothing left to rename", file=sys.stderr)
        return
    what = f"{names} {'name' if names == 1 else 'names'} in {files} {'file' if files == 1 else 'files'}"
    print(f"trueup: {what} {'renamed' if written else 'to rename; write them with --write'}", file=sys.stderr)


def _write_rules(name: str, renamed: dict[str, str]) -> None:
    from trueup.metrics.migrate import recording_rules

    if not renamed:
        print("trueup: no recording rules: no query asks for an old name", file=sys.stderr)
        return
    try:
        Path(name).write_text(recording_rules(renamed), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {error.strerror}") from error
