"""The suite's own way to call a publisher, and to hear it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from trueup_contracts.apart import Apart
from trueup_contracts.budgets import SIGNAL_S, SILENCE_S
from trueup_contracts.errors import AdapterError, LateError, Refusal
from trueup_contracts.event_transport.protocol import Canonical, Format
from trueup_contracts.event_transport.publisher.batches import batch, mark_of
from trueup_contracts.event_transport.publisher.peers import Listener, Peer
from trueup_contracts.event_transport.publisher.reading import Heard, read
from trueup_contracts.subject import Handle, Subject

ANYWHERE = "tcp://127.0.0.1:0"
EACH_S = 0.01  # more for each call of a long burst, which over the wire takes its time
MARGIN_S = 5.0  # before it is scaled: so much later than it should a call may end
LOOK_S = 0.01  # between two looks
PROBE_S = 0.02  # between two probes for a subscriber that has just connected
_Answer = TypeVar("_Answer")


class Publisher:
    """An open publisher, closed at the end of its block. Its calls are counted: the n-th publish has number n - 1.

    They are made by a thread that the test need not wait for, always the same one; `handle` is for other threads.
    """

    def __init__(self, subject: Subject, *, topic: str = "kv", format: Format = "A", **keywords: Any) -> None:
        endpoint = keywords.pop("endpoint", ANYWHERE)
        self.subject, self.topic, self.format = subject, topic, format
        self.margin_s = MARGIN_S * subject.scale
        self.signal_s = SIGNAL_S * subject.scale
        self.silence_s = SILENCE_S * subject.scale
        self.calls = 0
        self.is_closed = False
        self._apart = Apart(subject)
        try:
            self.handle: Handle = self.within(
                self.signal_s, lambda: subject.open(endpoint=endpoint, topic=topic, format=format, **keywords), "bind"
            )
        except BaseException:
            self._apart.end()
            raise

    @property
    def endpoint(self) -> str:
        """Where it is bound to, in a form that can be connected to."""
        return connectable(self.ask("endpoint"), "endpoint")

    @property
    def replay_endpoint(self) -> str:
        """The same of its replays."""
        return connectable(self.ask("replay_endpoint"), "replay_endpoint")

    def publish(self, given: Canonical | None = None, *, size_bytes: int = 0) -> int | None:
        """Publishes a batch, whose mark is its number where none is given; its number where it was accepted."""
        number, self.calls = self.calls, self.calls + 1
        what = batch(number, self.format, size_bytes=size_bytes) if given is None else given
        answered = self.ask("publish", batch=what)
        assert answered is None or (isinstance(answered, int) and answered == number), (
            f"call {self.calls} of publish answered {answered!r}; its number is {number}, or None if it is refused"
        )
        return number if answered is not None else None

    def accepted(self, given: Canonical | None = None, *, size_bytes: int = 0) -> int:
        """Publishes a batch that must be accepted; its number."""
        answered = self.publish(given, size_bytes=size_bytes)
        assert answered is not None, f"publish refused batch {self.calls - 1}, and nothing is full"
        return answered

    def refused(self, given: Canonical) -> bool:
        """Publishes what cannot be encoded, and whether that was told at once."""
        try:
            return self.publish(given) is None
        except Refusal as error:
            if error.code != "invalid":
                raise AssertionError(f"publish refused it as {error}; invalid is due") from None
            return True

    def stats(self) -> dict[str, int]:
        """The counts."""
        found, due = self.ask("stats"), ("accepted", "refused", "dropped", "queued", "sent")
        assert isinstance(found, Mapping), f"stats() answered {found!r}; a mapping is due"
        wrong = [name for name in due if type(found.get(name)) is not int]
        assert not wrong, f"stats() answered {dict(found)!r}: {', '.join(wrong)} must be there, as integers"
        return {name: found[name] for name in due}

    def flush(self, timeout_s: float | None = None) -> bool:
        """Whether all that was accepted has been sent by then."""
        limit_s = self.signal_s if timeout_s is None else timeout_s
        flushed = self.within(
            limit_s + self.margin_s, lambda: self.handle.call("flush", timeout_ms=round(limit_s * 1000)), "flush"
        )
        assert isinstance(flushed, bool), f"flush answered {flushed!r}; True or False is due"
        return flushed

    def close(self, linger_s: float = 0.0) -> None:
        """Ends it, in time. A second call is another call."""
        self.is_closed = True
        told = f"close(linger_ms={round(linger_s * 1000)})"
        self.within(linger_s + self.margin_s, lambda: self.handle.call("close", linger_ms=round(linger_s * 1000)), told)

    def ask(self, operation: str, /, **args: Any) -> Any:
        """The answer of a call that has no time of its own."""
        __tracebackhide__ = True
        return self.within(self.signal_s, lambda: self.handle.call(operation, **args), operation)

    def within(self, limit_s: float, call: Callable[[], _Answer], told: str) -> _Answer:
        """The answer of one or many calls, which must come within this time."""
        __tracebackhide__ = True
        try:
            return self._apart.run(call, limit_s)
        except LateError:
            raise AssertionError(f"{told} had not ended after {limit_s:.1f} s") from None

    def beside(self, work: Callable[[Handle], _Answer]) -> Beside[_Answer]:
        """Work with the handle that another thread begins now."""
        return Beside(self, lambda: work(self.handle))

    def closing(self, linger_s: float) -> Beside[None]:
        """A close that another thread begins now."""
        self.is_closed = True
        return self.beside(lambda handle: handle.call("close", linger_ms=round(1000 * linger_s)))

    def many(
        self, count: int, told: str = "", *, size_bytes: int = 0, limit_s: float | None = None
    ) -> list[int | None]:
        """So many publishes in one go: a burst. What `publish` answered to each."""
        given = [batch(self.calls + one, self.format, size_bytes=size_bytes) for one in range(count)]
        self.calls += count
        said = f"{count} publishes{told}" if count > 1 else f"publish{told}"
        limit_s = self.signal_s + count * EACH_S * self.subject.scale if limit_s is None else limit_s
        return self.within(limit_s, lambda: [self.handle.call("publish", batch=one) for one in given], said)

    def reach(self, *listeners: Peer) -> int:
        """Publishes until all of them hear it: who has just connected misses what comes before. The last number."""
        until, waiting = time.monotonic() + self.signal_s, list(listeners)
        while waiting:
            assert time.monotonic() < until, (
                f"a subscriber of {listeners[0].endpoint} heard nothing for {self.signal_s:.0f} s, "
                f"in which {self.calls} batches were published"
            )
            self.publish()
            heard = waiting[0].take(PROBE_S)
            if heard is not None and waiting.pop(0):
                read(heard, self.format)
        last = self.publish()
        for listener in listeners:
            self.until(listener, self.calls - 1)
        return self.calls - 1 if last is None else last

    def until(self, listener: Peer, number: int, limit_s: float | None = None) -> list[Heard]:
        """What a subscriber hears up to the message of this number."""
        limit_s = self.signal_s if limit_s is None else limit_s
        until, found = time.monotonic() + limit_s, list[Heard]()
        while not found or found[-1].number < number:
            frames = listener.take(until - time.monotonic())
            assert frames is not None, (
                f"number {number} did not come within {limit_s:.1f} s; heard were {numbers(found)}"
            )
            found.append(read(frames, self.format))
        return found

    def next(self, listener: Peer, count: int) -> list[Heard]:
        """The next messages that a subscriber hears, whatever their numbers."""
        until, found = time.monotonic() + self.signal_s, list[Heard]()
        while len(found) < count:
            frames = listener.take(until - time.monotonic())
            assert frames is not None, f"{count} batches were published, and came {numbers(found)}"
            found.append(read(frames, self.format))
        return found

    def all_until_now(self, listener: Peer) -> list[Heard]:
        """What a subscriber hears up to a batch that is published now, without it."""
        last = self.accepted()
        found = self.until(listener, last)
        assert found[-1].number == last, f"number {last} was published last, and {found[-1].number} came"
        return found[:-1]

    def __enter__(self) -> Self:
        """It is closed at the end of the block."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closed, whatever happened."""
        try:
            if not self.is_closed and not self._apart.is_given_up:
                self.close()
        except (AssertionError, Refusal, AdapterError):
            if kind is None:
                raise
        finally:
            self._apart.end()


class Beside(Generic[_Answer]):
    """What another thread does with a publisher."""

    def __init__(self, publisher: Publisher, work: Callable[[], _Answer]) -> None:
        self._apart = Apart(publisher.subject)
        self._begun = threading.Event()

        def begin() -> _Answer:
            self._begun.set()
            return work()

        self._future = self._apart.begin(begin)

    def is_waiting(self, silence_s: float) -> bool:
        """Whether it has begun, and then not ended for so long."""
        self._begun.wait()
        return not wait([self._future], silence_s).done

    def answer(self, limit_s: float, told: str) -> _Answer:
        """Its answer. `AssertionError` where it has not ended by then."""
        __tracebackhide__ = True
        try:
            return self._apart.answer(self._future, limit_s)
        except LateError:
            raise AssertionError(f"{told} had not ended after {limit_s:.1f} s") from None
        finally:
            self._apart.end()


@contextmanager
def heard(subject: Subject, **keywords: Any) -> Iterator[tuple[Publisher, Listener]]:
    """A publisher, and a subscriber that hears it from now on."""
    with Publisher(subject, **keywords) as publisher, Listener(publisher.endpoint) as listener:
        publisher.reach(listener)
        yield publisher, listener


def connectable(endpoint: Any, name: str) -> str:
    """An endpoint of TCP with a port, on this machine."""
    assert isinstance(endpoint, str), f"{name} is {endpoint!r}, not a text"
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    is_tcp = endpoint.startswith("tcp://") and port.isascii() and port.isdigit()
    has_port = is_tcp and int(port) > 0
    assert has_port, f"{name} is {endpoint!r}: it names no port that one could connect to"
    return f"tcp://127.0.0.1:{port}" if host in ("*", "0.0.0.0", "[::]") else endpoint


def eventually(look: Callable[[], bool], limit_s: float) -> bool:
    """Whether it becomes true by then."""
    until = time.monotonic() + limit_s
    while not look():
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK_S)
    return True


def numbers(found: list[Heard]) -> str:
    """The numbers of messages, for people: ranges, shortened in the middle."""
    ranges: list[list[int]] = []
    for one in found:
        if ranges and one.number == ranges[-1][1] + 1:
            ranges[-1][1] = one.number
        else:
            ranges.append([one.number, one.number])
    told = [str(first) if first == last else f"{first} to {last}" for first, last in ranges]
    return ", ".join(told if len(told) <= 12 else [*told[:6], "…", *told[-5:]]) or "none"


def check_marks(found: list[Heard], format: Format = "A") -> None:
    """Every message holds the batch of its number."""
    for one in found:
        mark = mark_of(one.payload, format)
        assert mark == one.number, f"the message of number {one.number} holds the batch of publish number {mark}"
