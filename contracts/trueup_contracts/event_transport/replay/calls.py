"""The suite's own way to call a client of replays."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NamedTuple, Self

from trueup_contracts.apart import Apart
from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import AdapterError, LateError, Refusal
from trueup_contracts.event_transport.replay.servers import payload
from trueup_contracts.subject import Handle, Subject

MARGIN_S = 5.0  # before it is scaled: so much later than it should a call may end
EARLY_S = 0.01  # that clocks may differ


class Got(NamedTuple):
    """A batch as the client tells it."""

    sequence: int
    topic: str | None
    payload: bytes


class Client:
    """An open client. Its calls are made by one thread, which the test need not wait for."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.budgets = subject, Budgets(subject.scale)
        self.margin_s = MARGIN_S * subject.scale
        self._apart = Apart(subject)
        try:
            self.handle: Handle = self._apart.run(subject.open, self.budgets.signal_s)
        except BaseException:
            self._apart.end()
            raise

    def replay(self, endpoint: str, start: int, timeout_s: float | None = None) -> list[Got]:
        """What came. `Refusal` where it is not complete; no later than the timeout, with a margin."""
        __tracebackhide__ = True
        limit_s = self.budgets.signal_s if timeout_s is None else timeout_s
        return told(self.call(limit_s, "replay", endpoint=endpoint, start=start, timeout_ms=round(limit_s * 1000)))

    def complete(self, endpoint: str, start: int) -> list[Got]:
        """What a replay brings whose end marker comes."""
        __tracebackhide__ = True
        try:
            return self.replay(endpoint, start)
        except Refusal as error:
            raise AssertionError(
                f"the server answered up to its end marker, and replay was refused as {error}"
            ) from None

    def fails(self, endpoint: str, start: int, timeout_s: float, why: str) -> list[Got]:
        """What a replay brings that cannot be complete: it ends with its timeout, and by the error `incomplete`."""
        __tracebackhide__ = True
        begun = time.monotonic()
        try:
            found = self.replay(endpoint, start, timeout_s)
        except Refusal as error:
            took_s = time.monotonic() - begun
            if error.code != "incomplete" and (error.code != "timeout" or error.data):
                raise AssertionError(f"{why}, and replay was refused as {error}; incomplete is due") from None
            if took_s < timeout_s - EARLY_S:
                raise AssertionError(f"{why}; replay gave up after {took_s:.3f} s of {timeout_s:g} s") from None
            return [] if error.data is None else told(error.data)
        raise AssertionError(f"{why}, and replay answered {numbers(found)} as if it were complete")

    def call(self, limit_s: float, operation: str, /, **args: Any) -> Any:
        """The answer of any call, within its time."""
        __tracebackhide__ = True
        try:
            return self._apart.run(lambda: self.handle.call(operation, **args), limit_s + self.margin_s)
        except LateError:
            given = f"timeout_ms={args['timeout_ms']}" if "timeout_ms" in args else ""
            late_s = limit_s + self.margin_s
            raise AssertionError(f"{operation}({given}) had not ended after {late_s:.1f} s") from None

    def close(self) -> None:
        """A second call is another call."""
        self.call(0.0, "close")

    def __enter__(self) -> Self:
        """It is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed, whatever happened."""
        try:
            if not self._apart.is_given_up:
                self.close()
        except (AssertionError, Refusal, AdapterError):
            if kind is None:
                raise
        finally:
            self._apart.end()


def told(answer: Any) -> list[Got]:
    """The batches of an answer. `AssertionError` for what is no list of three each."""
    assert isinstance(answer, Sequence), f"replay answered a {type(answer).__name__}; a list is due"
    found = []
    for one in answer:
        is_one = isinstance(one, Sequence) and len(one) == 3 and isinstance(one[0], int) and isinstance(one[2], bytes)
        assert is_one, f"replay answered {one!r}; (sequence, topic or None, payload) is due"
        found.append(Got(one[0], one[1], one[2]))
    return found


def numbers(found: Sequence[Got]) -> str:
    """For people."""
    shown = [str(one.sequence) for one in found]
    return ", ".join(shown if len(shown) <= 12 else [*shown[:6], "…", *shown[-5:]]) or "no batches"


def check(found: Sequence[Got], due: Sequence[int], topic: str | None) -> None:
    """Exactly these batches, in this order, each with its payload and topic."""
    expected = [Got(one, topic, payload(one)) for one in due]
    came = [one.sequence for one in found]
    assert came == list(due), f"the server sent {numbers(expected)}; replay answered {numbers(found)}"
    for one, other in zip(found, expected, strict=True):
        assert one.payload == other.payload, (
            f"the payload of number {one.sequence} is {one.payload!r}, not {other.payload!r}"
        )
        assert one.topic == topic, f"the topic of number {one.sequence} is {one.topic!r}; the reply said {topic!r}"
