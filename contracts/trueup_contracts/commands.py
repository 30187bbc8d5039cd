"""`trueup contracts list` and `trueup contracts show ID`: what the suites ask, from their registries."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from trueup.errors import UsageError
from trueup.rules import nearest_hint
from trueup_contracts.errors import TargetError
from trueup_contracts.registry import FOLDERS, Requirement, suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = "The contract suites that `pytest --contracts` runs."
    parser.add_argument("verb", choices=("list", "show"), help="list: suites, or a suite's requirements; show: one")
    parser.add_argument("name", nargs="?", help="a suite (list), or a requirement such as RC-004 (show)")


def run(args: argparse.Namespace) -> int:
    """Prints what was asked for."""
    if args.verb == "show" and args.name is None:
        raise UsageError("show needs a requirement", hint="for all of them: trueup contracts list SUITE")
    lines = _suites() if args.name is None else _listed(args.name) if args.verb == "list" else _shown(args.name)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _suites() -> Iterator[str]:
    for name in FOLDERS:
        info = suite(name)
        levels = [one.level for one in info.requirements.values()]
        yield f"{name} {info.edition}: {levels.count('MUST')} MUST, {levels.count('SHOULD')} SHOULD"
        width = max(map(len, info.capabilities))
        yield from (f"  {capability:<{width}}  {meaning}" for capability, meaning in info.capabilities.items())


def _listed(name: str) -> Iterator[str]:
    try:
        info = suite(name)
    except TargetError as error:
        message, _, hint = str(error).partition("\n")
        raise UsageError(message, hint=hint or None) from error
    for one in info.requirements.values():
        needs = f" [{' '.join(sorted(one.needs))}]" if one.needs else ""
        kind = "" if not one.untestable else " (untestable)"
        yield f"{one.id}  {one.level:<6}  {one.statement}{needs}{kind}"


def _shown(identity: str) -> Iterator[str]:
    found: dict[str, Requirement] = {}
    for name in FOLDERS:
        found |= suite(name).requirements
    one = found.get(identity.upper())
    if one is None:
        raise UsageError(f"there is no requirement {identity!r}", hint=nearest_hint(identity.upper(), list(found)))
    yield f"{one.id} ({one.level}{', provisional' if one.provisional else ''}, since {one.since})"
    yield one.statement
    yield f"why: {one.why}"
    if one.needs:
        yield f"asked of implementations that claim: {', '.join(sorted(one.needs))}"
    if one.untestable:
        yield f"not tested: {one.untestable}"
