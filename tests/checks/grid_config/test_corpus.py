"""Every configuration of the corpus is judged as `expected.json` says: rule, JSON pointer, line and column."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from fix_repository import PROJECT
from trueup.findings import Severity
from trueup.grid_config.file import File
from trueup.grid_config.rules import RULES
from trueup.grid_config.schema import grid_schema
from trueup.rules import registry

CORPUS = PROJECT / "contracts/trueup_contracts/router/corpus"
EXPECTED: dict[str, Any] = json.loads((CORPUS / "expected.json").read_text())
DATA = Path(__file__).parent / "data"
# What JSON Schema cannot say, or what a parser has lost before the schema sees it.
BEYOND_A_SCHEMA = {
    f"grid-config/{name}"
    for name in (
        "byte-order-mark",
        "duplicate-key",
        "empty-override",
        "empty-range",
        "mapping-shape",
        "namespace-count",
        "not-finite",
        "priority-count",
        "unknown-pool",
        "wrong-type",  # `2.0` is an integer there
    )
}


def judged(path: Path) -> list[dict[str, Any]]:
    """What is found, without the rules that are off."""
    rules = registry()
    return [
        {"pointer": one.target, "rule": one.rule, "line": one.line, "column": one.column}
        for one in File(path.name, path.read_bytes(), is_grid=True).findings
        if rules[one.rule].enabled
    ]


def test_the_corpus_is_complete() -> None:
    files = {path.relative_to(CORPUS).as_posix() for kind in ("valid", "invalid") for path in CORPUS.glob(f"{kind}/*")}
    assert files == set(EXPECTED)
    told = {one["rule"] for case in EXPECTED.values() for one in case.get("findings", case.get("warnings"))}
    elsewhere = {"grid-config/forms-differ", "grid-config/not-monotonic"}
    assert {rule.id for rule in RULES} - elsewhere <= told


@pytest.mark.parametrize("name", EXPECTED)
def test_a_configuration_is_judged_as_expected(name: str) -> None:
    case = EXPECTED[name]
    assert judged(CORPUS / name) == (case["findings"] if "findings" in case else case["warnings"])
    severities = {registry()[one["rule"]].severity for one in judged(CORPUS / name)}
    assert (Severity.ERROR in severities) == name.startswith("invalid/")


@pytest.mark.parametrize("name", EXPECTED)
def test_the_schema_refuses_nothing_valid_and_all_that_it_can(name: str) -> None:
    try:
        value = json.loads((CORPUS / name).read_bytes())
    except ValueError:
        assert name.startswith("invalid/")
        return
    is_valid = Draft202012Validator(grid_schema()).is_valid(value)
    if name.startswith("valid/"):
        assert is_valid
    elif is_valid:
        assert {one["rule"] for one in EXPECTED[name]["findings"]} <= BEYOND_A_SCHEMA


def test_the_schema_that_ships_is_the_one_that_is_made() -> None:
    Draft202012Validator.check_schema(grid_schema())
    made = subprocess.run([sys.executable, "-m", "trueup.grid_config.schema"], capture_output=True, check=True).stdout
    assert (PROJECT / "checks/trueup/schemas/grid-config.schema.json").read_bytes() == made


def test_ten_faults_at_once_are_all_told_and_nothing_else() -> None:
    expected = json.loads((DATA / "wrong.expected.json").read_text())["findings"]
    found = [(one["pointer"], one["line"]) for one in judged(DATA / "wrong.json")]
    assert sorted(found) == sorted((one["pointer"], one["line"]) for one in expected)
