"""`trueup metrics diff A B`: what changed between two expositions or policies, and what of it breaks users."""

from __future__ import annotations

import argparse
import json
import sys

from trueup.commands.metrics import add_scrape_arguments

_SIGNS = {"added": "+", "removed": "-"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.epilog = (
        "Compare two expositions or policies: families added and removed, types, units and labels changed. "
        "Exit code 1 where a query somebody may have written no longer works."
    )
    parser.add_argument("old", metavar="A", help="an exposition (FILE, URL, -), a policy file, or builtin:NAME")
    parser.add_argument("new", metavar="B", help="the same, later")
    parser.add_argument("--json", action="store_true", help="the changes, for programs")
    add_scrape_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the changes; 1 where one breaks users."""
    from trueup.metrics.operands import policy_of
    from trueup.metrics.policy.comparing import compare
    from trueup.reports.escape import visible

    how = {"timeout_s": args.timeout, "limit_bytes": args.max_bytes, "redirects": args.follow_redirects}
    changes = compare(policy_of(args.old, **how), policy_of(args.new, **how))
    breaking = sum(change.breaking for change in changes)
    if args.json:
        print(json.dumps({"schema": 1, "changes": [change._asdict() for change in changes]}, indent=2))
        return 1 if breaking else 0
    for change in changes:
        sign = _SIGNS.get(change.kind, "~")
        mark = "  breaking" if change.breaking else ""
        what = change.message if sign != "~" else f"{change.kind}: {change.message}"
        print(f"{sign} {visible(change.name)}  {visible(what)}{mark}")
    print(f"trueup: {len(changes)} changes, {breaking} breaking", file=sys.stderr)
    return 1 if breaking else 0
