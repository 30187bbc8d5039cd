"""`trueup rules`: lists every rule with its default severity."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from trueup.rules import Rule, registry

FORMATS = ("text", "json", "markdown")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "--format", choices=FORMATS, default="text", help="text (default), json, or a markdown table for documentation"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the list."""
    rules = registry().values()
    sys.stdout.write({"text": text, "json": as_json, "markdown": markdown}[args.format](rules))
    return 0


def text(rules: Iterable[Rule]) -> str:
    """Columns for people."""
    rows = [(rule.id, rule.default, "fixable" if rule.fixable else "", rule.summary) for rule in rules]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "".join(f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:<{widths[2]}}  {row[3]}\n" for row in rows)


def as_json(rules: Iterable[Rule]) -> str:
    """A list of objects, in the order of the documentation."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(list(rules)), indent=2).decode() + "\n"


def markdown(rules: Iterable[Rule]) -> str:
    """The table of `docs/rules/README.md`, links relative to it."""
    rows = [
        f"| [{rule.id}]({rule.id}.md) | {rule.default} | {'yes' if rule.fixable else 'no'} | {rule.summary} |\n"
        for rule in rules
    ]
    return "| Rule | Severity | Fixable | What it finds |\n| --- | --- | --- | --- |\n" + "".join(rows)
