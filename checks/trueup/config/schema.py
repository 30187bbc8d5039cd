"""The JSON Schema of the configuration, for editors and other tools.

It is made from the model by `python -m trueup.config.schema > checks/trueup/schemas/config.schema.json`
and ships with the package; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trueup.config.model import Config
from trueup.config.validate import ignorable_rules
from trueup.rules import registry

SCHEMA_ID = "https://raw.githubusercontent.com/OWNER/trueup/main/checks/trueup/schemas/config.schema.json"


def config_schema() -> dict[str, Any]:
    """The schema of `trueup.toml`, and of the table `[tool.trueup]`.

    It refuses nothing that `load` accepts. `load` refuses more: patterns that match nothing, and
    paths that leave the repository.
    """
    _, parts = msgspec.json.schema_components([Config], ref_template="#/$defs/{name}")
    for part in parts.values():
        part.pop("title", None)
        for value in part["properties"].values():
            drop_null(value)
    root = parts.pop("Config")
    rules = {"enum": list(registry())}
    root["properties"]["rules"]["propertyNames"] = rules
    parts["Override"]["properties"]["rules"]["propertyNames"] = rules
    parts["Ignore"]["properties"]["rule"]["enum"] = ignorable_rules()
    parts["Ignore"]["properties"]["reason"]["pattern"] = r"\S"
    root.pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "trueup configuration",
        "description": "trueup.toml, or the table [tool.trueup] of pyproject.toml.",
        **root,
        "$defs": parts,
    }


def drop_null(value: dict[str, Any]) -> None:
    """TOML has no null: a key that may be left out is simply optional."""
    alternatives = [one for one in value.get("anyOf", []) if one != {"type": "null"}]
    if len(alternatives) == 1:
        del value["anyOf"]
        value.update(alternatives[0])
    if value.get("default", 0) is None:
        del value["default"]


if __name__ == "__main__":
    print(json.dumps(config_schema(), indent=2, ensure_ascii=True))
