"""vLLM's own publisher, as the suite calls it: `event-publisher = vllm`.

`vllm.distributed.kv_events.ZmqEventPublisher`, in every release from 0.9 on. It is reached through its public calls,
and through the attributes `_event_queue`, `_pub` and `_replay`: it tells neither its ports nor what it has sent.
"""

from __future__ import annotations

import importlib
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

import zmq

from trueup_contracts.errors import Closed

_IDLE_S = 0.005


class Vllm:
    """A publisher of rank 0. The policy is vLLM's one: its caller waits for room, for as long as it takes.

    Its queue is replaced by one that can be held.
    """

    adapts = ("vllm.distributed.kv_events", "vllm")
    capabilities = frozenset("queue policy_block hold replay".split())
    name = "vLLM ZmqEventPublisher"

    def __init__(
        self,
        endpoint: str,
        topic: str,
        format: str,
        *,
        queue_batches: int = 100_000,
        full_policy: str = "block",
        block_timeout_ms: int = 100,
        replay_endpoint: str | None = None,
        replay_batches: int = 10_000,
    ) -> None:
        """Raises `ValueError` for what vLLM does not have. It has no `block_timeout_ms`."""
        if format != "A" or full_policy != "block" or block_timeout_ms < 0:
            raise ValueError(f"format {format!r}, full_policy {full_policy!r}: vLLM has A, and waits for room")
        self._module = importlib.import_module(self.adapts[0])
        self._publisher = self._module.ZmqEventPublisher(
            data_parallel_rank=0,
            endpoint=_to_bind(endpoint),
            replay_endpoint=None if replay_endpoint is None else _to_bind(replay_endpoint),
            buffer_steps=replay_batches,
            max_queue_size=queue_batches,
            topic=topic,
        )
        self._queue = _Queue(queue_batches)
        self._publisher._event_queue = self._queue
        self._lock = threading.Lock()
        self._number = 0
        self.endpoint = _bound(self._publisher._pub)
        self.replay_endpoint = _bound(self._publisher._replay)

    def publish(self, batch: Mapping[str, Any]) -> int:
        """Its number: vLLM counts in its thread, in the order of its queue."""
        events = [_event(self._module, one) for one in batch["events"]]
        made = self._module.KVEventBatch(ts=batch["ts"], events=events, data_parallel_rank=batch["data_parallel_rank"])
        with self._lock:
            number = self._number
            self._number += 1
            try:
                self._publisher.publish(made)
            except RuntimeError as error:
                if "closed" not in str(error):
                    raise
                raise Closed(str(error)) from error
        return number

    def hold(self) -> None:
        """Its thread finds the queue empty."""
        self._queue.hold(held=True)

    def release(self) -> None:
        """Its thread finds what there is."""
        self._queue.hold(held=False)

    def flush(self, timeout_ms: int) -> bool:
        """vLLM has no such call: whether its thread has asked for the next batch, and there is none."""
        if not self._publisher._running:
            raise Closed("the publisher is closed")
        until = time.monotonic() + timeout_ms / 1000
        while not self._queue.is_idle:
            if time.monotonic() >= until:
                return False
            time.sleep(_IDLE_S)
        return True

    def stats(self) -> Mapping[str, int]:
        """vLLM counts nothing: what its thread has failed at is among the sent ones."""
        queued = self._queue.unsent
        found = {"accepted": self._number, "refused": 0, "dropped": 0, "queued": queued}
        return {**found, "sent": self._number - queued}

    def close(self, linger_ms: int = 1_000) -> None:
        """vLLM has a second of its own, whatever was asked for."""
        if linger_ms < 0:
            raise ValueError("a negative linger")
        if not self._queue.full():
            self.release()
        try:
            self._publisher.shutdown()
        finally:
            self.release()


class _Queue(queue.Queue[Any]):
    """Python's own, which can be empty for whoever takes from it."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._held = False
        self._in_hand = 0

    def hold(self, *, held: bool) -> None:
        """Whether it is empty for whoever takes."""
        with self.mutex:
            self._held = held
            self.not_empty.notify_all()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """As `Queue.get`."""
        with self.not_empty:
            self._in_hand = 0  # whoever asks has done with what it got before
            if not self.not_empty.wait_for(lambda: self._qsize() > 0 and not self._held, timeout if block else 0):
                raise queue.Empty
            self._in_hand = 1
            self.not_full.notify()
            return self._get()

    @property
    def unsent(self) -> int:
        """What is in it, and what was taken and is not done with."""
        with self.mutex:
            return self._qsize() + self._in_hand

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to send."""
        return self.unsent == 0


def _to_bind(endpoint: str) -> str:
    """vLLM binds to what has a wildcard, and connects to everything else."""
    if not endpoint.startswith("tcp://"):
        raise ValueError(f"{endpoint!r} is no endpoint of TCP")
    return f"tcp://*:{endpoint.rpartition(':')[2]}"


def _bound(socket: Any) -> str:
    if socket is None:
        return ""
    port = str(socket.get_string(zmq.LAST_ENDPOINT)).rpartition(":")[2].rstrip("\0")
    return f"tcp://127.0.0.1:{port}"


def _event(module: Any, given: Mapping[str, Any]) -> Any:
    """vLLM's own class; fields that this release does not have are left out, those that it needs are null."""
    kind = getattr(module, given["type"])
    fields = dict.fromkeys(kind.__struct_fields__[: len(kind.__struct_fields__) - len(kind.__struct_defaults__)])
    named = {name: _value(value) for name, value in given.items() if name in kind.__struct_fields__}
    return kind(**{**fields, **named})


def _value(value: Any) -> Any:
    """A hash as vLLM has it: an integer, or bytes."""
    if isinstance(value, list):
        return [_value(one) for one in value]
    if isinstance(value, Mapping) and len(value) == 1:
        [(kind, text)] = value.items()
        return bytes.fromhex(text) if kind == "bytes" else int(text)
    return value
