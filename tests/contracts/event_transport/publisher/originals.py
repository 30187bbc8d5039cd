"""A model of vLLM's publisher (0.9 to 0.29), as the module that the shipped adapter imports: from its behaviour.

A queue of Python's that publish waits for without a bound, a thread that takes a batch at most a tenth of a second
after it came, replays served once a turn, a stop marker that is put without waiting.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from types import ModuleType
from typing import Any

import msgspec
import zmq

_TURN_S = 0.1


class _Event(msgspec.Struct, omit_defaults=True, tag=True):
    pass


class BlockStored(_Event, tag="BlockStored"):
    block_hashes: list[int | bytes]
    parent_block_hash: int | bytes | None
    token_ids: list[int]
    block_size: int
    lora_id: int | None
    medium: str | None
    lora_name: str | None
    extra_keys: list[Any] | None = None
    group_idx: int | None = None


class BlockRemoved(_Event, tag="BlockRemoved"):
    block_hashes: list[int | bytes]
    medium: str | None
    group_idx: int | None = None


class AllBlocksCleared(_Event, tag="AllBlocksCleared"):
    pass


class KVEventBatch(msgspec.Struct, omit_defaults=True):
    ts: float
    events: list[Any]
    data_parallel_rank: int | None = None


class ZmqEventPublisher:
    """`topics`: replies tell the topic, as since #45177."""

    topics = True

    def __init__(
        self,
        data_parallel_rank: int,
        endpoint: str,
        replay_endpoint: str | None = None,
        buffer_steps: int = 10_000,
        hwm: int = 100_000,
        max_queue_size: int = 100_000,
        topic: str = "",
    ) -> None:
        self._rank, self._topic = data_parallel_rank, topic.encode()
        self._event_queue: queue.Queue[Any] = queue.Queue(max_queue_size)
        self._kept: deque[tuple[bytes, bytes]] = deque(maxlen=buffer_steps)
        context: Any = zmq.Context.instance()
        self._pub = context.socket(zmq.PUB)
        self._pub.set_hwm(hwm)
        self._pub.bind(endpoint)
        self._replay = None
        if replay_endpoint is not None:
            self._replay = context.socket(zmq.ROUTER)
            self._replay.bind(replay_endpoint)
        self._running = True
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def publish(self, events: KVEventBatch) -> None:
        if not self._running:
            raise RuntimeError("Publisher is closed")
        if events.data_parallel_rank is None:
            events.data_parallel_rank = self._rank
        self._event_queue.put(events)

    def shutdown(self) -> None:
        self._running = False
        self._event_queue.put_nowait(None)
        until = time.time() + 1.0
        while not self._event_queue.empty() and time.time() < until:
            time.sleep(_TURN_S)
        self._thread.join(1.0)
        for one in (self._pub, self._replay):
            if one is not None:
                one.close(linger=0)

    def _work(self) -> None:
        number = -1
        while self._running or self._event_queue.qsize():
            if self._replay is not None and self._replay.poll(0):
                with contextlib.suppress(zmq.ZMQError, OverflowError):
                    self._answer()
            try:
                batch = self._event_queue.get(timeout=_TURN_S)
            except queue.Empty:
                continue
            if batch is None:
                return
            number += 1
            try:
                told, payload = number.to_bytes(8, "big"), msgspec.msgpack.encode(batch)
                self._pub.send_multipart([self._topic, told, payload])
                self._kept.append((told, payload))
            except Exception:  # noqa: BLE001 - logged there, and gone
                time.sleep(_TURN_S)

    def _answer(self) -> None:
        assert self._replay is not None
        request = self._replay.recv_multipart()
        if len(request) != 3:
            return
        topic = [self._topic] if self.topics else []
        start = int.from_bytes(request[2], "big")
        for told, payload in self._kept:
            if int.from_bytes(told, "big") >= start:
                self._replay.send_multipart([request[0], b"", *topic, told, payload])
        self._replay.send_multipart([request[0], b"", *topic, b"\xff" * 8, b""])


class Before45177(ZmqEventPublisher):
    topics = False


def modules(publisher: type[ZmqEventPublisher] = ZmqEventPublisher) -> dict[str, ModuleType]:
    """What the shipped adapter imports, for `sys.modules`."""
    found = {name: ModuleType(name) for name in ("vllm", "vllm.distributed", "vllm.distributed.kv_events")}
    members: dict[str, Any] = {one.__name__: one for one in (BlockStored, BlockRemoved, AllBlocksCleared, KVEventBatch)}
    vars(found["vllm.distributed.kv_events"]).update(members | {"ZmqEventPublisher": publisher})
    return found
