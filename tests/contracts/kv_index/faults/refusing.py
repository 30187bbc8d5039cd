"""What must be refused: KX-120 to KX-131."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.kv_index.checking import U32, U64
from contracts.kv_index.faults.registry import fault
from contracts.kv_index.hooked import Node, Worker
from contracts.kv_index.modes import Hooked


@fault("KX-120")
class IgnoresOrphans(Hooked):
    """ignores a store without a parent"""

    def refuse_orphan(self, parent: int) -> None:
        pass


@fault("KX-121")
class SkipsUnknownData(Hooked):
    """skips data that it does not know"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        data = event["event"].get("data") if isinstance(event, dict) and isinstance(event.get("event"), dict) else None
        if isinstance(data, dict) and set(data) - {"stored", "removed"}:
            return {**event, "event": {**event["event"], "data": {"removed": {"block_hashes": []}}}}
        return super().check_event(event)


@fault("KX-121")
class DefaultsTheRank(Hooked):
    """takes an event without a rank for one of rank 0"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        if isinstance(event, dict) and isinstance(event.get("event"), dict):
            event = {**event, "event": {"dp_rank": 0, **event["event"]}}
        return super().check_event(event)


def changed(event: Any, **fields: Any) -> Any:
    """An event with other fields, where it has any."""
    if not isinstance(event, dict) or not isinstance(event.get("event"), dict):
        return event
    inner = {**event["event"], **{name: value for name, value in fields.items() if name == "dp_rank"}}
    return {**event, **{name: value for name, value in fields.items() if name == "worker_id"}, "event": inner}


@fault("KX-122")
class WrapsIds(Hooked):
    """takes worker ids modulo 2^64"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        told = event.get("worker_id") if isinstance(event, dict) else None
        return super().check_event(changed(event, worker_id=told % U64) if type(told) is int else event)


@fault("KX-122")
class WrapsRanks(Hooked):
    """takes ranks modulo 2^32"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        inner = event.get("event") if isinstance(event, dict) else None
        told = inner.get("dp_rank") if isinstance(inner, dict) else None
        return super().check_event(changed(event, dp_rank=told % U32) if type(told) is int else event)


@fault("KX-123")
class WrapsHashes(Hooked):
    """takes a request's hashes modulo 2^64"""

    def check_request(self, local_hashes: Any) -> list[int]:
        if isinstance(local_hashes, list):
            local_hashes = [one % U64 if type(one) is int else one for one in local_hashes]
        return super().check_request(local_hashes)


@fault("KX-123")
class TakesAnyName(Hooked):
    """takes a removal of what is no hash for one of what is not held"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        try:
            return super().check_event(event)
        except ValueError as error:
            if "a block hash" in str(error):
                return {**event, "event": {**event["event"], "data": {"removed": {"block_hashes": []}}}}
            raise


@fault("KX-124")
class TakesEmptyStores(Hooked):
    """takes a store without blocks"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        try:
            return super().check_event(event)
        except ValueError as error:
            if "without blocks" in str(error):
                return {**event, "event": {**event["event"], "data": {"removed": {"block_hashes": []}}}}
            raise


@fault("KX-125")
class TakesCycles(Hooked):
    """takes a block that is in its own chain"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        try:
            return super().check_event(event)
        except ValueError as error:
            if "twice" in str(error):
                checked: Mapping[str, Any] = event
                return checked
            raise


@fault("KX-126")
class ChecksAsItGoes(Hooked):
    """checks a store block by block, while it stores"""

    def check_event(self, event: Any) -> Mapping[str, Any]:
        try:
            return super().check_event(event)
        except (ValueError, TypeError):
            inner = event["event"] if isinstance(event, dict) and isinstance(event.get("event"), dict) else {}
            data = inner.get("data")
            stored = data.get("stored") if isinstance(data, dict) else None
            blocks = stored.get("blocks") if isinstance(stored, dict) else None
            if isinstance(stored, dict) and isinstance(blocks, list) and len(blocks) > 1:
                half = {**stored, "blocks": blocks[: len(blocks) // 2]}
                self.apply({**event, "event": {**inner, "data": {"stored": half}}})
            raise


@fault("KX-126")
class MovesAncestors(Hooked):
    """moves a block below its own descendant"""

    def store(self, worker: Worker, stored: Mapping[str, Any], inner: Mapping[str, Any]) -> None:
        for block in stored["blocks"]:
            node = self.held.get(worker, {}).get(block["block_hash"])
            parent = self.held.get(worker, {}).get(stored["parent_hash"] or 0)
            if node is not None and parent is not None and parent.parent is not None and node.depth() < parent.depth():
                self.remove(worker, [block["block_hash"]], None)
        super().store(worker, stored, inner)


@fault("KX-128")
class AnswersAfterClose(Hooked):
    """answers after it was closed"""

    def check_open(self) -> None:
        pass


@fault("KX-129")
class AnyBlockSize(Hooked):
    """takes any block size"""

    def check_size(self, block_size: Any) -> int:
        size: int = block_size
        return size


@fault("KX-130")
class TakesTexts(Hooked):
    """takes a text for a request of unknown blocks"""

    def check_request(self, local_hashes: Any) -> list[int]:
        return [] if isinstance(local_hashes, str) else super().check_request(local_hashes)


@fault("KX-131")
class HandsOutItsCache(Hooked):
    """hands out the answer that it keeps for a request that comes again"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.answers: dict[tuple[int, ...], dict[Worker, int]] = {}

    def apply(self, event: Any) -> None:
        super().apply(event)
        self.answers.clear()

    def find_matches(self, local_hashes: Sequence[int], **how: Any) -> dict[Worker, int]:
        request = self.check_request(local_hashes)
        self.check_open()
        if how:
            return super().find_matches(local_hashes, **how)
        if tuple(request) not in self.answers:
            self.answers[tuple(request)] = super().find_matches(local_hashes)
        return self.answers[tuple(request)]


@fault("KX-131")
class KeepsTheEvent(Hooked):
    """keeps the caller's event, and reads it again when it is asked"""

    def __init__(self, block_size: int, **keywords: Any) -> None:
        super().__init__(block_size, **keywords)
        self.events: list[Any] = []

    def apply(self, event: Any) -> None:
        super().apply(event)
        self.events.append(event)

    def walk(self, node: Node | None, request: list[int], *how: Any) -> dict[Worker, int]:
        fresh = Hooked(self.block_size)
        for event in self.events:
            try:
                fresh.apply(event)
            except ValueError:
                continue
        return Hooked.walk(fresh, fresh.roots.get((None, None, None)), request, None, False)
