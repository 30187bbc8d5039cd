"""`trueup schema config|report|grid-config|metrics-policy`: prints a JSON Schema that ships with trueup."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import trueup

NAMES = ("config", "report", "grid-config", "metrics-policy")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.add_argument(
        "name",
        choices=NAMES,
        help="config: trueup.toml and [tool.trueup]; report: the JSON report; grid-config: a global router; "
        "metrics-policy: a policy of metric names",
    )


def run(args: argparse.Namespace) -> int:
    """Prints the schema."""
    place = Path(trueup.__file__).parent / "schemas" / f"{args.name}.schema.json"
    sys.stdout.write(place.read_text(encoding="utf-8"))
    return 0
