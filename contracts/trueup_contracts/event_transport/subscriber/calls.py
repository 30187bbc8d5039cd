"""The suite's own way to call a subscriber: in a thread of its own, and never longer than it may take."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from trueup_contracts.apart import Apart
from trueup_contracts.budgets import Budgets
from trueup_contracts.errors import AdapterError, LateError, Refusal
from trueup_contracts.event_transport.frames import TOPIC
from trueup_contracts.event_transport.peers import Peer, PeerProcess
from trueup_contracts.event_transport.values import told
from trueup_contracts.subject import Handle, Subject

TIMEOUT_MS = 40  # of a subscriber that is asked for nothing
LONG_MS = 60_000  # of one that must be woken by a message
EARLY_S = 0.005  # for clocks that tick otherwise


@dataclass(frozen=True, repr=False)
class Got:
    """A message that was received. `before` and `replayed` are None where nothing is told of them."""

    endpoint: str
    topic: str
    sequence: int
    publisher_id: int | None
    payload: bytes
    before: dict[str, Any] | None = None
    replayed: bool | None = None

    def __repr__(self) -> str:
        """Without the whole payload."""
        told = [f"topic={self.topic!r}", f"sequence={self.sequence}"]
        told += [f"publisher_id={self.publisher_id}"] if self.publisher_id is not None else []
        told += [f"before={self.before}"] if self.before is not None else []
        return f"<message of {self.endpoint}: {', '.join(told)}, {len(self.payload):,} bytes>"

    @property
    def kind(self) -> str | None:
        """What was noticed before it."""
        return None if self.before is None else self.before["kind"]


class Subscriber:
    """An open subscriber of one or more endpoints. `recv` and what uses it assert that it comes back in time."""

    def __init__(
        self,
        subject: Subject,
        *endpoints: str,
        topic: str = TOPIC,
        recv_timeout_ms: int | None = TIMEOUT_MS,
        format: str = "A",
        **more: Any,
    ) -> None:
        """`recv_timeout_ms` None leaves the keyword out."""
        __tracebackhide__ = True
        self.subject = subject
        self.budgets = Budgets(subject.scale)
        self.timeout_ms = 100 if recv_timeout_ms is None else recv_timeout_ms
        timeout = {} if recv_timeout_ms is None else {"recv_timeout_ms": recv_timeout_ms}
        args = {"endpoints": list(endpoints), "topic": topic, **timeout, "format": format, **more}
        self._apart = Apart(subject)
        try:
            self.handle: Handle = self._within(lambda: subject.open(**args), self.budgets.signal_s, "connecting")
        except BaseException:
            self._apart.end()
            raise

    def recv(self, after: str = "") -> Got | None:
        """The next message, or nothing. It comes back within its timeout and the margin, or the test fails.

        `after`: what the publisher was last seen to do, for the message.
        """
        __tracebackhide__ = True
        return self.answer(self.begin(), after)

    def begin(self) -> Future[Any]:
        """A `recv` that is under way."""
        return self._apart.begin(lambda: self.handle.call("recv"))

    def answer(self, begun: Future[Any], after: str = "", limit_s: float | None = None) -> Got | None:
        """The answer of a `recv` that was begun just now; within its timeout and the margin, or the limit."""
        __tracebackhide__ = True
        limit_s = self.timeout_ms / 1_000 + self.budgets.margin_s if limit_s is None else limit_s
        try:
            answer = self._apart.answer(begun, limit_s)
        except LateError:
            waits = f"recv() was still waiting {limit_s:.2f} s after its call{after and f', {after}'}"
            has_timeout = limit_s < self.timeout_ms / 1_000
            why = "it must be woken" if has_timeout else "it has no receive timeout, or not this one"
            raise AssertionError(f"{waits}, with recv_timeout_ms={self.timeout_ms}: {why}") from None
        return None if answer is None else _got(answer)

    def nothing(self, after: str = "") -> None:
        """A `recv` that answers nothing received, no earlier than its timeout, and in time."""
        __tracebackhide__ = True
        started = time.monotonic()
        try:
            found = self.recv(after)
        except (Refusal, AdapterError) as error:
            raise AssertionError(f"recv() with nothing to receive{after and f', {after}'}: {error}") from None
        took_s = time.monotonic() - started
        assert found is None, f"recv() answered {found}; nothing was sent that is to be received"
        assert took_s >= self.timeout_ms / 1_000 - EARLY_S, (
            f"recv() answered nothing after {took_s * 1_000:.1f} ms, with recv_timeout_ms={self.timeout_ms}: too early"
        )

    def message(self, after: str = "") -> Got:
        """The next message, which must come; `recv` may answer nothing before it does."""
        __tracebackhide__ = True

        def look() -> Got | None:
            __tracebackhide__ = True
            try:
                return self.recv(after)
            except (Refusal, AdapterError) as error:
                raise AssertionError(f"recv() with a message under way{after and f', {after}'}: {error}") from None

        return self.budgets.until(look, f"no message was received{after and f', {after}'}")

    def messages(self, count: int, after: str = "") -> list[Got]:
        """So many."""
        __tracebackhide__ = True
        found: list[Got] = []
        for _ in range(count):
            found.append(self.message(f"{after}, and after {sequences(found[-5:])}" if found else after))
        return found

    def silent(self, why: str) -> None:
        """Nothing is received for a while."""
        __tracebackhide__ = True
        self.budgets.never(self.recv, why)

    def stats(self) -> dict[str, int]:
        """The counts, of which the protocol's must be there."""
        __tracebackhide__ = True
        found = self._within(lambda: self.handle.call("stats"), self.budgets.signal_s, "stats()")
        due = ("received", "malformed", "gaps", "restarts", "duplicates", "uncertain")
        wrong = [name for name in due if type(found.get(name)) is not int]
        assert not wrong, f"stats() answered {dict(found)!r}: {', '.join(wrong)} must be there, as integers"
        return dict(found)

    def counts(self, **due: int) -> None:
        """These counts, at last: another thread may count a moment later."""
        __tracebackhide__ = True
        found = self.stats()

        def look() -> bool:
            found.update(self.stats())
            return all(found[name] >= number for name, number in due.items())

        with contextlib.suppress(AssertionError):  # told below, with what is there
            Budgets(self.budgets.scale / 10).until(look, "")
        wrong = {name: number for name, number in due.items() if found.get(name) != number}
        told = ", ".join(f"{name}={found.get(name)}" for name in wrong)
        must = ", ".join(f"{name}={number}" for name, number in wrong.items())
        assert not wrong, f"stats() tells {told}; {must} is due"

    def close(self) -> None:
        """It comes back within the margin."""
        __tracebackhide__ = True
        self._within(lambda: self.handle.call("close"), self.budgets.margin_s, "close()")

    def close_from_elsewhere(self) -> None:
        """In another thread than the other calls."""
        __tracebackhide__ = True
        thread = Apart(self.subject)
        try:
            thread.run(lambda: self.handle.call("close"), self.budgets.margin_s)
        except LateError:
            raise AssertionError(f"close() has not come back within {self.budgets.margin_s:g} s") from None
        finally:
            thread.end()

    def called(self, operation: str) -> Any:
        """Another call, with its own errors."""
        __tracebackhide__ = True
        return self._within(lambda: self.handle.call(operation), self.budgets.signal_s, f"{operation}()")

    def __enter__(self) -> Subscriber:
        """Closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Closed, unless it hangs; its failure must not hide an earlier one."""
        if not self._apart.is_given_up:
            with contextlib.suppress(BaseException) if kind else contextlib.nullcontext():
                self.close_leniently()
            self._apart.end()

    def close_leniently(self) -> None:
        """A subscriber that is closed already may refuse it; ES-027 judges."""
        __tracebackhide__ = True
        with contextlib.suppress(Refusal, AdapterError):
            self.close()

    def _within(self, work: Callable[[], Any], limit_s: float, what: str) -> Any:
        __tracebackhide__ = True
        try:
            return self._apart.run(work, limit_s)
        except LateError:
            raise AssertionError(f"{what} has not come back within {limit_s:g} s") from None


@contextlib.contextmanager
def subscribed(subject: Subject, peer: Peer | PeerProcess, *, via: str = "", **settings: Any) -> Iterator[Subscriber]:
    """A subscriber whose subscription has reached the publisher. `via`: the endpoint of a relay to it."""
    __tracebackhide__ = True
    with Subscriber(subject, via or peer.endpoint, **settings) as subscriber:
        peer.wait(1, subscriber.nothing)
        peer.tell = subscriber.handle.remark
        yield subscriber


def _got(answer: Any) -> Got:
    __tracebackhide__ = True
    found = told(answer)
    lacking = [name for name in ("endpoint", "topic", "sequence", "publisher_id", "payload") if name not in found]
    assert not lacking, f"recv() answered {answer!r}: it has no {', '.join(lacking)}"
    found["payload"] = bytes(found["payload"])
    return Got(**{name: value for name, value in found.items() if name in Got.__dataclass_fields__})


def sequences(found: Sequence[Got]) -> list[int]:
    """Their numbers."""
    return [one.sequence for one in found]
