"""Every message, both ways, is held against the schemas that ship with the kit."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trueup_contracts.registry import SuiteInfo

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

VERSION = 1
CORE = Path(__file__).with_name("wire.schema.json")


class Schemas:
    """The definitions of several documents, by name."""

    def __init__(self, *paths: Path) -> None:
        from referencing import Registry, Resource

        documents = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
        self._registry: Any = Registry().with_resources(
            (document["$id"], Resource.from_contents(document)) for document in documents
        )
        self._places = {name: document["$id"] for document in documents for name in document["$defs"]}

    def __contains__(self, name: str) -> bool:
        """Whether one of them is called so."""
        return name in self._places

    def fault(self, name: str, value: Any) -> str | None:
        """What is wrong with a value by the schema of this name (`reply`, `select_agg.result`), or nothing."""
        from jsonschema.exceptions import best_match

        if name not in self._places:
            return None
        error = best_match(self._validator(name).iter_errors(value))
        if error is None:
            return None
        where = "/".join(str(part) for part in error.absolute_path)
        return f"{error.message}{f' at {where}' if where else ''}"

    @functools.cache  # noqa: B019 - a handful of instances, which live as long as the run
    def _validator(self, name: str) -> Validator:
        from jsonschema import Draft202012Validator

        # The reference is followed here, once, and not at each of thousands of messages.
        resolver = self._registry.resolver(self._places[name])
        found = resolver.lookup(f"#/$defs/{name}")
        while "$ref" in found.contents:
            found = found.resolver.lookup(found.contents["$ref"])
        document = self._registry.contents(self._places[name])
        schema = {**found.contents, "$id": document["$id"], "$defs": document["$defs"]}
        return Draft202012Validator(schema, registry=self._registry)


class Messages(Schemas):
    """The schemas of one suite: the wire's own, and the operations'."""

    def __init__(self, suite: SuiteInfo) -> None:
        super().__init__(*(path for path in (CORE, *suite.shared_schemas, suite.wire_schema) if path))

    @property
    def operations(self) -> list[str]:
        """The names of all operations."""
        return sorted(name.removesuffix(".args") for name in self._places if name.endswith(".args"))
