"""Events, written short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Worker = tuple[int, int]


def event(worker: Worker, data: Any, event_id: int = 0, **beside: Any) -> dict[str, Any]:
    inner = {"event_id": event_id, "dp_rank": worker[1], "data": data}
    return {
        "worker_id": worker[0],
        "event": inner | {name: value for name, value in beside.items() if value is not None},
    }


def stored(
    worker: Worker, parent: int | None, chain: Sequence[tuple[int, int]], event_id: int = 0, **beside: Any
) -> dict[str, Any]:
    """`chain`: pairs of name and local hash."""
    blocks = [{"block_hash": name, "tokens_hash": local} for name, local in chain]
    return event(worker, {"stored": {"parent_hash": parent, "blocks": blocks}}, event_id, **beside)


def removed(worker: Worker, names: Sequence[int], event_id: int = 0, **beside: Any) -> dict[str, Any]:
    return event(worker, {"removed": {"block_hashes": list(names)}}, event_id, **beside)


def cleared(worker: Worker, event_id: int = 0) -> dict[str, Any]:
    return event(worker, "cleared", event_id)
