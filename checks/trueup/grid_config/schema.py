"""The JSON Schema of a router's configuration, for editors and other validators.

It is made by `python -m trueup.grid_config.schema > checks/trueup/schemas/grid-config.schema.json` and ships with
the package; a test compares the two, and both with the corpus. What a schema cannot say (a minimum below its
maximum, lengths that agree, duplicate keys, `2.0` where an integer belongs) only the check finds.
"""

from __future__ import annotations

import json
from typing import Any

from trueup.grid_config.fields import (
    AGG,
    DEPRECATED,
    DISAGG,
    MODE,
    OVERRIDE_FIELDS,
    OVERRIDES,
    PHASES,
    RETRY,
    Axis,
    Phase,
)
from trueup.grid_config.values import LARGEST_INTEGER, LARGEST_MS

SCHEMA_ID = "https://raw.githubusercontent.com/OWNER/trueup/main/checks/trueup/schemas/grid-config.schema.json"
Schema = dict[str, Any]


def grid_schema() -> Schema:
    """The schema of both modes."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "Global router configuration",
        "description": "Worker pools and the grids that choose one of them for each request.",
        "type": "object",
        "if": {"properties": {MODE: {"const": AGG}}, "required": [MODE]},
        "then": {"$ref": "#/$defs/agg"},
        "else": {"$ref": "#/$defs/disagg"},
        "$defs": {
            "disagg": _mode(DISAGG, "Prefill and decode in pools of their own.", required=False),
            "agg": _mode(AGG, "Pools that do both prefill and decode.", required=True),
            "override": _override(),
        },
    }


def _mode(mode: str, description: str, *, required: bool) -> Schema:
    properties: Schema = {
        MODE: {"const": mode, "title": "Mode", "description": "`disagg` (the default) or `agg`."},
        RETRY: {
            "type": "boolean",
            "default": False,
            "title": "Retry on faster pools",
            "description": "A request that fails before its first item is tried on faster pools, the slowest first.",
        },
    }
    names = [MODE] if required else []
    for phase in PHASES[mode]:
        properties |= _phase(phase)
        names += [phase.count, phase.namespaces, phase.strategy]
    return _object(properties, names, mode, description)


def _phase(phase: Phase) -> Schema:
    return {
        phase.count: _integer(1, f"Number of {phase.name} pools", "Pools are numbered from 0."),
        phase.namespaces: {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": r"^\S(.*\S)?$"},
            "title": f"Namespaces of the {phase.name} pools",
            "description": "One per pool, in the order of the pools.",
        },
        phase.priorities: {
            "type": "array",
            "minItems": 1,
            "items": {"type": "integer"},
            "title": f"Priorities of the {phase.name} pools",
            "description": "One per pool; lower is faster. Default: 0, 1, 2, … in the order of the pools.",
        },
        phase.strategy: _strategy(phase),
    }


def _strategy(phase: Phase) -> Schema:
    properties: Schema = {}
    required: list[str] = []
    choices: list[Schema] = []
    together: dict[str, list[str]] = {}
    for axis in phase.axes:
        properties |= _axis(axis)
        fields = [axis.low, axis.high, axis.resolution]
        if axis.optional:
            together |= {name: [other for other in fields if other != name] for name in fields}
            continue
        required.append(axis.resolution)
        for bound in (axis.low, axis.high):
            old = next((old for old, new in DEPRECATED.items() if new == bound), None)
            if old is None:
                required.append(bound)
            else:
                properties[old] = {**properties[bound], "deprecated": True, "description": f"Write `{bound}`."}
                choices.append({"oneOf": [{"required": [bound]}, {"required": [old]}]})
    depth = sum(not axis.optional for axis in phase.axes)
    properties[phase.mapping] = _mapping(depth, deeper=any(axis.optional for axis in phase.axes))
    properties[OVERRIDES] = {
        "type": "array",
        "items": {"$ref": "#/$defs/override"},
        "title": "Overrides by priority",
        "description": "The first one that matches a request's priority wins over the grid.",
    }
    what = " x ".join(axis.name for axis in phase.axes)
    schema = _object(properties, [*required, phase.mapping], f"Grid of the {phase.name} pools", f"Axes: {what}.")
    schema["allOf"] = choices
    if together:
        schema["dependentRequired"] = together
    return schema


def _axis(axis: Axis) -> Schema:
    unit = "milliseconds" if axis.is_latency else "tokens"
    bound: Schema = (
        {"type": "number", "minimum": 0, "maximum": LARGEST_MS}
        if axis.is_latency
        else {"type": "integer", "minimum": 0, "maximum": LARGEST_INTEGER}
    )
    return {
        axis.low: {**bound, "title": f"Lower bound of {axis.name}", "description": f"In {unit}; below it: first band."},
        axis.high: {**bound, "title": f"Upper bound of {axis.name}", "description": f"In {unit}; from it: last band."},
        axis.resolution: _integer(1, f"Bands of {axis.name}", "The range is cut into so many bands of equal width."),
    }


def _mapping(depth: int, *, deeper: bool) -> Schema:
    pool: Schema = {"type": "integer", "minimum": 0}

    def nested(levels: int) -> Schema:
        return pool if levels == 0 else {"type": "array", "minItems": 1, "items": nested(levels - 1)}

    shape = {"anyOf": [nested(depth), nested(depth + 1)]} if deeper else nested(depth)
    return {**shape, "title": "Pool of each cell", "description": "Rows are bands of the first axis."}


def _override() -> Schema:
    low, high, pool = OVERRIDE_FIELDS
    properties = {
        low: {"type": "integer", "description": "The lowest priority that matches."},
        high: {"type": "integer", "description": "The highest priority that matches."},
        pool: {"type": "integer", "minimum": 0, "description": "The pool that the request gets."},
    }
    return _object(properties, list(OVERRIDE_FIELDS), "Override", "Both bounds are inclusive.")


def _integer(least: int, title: str, description: str) -> Schema:
    return {
        "type": "integer",
        "minimum": least,
        "maximum": LARGEST_INTEGER,
        "title": title,
        "description": description,
    }


def _object(properties: Schema, required: list[str], title: str, description: str) -> Schema:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


if __name__ == "__main__":
    print(json.dumps(grid_schema(), indent=2, ensure_ascii=True))
