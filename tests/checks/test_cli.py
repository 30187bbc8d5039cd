"""The command line as a whole: exit codes, errors, and commands of other distributions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fix_repository import Repository
from trueup import __version__
from trueup.cli import COMMANDS, help_text, main
from trueup.rules import registry


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == help_text()
    listed = [line.strip().partition("  ")[0] for line in help_text().splitlines() if line.startswith("  ")]
    assert listed[: len(COMMANDS)] == [*COMMANDS]


def test_nothing_typed_is_a_usage_error_with_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert capsys.readouterr() == ("", help_text())


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    assert capsys.readouterr().out == f"trueup {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: trueup {name} ")
    assert COMMANDS[name].summary[1:] in " ".join(printed.split())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["chek"], "trueup: error: there is no command 'chek'\nhint: did you mean 'check'?\n"),
        (
            ["zzz"],
            "trueup: error: there is no command 'zzz'\n"
            "hint: known are: check, links, grid-config, metrics, dashboards, versions, locks, "
            "explain, rules, init, schema, contracts\n",
        ),
        (
            ["--fix"],
            "trueup: error: there is no option '--fix' before the command\nhint: write it behind: trueup check --fix\n",
        ),
        (
            ["explain"],
            "trueup: error: the following arguments are required: RULE\nhint: see: trueup explain --help\n",
        ),
        (
            ["explain", "links/missing-fil"],
            "trueup: error: there is no rule 'links/missing-fil'\nhint: did you mean 'links/missing-file'?\n",
        ),
        (
            ["rules", "--form", "json"],
            "trueup: error: unrecognized arguments: --form json\nhint: see: trueup rules --help\n",
        ),
        (
            ["\x1b[31m\n::error::x"],
            "trueup: error: there is no command '\\x1b[31m\\n::error::x'\n",
        ),
        (
            ["rules", "\x1b[31m\n::error::x"],
            "trueup: error: unrecognized arguments: \\x1b[31m\n"
            "trueup: error: ::error::x\nhint: see: trueup rules --help\n",
        ),
    ],
)
def test_usage_errors_are_a_line_and_a_hint(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    printed = capsys.readouterr()
    known = [line for line in printed.err.splitlines(keepends=True) if not line.startswith("hint: known are")]
    expected = [line for line in told.splitlines(keepends=True) if not line.startswith("hint: known are")]
    assert (printed.out, known) == ("", expected)


def test_a_path_in_place_of_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    assert main(["docs"]) == 2
    assert capsys.readouterr().err == (
        "trueup: error: there is no command 'docs'\nhint: to check a path: trueup check docs\n"
    )


def test_a_configuration_error_is_told_line_by_line(repository: Repository) -> None:
    repository.commit({"trueup.toml": 'a = 1\n"\\u001b]0;x" = 1\n', "README.md": ""})
    done = repository.trueup("check")
    known = (
        "known are: checks, fail-on, baseline, repository, default-branch, rules, overrides, ignore, links, "
        "grid-config, locks, metrics, version-pins, versions"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"trueup: error: trueup.toml:1: a: unknown key ({known})\n"
        f"trueup: error: trueup.toml:2: '\\x1b]0;x': unknown key ({known})\n"
    )


def test_links_is_check_links(repository: Repository) -> None:
    repository.commit({"README.md": "[a](absent.md)\n"})
    links = repository.trueup("links", "--report", "json")
    check = repository.trueup("check", "links", "--report", "json")
    assert links.returncode == check.returncode == 1
    assert [line for line in links.stdout.splitlines() if '"seconds"' not in line] == [
        line for line in check.stdout.splitlines() if '"seconds"' not in line
    ]


PLUGIN = """\
import argparse, os, sys, time

def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what")

def run(args: argparse.Namespace) -> int:
    match args.what:
        case "greet":
            print(f"hello from {args.command}")
            return 7
        case "fault":
            raise RuntimeError("\\x1b[31m::error::" + os.fsdecode(b"\\xff"))
        case "wait":
            print("waiting", flush=True)
            time.sleep(60)
        case "inner-pipe":
            reader, writer = os.pipe()
            os.close(reader)
            os.write(writer, b"x")
        case "bytes":
            print(os.fsdecode(b"a\\xff"))
            return 0
"""


@pytest.fixture
def plugin(repository: Repository) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs `trueup` beside a distribution that brings the commands `greet`, `needy` and `greed`."""
    place = repository.root / "site"
    info = place / "greeter-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[trueup.commands]\ngreet = greeter\nneedy = needy\n")
    (place / "greeter.py").write_text(PLUGIN)
    (place / "needy.py").write_text("import a_module_of_an_extra\n")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return repository.trueup(*words, env={"PYTHONPATH": str(place)})

    return run


Run = Callable[..., subprocess.CompletedProcess[str]]


def test_commands_of_other_distributions(plugin: Run) -> None:
    done = plugin("greet", "greet")
    assert (done.returncode, done.stdout, done.stderr) == (7, "hello from greet\n", "")
    assert plugin("greet", "--help").stdout.startswith("usage: trueup greet ")
    assert plugin("greet").stderr.startswith("trueup: error: the following arguments are required: what\n")


def test_the_nearest_command_may_be_theirs(plugin: Run) -> None:
    assert plugin("gret").stderr == "trueup: error: there is no command 'gret'\nhint: did you mean 'greet'?\n"


def test_what_a_command_needs_is_named(plugin: Run) -> None:
    done = plugin("needy")
    assert (done.returncode, done.stderr) == (
        2,
        "trueup: error: the command 'needy' needs the module 'a_module_of_an_extra', which is not installed\n"
        "hint: install greeter with the extra that brings it\n",
    )


def test_a_fault_of_our_own_asks_to_be_reported(plugin: Run) -> None:
    done = plugin("greet", "fault")
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout, lines[0]) == (3, "", "Traceback (most recent call last):")
    assert lines[-5] == r"RuntimeError: \x1b[31m::error::\xff"
    assert lines[-3:-1] == [
        "trueup: this is a fault of trueup itself, not of your repository. Please report it with the lines above and:",
        "  command: trueup greet fault",
    ]
    assert lines[-1].startswith(f"  version: trueup {__version__}, Python 3.")


def test_a_broken_pipe_that_is_not_our_output_is_a_fault(plugin: Run) -> None:
    done = plugin("greet", "inner-pipe")
    assert done.returncode == 3
    assert "BrokenPipeError" in done.stderr


def test_bytes_that_no_encoding_has_are_printed_as_escapes(plugin: Run) -> None:
    done = plugin("greet", "bytes")
    assert (done.returncode, done.stdout) == (0, "a\\udcff\n")


def test_an_interrupt_is_quiet(plugin: Run, repository: Repository) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "trueup", "greet", "wait"],
        cwd=repository.root,
        env={**os.environ, "PYTHONPATH": str(repository.root / "site")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")


def test_output_that_nobody_reads_is_no_fault(repository: Repository) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "trueup", "rules"],
        cwd=repository.root,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("rule", registry())
def test_explain_prints_the_page(rule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", rule]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"# {rule}\n")
    assert "\n## How to mend it\n" in printed


def test_a_narrow_encoding_is_no_fault(repository: Repository) -> None:
    done = repository.trueup("explain", "links/missing-fragment", env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.isascii()


@pytest.mark.parametrize("name", ["config", "report"])
def test_schemas_are_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    import jsonschema

    assert main(["schema", name]) == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))
