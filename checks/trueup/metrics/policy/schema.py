"""The JSON Schema of a policy file, for editors and other tools.

It is made from the model by
`python -m trueup.metrics.policy.schema > checks/trueup/schemas/metrics-policy.schema.json`; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from trueup.config.schema import drop_null
from trueup.metrics.policy.model import Policy

SCHEMA_ID = "https://raw.githubusercontent.com/OWNER/trueup/main/checks/trueup/schemas/metrics-policy.schema.json"


def policy_schema() -> dict[str, Any]:
    """The schema of a policy file."""
    _, parts = msgspec.json.schema_components([Policy], ref_template="#/$defs/{name}")
    for part in parts.values():
        part.pop("title", None)
        for value in part["properties"].values():
            drop_null(value)
    root = parts.pop("Policy")
    root.pop("description", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "trueup metrics policy",
        "description": "Which metric families there are, and what each must look like.",
        **root,
        "$defs": parts,
    }


if __name__ == "__main__":
    print(json.dumps(policy_schema(), indent=2, ensure_ascii=True))
