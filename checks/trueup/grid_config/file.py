"""One file that holds grids: its text, its grids, and what is wrong with each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trueup.datafiles import Text
from trueup.findings import Edit, Finding, Severity
from trueup.grid_config.faults import Fault, Faults
from trueup.grid_config.fields import STRATEGIES
from trueup.grid_config.judge import judge
from trueup.grid_config.model import Configuration, Grid
from trueup.reading.json_tree import NotJson, read
from trueup.reading.tree import Node, Object
from trueup.rules import registry


class Judged(NamedTuple):
    """A grid as it was found: its tree, and what it comes to where it is valid."""

    where: str  # the key of a manifest under which it stands; "" for a whole file
    root: Node
    router: Configuration | None
    picker: Grid | None


# A field with its colon: not a text that only speaks of it.
_LOOKS_LIKE_A_GRID = re.compile(r'"(?:prefill|decode|agg)_pool_selection_strategy"\s*:')
_SCHEMA_KEYS = frozenset({"properties", "$defs", "definitions"})


def _grids_in(root: Node) -> Iterator[tuple[str, Node]]:
    """The objects that have a grid's fields, at any depth; a JSON Schema of them is none."""
    stack = [("", root)]
    while stack:
        where, node = stack.pop()
        if isinstance(node.value, Object):
            members = node.value.members
            if where not in _SCHEMA_KEYS and any(member.key in STRATEGIES for member in members):
                yield where, node
            else:
                stack += [(member.key, member.node) for member in reversed(members)]
        elif isinstance(node.value, list):
            stack += [(where, item) for item in reversed(node.value)]


class File:
    """Reads and judges; `findings` and `notes` are in the order of the file."""

    def __init__(self, path: str, data: bytes, *, is_grid: bool = False) -> None:
        """`is_grid`: somebody says that the file is a configuration, whatever its fields."""
        self.path = path
        self._is_grid = is_grid
        self.text = Text(data)
        self.grids: list[Judged] = []
        self.notes: list[str] = []
        self.findings: list[Finding] = []
        self._ordinals: dict[tuple[str, str], int] = {}
        if self.text.bad_byte is not None:
            self._bad_byte(data)
        elif path.lower().endswith((".yaml", ".yml")):
            self._read_yaml()
        else:
            self._read_json()

    def _read_json(self) -> None:
        text = self.text.text
        try:
            root = read(text)
        except NotJson as error:
            if self._is_grid or _LOOKS_LIKE_A_GRID.search(text):
                self._byte_order_mark()
                self._not_json(error)
            return
        grids = list(_grids_in(root)) or ([("", root)] if self._is_grid else [])
        if grids:
            self._byte_order_mark()
        for where, grid in grids:
            self._judge(where, grid)

    def _byte_order_mark(self) -> None:
        if self.text.has_bom:
            self.add(Fault("grid-config/byte-order-mark", "", 0, 0, "a byte-order mark before the JSON"))

    def _read_yaml(self) -> None:
        from trueup.grid_config.picker import judge_picker
        from trueup.grid_config.yaml_reading import NotYaml, grids_in

        try:
            for found in grids_in(self.text.text):
                try:
                    root = found.node if found.node is not None else read(found.text or "", found.place)
                except NotJson as error:
                    self._not_json(error)
                    continue
                if found.is_picker:
                    grid, faults = judge_picker(root)
                    self.grids.append(Judged(found.where, root, None, grid))
                    self._take(faults)
                else:
                    self._judge(found.where, root)
        except NotYaml as error:
            self.notes.append(f"not checked: it is no YAML that can be read without filling it in: {error}")
        except NotJson as error:
            self._not_json(error)

    def _judge(self, where: str, root: Node) -> None:
        configuration, faults = judge(root)
        self.grids.append(Judged(where, root, configuration, None))
        self._take(faults)

    def _take(self, faults: Faults) -> None:
        self.notes += faults.notes
        for fault in sorted(faults.found, key=lambda fault: fault.start):
            self.add(fault)

    def _not_json(self, error: NotJson) -> None:
        self.add(Fault("grid-config/not-json", "", error.offset, error.offset, error.message))

    def _bad_byte(self, data: bytes) -> None:
        offset = self.text.bad_byte
        assert offset is not None
        before = len(data[3 * self.text.has_bom : offset].decode("utf-8"))
        message = f"byte 0x{data[offset]:02x} at offset {offset} is not UTF-8"
        self.add(Fault("trueup/unreadable-file", "", before, before + 1, message, "save the file as UTF-8"))

    def add(self, fault: Fault, *, reason: str | None = None) -> None:
        """A finding for a fault; its `target` is the JSON pointer."""
        rule = registry()[fault.rule]
        key = (fault.rule, fault.pointer)
        self._ordinals[key] = ordinal = self._ordinals.get(key, 0) + 1
        line, column = self.text.place(fault.start)
        end_line, end_column = self.text.place(max(fault.end, fault.start))
        self.findings.append(
            Finding(
                rule=fault.rule,
                severity=Severity(rule.severity),
                path=self.path,
                message=f"{fault.pointer}: {fault.message}" if fault.pointer else fault.message,
                reason=reason or rule.reason,
                target=fault.pointer,
                ordinal=ordinal,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                suggestion=fault.suggestion,
                edit=self._edit(fault),
            )
        )

    def _edit(self, fault: Fault) -> Edit | None:
        if fault.replacement is None:
            return None
        written = self.text.text[fault.start : fault.end]
        # In YAML a key may stand without quotes, and then needs none.
        replacement = fault.replacement if written.startswith('"') else fault.replacement.strip('"')
        return Edit(
            self.text.byte(fault.start), self.text.byte(fault.end), written.encode("utf-8"), replacement.encode("utf-8")
        )
