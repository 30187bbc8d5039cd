"""`trueup check` and `trueup links`."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trueup.errors import UsageError
from trueup.rules import nearest_hint

if TYPE_CHECKING:
    from trueup.checks import Input
    from trueup.config import Config
    from trueup.findings import RunResult
    from trueup.repo import View
    from trueup.reports import ReportRequest
    from trueup.run import Request

CHECKS = ("links", "grid-config", "metrics", "locks", "versions")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a check."""
    parser.add_argument("names", nargs="*", metavar="CHECK|PATH", help="checks to run, and files or folders to look at")
    parser.add_argument("-C", dest="folder", metavar="FOLDER", help="the repository (default: the one around here)")
    parser.add_argument(
        "--config", metavar="FILE", help="configuration file (default: pyproject.toml or trueup.toml at the root)"
    )
    parser.add_argument("--repository", metavar="OWNER/NAME", help="this repository on GitHub")
    parser.add_argument("--default-branch", metavar="NAME", help="the branch that URLs into this repository name")

    state = parser.add_argument_group("which bytes")
    which = state.add_mutually_exclusive_group()
    which.add_argument("--staged", action="store_true", help="check what is staged, not the work tree")
    which.add_argument("--ref", metavar="REF", help="check a commit")
    state.add_argument(
        "--since",
        metavar="REF",
        help="versions: judge what changed since this commit, not the state (`auto`: found from the hook or job)",
    )

    report = parser.add_argument_group("reports")
    report.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help="text (default), github, json, sarif, junit or html; may be given several times",
    )
    report.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours of the text report"
    )
    report.add_argument("-v", "--verbose", action="store_true", help="show notes too: what was not checked, and why")
    report.add_argument("-q", "--quiet", action="store_true", help="print nothing when there is nothing to mend")

    strict = parser.add_argument_group("what fails")
    strict.add_argument(
        "--fail-on", choices=("error", "warning", "never"), help="the least severity that makes exit code 1"
    )
    strict.add_argument(
        "--warn-only", action="store_true", help="report everything, fail on nothing (= --fail-on never)"
    )
    strict.add_argument("--baseline", metavar="FILE", help="findings listed there do not count")
    strict.add_argument("--write-baseline", metavar="FILE", help="list today's findings there and succeed")

    mend = parser.add_argument_group("mending")
    how = mend.add_mutually_exclusive_group()
    how.add_argument("--fix", action="store_true", help="write the answer where there is exactly one")
    how.add_argument("--diff", action="store_true", help="print what --fix would write, as a patch")
    mend.add_argument("--history", action="store_true", help="look for renames in the last 2,000 commits too")

    more = parser.add_argument_group("links")
    more.add_argument("--graph", action="store_true", help="print which file links to which")
    more.add_argument("--to", metavar="PATH", help="with --graph: only links to this file or folder")
    more.add_argument("--engine", choices=("auto", "pyromark", "markdown-it"), help="the Markdown parser")
    more.add_argument("--no-cache", action="store_true", help="parse everything again, and keep nothing")


def run(args: argparse.Namespace) -> int:
    """Runs the checks and prints the reports; the exit code."""
    # A run makes many small objects that live to its end: collecting cycles among them costs a tenth of it.
    gc.disable()
    if args.to is not None and not args.graph:
        raise UsageError("--to goes with --graph")
    _report_requests(args)  # a mistake there is told before the work, not after it
    from trueup.repo import open_view

    view = open_view(args.folder or ".", staged=args.staged, ref=args.ref, named=args.folder is not None)
    try:
        return _run(args, view)
    finally:
        view.close()


def run_inputs(args: argparse.Namespace, view: View, inputs: tuple[Input, ...]) -> int:
    """Checks bytes from outside the repository, by its configuration."""
    from trueup import run as runner

    gc.disable()
    args.names = []
    _report_requests(args)
    request = _request(args, view)
    request = request._replace(options=request.options._replace(inputs=inputs))
    loaded = runner.configuration(view, request)
    return _report(args, loaded.config, runner.run(view, loaded, request), view)


def _run(args: argparse.Namespace, view: View) -> int:
    from trueup import run as runner

    request = _request(args, view)
    loaded = runner.configuration(view, request)
    if args.graph:
        from trueup.links.graph import print_graph

        return print_graph(
            view, loaded.config, request.options, path_in(view, args.to) if args.to is not None else None
        )
    if (args.fix or args.diff) and not view.has_disk:
        raise UsageError("--fix and --diff mend the work tree: they do not go with --staged or --ref")
    result = runner.run(view, loaded, request)
    if args.fix or args.diff:
        from trueup import mending

        if args.diff:
            print_patch(mending.diff(view, result.findings))
        else:
            result = mending.mend(view, result)
    return _report(args, loaded.config, result, view)


def print_patch(patch: bytes) -> None:
    """Prints the exact bytes, for `git apply`; on a terminal, text that cannot harm it."""
    if sys.stdout.isatty():
        from trueup.reports.escape import visible

        for line in patch.decode("utf-8", "surrogateescape").split("\n")[:-1]:
            print(visible(line))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(patch)
        sys.stdout.buffer.flush()


def _request(args: argparse.Namespace, view: View) -> Request:
    from trueup.checks import Options
    from trueup.run import Request

    checks = [name for name in args.names if name in CHECKS]
    paths = tuple(path_in(view, name) for name in args.names if name not in CHECKS)
    return Request(
        checks=tuple(dict.fromkeys([*getattr(args, "checks", ()), *checks])),
        options=Options(
            paths=paths,
            use_cache=not args.no_cache,
            history=args.history or args.fix or args.diff,
            policies=tuple(getattr(args, "policy", ())),
            parts=tuple(getattr(args, "parts", ())),
            since=args.since,
            progress=_progress if sys.stderr.isatty() and not args.quiet else None,
        ),
        config_path=Path(args.config) if args.config else None,
        baseline_path=Path(args.baseline) if args.baseline else None,
        use_baseline=not args.write_baseline,
        repository=args.repository,
        default_branch=args.default_branch,
        fail_on="never" if args.warn_only else args.fail_on,
        engine=args.engine,
        scraper=getattr(args, "scraper", None),
    )


def path_in(view: View, name: str) -> str:
    """A path from the command line as a path from the root; an untracked file becomes a source by it."""
    from trueup.links.paths import join

    if os.path.isabs(name):
        relative = os.path.relpath(name, view.root).replace(os.sep, "/")
        prefix = ""
    else:
        relative, prefix = name.replace(os.sep, "/"), view.prefix.rstrip("/")
    path, above = join(prefix, relative)
    if above:
        raise UsageError(f"{name!r} lies outside the repository {view.root!r}")
    if path and path not in view.entries and path not in view.folders:
        if view.name(path):
            return path
        if view.lies_here(path):
            raise UsageError(f"Git tracks nothing in {name!r}", hint=f"git add {name}")
        raise UsageError(f"there is no check and no tracked path {name!r}", hint=nearest_hint(name, list(CHECKS)))
    return path


def _report_requests(args: argparse.Namespace) -> list[ReportRequest]:
    from trueup import reports

    # --diff alone prints a patch and nothing else: it goes on to `git apply`.
    requests = [reports.parse_request(text) for text in args.report or ([] if args.diff else ["text"])]
    reports.refuse_clashes(requests)
    return requests


def _report(args: argparse.Namespace, config: Config, result: RunResult, view: View) -> int:
    from trueup import reports
    from trueup.findings import Severity

    if args.write_baseline:
        from trueup.suppression import write_baseline

        count = write_baseline(Path(args.write_baseline), result.findings, root=view.root)
        print(f"trueup: {count} findings written to {args.write_baseline}", file=sys.stderr)
        return 0
    if not (args.quiet and not result.findings):
        color = args.color == "always" or (
            args.color == "auto" and sys.stdout.isatty() and "NO_COLOR" not in os.environ
        )
        reports.write(
            _report_requests(args),
            result,
            stdout=sys.stdout,
            color=color,
            verbose=args.verbose,
            repository=config.repository or os.environ.get("GITHUB_REPOSITORY"),
            ref=os.environ.get("GITHUB_SHA"),
        )
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get("GITHUB_ACTIONS") == "true" and summary:
        reports.write_job_summary(summary, result)
    errors, warnings = result.count(Severity.ERROR), result.count(Severity.WARNING)
    failing = {"never": 0, "error": errors, "warning": errors + warnings}[config.fail_on]
    return 1 if failing else 0


def _progress(total: int, done: Iterator[str]) -> Iterator[str]:
    """A bar on standard error, once the work proves long."""
    from tqdm import tqdm

    # The monitor would be a second thread, and a process with two is not forked.
    tqdm.monitor_interval = 0
    return iter(tqdm(done, total=total, unit=" files", delay=1.0, leave=False, file=sys.stderr))
