"""The command `trueup`: finds the command that was typed, loads that one only, and turns errors into exit codes.

Exit codes: 0 clean, 1 findings, 2 a usage or configuration error, 3 a fault of trueup itself,
130 interrupted, 141 nobody reads the output any more.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Protocol, cast

from trueup import __version__
from trueup.errors import TrueupError, UsageError

if TYPE_CHECKING:
    import argparse

CLEAN, FINDINGS, USAGE, FAULT, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141

PLUGINS = "trueup.commands"


class Module(Protocol):
    """What a command's module has, also one that another distribution names in the entry-point group."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the arguments and options."""

    def run(self, args: argparse.Namespace) -> int:
        """Does the work; the exit code."""


class Command(NamedTuple):
    """A command: the module that runs it, its line in the help, and attributes that its arguments start with."""

    module: str
    summary: str
    defaults: dict[str, Any]


# `checks` are those that the command runs besides the ones that its arguments name.
COMMANDS = {
    "check": Command("trueup.commands.check", "check this repository", {}),
    "links": Command("trueup.commands.check", "check links, fragments and symlinks alone", {"checks": ("links",)}),
    "grid-config": Command("trueup.commands.check", "check global-router grids alone", {"checks": ("grid-config",)}),
    "grid-config show": Command("trueup.commands.grids", "draw the grids of a file", {"verb": "show"}),
    "grid-config explain": Command("trueup.commands.grids", "say which pool a request gets", {"verb": "explain"}),
    "grid-config convert": Command("trueup.commands.grids", "write a grid in its other form", {"verb": "convert"}),
    "metrics": Command("trueup.commands.metrics", "check metric names alone: here, in a file, at a URL", {}),
    "metrics doctor": Command("trueup.commands.metrics_doctor", "ask an endpoint as every scraper does", {}),
    "metrics snapshot": Command("trueup.commands.metrics_snapshot", "make a policy of an exposition", {}),
    "metrics diff": Command("trueup.commands.metrics_diff", "compare two expositions or policies", {}),
    "metrics migrate": Command("trueup.commands.metrics_migrate", "rename metrics wherever they are used", {}),
    "dashboards": Command("trueup.commands.dashboards", "check what uses metrics alone", {}),
    "versions": Command("trueup.commands.check", "check versions alone", {"checks": ("versions",)}),
    "versions list": Command("trueup.commands.versions", "list what stands in several places", {"verb": "list"}),
    "versions discover": Command("trueup.commands.versions", "write stanzas for what agrees", {"verb": "discover"}),
    "versions bump": Command("trueup.commands.versions", "write a new version at every place", {"verb": "bump"}),
    "locks": Command("trueup.commands.check", "check lock files against their manifests alone", {"checks": ("locks",)}),
    "explain": Command("trueup.commands.explain", "print the page of a rule", {}),
    "rules": Command("trueup.commands.rules", "list the rules", {}),
    "init": Command("trueup.commands.init", "write a commented configuration and the pre-commit stanza", {}),
    "schema": Command("trueup.commands.schema", "print a JSON Schema: of the configuration, the JSON report, …", {}),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (default: this process's) and answers with the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    _harden_streams()
    try:
        code = _run(words)
        sys.stdout.flush()
    except TrueupError as error:
        _tell(error)
        code = error.exit_code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost place: a fault gets its own exit code and a request
        if isinstance(error, BrokenPipeError) and _output_is_unread():
            code = UNREAD
        else:
            _report_fault(words)
            code = FAULT
    return code


def command() -> NoReturn:
    """The console script: `main`, then out at once.

    Taking apart the hundred thousand small objects of a run, one by one, would cost a tenth of its time.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        # Nobody may be reading any more: then main has said so with its exit code.
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def help_text() -> str:
    """What `trueup --help` prints."""
    lines = "\n".join(f"  {name:<21}{command.summary}" for name, command in COMMANDS.items())
    return f"""\
usage: trueup COMMAND [ARGUMENT ...]

Checks a Git repository for what is no longer true: broken links, fragments and symlinks,
routing grids, metric names, versions that disagree, stale lock files.

commands:
{lines}

options:
  -h, --help     show this text; after a command, show its own
  -V, --version  show the version

exit codes: 0 clean, 1 findings, 2 usage or configuration error, 3 a fault of trueup itself

To begin: trueup check
"""


def _run(words: list[str]) -> int:
    if not words:
        sys.stderr.write(help_text())
        return USAGE
    name, *rest = words
    if name in ("-h", "--help"):
        sys.stdout.write(help_text())
        return CLEAN
    if name in ("-V", "--version"):
        sys.stdout.write(f"trueup {__version__}\n")
        return CLEAN
    if name.startswith("-"):
        raise UsageError(
            f"there is no option {name!r} before the command", hint=f"write it behind: trueup check {name}"
        )
    if rest and f"{name} {rest[0]}" in COMMANDS:
        name, rest = f"{name} {rest[0]}", rest[1:]
    command = COMMANDS.get(name)
    module = cast("Module", importlib.import_module(command.module)) if command is not None else _plugin(name)
    parser = _parser(name, command)
    module.add_arguments(parser)
    try:
        args = parser.parse_args(rest)
    except SystemExit as done:  # --help has printed
        return done.code if isinstance(done.code, int) else CLEAN
    return module.run(args)


def _parser(name: str, command: Command | None) -> argparse.ArgumentParser:
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            raise UsageError(message, hint=f"see: {self.prog} --help")

    parser = Parser(prog=f"trueup {name}", allow_abbrev=False)
    if command is not None:
        parser.description = command.summary[0].upper() + command.summary[1:] + "."
        parser.set_defaults(**command.defaults)
    parser.set_defaults(command=name)
    return parser


def _plugin(name: str) -> Module:
    """What stands behind a command of another distribution."""
    from importlib.metadata import entry_points

    points = {point.name: point for point in entry_points(group=PLUGINS)}
    if name not in points:
        raise _unknown(name, [*(one for one in COMMANDS if " " not in one), *sorted(points)])
    try:
        module: Module = points[name].load()
    except ModuleNotFoundError as error:
        dist = points[name].dist
        owner = "its distribution" if dist is None else dist.name
        raise UsageError(
            f"the command {name!r} needs the module {error.name!r}, which is not installed",
            hint=f"install {owner} with the extra that brings it",
        ) from error
    return module


def _unknown(name: str, known: list[str]) -> UsageError:
    import os

    from trueup.rules import nearest_hint

    hint = nearest_hint(name, known)
    if os.path.lexists(name):
        hint = f"to check a path: trueup check {name}"
    return UsageError(f"there is no command {name!r}", hint=hint)


def _harden_streams() -> None:
    """Paths may hold bytes that no encoding has: printed as escapes, never a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _tell(error: TrueupError) -> None:
    from trueup.reports.escape import log_line

    sys.stdout.flush()
    lines = [f"trueup: error: {line}" for line in error.message.split("\n")]
    if error.hint is not None:
        lines += [f"hint: {line}" for line in error.hint.split("\n")]
    sys.stderr.write("".join(f"{log_line(line)}\n" for line in lines))


def _report_fault(words: Sequence[str]) -> None:
    import platform
    import shlex
    import traceback

    from trueup.reports.escape import log_line

    text = "".join(f"{log_line(line)}\n" for line in traceback.format_exc().splitlines())
    typed = log_line(shlex.join(["trueup", *words]))
    sys.stderr.write(
        f"{text}\n"
        "trueup: this is a fault of trueup itself, not of your repository. Please report it with the lines above and:\n"
        f"  command: {typed}\n"
        f"  version: trueup {__version__}, Python {platform.python_version()}, {platform.system()}\n"
    )


def _output_is_unread() -> bool:
    """Whether the pipe that broke is the one we print to; if so, what is still to be printed is dropped."""
    import os
    import select

    unread = False
    for stream in (sys.stdout, sys.stderr):
        try:
            descriptor = stream.fileno()
        except (OSError, ValueError):  # not a file at all
            continue
        poll = select.poll()
        poll.register(descriptor, 0)
        if any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0)):
            unread = True
            # Otherwise the interpreter would complain when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    return unread
