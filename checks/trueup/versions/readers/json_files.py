"""package.json, and devcontainer files."""

from __future__ import annotations

import re

from trueup.reading.json_tree import NotJson, read
from trueup.reading.tree import Node, Object
from trueup.versions.model import Strength, Unreadable
from trueup.versions.readers.sink import Sink

_BOUND = re.compile(r"(?:npm:(?:@?[\w./-]+)@)?([\^~]|>=)?(\d[\w.+-]*)")
_TABLES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "resolutions", "overrides")


def read_package_json(sink: Sink) -> None:
    """The package's own version, its dependencies, and its package manager. Raises `Unreadable`."""
    try:
        root = read(sink.text.removeprefix("\ufeff"), lambda offset: offset + sink.text.startswith("\ufeff"))
    except NotJson as error:
        raise Unreadable(f"no JSON: {error.message}", error.offset) from None
    members = _members(root)
    name = members.get("name")
    version = members.get("version")
    if name is not None and version is not None and isinstance(name.value, str):
        _add(sink, "own", name.value, version, "version", Strength.EXACT)
    for table in _TABLES:
        if table in members:
            for key, node in _members(members[table]).items():
                # A peer is what somebody else installs: a bound by nature.
                _add(sink, "npm", key, node, table, Strength.RANGE if table == "peerDependencies" else Strength.EXACT)
    manager = members.get("packageManager")
    if (
        manager is not None
        and isinstance(manager.value, str)
        and (found := re.fullmatch(r"(\w+)@(\d[\w.-]*)(?:\+\S*)?", manager.value))
    ):
        start = manager.start + 1 + found.start(2)
        sink.add("npm", found[1], start, start + len(found[2]), "packageManager")


def _members(node: Node) -> dict[str, Node]:
    return {one.key: one.node for one in node.value.members} if isinstance(node.value, Object) else {}


def _add(sink: Sink, kind: str, name: str, node: Node, where: str, most: Strength) -> None:
    if not isinstance(node.value, str) or sink.text[node.start + 1 : node.end - 1] != node.value:
        return
    found = _BOUND.fullmatch(node.value)
    if found is not None:
        strength = min(most, Strength.FLOOR if found[1] else Strength.EXACT)
        sink.add(kind, name, node.start + 1 + found.start(2), node.start + 1 + found.end(2), where, strength)
