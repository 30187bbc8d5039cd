"""The JSON Schema says the same as the loader, over the same table of configurations."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

import trueup
from trueup.config.schema import config_schema

DATA = Path(__file__).parent / "data"
SHIPPED = Path(trueup.__file__).parent / "schemas/config.schema.json"


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SHIPPED.read_text(encoding="utf-8")))


def settings(place: Path) -> dict[str, object]:
    return tomllib.loads(place.read_text(encoding="utf-8"))


def test_the_shipped_schema_is_current() -> None:
    made = json.dumps(config_schema(), indent=2, ensure_ascii=True) + "\n"
    assert made == SHIPPED.read_text(encoding="utf-8"), "python -m trueup.config.schema > " + SHIPPED.name


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(config_schema())


@pytest.mark.parametrize("place", sorted((DATA / "accepted").glob("*.toml")), ids=lambda place: place.stem)
def test_it_accepts_what_the_loader_accepts(place: Path) -> None:
    assert [error.message for error in validator().iter_errors(settings(place))] == []


@pytest.mark.parametrize("place", sorted((DATA / "refused").glob("*.toml")), ids=lambda place: place.stem)
def test_it_refuses_what_the_loader_refuses_save_what_no_schema_can_say(place: Path) -> None:
    loader_only = "#: loader only" in place.read_text(encoding="utf-8")
    assert validator().is_valid(settings(place)) == loader_only


def test_every_setting_is_described() -> None:
    """In an editor the description is all that one sees."""
    schema = config_schema()
    tables = {"": schema, **schema["$defs"]}
    bare = [
        f"{table}.{key}"
        for table, content in tables.items()
        for key, value in content["properties"].items()
        if not ({"description", "$ref"} & (value.keys() | value.get("items", {}).keys()))
    ]
    assert bare == []
