"""`trueup metrics`: the check of metric names, over the repository, or over expositions from anywhere."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import stat
from typing import TYPE_CHECKING

from trueup.commands import check
from trueup.errors import UsageError

if TYPE_CHECKING:
    from trueup.checks import Input
    from trueup.repo import View

# What other parts of the check read; any other file is an exposition.
CONSUMERS = tuple(
    ".json .jsonnet .libsonnet .yaml .yml .md .markdown .mdx .py .rs .go .ts .js .toml .tpl .html".split()
)
_ROOT_SIGNS = (".git", "trueup.toml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a check, and what only expositions have."""
    check.add_arguments(parser)
    parser.epilog = (
        "Check metric names: in this repository; or of expositions: files anywhere, - for standard input, --scrape URL."
    )
    parser.set_defaults(checks=("metrics",))
    parser.add_argument("--policy", action="append", default=[], metavar="builtin:NAME|FILE", help="may be repeated")
    add_scrape_arguments(parser)
    parser.add_argument("--scrape", action="append", default=[], metavar="URL", help="an endpoint; may be repeated")
    parser.add_argument(
        "--scraper", metavar="NAME", help="whose names: prometheus-2, prometheus-3, prometheus-3-legacy, …"
    )


def add_scrape_arguments(parser: argparse.ArgumentParser) -> None:
    """How an endpoint is asked."""
    parser.add_argument("--timeout", type=_seconds, default=10.0, metavar="S", help="for a whole answer (default: 10)")
    parser.add_argument(
        "--max-bytes", type=_bytes, default=1 << 30, metavar="N", help="the largest exposition (default: 1 GiB)"
    )
    parser.add_argument("--follow-redirects", action="store_true", help="follow redirects of an endpoint")


def run(args: argparse.Namespace) -> int:
    """Expositions that are named, or the repository."""
    if args.scraper is not None:
        refuse_scraper(args.scraper)
    inputs = _inputs(args)
    if not inputs:
        return check.run(args)
    if any(getattr(args, name) for name in ("staged", "ref", "fix", "diff", "graph")):
        raise UsageError("an exposition from outside the repository has no commits: leave out --staged, --ref, --fix")
    return check.run_inputs(args, _empty_view(args.folder), tuple(inputs))


def refuse_scraper(name: str) -> None:
    """`UsageError` for a scraper that is not known."""
    from typing import get_args

    from trueup.metrics.policy import ScraperName
    from trueup.rules import nearest_hint

    known = list(get_args(ScraperName))
    if name not in known:
        raise UsageError(f"there is no scraper {name!r}", hint=nearest_hint(name, known))


def _inputs(args: argparse.Namespace) -> list[Input]:
    from trueup.checks import Input
    from trueup.metrics.exposition.opening import STDIN, opened

    files = [name for name in args.names if name == STDIN or _is_exposition(args.folder, name)]
    found = [
        Input("<stdin>" if name == STDIN else name, functools.partial(opened, name, args.max_bytes)) for name in files
    ]
    found += [_scraped(url, args) for url in args.scrape]
    others = [name for name in args.names if name not in files]
    if found and others:
        raise UsageError(
            f"expositions and other paths ({', '.join(others[:3])}) are checked in runs of their own",
            hint=f"trueup metrics {others[0]}",
        )
    return found


def _is_exposition(folder: str | None, name: str) -> bool:
    if name in check.CHECKS or name.lower().endswith(CONSUMERS) or folder is not None:
        return False
    try:
        mode = os.stat(name).st_mode
    except OSError:
        return False
    return not stat.S_ISDIR(mode)


def _scraped(url: str, args: argparse.Namespace) -> Input:
    from trueup.checks import Input
    from trueup.metrics.scraping import NoAnswer, refuse_url, scrape, shown_url

    refuse_url(url)
    try:
        answer = scrape(
            url,
            "text/plain;version=0.0.4;q=1,*/*;q=0.1",
            timeout_s=args.timeout,
            limit_bytes=args.max_bytes,
            redirects=args.follow_redirects,
        )
    except NoAnswer as error:
        hint = "--follow-redirects" if "redirect" in str(error) else None
        raise UsageError(f"{shown_url(url)}: {error}", hint=hint) from error
    if answer.status != 200:
        raise UsageError(f"{shown_url(url)}: it answers with status {answer.status}")
    openmetrics = "openmetrics" in answer.content_type.lower() or None
    return Input(shown_url(url), lambda: contextlib.nullcontext(answer.body), openmetrics)


def _empty_view(folder: str | None) -> View:
    """A repository of which only the configuration matters: no file of it is looked at."""
    from trueup.repo import empty_view

    here = root = os.path.abspath(folder or ".")
    while not any(os.path.lexists(os.path.join(root, sign)) for sign in _ROOT_SIGNS):
        above = os.path.dirname(root)
        if above == root:
            root = here
            break
        root = above
    return empty_view(root)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to 3600")
    return value


def _bytes(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1 << 40:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes")
    return int(text)
