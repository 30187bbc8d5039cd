"""A configuration from a text or from Python values, for programs that use the validation and not the check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trueup.findings import Severity
from trueup.grid_config.file import File
from trueup.grid_config.judge import judge
from trueup.grid_config.model import Configuration
from trueup.reading.tree import Member, Node, Object, Value
from trueup.rules import registry


class InvalidConfiguration(ValueError):
    """A configuration that is refused; the message holds every fault, a line each."""


def from_text(data: bytes) -> Configuration:
    """The configuration in a JSON text. Raises `InvalidConfiguration`; warnings do not count."""
    file = File("configuration.json", data, is_grid=True)
    faults = [
        f"line {one.line}, column {one.column}: {one.message}"
        for one in file.findings
        if one.severity is Severity.ERROR
    ]
    routers = [judged.router for judged in file.grids if judged.router is not None]
    if faults or not routers:
        raise InvalidConfiguration("\n".join([*faults, *file.notes]) or "it is no configuration")
    return routers[0]


def from_mapping(value: Mapping[str, Any]) -> Configuration:
    """The configuration that a mapping holds, as `json.loads` makes it. Raises `InvalidConfiguration`."""
    configuration, faults = judge(_node(value))
    rules = registry()
    wrong = [
        f"{one.pointer or '/'}: {one.message}" for one in faults.found if rules[one.rule].severity is Severity.ERROR
    ]
    if configuration is None:
        raise InvalidConfiguration("\n".join([*wrong, *faults.notes]))
    return configuration


def _node(value: object) -> Node:
    found: Value
    if isinstance(value, Mapping):
        found = Object([Member(str(key), 0, 0, _node(item)) for key, item in value.items()])
    elif isinstance(value, list | tuple):
        found = [_node(item) for item in value]
    elif value is None or isinstance(value, bool | int | float | str):
        found = value
    else:
        raise InvalidConfiguration(f"{type(value).__name__} is no kind of JSON value")
    return Node(found, 0, 0)
