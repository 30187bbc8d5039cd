"""`trueup explain RULE`: prints the page of a rule."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import trueup
from trueup.rules import Rule, find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "rule", metavar="RULE", help="a rule's id, such as links/missing-file; `trueup rules` lists them"
    )


def run(args: argparse.Namespace) -> int:
    """Prints the page."""
    rule = find(args.rule)
    sys.stdout.write(page(rule) or _without_page(rule))
    return 0


def page(rule: Rule) -> str | None:
    """The rule's page as Markdown: from the installed package, or from the documentation beside an editable one."""
    package = Path(trueup.__file__).parent
    for folder in (package / "rule_pages", package.parents[1] / "docs" / "rules"):
        place = folder / f"{rule.id}.md"
        if place.is_file():
            return place.read_text(encoding="utf-8")
    return None


def _without_page(rule: Rule) -> str:
    fixable = "yes" if rule.fixable else "no"
    return f"# {rule.id}\n\nSeverity: {rule.severity}. Fixable: {fixable}.\n\n{rule.summary}.\n\n{rule.reason}\n"
