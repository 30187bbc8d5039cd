"""A message in canonical form, with what its bytes looked like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Format: TypeAlias = Literal["A", "B"]
FORMATS = ("A", "B")
# How batch and events are written. The last two are met only by mistake, and are read all the same.
ARRAY, MAP, ARRAY_OF_MAPS = "array", "map", "array_of_maps"
MAP_OF_ARRAYS, MIXED = "map_of_arrays", "mixed"
DIALECTS = (ARRAY, MAP, ARRAY_OF_MAPS)


@dataclass(frozen=True)
class Decoded:
    """What a message says, and how it says it.

    `dialect`: of A alone; none where it cannot be told, since there is no event. `shapes`: of each event its tag and
    how it is written, `map` or `array of 8`. `hash_kinds`: those met: i64 (below 0), u64 (from 0 on), bytes.
    """

    format: Format
    topic: str
    sequence: int
    publisher_id: int | None
    batch: dict[str, Any]
    dialect: str | None = None
    shapes: tuple[tuple[str, str], ...] = ()
    hash_kinds: frozenset[str] = field(default_factory=frozenset)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in canonical form; none in B, whose payload is opaque."""
        found: list[dict[str, Any]] = self.batch.get("events", [])
        return found

    def canonical(self) -> dict[str, Any]:
        """The mapping of the protocol."""
        return {
            "topic": self.topic,
            "sequence": self.sequence,
            "publisher_id": self.publisher_id,
            "batch": self.batch,
        }
