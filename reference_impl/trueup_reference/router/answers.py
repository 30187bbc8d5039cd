"""What the events of a worker's answer must be, before they are handed on."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from trueup_reference.router.protocol import Event
from trueup_reference.router.workers import FAILED, WorkerFailure
from trueup_reference.worker_protocol import Phase

MOST_TOLD = 200  # characters of a worker's own words that are handed on


class _Item(msgspec.Struct):
    index: int
    token_ids: list[int]


class _Finish(msgspec.Struct):
    reason: str
    usage: dict[str, Any] | None = None


class _Transfer(msgspec.Struct):
    transfer: msgspec.Raw


class _Error(msgspec.Struct):
    code: str = "unknown"
    message: str = ""
    retryable: bool = False


_item = msgspec.json.Decoder(_Item).decode
_finish = msgspec.json.Decoder(_Finish).decode
_error = msgspec.json.Decoder(_Error).decode
_transfer = msgspec.json.Decoder(_Transfer).decode


class Taken(NamedTuple):
    """What may be handed on; the end behind it, or what is wrong there. `has_moved`: by items or a transfer."""

    items: list[Event]
    has_moved: bool
    finish: Event | None = None
    failure: WorkerFailure | None = None


class WorkerAnswer:
    """One answer, as far as it has come. Items are numbered from 0; a prefill has a transfer instead."""

    __slots__ = ("_is_prefill", "items", "transfer", "transfer_event")

    def __init__(self, phase: Phase) -> None:
        self._is_prefill = phase == "prefill"
        self.items = 0
        self.transfer: msgspec.Raw | None = None  # as it was written: nothing of it is ours
        self.transfer_event: Event | None = None

    def take(self, events: list[Event]) -> Taken:
        """Of the next events. Those with names that are not known are left out."""
        items: list[Event] = []
        has_moved = False
        finish, failure = None, None
        try:
            for event in events:
                name = event.name
                if name == "item":
                    self._check_item(event)
                    items.append(event)
                    has_moved = True
                elif name == "transfer":
                    self._take_transfer(event)
                    has_moved = True
                elif name == "finish":
                    finish = self._finished(event)
                    break
                elif name == "error":
                    failure = _told(event)
                    break
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            failure = _malformed(f"{event.name}: {error}")
        except _MalformedError as error:
            failure = _malformed(str(error))
        return Taken(items, has_moved, finish, failure)

    def _check_item(self, event: Event) -> None:
        if self._is_prefill:
            raise _MalformedError("an item of prefill")
        item = _item(event.raw)
        if item.index != self.items:
            raise _MalformedError(f"item {item.index} where {self.items} is due")
        self.items += 1

    def _finished(self, event: Event) -> Event:
        if self._is_prefill and self.transfer is None:
            raise _MalformedError("finish of a prefill without a transfer")
        _finish(event.raw)
        return event

    def _take_transfer(self, event: Event) -> None:
        if not self._is_prefill:
            raise _MalformedError("a transfer that is not of prefill")
        transfer = _transfer(event.raw).transfer
        if not bytes(transfer).startswith(b"{"):
            raise _MalformedError("a transfer that is no object")
        self.transfer = transfer
        self.transfer_event = event


class _MalformedError(Exception):
    pass


def _malformed(what: str) -> WorkerFailure:
    return WorkerFailure(FAILED, f"the worker's answer is malformed: {what}"[:MOST_TOLD], retryable=True)


def _told(event: Event) -> WorkerFailure:
    told = _error(event.raw)
    message = f"the worker tells {told.code}: {told.message}"[:MOST_TOLD]
    return WorkerFailure(FAILED, message, retryable=told.retryable, alive=not told.retryable)
