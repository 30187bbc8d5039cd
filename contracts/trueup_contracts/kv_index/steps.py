"""What is done with an index, a step at a time: as an event, on the model, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trueup_contracts.kv_index.model import GPU, Model, Path, Worker
from trueup_contracts.kv_index.naming import Naming, letters_of


def event(worker: Worker, data: Any, event_id: int = 0, **beside: Any) -> dict[str, Any]:
    """An event as the contract has it; `beside` are `tier`, `identity` and `block_size`."""
    return {"worker_id": worker[0], "event": {"event_id": event_id, "dp_rank": worker[1], "data": data, **beside}}


def stored(parent: int | None, blocks: list[tuple[int, int]]) -> dict[str, Any]:
    """The data of a store: blocks as pairs of sequence hash and local hash."""
    told = [{"block_hash": name, "tokens_hash": local} for name, local in blocks]
    return {"stored": {"parent_hash": parent, "blocks": told}}


def removed(names: list[int]) -> dict[str, Any]:
    """The data of a removal."""
    return {"removed": {"block_hashes": names}}


def shown(worker: Worker) -> str:
    """A worker in words: its id, and its rank."""
    return f"{worker[0]}:{worker[1]}"


def told(matches: Mapping[Worker, object]) -> str:
    """Matches in words."""
    return ", ".join(f"{shown(worker)} to depth {depth!r}" for worker, depth in matches.items()) or "nobody"


@dataclass(frozen=True)
class Store:
    """The blocks of a path behind its first `below`, which the parent names."""

    worker: Worker
    path: Path
    below: int = 0
    tier: str | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    def event(self, naming: Naming, event_id: int) -> dict[str, Any]:
        """The event."""
        parent = naming.name(self.worker, self.path[: self.below]) if self.below else None
        blocks = [
            (naming.name(self.worker, self.path[: place + 1]), self.path[place])
            for place in range(self.below, len(self.path))
        ]
        return event(self.worker, stored(parent, blocks), event_id, **self.told_beside)

    @property
    def told_beside(self) -> dict[str, Any]:
        """What stands beside the data."""
        return {**self.beside, **({} if self.tier is None else {"tier": self.tier})}

    def apply(self, model: Model) -> None:
        """The same on the model."""
        model.store(self.worker, self.path, self.below, self.tier or GPU)

    def paths(self) -> Iterator[Path]:
        """What it speaks of."""
        yield self.path

    def __str__(self) -> str:
        """In words."""
        where = f" below {letters_of(self.path[: self.below])}" if self.below else ""
        tier = f" in {self.tier}" if self.tier else ""
        return f"{shown(self.worker)} stores {letters_of(self.path[self.below :])}{where}{tier}"


@dataclass(frozen=True)
class Remove:
    """Each of these blocks, named by their paths."""

    worker: Worker
    blocks: tuple[Path, ...]
    tier: str | None = None

    def event(self, naming: Naming, event_id: int) -> dict[str, Any]:
        """The event."""
        beside = {} if self.tier is None else {"tier": self.tier}
        return event(
            self.worker, removed([naming.name(self.worker, block) for block in self.blocks]), event_id, **beside
        )

    def apply(self, model: Model) -> None:
        """The same on the model."""
        model.remove(self.worker, self.blocks, self.tier)

    def paths(self) -> Iterator[Path]:
        """What it speaks of."""
        yield from self.blocks

    def __str__(self) -> str:
        """In words."""
        told = ", ".join(map(letters_of, self.blocks)) or "nothing"
        end = "" if all(len(block) == 1 for block in self.blocks) else "the end of "
        if len(self.blocks) > 1 and end:
            end = "the ends of "
        return f"{shown(self.worker)} removes {end}{told}{f' from {self.tier}' if self.tier else ''}"


@dataclass(frozen=True)
class Clear:
    """All blocks of a worker."""

    worker: Worker

    def event(self, naming: Naming, event_id: int) -> dict[str, Any]:
        """The event."""
        return event(self.worker, "cleared", event_id)

    def apply(self, model: Model) -> None:
        """The same on the model."""
        model.clear(self.worker)

    def paths(self) -> Iterator[Path]:
        """What it speaks of."""
        yield from ()

    def __str__(self) -> str:
        """In words."""
        return f"{shown(self.worker)} is cleared"


@dataclass(frozen=True)
class Leave:
    """`remove_worker`."""

    worker_id: int

    def apply(self, model: Model) -> None:
        """The same on the model."""
        model.leave(self.worker_id)

    def paths(self) -> Iterator[Path]:
        """What it speaks of."""
        yield from ()

    def __str__(self) -> str:
        """In words."""
        return f"remove_worker({self.worker_id})"


Step = Store | Remove | Clear | Leave
