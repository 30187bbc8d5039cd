"""`trueup metrics snapshot`: the policy that an exposition keeps, as a YAML file."""

from __future__ import annotations

import argparse
import sys

from trueup.commands.metrics import add_scrape_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.epilog = (
        "Make a policy of an exposition: names, types, units, labels and prefixes, as YAML on standard output."
    )
    parser.add_argument("source", metavar="FILE|URL|-", help="an exposition")
    parser.add_argument("--name", metavar="NAME", help="what the policy is of (default: from the source)")
    parser.add_argument("--required", action="store_true", help="every family that is there must stay there")
    add_scrape_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the policy."""
    from trueup.metrics.operands import read_any, title
    from trueup.metrics.policy.deriving import as_yaml, derive

    found = read_any(args.source, timeout_s=args.timeout, limit_bytes=args.max_bytes, redirects=args.follow_redirects)
    policy = derive(args.name or title(args.source), found.families.values(), required=args.required)
    sys.stdout.write(as_yaml(policy))
    return 0
