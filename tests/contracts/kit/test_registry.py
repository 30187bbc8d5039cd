"""The registry, declarations, known failures and states: the parts of the kit by themselves."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path

import pytest

from trueup.cli import main
from trueup_contracts import Closed
from trueup_contracts.declarations import REFERENCE, Declaration, parse
from trueup_contracts.errors import TargetError, code_of
from trueup_contracts.known import Known, find, read
from trueup_contracts.registry import FOLDERS, WAYS, Requirement, SuiteInfo, suite
from trueup_contracts.states import HoleError, Ledger, State, fold
from trueup_contracts.subject import Settings, load

SPEC = """\
# demo

Edition: 1.2

| id | since | level | kind | needs | statement | why |
| --- | --- | --- | --- | --- | --- | --- |
| DM-001 | 1.0 | MUST | tested | | It is \\| so. | Because. |
| DM-002 | 1.1 | SHOULD (provisional) | stochastic | a b | It may. | It might. |
| DM-003 | 1.0 | MAY | untestable: nobody can see it | | It hides. | It does. |
"""


def demo(tmp_path: Path, text: str = SPEC) -> SuiteInfo:
    spec = tmp_path / "SPEC.md"
    spec.write_text(text)
    return SuiteInfo("demo", "demo.suite", {"a": "has a", "b": "has b"}, spec, tmp_path / "wire.schema.json")


def test_a_registry_is_read_from_its_table(tmp_path: Path) -> None:
    info = demo(tmp_path)
    assert info.edition == "1.2"
    assert list(info.requirements.values()) == [
        Requirement("DM-001", "1.0", "MUST", False, False, "", frozenset(), "It is | so.", "Because."),
        Requirement("DM-002", "1.1", "SHOULD", True, True, "", frozenset("ab"), "It may.", "It might."),
        Requirement("DM-003", "1.0", "MAY", False, False, "nobody can see it", frozenset(), "It hides.", "It does."),
    ]


def test_suites_that_share_a_file_have_a_table_each(tmp_path: Path) -> None:
    first, _, table = SPEC.partition("| id")
    other = table.replace("DM-", "DN-")
    text = f"{first}\n## demo\n\n| id{table}\n## demo-other\n\n| id{other}\n## Notes\n\n| a | table |\n"
    infos = [dataclasses.replace(demo(tmp_path, text), section=section) for section in ("demo", "demo-other")]
    assert [list(info.requirements) for info in infos] == [
        ["DM-001", "DM-002", "DM-003"],
        ["DN-001", "DN-002", "DN-003"],
    ]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_registries_that_ship(name: str) -> None:
    info = suite(name)
    for identity, one in info.requirements.items():
        assert re.fullmatch(r"[A-Z]{2}-\d{3}", identity)
        assert one.statement.endswith(".")
        assert one.why.endswith(".")
    assert {
        capability for one in info.requirements.values() for capability in one.needs
    } <= info.capabilities.keys() | WAYS.keys()


STATES = [
    # outcomes, capabilities, collected, and the state of DM-002
    (["pass"], "ab", True, State.PASS),
    (["pass", "fail"], "ab", True, State.FAIL),
    (["fail", "error", "pass"], "ab", True, State.ERROR),
    (["known", "pass"], "ab", True, State.KNOWN),
    (["unexpected-pass", "known"], "ab", True, State.UNEXPECTED_PASS),
    (["deselected", "pass"], "ab", True, State.PASS),
    (["deselected"], "ab", True, State.DESELECTED),
    ([], "ab", True, State.NOT_RUN),
    ([], "a", False, State.NOT_CLAIMED),
]


@pytest.mark.parametrize(("outcomes", "capabilities", "collected", "expected"), STATES)
def test_outcomes_fold_into_one_state(
    outcomes: list[str], capabilities: str, collected: bool, expected: State, tmp_path: Path
) -> None:
    ledger = Ledger("demo", "x", "m:f", list(capabilities), ["DM-001", *(["DM-002"] if collected else [])])
    ledger.outcomes = {"DM-001": ["pass"], "DM-002": outcomes}
    states = fold(ledger, demo(tmp_path))
    assert states == {"DM-001": State.PASS, "DM-002": expected, "DM-003": State.UNTESTABLE}


def test_a_requirement_that_was_lost_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HoleError, match="no test stands for DM-001"):
        fold(Ledger("demo", "x", "m:f", [], ["DM-002"]), demo(tmp_path))
    with pytest.raises(HoleError, match="requirements that do not exist: DM-009"):
        fold(Ledger("demo", "x", "m:f", [], ["DM-001"], {"DM-009": ["pass"]}), demo(tmp_path))


def test_declarations() -> None:
    assert parse(["router = a.b:make", " router@two=c:D.e "]) == [
        Declaration("router", "make", "a.b:make"),
        Declaration("router", "two", "c:D.e"),
    ]
    assert parse(["router = exec: node --no-warnings ./bin/router-adapter.mjs"])[0].label == "router-adapter"
    assert parse(["reference"]) == [
        Declaration("router", "reference", "trueup_reference.adapters:router"),
        Declaration("embedding-cache", "reference", "trueup_reference.adapters:embedding_cache"),
        Declaration("metrics", "reference", "trueup_reference.adapters:metrics"),
        Declaration("kv-index", "reference", "trueup_reference.adapters:kv_index"),
        Declaration("worker-selection", "reference", "trueup_reference.adapters:worker_selection"),
        Declaration("event-subscriber", "reference", "trueup_reference.adapters:event_subscriber"),
        Declaration("event-publisher", "reference", "trueup_reference.adapters:event_publisher"),
        Declaration("event-replay", "reference", "trueup_reference.adapters:event_replay"),
        Declaration("logging-setup", "reference", "setup:trueup_reference.logging_setup:configure"),
        Declaration("router-service", "reference", REFERENCE["router-service"]),
    ]
    assert REFERENCE["router-service"].startswith(f"command: {sys.executable} -m trueup_reference.router --config {{co")
    assert parse(["embedding-cache = cachetools"])[0].label == "cachetools"
    assert parse(["logging-setup = import:google.cloud.storage"])[0].label == "storage"
    assert parse(["logging-setup = setup:mine.logs:configure"])[0].label == "configure"
    assert parse(["router = setup:make"]) == [Declaration("router", "make", "setup:make")]  # of a module named setup


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no implementation is declared"),
        (["", " "], "no implementation is declared"),
        (["router"], "'router' is no declaration"),
        (["ruoter = a:b"], "there is no suite 'ruoter'\ndid you mean 'router'?"),
        (["router = a:b", "router@b = c:d"], "router@b is declared twice"),
        (["router = http://127.0.0.1:1/"], "the suite router is not asked this way"),
        (["router = import:mine"], "the suite router is not asked this way: import"),
        (
            ["logging-setup = mine.logs:setup"],
            "the suite logging-setup is not asked this way: module\n"
            "write logging-setup = import:PACKAGE or setup:PACKAGE.MODULE:FUNCTION",
        ),
    ],
)
def test_declarations_that_cannot_be_read(lines: list[str], told: str) -> None:
    with pytest.raises(TargetError) as caught:
        parse(lines)
    assert told in str(caught.value)


TARGETS = {
    "no-colon": "'no-colon' is no target",
    "nowhere_at_all:make": "cannot be imported: No module named 'nowhere_at_all'",
    "trueup_reference.adapters:ruoter": "has no 'ruoter'\ndid you mean 'router'?",
    "trueup_reference.adapters:__doc__": "is no factory: a str cannot be called",
}


@pytest.mark.parametrize("target", TARGETS)
def test_targets_that_cannot_be_loaded(target: str, tmp_path: Path) -> None:
    with pytest.raises(TargetError) as caught:
        load(target, suite("router"), "x", Settings(tmp_path))
    assert TARGETS[target] in str(caught.value)


def test_a_capability_that_nobody_knows(tmp_path: Path) -> None:
    (tmp_path / "claims_too_much.py").write_text("def make(config): pass\nmake.capabilities = ['disag']\n")
    with pytest.raises(TargetError, match="claims 'disag', which the suite does not know\ndid you mean 'disagg'"):
        load("claims_too_much:make", suite("router"), "x", Settings(tmp_path))


def test_codes_of_exceptions() -> None:
    class Own(Exception):
        code = "timeout"

    class Other(Exception):
        code = "no code of ours"

    errors = (ValueError(), TypeError(), Closed(), Own(), Other(), KeyError(), OverflowError())
    assert [code_of(error) for error in errors] == [
        "invalid",
        "invalid",
        "closed",
        "timeout",
        "internal",
        "internal",
        "internal",
    ]


def test_known_failures(tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text('[[known]]\nrequirement = "RC-001"\nlabel = "a"\nreason = "why"\n')
    entries = read(path, {"RC-001"}, {"a"})
    assert entries == [Known("RC-001", "a", "why", None)]
    assert find(entries, "RC-001", "a") == entries[0]
    assert find(entries, "RC-001", "b") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[known]]\nrequirement = "RC-999"\nreason = "x"\n', "there is no requirement 'RC-999'"),
        (
            '[[known]]\nrequirement = "RC-001"\nlabel = "mien"\nreason = "x"\n',
            "no implementation has the label 'mien'\ndid you mean 'mine'?",
        ),
        ('[[known]]\nrequirement = "RC-001"\nreason = " "\n', "gives no reason"),
        ('[[known]]\nrequirement = "RC-001"\n', "gives no reason"),
        ('[[known]]\nrequirement = "RC-001"\nreason = "x"\nlable = "y"\n', "has the unknown key 'lable'"),
        ("[[known]]\nrequirement = 1\n", "is no table of strings"),
        ("[known]\n", "only tables [[known]] belong there"),
        ("[[known]\n", "cannot be read"),
    ],
)
def test_known_failures_that_cannot_be_read(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "known.toml"
    path.write_text(text)
    with pytest.raises(TargetError) as caught:
        read(path, {"RC-001"}, {"mine"})
    assert told in str(caught.value)


def test_the_command_lists_and_shows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["contracts", "list"]) == 0
    assert capsys.readouterr().out.startswith("router 0.1: ")
    assert main(["contracts", "list", "router"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed] == list(suite("router").requirements)
    assert main(["contracts", "show", "rc-039"]) == 0
    assert capsys.readouterr().out == (
        "RC-039 (MUST, since 0.1)\n"
        "A target of 0 is a value, not an absence.\n"
        "why: `or` in place of `is None` turns the strictest target into the midpoint.\n"
    )
    assert main(["contracts", "show", "RC-999"]) == 2
    assert "there is no requirement 'RC-999'" in capsys.readouterr().err
    assert main(["contracts", "list", "ruoter"]) == 2
    assert "did you mean 'router'?" in capsys.readouterr().err
