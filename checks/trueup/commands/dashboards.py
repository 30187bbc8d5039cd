"""`trueup dashboards`: of the check of metric names, what uses metrics alone."""

from __future__ import annotations

import argparse

from trueup.commands import check, metrics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of a check, and whose names count."""
    check.add_arguments(parser)
    parser.description = (
        "Check what uses metrics alone: dashboards, alert and recording rules, autoscalers, docs, source files."
    )
    parser.set_defaults(checks=("metrics",), parts=("consumers",))
    parser.add_argument("--policy", action="append", default=[], metavar="builtin:NAME|FILE", help="may be repeated")
    parser.add_argument(
        "--scraper", metavar="NAME", help="whose stored names: prometheus-2, prometheus-3, prometheus-3-legacy, …"
    )


def run(args: argparse.Namespace) -> int:
    """Runs the one part and prints the reports; the exit code."""
    if args.scraper is not None:
        metrics.refuse_scraper(args.scraper)
    return check.run(args)
