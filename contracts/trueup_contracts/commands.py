"""`trueup contracts`: what the suites ask, a start for an adapter, and what transcripts and reports hold."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from trueup.errors import UsageError
from trueup.rules import nearest_hint
from trueup_contracts import starting
from trueup_contracts.errors import TargetError
from trueup_contracts.registry import FOLDERS, Requirement, SuiteInfo, suite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments."""
    parser.description = "Around the contract suites that `pytest --contracts` runs."
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    one = verbs.add_parser("list", help="the suites and what can be claimed, or a suite's requirements")
    one.add_argument("suite", nargs="?")
    one = verbs.add_parser("show", help="a requirement, such as RC-004, and why it is there")
    one.add_argument("requirement")
    one = verbs.add_parser("init", help="write the setting and a skeleton of an adapter")
    one.add_argument("suite")
    one.add_argument(
        "--language", choices=starting.LANGUAGES, default="python", help="of the adapter (default: python)"
    )
    one = verbs.add_parser("replay", help="ask an adapter again what a transcript holds, without pytest")
    one.add_argument("file", help="a transcript, or the lines that a failure prints; - for the standard input")
    one.add_argument("adapter", nargs="+", help="the program and its arguments, behind --")
    one.add_argument("--implementation", metavar="SUITE@LABEL", help="of a transcript that holds several")
    one.add_argument("--test", metavar="TEXT", help="only tests whose id holds this text")
    one.add_argument("--timeout-scale", type=float, default=1.0, metavar="X", help="stretch every deadline")
    one = verbs.add_parser("merge", help="JSON reports of several runs as one matrix in Markdown")
    one.add_argument("files", nargs="+", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """Prints what was asked for."""
    if args.verb == "replay":
        from trueup_contracts.wire import replay

        return replay.run(
            args.file, args.adapter, implementation=args.implementation, test=args.test, scale=args.timeout_scale
        )
    if args.verb == "merge":
        from trueup_contracts.documents import matrix, read

        return _printed([matrix([read(path) for path in args.files])])
    if args.verb == "show":
        return _printed(_shown(args.requirement))
    if args.verb == "init":
        return _printed(starting.write(_suite(args.suite).name, args.language, Path.cwd()))
    return _printed(_suites() if args.suite is None else _listed(args.suite))


def _printed(lines: Iterable[str]) -> int:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    return 0


def _suite(name: str) -> SuiteInfo:
    try:
        return suite(name)
    except TargetError as error:
        message, _, hint = str(error).partition("\n")
        raise UsageError(message, hint=hint or None) from error


def _suites() -> Iterator[str]:
    for name in FOLDERS:
        info = suite(name)
        levels = [one.level for one in info.requirements.values()]
        yield f"{name} {info.edition}: {levels.count('MUST')} MUST, {levels.count('SHOULD')} SHOULD"
        width = max(map(len, info.capabilities))
        yield from (f"  {capability:<{width}}  {meaning}" for capability, meaning in info.capabilities.items())


def _listed(name: str) -> Iterator[str]:
    for one in _suite(name).requirements.values():
        needs = f" [{' '.join(sorted(one.needs))}]" if one.needs else ""
        kinds = {"untestable": one.untestable, "stochastic": one.stochastic, "provisional": one.provisional}
        kind = "".join(f" ({name})" for name, holds in kinds.items() if holds)
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
