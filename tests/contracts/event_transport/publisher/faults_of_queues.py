"""Publishers that mistreat their queue, or do not end."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import zmq

from contracts.event_transport.publisher.hooked import Hooked
from contracts.event_transport.publisher.seeding import Faults

FAULTS = Faults()


@FAULTS.add("EP-050", "the number is taken when a batch is sent: a refused one leaves no gap")
class NumberAtSending(Hooked):
    def refuse(self, number: int) -> int | None:
        self.numbers -= 1
        return super().refuse(number)


@FAULTS.add("EP-050", "drop_newest drops in silence")
class SilentDrop(Hooked):
    def refuse(self, number: int) -> int | None:
        self.counts["accepted"] += 1
        self.counts["sent"] += 1
        return number


@FAULTS.add("EP-050", "drop_oldest does not count")
class DropUncounted(Hooked):
    def give_up_oldest(self) -> None:
        self.queue.popleft()
        self.counts["sent"] += 1


@FAULTS.add("EP-051", "publish waits for room without a bound")
class BlocksForEver(Hooked):
    def make_room(self) -> bool:
        if self.policy != "block":
            return super().make_room()
        self.changed.wait_for(lambda: self.closed or len(self.queue) < self.most)
        return not self.closed


@FAULTS.add("EP-051", "block refuses at once")
class NeverBlocks(Hooked):
    def make_room(self) -> bool:
        return False if self.policy == "block" else super().make_room()


@FAULTS.add("EP-052", "who waits for room is not told of it")
class SleepsThroughRoom(Hooked):
    def make_room(self) -> bool:
        if self.policy != "block":
            return super().make_room()
        before = len(self.queue)
        self.changed.release()
        time.sleep(self.block_s)
        self.changed.acquire()
        return before < self.most


@FAULTS.add("EP-053", "drop_newest waits a moment for room")
class EmptiesForNewest(Hooked):
    def make_room(self) -> bool:
        if self.policy != "drop_newest":
            return super().make_room()
        self.queue.popleft()
        return False


@FAULTS.add("EP-053", "refused batches are counted as dropped")
class RefusedAsDropped(Hooked):
    def refuse(self, number: int) -> int | None:
        self.counts["dropped"] += 1
        self.counts["accepted"] += 1
        return None


@FAULTS.add("EP-054", "drop_oldest gives up the newest")
class DropsNewest(Hooked):
    def give_up_oldest(self) -> None:
        self.queue.pop()
        self.counts["dropped"] += 1


@FAULTS.add("EP-055", "the queue has no bound")
class NoBound(Hooked):
    def make_room(self) -> bool:
        return True


@FAULTS.add("EP-055", "the queue holds one batch less")
class OneLess(Hooked):
    def __init__(self, endpoint: str, topic: str, format: str, **keywords: Any) -> None:
        super().__init__(endpoint, topic, format, **keywords)
        self.most -= 1


@FAULTS.add("EP-056", "flush tells success when its time is over")
class FlushLies(Hooked):
    def flush(self, timeout_ms: int) -> bool:
        super().flush(timeout_ms)
        return True


@FAULTS.add("EP-056", "flush does not wait")
class FlushAtOnce(Hooked):
    def flush(self, timeout_ms: int) -> bool:
        return super().flush(0 if self.held else timeout_ms)


@FAULTS.add("EP-057", "the stop marker is put on a full queue, which raises")
class StopMarker(Hooked):
    def close(self, linger_ms: int = 1_000) -> None:
        if len(self.queue) >= self.most:
            super().close(0)
            raise queue.Full
        super().close(linger_ms)


@FAULTS.add("EP-057", "close waits until the queue is empty")
class ClosesWhenEmpty(Hooked):
    def close(self, linger_ms: int = 1_000) -> None:
        with self.changed:
            self.changed.wait_for(lambda: self.is_empty() or self.closed)
        super().close(linger_ms)


@FAULTS.add("EP-058", "close does not tell those who wait for room")
class LeavesWaiting(Hooked):
    def make_room(self) -> bool:
        if self.policy != "block":
            return super().make_room()
        until = time.monotonic() + self.block_s
        while len(self.queue) >= self.most and time.monotonic() < until:
            self.changed.wait(until - time.monotonic())
        return False


@FAULTS.add("EP-059", "a queue of 0 batches is one without a bound")
class NoBoundAt0(Hooked):
    def check(self, endpoint: str, format: str, most: int, policy: str, block_ms: int) -> None:
        super().check(endpoint, format, most or 1, policy, block_ms)


@FAULTS.add("EP-059", "an unknown policy is taken for drop_newest")
class AnyPolicy(Hooked):
    def check(self, endpoint: str, format: str, most: int, policy: str, block_ms: int) -> None:
        super().check(endpoint, format, most, "block", block_ms)


@FAULTS.add("EP-060", "the thread looks at its end every ten seconds")
class EndsLate(Hooked):
    def stop(self, linger_ms: int) -> None:
        time.sleep(10)  # it has just looked: anything else would be chance
        super().stop(linger_ms)


@FAULTS.add("EP-061", "linger for ever")
class LingersForEver(Hooked):
    def shut(self) -> None:
        self.linger_ms = -1
        super().shut()


@FAULTS.add("EP-061", "the context is terminated before its sockets are closed")
class TermFirst(Hooked):
    def shut(self) -> None:
        self.context.term()
        super().shut()


@FAULTS.add("EP-062", "a second close raises")
class ClosesOnce(Hooked):
    def close(self, linger_ms: int = 1_000) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        super().close(linger_ms)


@FAULTS.add("EP-063", "publish after close goes nowhere, in silence")
class PublishesOn(Hooked):
    def publish(self, batch: Mapping[str, Any]) -> int | None:
        return self.take_number() if self.closed else super().publish(batch)


@FAULTS.add("EP-063", "flush after close waits for the thread that is gone")
class FlushesOn(Hooked):
    def flush(self, timeout_ms: int) -> bool:
        return False if self.closed else super().flush(timeout_ms)


@FAULTS.add("EP-064", "close drops the queue")
class DropsAtClose(Hooked):
    """Its thread looks at the queue now and then."""

    def pause_ms(self) -> int | None:
        return 50

    def wake(self) -> None:
        if self.closed:
            super().wake()

    def stop(self, linger_ms: int) -> None:
        with self.changed:
            self.queue.clear()
        super().stop(linger_ms)


@FAULTS.add("EP-064", "sockets are closed with linger 0, whatever was asked for")
class NoLinger(Hooked):
    def shut(self) -> None:
        self.linger_ms = 0
        super().shut()


@FAULTS.add("EP-065", "the thread is not ended")
class LeavesThread(Hooked):
    def stop(self, linger_ms: int) -> None:
        super().stop(linger_ms)
        threading.Thread(target=threading.Event().wait, args=(30,), daemon=True).start()


@FAULTS.add("EP-066", "a socket is left open")
class LeavesSocket(Hooked):
    _left: ClassVar[list[Any]] = []

    def open(self, endpoint: str, replay_endpoint: str | None) -> None:
        super().open(endpoint, replay_endpoint)
        import socket

        self._left.append(socket.socket())


@FAULTS.add("EP-067", "the socket that listens outlives close")
class KeepsPort(Hooked):
    _kept: ClassVar[list[Any]] = []

    def finish(self) -> None:
        if hasattr(self, "endpoint"):  # it could bind
            self.keep()
        super().finish()

    def keep(self) -> None:
        context: Any = zmq.Context()
        again = context.socket(zmq.PUB)
        for _ in range(500):
            try:
                again.bind(self.endpoint)
            except zmq.ZMQError:
                time.sleep(0.001)
            else:
                break
        self._kept.append((context, again))


@FAULTS.add("EP-068", "a thread that is no daemon")
class NoDaemon(Hooked):
    daemon = False


@FAULTS.add("EP-069", "SIGINT is taken, and does nothing")
class TakesInterrupt(Hooked):
    def __init__(self, endpoint: str, topic: str, format: str, **keywords: Any) -> None:
        super().__init__(endpoint, topic, format, **keywords)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, lambda *_: None)


@FAULTS.add("EP-071", "a linger of -1 is handed to ZeroMQ")
class LingerAsGiven(Hooked):
    def close(self, linger_ms: int = 1_000) -> None:
        super().close(max(0, linger_ms))
