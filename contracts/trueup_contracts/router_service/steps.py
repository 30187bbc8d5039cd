"""What a scripted worker does with a request, step by step; and gates, by which a test holds it anywhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from trueup_contracts.router_service.workers import Asked

_MOST_SHOWN, _MOST_STEPS = 60, 8  # characters of a field, and steps


class Gate:
    """Holds whoever comes to it, until `open`. `reached`: how many have come."""

    def __init__(self) -> None:
        self.reached = 0
        self._is_open = False
        self._lock = threading.Lock()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def open(self) -> None:
        """Everybody passes, from now on."""
        with self._lock:
            self._is_open = True
            waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            loop.call_soon_threadsafe(event.set)

    async def passed(self, arrived: Callable[[], None]) -> None:
        """Until it is open; `arrived` is called when `reached` counts this one."""
        event = asyncio.Event()
        with self._lock:
            self.reached += 1
            if self._is_open:
                event.set()
            else:
                self._waiting.append((asyncio.get_running_loop(), event))
        arrived()
        await event.wait()


class _Shown:
    """In failures: what is as always is left out."""

    def __repr__(self) -> str:
        changed = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if _is_told(self, one)]  # type: ignore[arg-type]
        shown = ", ".join(text if len(text) < _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…" for text in changed)
        return f"{type(self).__name__}({shown})" if shown else type(self).__name__


@dataclass(frozen=True, repr=False)
class Item(_Shown):
    """The next item; by default its number, and a token that names the worker."""

    token_ids: Sequence[int] | None = None
    index: int | None = None


@dataclass(frozen=True, repr=False)
class Transfer(_Shown):
    """Prefill's parameters for decode."""

    parameters: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Finish(_Shown):
    """The end of the work."""

    reason: str = "length"
    usage: Mapping[str, int] | None = None


@dataclass(frozen=True, repr=False)
class Error(_Shown):
    """An error as an event."""

    code: str = "engine_failed"
    message: str = "the engine has failed"
    retryable: bool = False


@dataclass(frozen=True, repr=False)
class Status(_Shown):
    """A status in place of a stream. Only as the first step."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = "refused"


@dataclass(frozen=True, repr=False)
class Hold(_Shown):
    """Waits at a gate. Before the first event the head has not been sent yet, unless `Head` stands before."""

    gate: Gate


@dataclass(frozen=True, repr=False)
class Head(_Shown):
    """Sends the head of the stream, and no event yet."""


@dataclass(frozen=True, repr=False)
class Hang(_Shown):
    """Does nothing more, for ever, with the connection open."""


@dataclass(frozen=True, repr=False)
class KeepAlives(_Shown):
    """A comment every so often: until the gate opens, or for ever."""

    every_s: float
    gate: Gate | None = None


@dataclass(frozen=True, repr=False)
class Raw(_Shown):
    """Bytes of the stream as they are."""

    data: bytes


@dataclass(frozen=True, repr=False)
class Cut(_Shown):
    """Resets the connection, as a worker that was killed does."""


@dataclass(frozen=True, repr=False)
class Close(_Shown):
    """Closes the connection in the middle, without the stream's end."""


@dataclass(frozen=True, repr=False)
class End(_Shown):
    """Ends the stream as HTTP does, whether it was complete or not."""


Step: TypeAlias = Item | Transfer | Finish | Error | Status | Hold | Head | Hang | KeepAlives | Raw | Cut | Close | End
Script: TypeAlias = Callable[["Asked"], Sequence[Step]]


def complete(asked: Asked) -> Sequence[Step]:
    """The whole answer, at once: a transfer for prefill, else as many items as were asked for."""
    if asked.phase == "prefill":
        return [Transfer({"worker": asked.worker_id, "request": asked.request_id}), Finish("prefill")]
    return [*(Item() for _ in range(asked.max_tokens)), Finish()]


def told(steps: Iterable[Step]) -> str:
    """In words, for what repeats a failure: fields that are as always are left out."""
    every = list(steps)
    shown = [repr(step) for step in every[:_MOST_STEPS]]
    return ", ".join([*shown, f"and {len(every) - _MOST_STEPS} more"] if len(every) > _MOST_STEPS else shown)


def _is_told(step: object, one: Field[Any]) -> bool:
    usual = one.default if one.default_factory is MISSING else one.default_factory()
    return one.name != "gate" and getattr(step, one.name) != usual


def always(*steps: Step) -> Script:
    """The same steps for whatever is asked."""
    return lambda asked: steps
