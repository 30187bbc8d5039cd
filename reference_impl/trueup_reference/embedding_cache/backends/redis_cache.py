"""A cache on a Redis server that several processes share, bounded in bytes by one ledger for all of them."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import torch

from trueup_reference.embedding_cache import events, holding
from trueup_reference.embedding_cache.backends import scripts
from trueup_reference.embedding_cache.base import Cache
from trueup_reference.embedding_cache.errors import BackendError

try:
    import redis
    from redis.backoff import NoBackoff
    from redis.exceptions import BusyLoadingError, ConnectionError, RedisError, TimeoutError
    from redis.retry import Retry

    from trueup_reference.embedding_cache.backends.payload import (
        MAX_HEADER_BYTES,
        CorruptedError,
        decode,
        encode,
        read_row,
    )
except ImportError as missing:
    raise ImportError(
        f"{missing.name} is not installed; the Redis backend needs: pip install 'trueup[redis]'"
    ) from missing

T = TypeVar("T")


class RedisCache(Cache[torch.Tensor]):
    """Least recently used first out, over all processes that use this server and namespace with this capacity.

    Safe for threads. Tensors are copied to the server and back, so nobody shares memory. What Redis needs besides the
    tensors' bytes (a header, the key and two index entries for each entry, the allocator) is not in `current_bytes`.

    A server that does not answer in time is a miss, or a tensor that was not stored, and is counted; for `pause_s`
    after that nothing is asked. With `raises` it is a `BackendError`. Hits, misses, evictions are counted by process.
    """

    def __init__(
        self,
        url: str,
        capacity_bytes: int,
        device: str | torch.device = "cpu",
        *,
        namespace: str = "trueup-embeddings",
        timeout_s: float = 0.25,
        pause_s: float = 1.0,
        max_connections: int = 32,
        raises: bool = False,
        name: str = "redis",
    ) -> None:
        """Connects at the first call. `timeout_s` bounds the wait for a connection, and for each part of an answer."""
        if "{" in namespace or "}" in namespace or not namespace:
            raise ValueError(f"the namespace {namespace!r} is empty or has braces, which Redis gives a meaning")
        self.raises = raises
        self._pause_s = pause_s
        self._paused_until = 0.0
        self._is_up = True
        self._backend_errors = self._skipped = self._corrupted = self._lost = 0
        self._keys = [f"{{{namespace}}}:{part}" for part in ("order", "rows", "bytes")]
        self._prefix = f"{{{namespace}}}:entry:"
        options: dict[str, Any] = {"socket_timeout": timeout_s, "retry": Retry(NoBackoff(), 0)}
        if not url.startswith("unix://"):
            options["socket_connect_timeout"] = timeout_s
        self._pool = redis.BlockingConnectionPool.from_url(
            url, max_connections=max_connections, timeout=timeout_s, **options
        )
        # A cache that is dropped ends its connections at once: a pool is in cycles, and left to the garbage collector.
        weakref.finalize(self, self._pool.disconnect)
        # The types of redis-py cover its asynchronous form too, and fit neither.
        self._client: Any = redis.Redis(connection_pool=self._pool)
        self._scripts = {
            text: self._client.register_script(text)
            for text in (scripts.SET, scripts.GET, scripts.REMOVE, scripts.SHRINK)
        }
        super().__init__(capacity_bytes, device, name)

    def set(self, key: str, tensor: torch.Tensor) -> bool:
        """Stores a tensor as most recent. False for lack of room, or where the server does not answer.

        Raises `UnsupportedTensorError` for a tensor of another device, that is not plain and strided, or of a dtype
        that safetensors does not have.
        """
        return self.set_many({key: tensor})[key]

    def set_many(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, bool]:
        """`set` of each, in this order and in one round trip; later ones may evict earlier ones.

        Raises `UnsupportedTensorError` before anything is stored.
        """
        stored = dict.fromkeys(tensors, False)
        calls: dict[str, list[object]] = {}
        for key, tensor in tensors.items():
            checked = holding.check(tensor, self.device)
            if checked.nbytes > self.capacity_bytes:
                with self._lock:
                    self._refused += 1
            else:
                row, file = encode(checked.cpu())
                calls[key] = [_known(key), row.size_bytes, self.capacity_bytes, row.text(), file]
        answers = self._ask_all(scripts.SET, list(calls.values()))
        for key, gone in zip(calls, answers, strict=True):
            if gone is not None:
                stored[key] = True
                with self._lock:
                    self._evictions += len(gone)
        return stored

    def get(self, key: str) -> torch.Tensor | None:
        """The tensor, most recent from now on; `None` where there is none, or where the server does not answer."""
        found = self._look(key)
        return None if found is None else found.to(self.device)

    def get_many(self, keys: Iterable[str]) -> list[torch.Tensor | None]:
        """`get` of each, in this order and in one round trip."""
        found = self._fetched(list(keys))
        self._count(found)
        return [None if one is None else one.to(self.device) for one in found]

    def remove(self, key: str) -> bool:
        """Whether there was such an entry."""
        return self._ask_all(scripts.REMOVE, [[_known(key), ""]]) == [1]

    def clear(self) -> list[str]:
        """Removes all entries, of all processes; their keys, least recent first."""
        return self._shrink(-1)

    def shrink_to(self, bytes: int) -> list[str]:
        """Evicts until no more than these bytes are held; the keys, least recent first."""
        gone = self._shrink(max(0, bytes))
        with self._lock:
            self._evictions += len(gone)
        return gone

    def keys(self) -> list[str]:
        """Least to most recent; none where the server does not answer."""
        found: list[bytes] = self._ask(lambda: self._client.zrange(self._keys[0], 0, -1), [])
        return [_text(key) for key in found]

    @property
    def current_bytes(self) -> int:
        """The bytes of the entries; 0 where the server does not answer."""
        return int(self._ask(lambda: self._client.get(self._keys[2]), None) or 0)

    def __len__(self) -> int:
        """The number of entries; 0 where the server does not answer."""
        return int(self._ask(lambda: self._client.hlen(self._keys[1]), 0))

    def __contains__(self, key: str) -> bool:
        """Whether there is an entry; this makes it no more recent."""

        def both() -> list[object]:
            with self._client.pipeline(transaction=False) as pipe:
                return pipe.hexists(self._keys[1], _known(key)).exists(self._entry(key)).execute()  # type: ignore[no-any-return]

        return all(self._ask(both, [False]))

    def numbers(self) -> dict[str, float]:
        """What the metrics tell; without bytes and entries where the server does not answer."""

        def sizes() -> list[Any]:
            with self._client.pipeline(transaction=False) as pipe:
                return pipe.get(self._keys[2]).hlen(self._keys[1]).execute()  # type: ignore[no-any-return]

        held: list[Any] = self._ask(sizes, [])
        with self._lock:
            return {
                **self._counts(),
                "backend_errors": self._backend_errors,
                "backend_skipped": self._skipped,
                "backend_up": self._is_up,
                "corrupted": self._corrupted,
                "lost": self._lost,
                **({"bytes": int(held[0] or 0), "entries": held[1]} if held else {}),
            }

    def close(self) -> None:
        """Ends the connections; a later call makes new ones."""
        self._pool.disconnect()

    def _look(self, key: str) -> torch.Tensor | None:
        found = self._fetched([key])
        self._count(found)
        return found[0]

    def _look_again(self, key: str) -> torch.Tensor | None:
        return self._fetched([key])[0]

    def _keep(self, key: str, tensor: torch.Tensor) -> torch.Tensor:
        self.set(key, tensor)
        return tensor.detach()

    def _hand_out(self, found: torch.Tensor) -> torch.Tensor:
        return found.to(self.device, copy=True)

    async def _call(self, work: Callable[..., T], *args: object) -> T:
        return await asyncio.to_thread(work, *args)

    def _count(self, found: list[torch.Tensor | None]) -> None:
        hits = sum(one is not None for one in found)
        with self._lock:
            self._hits += hits
            self._misses += len(found) - hits

    def _fetched(self, keys: list[str]) -> list[torch.Tensor | None]:
        answers = self._ask_all(scripts.GET, [[_known(key), MAX_HEADER_BYTES] for key in keys])
        return [self._read(key, answer) for key, answer in zip(keys, answers, strict=True)]

    def _read(self, key: str, answer: Any) -> torch.Tensor | None:
        if answer is None:
            return None
        if answer == b"lost":
            with self._lock:
                self._lost += 1
            return None
        if answer != b"corrupted":
            try:
                return decode(read_row(answer[0]), answer[1])
            except CorruptedError:
                self._ask_all(scripts.REMOVE, [[_known(key), answer[0]]])
        with self._lock:
            self._corrupted += 1
        events.warn("entry_corrupted", cache=self.name)
        return None

    def _shrink(self, size_bytes: int) -> list[str]:
        return [_text(key) for key in self._ask_all(scripts.SHRINK, [[size_bytes]])[0] or []]

    def _entry(self, key: str) -> bytes:
        return self._prefix.encode() + _known(key)

    def _ask_all(self, script: str, calls: list[list[object]]) -> list[Any]:
        """What a script answers to each of these arguments; `None` for each where the server does not answer."""
        call: Any = self._scripts[script]
        arguments = [[self._prefix, *one] for one in calls]

        def run() -> list[Any]:
            if len(arguments) == 1:
                return [call(self._keys, arguments[0])]
            with self._client.pipeline(transaction=False) as pipe:
                for one in arguments:
                    call(self._keys, one, client=pipe)
                answers = pipe.execute(raise_on_error=False)
            errors = [one for one in answers if isinstance(one, Exception)]
            if errors and (self.raises or len(errors) == len(answers)):
                raise errors[0]
            with self._lock:
                self._backend_errors += len(errors)
            return [None if isinstance(one, Exception) else one for one in answers]

        return self._ask(run, [None] * len(calls)) if calls else []

    def _ask(self, work: Callable[[], T], otherwise: T) -> T:
        if time.monotonic() < self._paused_until:
            with self._lock:
                self._skipped += 1
            if self.raises:
                raise BackendError("Redis did not answer a moment ago")
            return otherwise
        try:
            answer = work()
        except (RedisError, OSError) as error:
            self._failed(error)
            if self.raises:
                raise BackendError(f"Redis does not answer: {type(error).__name__}") from error
            return otherwise
        if not self._is_up:
            self._is_up = True
            events.tell("backend_up", cache=self.name)
        return answer

    def _failed(self, error: Exception) -> None:
        is_away = isinstance(error, (ConnectionError, TimeoutError, BusyLoadingError, OSError))
        with self._lock:
            self._backend_errors += 1
            was_up, self._is_up = self._is_up, False
            if is_away:
                self._paused_until = time.monotonic() + self._pause_s
        if was_up:
            events.warn("backend_down", cache=self.name, error=type(error).__name__)


def _known(key: str) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"a key is a str, this is a {type(key).__name__}")
    return key.encode("utf-8", "surrogatepass")


def _text(key: bytes) -> str:
    return key.decode("utf-8", "surrogatepass")
