"""`trueup metrics doctor URL|FILE`: what every scraper gets from an endpoint, why they differ, and the cures."""

from __future__ import annotations

import argparse
import json
import sys

from trueup.commands.metrics import add_scrape_arguments
from trueup.errors import UsageError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.epilog = (
        "Ask an endpoint with the Accept header of every scraper, and say what each of them will store, why they "
        "differ, and how to cure it. Of a file, say what can be said of one answer."
    )
    parser.add_argument("target", metavar="URL|FILE", help="an endpoint, a file with an exposition, or - (stdin)")
    parser.add_argument("--json", action="store_true", help="every answer, for programs")
    parser.add_argument("-v", "--verbose", action="store_true", help="name every scraper's version")
    add_scrape_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the diagnosis; 0 where every scraper stores the same, 1 where not."""
    if "://" in args.target:
        return _endpoint(args)
    return _file(args)


def _endpoint(args: argparse.Namespace) -> int:
    from trueup.metrics.doctor.asking import ask_all
    from trueup.metrics.doctor.comparing import diagnose
    from trueup.metrics.doctor.scrapers import scrapers
    from trueup.metrics.doctor.telling import as_data, tell
    from trueup.metrics.scraping import Answer, refuse_url, scrape, shown_url

    refuse_url(args.target)

    def ask(accept: str) -> Answer:
        return scrape(
            args.target,
            accept,
            timeout_s=args.timeout,
            limit_bytes=min(args.max_bytes, 256 << 20),
            redirects=args.follow_redirects,
        )

    replies = ask_all(ask, scrapers())
    if all(reply.answer is None for reply in replies):
        raise UsageError(f"{shown_url(args.target)}: {replies[0].problem}")
    diagnosis = diagnose(replies)
    name = shown_url(args.target)
    if args.json:
        print(json.dumps(as_data(name, replies, diagnosis), indent=2))
    else:
        sys.stdout.write(tell(name, diagnosis, verbose=args.verbose))
    return 0 if diagnosis.is_sound else 1


def _file(args: argparse.Namespace) -> int:
    from trueup.metrics.doctor.files import file_data, tell_file
    from trueup.metrics.exposition.opening import opened, strange

    with opened(args.target, args.max_bytes) as data:
        why = strange(data)
        if why is not None:
            raise UsageError(f"{args.target} is no exposition: {why[0]}", hint=why[1])
        body = bytes(data)
    found = file_data(body)
    if args.json:
        print(json.dumps({"schema": 1, "file": args.target, **found}, indent=2))
    else:
        sys.stdout.write(tell_file(args.target, found))
    return 0 if found["sound"] else 1
